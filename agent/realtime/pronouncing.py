"""How what is said is pronounced, for the lips of voices that do not time their phones."""

import asyncio
import logging
from collections import Counter

from agent.tts import Synthesizer
from avatar.lipsync import Pronouncer, Pronunciation, PronunciationError

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.1
"""How long a sentence's first sound waits to know how its text is pronounced: what sound may wait for its face."""
MOST_FAILURES = 3
"""In a row in one language: then that is not tried again."""


class Pronouncing:
    """Shared by all conversations. Its process is started when a voice first turns out to need it; the sentences until
    it runs, and all where espeak-ng is missing, are followed by their sound alone."""

    def __init__(self, pronouncer: Pronouncer | None = None) -> None:
        self._pronouncer = pronouncer or Pronouncer()
        self._untimed: set[str] = set()
        """Voices that were heard to give no phones."""
        self._failures: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Pronunciation | None]] = set()

    def begin(self, synthesizer: Synthesizer, voice: str, text: str) -> "asyncio.Task[Pronunciation | None] | None":
        """Set out to pronounce a sentence that this voice is about to speak, where it is known to give no phones."""
        language = next((one.language for one in synthesizer.voices if one.id == voice), "en")
        if voice not in self._untimed or self._failures[language] >= MOST_FAILURES:
            return None
        task = asyncio.create_task(self._pronounce(text, language))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def of(
        self,
        begun: "asyncio.Task[Pronunciation | None] | None",
        synthesizer: Synthesizer,
        voice: str,
        text: str,
    ) -> Pronunciation | None:
        """How a sentence is pronounced that came without phones, having perhaps begun with it. None where that is not
        known in time."""
        self._untimed.add(voice)
        task = begun or self.begin(synthesizer, voice, text)
        if task is None:
            return None
        done, _ = await asyncio.wait({task}, timeout=WAIT_SECONDS)
        # What is late goes on: it brings the process to life for the sentences after this one.
        return task.result() if done else None

    async def stop(self) -> None:
        await self._pronouncer.stop()

    async def _pronounce(self, text: str, language: str) -> Pronunciation | None:
        try:
            pronounced = await self._pronouncer.pronounce(text, language)
        except PronunciationError as error:
            self._failures[language] += 1
            if self._failures[language] == MOST_FAILURES:
                log.warning("the lips of %s voices that tell no phones follow their sound alone: %s", language, error)
            return None
        self._failures[language] = 0
        return pronounced
