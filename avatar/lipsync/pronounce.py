"""How a text is pronounced: its sounds in order with their usual lengths, by espeak-ng in its worker process."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.tts import Phone, SpeechChunk
from agent.tts.text.rules import is_han
from agent.workers import Worker, WorkerError

_PACE = 160
_LONGEST_TEXT = 2000
_VOICES = {"en": "en-us", "zh": "cmn"}
"""espeak-ng's voice for a language; any other language is its own voice's name."""


class PronunciationError(RuntimeError):
    """The text could not be turned into sounds; the message is one line."""


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """The phones of one text. Their times are espeak-ng's own: only lengths and order matter. pauses: the indices of
    phones before which a speaker may pause, being the first of a word."""

    phones: tuple[Phone, ...]
    pauses: frozenset[int]


def pronunciation_of(chunk: SpeechChunk) -> Pronunciation:
    """From a synthesiser's speech with its times: silences are left out, and may come before any word."""
    said = [phone for phone in chunk.phones if phone.symbol and phone.end > phone.start]
    starts = [word.start for word in chunk.words]
    silent = [phone.end for phone in chunk.phones if not phone.symbol]
    return Pronunciation(tuple(said), frozenset(_first_at_or_after(said, [*starts, *silent])))


def _first_at_or_after(phones: Sequence[Phone], times: Sequence[float]) -> list[int]:
    return [next((i for i, phone in enumerate(phones) if phone.start >= time - 0.02), len(phones)) for time in times]


class Pronouncer:
    """Pronounces texts. Belongs to the event loop it was started on; start and stop as other engines."""

    def __init__(self) -> None:
        self._worker = Worker("agent.tts.espeak_worker:Espeak", name="pronouncer")

    async def start(self) -> None:
        """Raises PronunciationError."""
        try:
            await self._worker.start()
        except WorkerError as error:
            raise PronunciationError(str(error)) from None

    async def stop(self) -> None:
        await self._worker.stop()

    async def pronounce(self, text: str, language: str = "en") -> Pronunciation:
        """`text` in `language`, a BCP 47 tag: a region that espeak-ng does not know is left out. Chinese characters are
        read as Mandarin, or Cantonese where that is the language. Raises PronunciationError, also for Japanese with
        Chinese characters, which espeak-ng cannot read."""
        if len(text) > _LONGEST_TEXT:
            raise PronunciationError(f"the text has {len(text)} characters; at most {_LONGEST_TEXT} at once")
        tag = language.lower()
        primary = tag.partition("-")[0]
        if any(map(is_han, text)):
            if primary == "ja":
                raise PronunciationError("Japanese with Chinese characters cannot be pronounced here")
            tag = primary = primary if primary == "yue" else "zh"
        try:
            chunk = await self._speak(text, _VOICES.get(primary, tag), primary)
        except WorkerError as error:
            if tag == primary or primary in _VOICES:
                raise PronunciationError(f"the text cannot be pronounced: {error}") from None
            return await self.pronounce(text, primary)
        return pronunciation_of(chunk) if chunk is not None else Pronunciation((), frozenset())

    async def _speak(self, text: str, voice: str, language: str) -> SpeechChunk | None:
        chunk: SpeechChunk | None = await self._worker.request("speak", text, voice, language, _PACE)
        return chunk
