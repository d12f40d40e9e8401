"""Speech synthesis: a sentence in, sound with its words and phones on one clock out."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from agent.audio import Pcm

if TYPE_CHECKING:
    from agent.config import SpeechServer
    from agent.tts.voices import Voices

WordSource = Literal["engine", "aligned", "estimated"]


class SynthesizerError(RuntimeError):
    """The synthesiser failed; the message says what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone: `symbol` in IPA ("" is silence), from `start` to `end` in seconds from the sentence's first sample."""

    symbol: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Word:
    """One shown word: characters [start_char, end_char) of the sentence's *display* text, spoken from `start` to
    `end` in seconds from the sentence's first sample. In Chinese a word is one character."""

    start_char: int
    end_char: int
    start: float
    end: float
    source: WordSource


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of one sentence's speech, in order.

    pcm has shape (n,) at `rate` Hz. Phones and words are those that *begin* in this chunk and are complete in it
    or known ahead; their times count from the sentence's first sample, over all its chunks. Empty phones mean that
    the engine does not know them: the lips then come from the sound and the text.
    """

    pcm: Pcm
    rate: int
    phones: tuple[Phone, ...] = field(default=())
    words: tuple[Word, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice a visitor may choose. `language` is a BCP 47 tag such as "en-GB" or "zh"."""

    id: str
    name: str
    language: str
    gender: Literal["female", "male", "neutral"]
    engine: str


class Synthesizer(Protocol):
    """Shared by all conversations."""

    name: str
    voices: tuple[Voice, ...]
    """Of each language the best comes first."""

    async def start(self) -> None:
        """Load and warm up, so that the first sentence costs what every later one costs."""
        ...

    def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[SpeechChunk]:
        """Speak one sentence of display text (numbers, prices and the like as written; the engine's text
        normalisation says them). Closing the iterator, or cancelling the task that reads it, stops the engine.
        Raises SynthesizerError, or ValueError naming an unknown voice."""
        ...

    async def stop(self) -> None:
        """Free everything, worker processes included."""
        ...


def load(name: str = "auto", *, openai_speech: "SpeechServer | None" = None, **options: Any) -> "Voices":
    """The synthesizer of that name, not yet started. "auto" is all that are there: flite, easier to understand, before
    espeak-ng, which also stands in for it; both stand in for a server's voice. `options` are espeak-ng's;
    `openai_speech` is the server behind the engine of that name. Raises ValueError for an unknown name."""
    from agent.tts.espeak import EspeakSynthesizer  # noqa: PLC0415 -- engines import this module's contracts
    from agent.tts.flite import FliteSynthesizer, installed  # noqa: PLC0415
    from agent.tts.voices import Voices  # noqa: PLC0415

    if name == "espeak":
        return Voices([EspeakSynthesizer(**options)])
    if name == "flite":  # it has English alone: espeak-ng speaks the rest
        return Voices([FliteSynthesizer(), EspeakSynthesizer(**options)], required=("flite",))
    if name == "openai_speech":
        from agent.config import SpeechServer  # noqa: PLC0415
        from agent.tts.openai_speech import OpenAISpeech  # noqa: PLC0415

        embedded = [FliteSynthesizer()] if installed() else []
        server = OpenAISpeech(openai_speech or SpeechServer())
        return Voices([server, *embedded, EspeakSynthesizer(**options)], required=(name,))
    if name == "auto":
        espeak = EspeakSynthesizer(**options)
        return Voices([FliteSynthesizer(), espeak] if installed() else [espeak])
    raise ValueError(f"unknown tts engine {name!r}; known: auto, flite, espeak, openai_speech")


def hints(name: str = "auto") -> list[str]:
    """What one command would bring where the settings name the synthesizer `name`, in words for a visitor."""
    from agent.tts.flite import installed  # noqa: PLC0415

    if name != "auto" or installed() or not shutil.which("apt-get"):
        return []
    return [
        "An English voice that is far easier to understand is one command away: sudo apt-get install flite."
        " Then start again."
    ]
