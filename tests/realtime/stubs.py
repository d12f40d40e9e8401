"""Stub engines for tests of what runs the conversation: they are named so, and know nothing."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from agent.asr import Hypothesis
from agent.audio import Pcm
from agent.llm import Delta, DialogueError, Prompt, TextDelta
from agent.realtime.runner import Engines
from agent.tts import Phone, SpeechChunk, SynthesizerError, Voice, Word

RATE = 16_000


class StubUtterance:
    def __init__(self, recognizer: "StubRecognizer") -> None:
        self._recognizer = recognizer
        self._samples = 0

    async def feed(self, pcm: Pcm) -> Hypothesis:
        self._samples += len(pcm)
        return await self.current()

    async def refine(self) -> Hypothesis:
        await asyncio.sleep(0.01)
        return await self.current()

    async def current(self) -> Hypothesis:
        return Hypothesis(f"heard {self._samples} samples")

    async def close(self) -> None:
        self._recognizer.open -= 1


class StubRecognizer:
    """Hears how many samples it got."""

    name = "stub"
    languages = ("en",)
    min_confidence = 0.0

    def __init__(self) -> None:
        self.open = 0

    async def start(self) -> None: ...

    async def listen(self) -> StubUtterance:
        self.open += 1
        return StubUtterance(self)

    async def stop(self) -> None: ...


class StubDialogue:
    """Repeats the last thing the visitor said, `times` times; fails when it is "fail"."""

    name = "stub"

    def __init__(self, times: int = 1) -> None:
        self.times = times
        self.cancelled = 0

    async def start(self) -> None: ...

    async def reply(self, prompt: Prompt) -> AsyncIterator[Delta]:
        said = prompt.messages[-1].text if prompt.messages else "nothing"
        if said == "fail":
            raise DialogueError("the stub was told to fail")
        try:
            for _ in range(self.times):
                await asyncio.sleep(0)
                yield TextDelta(f"You said {said}. ")
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise

    async def stop(self) -> None: ...


class StubSynthesizer:
    """A tone of 0.1 s a word, at 22,050 Hz, in pieces of a word; fails at a sentence that has "mute" in it."""

    name = "stub"
    voices = (Voice("stub", "Stub", "en", "neutral", "stub"),)

    async def start(self) -> None: ...

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[SpeechChunk]:
        if "mute" in text:
            raise SynthesizerError("the stub was told to be mute")
        at, character = 0.0, 0
        for word in text.split():
            start = text.index(word, character)
            character = start + len(word)
            pcm = (0.2 * np.sin(np.arange(2205) * 0.05)).astype(np.float32)
            await asyncio.sleep(0)
            yield SpeechChunk(
                pcm, 22_050, (Phone("a", at, at + 0.1),), (Word(start, character, at, at + 0.1, "engine"),)
            )
            at += 0.1

    async def stop(self) -> None: ...


def stub_engines(times: int = 1) -> Engines:
    return Engines(StubRecognizer(), StubDialogue(times), StubSynthesizer())
