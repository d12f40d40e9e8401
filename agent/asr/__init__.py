"""Speech recognition: a stream of 16 kHz sound in, words out."""

from dataclasses import dataclass
from typing import Any, Protocol

from agent.audio import Pcm

RATE = 16_000


class RecognizerError(RuntimeError):
    """The recogniser failed; the message says what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What the recogniser believes was said.

    confidence is in [0, 1]: calibrated so that below `Recognizer.min_confidence` the words should not be acted on.
    """

    text: str
    confidence: float = 1.0


class Utterance(Protocol):
    """One utterance being recognised. Calls are made in order by one task; cancelling that task is enough to stop."""

    async def feed(self, pcm: Pcm) -> Hypothesis:
        """Take `pcm` (shape (n,), at RATE; n ≤ 16000) and return what is believed so far."""
        ...

    async def refine(self) -> Hypothesis:
        """Decode all that was fed so far once more, better and slower. Feeding may go on meanwhile and after."""
        ...

    async def current(self) -> Hypothesis:
        """What the stream believes now, at no cost beyond what was fed."""
        ...

    async def close(self) -> None:
        """Free the decoder. Idempotent; never raises."""
        ...


class Recognizer(Protocol):
    """Shared by all conversations."""

    name: str
    languages: tuple[str, ...]
    min_confidence: float

    async def start(self) -> None:
        """Load and warm up; after it the first utterance costs what every later one costs."""
        ...

    async def listen(self) -> Utterance:
        """Begin an utterance. Raises RecognizerError when none can be had."""
        ...

    async def stop(self) -> None:
        """Free everything, worker processes included."""
        ...


ENGINES = ("pocketsphinx",)


def load(name: str = "pocketsphinx", **options: Any) -> Recognizer:
    """The recogniser called `name`, not yet started. Raises RecognizerError for a name or an option it has not."""
    if name not in ENGINES:
        raise RecognizerError(f"there is no recogniser {name!r}; there is: {', '.join(ENGINES)}")
    from agent.asr.pocketsphinx import Pocketsphinx  # noqa: PLC0415 -- an engine loads only when it is wanted

    try:
        return Pocketsphinx(**options)
    except TypeError as error:
        raise RecognizerError(f"{name}: {error}") from None
