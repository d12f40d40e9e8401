"""All voices behind one door: a voice's id says which engine speaks, and another takes over when it cannot."""

import logging
import time
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing

from agent.server import metrics
from agent.tts import SpeechChunk, Synthesizer, SynthesizerError, Voice
from agent.tts.text.rules import is_han

_log = logging.getLogger(__name__)

REST_SECONDS = 15.0


class Voices:
    """Several synthesizers as one. Their order is the order of preference.

    An engine that cannot start is left out. One that fails at a sentence before any of it has sounded is stood in for
    by the next engine's voice of the same language, and of the same gender where there is one. It then rests for
    REST_SECONDS, so that a reply is not kept waiting at each sentence, nor its voice changed back and forth.
    """

    name = "voices"

    def __init__(
        self,
        engines: Sequence[Synthesizer],
        *,
        required: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wanted = tuple(engines)
        self._clock = clock
        self._rests: dict[str, float] = {}
        """Until when an engine is only asked if no other can."""
        self._required = required
        self._engines: tuple[Synthesizer, ...] = ()
        self.voices: tuple[Voice, ...] = tuple(voice for engine in engines for voice in engine.voices)
        self.missing: dict[str, str] = {}
        """Engines left out at the start: name → why, and what to do about it."""

    async def start(self) -> None:
        """Start the engines. Raises SynthesizerError when a required one, or every one, cannot start."""
        started: list[Synthesizer] = []
        for engine in self._wanted:
            try:
                await engine.start()
            except SynthesizerError as error:
                if engine.name in self._required:
                    raise
                self.missing[engine.name] = str(error)
            else:
                started.append(engine)
        if not started:
            raise SynthesizerError("no voice: " + "; ".join(self.missing.values()))
        if self.missing:
            _log.warning("without %s", "; ".join(self.missing.values()))
        self._engines = tuple(started)
        self.name = ", ".join(engine.name for engine in started)
        self.voices = tuple(voice for engine in started for voice in engine.voices)

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncGenerator[SpeechChunk, None]:
        chosen = next((known for known in self.voices if known.id == voice), None)
        if chosen is None:
            raise ValueError(f"unknown voice {voice!r}; known: {', '.join(known.id for known in self.voices)}")
        chosen = self._able(chosen, text)
        now = self._clock()
        candidates = sorted(
            [chosen, *self._substitutes(chosen)], key=lambda candidate: self._rests.get(candidate.engine, now) > now
        )
        for candidate, following in zip(candidates, [*candidates[1:], None], strict=True):
            sounded = False
            try:
                async with aclosing(self._speak_as(candidate, text, speed)) as chunks:
                    async for chunk in chunks:
                        sounded = True
                        yield chunk
                metrics.engine("tts", candidate.engine, "done")
                return
            except SynthesizerError as error:
                metrics.engine("tts", candidate.engine, "failed")
                self._rests[candidate.engine] = self._clock() + REST_SECONDS
                if sounded or following is None:
                    raise
                _log.warning("voice %s failed (%s); %s speaks instead", candidate.id, error, following.id)

    async def stop(self) -> None:
        for engine in self._engines:
            await engine.stop()

    async def _speak_as(self, voice: Voice, text: str, speed: float) -> AsyncGenerator[SpeechChunk, None]:
        engine = next(engine for engine in self._engines if voice in engine.voices)
        async for chunk in engine.speak(text, voice=voice.id, speed=speed):
            yield chunk

    def _able(self, voice: Voice, text: str) -> Voice:
        """`voice`, or for a Chinese sentence that it cannot read one that can, of its gender if there is one."""
        if _primary(voice) == "zh" or not _is_chinese(text):
            return voice
        readers = [other for other in self.voices if _primary(other) == "zh"]
        return min(readers, key=lambda other: other.gender != voice.gender, default=voice)

    def _substitutes(self, voice: Voice) -> list[Voice]:
        """One voice of each other engine that speaks the language, in order of preference."""
        found = []
        for engine in self._engines:
            if engine.name == voice.engine:
                continue
            able = [other for other in engine.voices if _primary(other) == _primary(voice)]
            able.sort(key=lambda other: (other.gender != voice.gender, other.language != voice.language))
            found += able[:1]
        return found


def _is_chinese(text: str) -> bool:
    letters = [char for char in text if char.isalpha()]
    return 2 * sum(map(is_han, letters)) > len(letters)


def _primary(voice: Voice) -> str:
    return voice.language.lower().partition("-")[0]
