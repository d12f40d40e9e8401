"""espeak-ng 1.52 in worker processes: a demonstration voice that is always there, in English and Chinese."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from agent.tts import SpeechChunk, SynthesizerError, Voice
from agent.workers import Pool, RemoteError, WorkerCrashed, WorkerError


@dataclass(frozen=True, slots=True)
class _Setting:
    """espeak's own name of a voice, and its natural pace in words a minute."""

    name: str
    pace: int = 160


_VOICES = {
    Voice("espeak:en-us-f", "Nora (American)", "en-US", "female", "espeak"): _Setting("en-us+f5", 150),
    Voice("espeak:en-us", "Alex (American)", "en-US", "male", "espeak"): _Setting("en-us"),
    Voice("espeak:en-gb-f", "Anna (British)", "en-GB", "female", "espeak"): _Setting("en+f2", 150),
    Voice("espeak:en-gb", "Robin (British)", "en-GB", "male", "espeak"): _Setting("en"),
    Voice("espeak:zh", "文 (普通话)", "zh", "male", "espeak"): _Setting("cmn", 150),
    Voice("espeak:zh-f", "安 (普通话)", "zh", "female", "espeak"): _Setting("cmn+f5", 150),
}
"""The first of a language is its default. Pocketsphinx understands f5 and f2 best of all variants: over twelve plain
sentences it got a quarter of f5's words wrong, and four fifths of the plain American voice's."""


class EspeakSynthesizer:
    """espeak-ng behind `Synthesizer`. A worker that crashes is replaced, and its sentence tried once more."""

    name = "espeak"
    voices = tuple(_VOICES)

    def __init__(self, workers: int = 2) -> None:
        self._settings = {voice.id: (voice, setting) for voice, setting in _VOICES.items()}
        self._pool = Pool(workers, "agent.tts.espeak_worker:Espeak", name="espeak-ng")

    async def start(self) -> None:
        try:
            await self._pool.start()
        except WorkerError as error:
            raise SynthesizerError(str(error)) from None

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncGenerator[SpeechChunk, None]:
        """One sentence, in one chunk: it is ready in about a thousandth of the time it lasts."""
        if voice not in self._settings:
            raise ValueError(f"unknown voice {voice!r}; known: {', '.join(self._settings)}")
        known, setting = self._settings[voice]
        chunk = await self._request(text, setting.name, known.language, setting.pace * speed)
        if chunk is not None and len(chunk.pcm):
            yield chunk

    async def _request(self, *arguments: object) -> SpeechChunk | None:
        for attempt in (1, 2):
            try:
                chunk: SpeechChunk | None = await self._pool.request("speak", *arguments)
                return chunk
            except WorkerCrashed as error:
                if attempt == 2:
                    raise SynthesizerError(str(error)) from None
            except RemoteError as error:
                raise SynthesizerError(f"espeak-ng: {error}") from None
            except WorkerError as error:
                raise SynthesizerError(str(error)) from None
        raise AssertionError("unreachable")

    async def stop(self) -> None:
        await self._pool.stop()
