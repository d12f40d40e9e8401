"""The engines the stock clients talk to: the real ones, but for a dialogue that calls tools, which is a stub."""

from collections.abc import AsyncIterator

import agent.asr
import agent.llm
import agent.tts
from agent.llm import Delta, DialogueEngine, Prompt, TextDelta, ToolCall
from agent.realtime.runner import Engines
from agent.tts import SpeechChunk, Synthesizer

RATE = 24_000


class StubToolCaller:
    """A STUB where tools are offered: it calls the first one, then says what came back. Grounded answers otherwise,
    which never call a tool."""

    name = "stub-tool-caller"

    def __init__(self, otherwise: DialogueEngine) -> None:
        self._otherwise = otherwise
        self._calls = 0

    async def start(self) -> None:
        await self._otherwise.start()

    async def reply(self, prompt: Prompt) -> AsyncIterator[Delta]:
        last = prompt.messages[-1] if prompt.messages else None
        if not prompt.tools:
            async for delta in self._otherwise.reply(prompt):
                yield delta
        elif last is not None and last.role == "tool":
            yield TextDelta(f"I looked it up. It is in {last.text}.")
        else:
            self._calls += 1
            yield ToolCall(f"call_{self._calls}", str(prompt.tools[0]["name"]), '{"exhibit": "whale"}')

    async def stop(self) -> None:
        await self._otherwise.stop()


class NotedSpeech:
    """The real synthesiser, with a note of when each word of each sentence sounds."""

    def __init__(self, engine: Synthesizer) -> None:
        self._engine = engine
        self.name = engine.name
        self.voices = engine.voices
        self._notes: dict[str, tuple[list[tuple[str, float]], float]] = {}

    async def start(self) -> None:
        await self._engine.start()

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[SpeechChunk]:
        words: list[tuple[str, float]] = []
        seconds = 0.0
        async for chunk in self._engine.speak(text, voice=voice, speed=speed):
            seconds += len(chunk.pcm) / chunk.rate
            words += [(text[word.start_char : word.end_char], (word.start + word.end) / 2) for word in chunk.words]
            yield chunk
        self._notes[text.strip()] = words, seconds

    async def stop(self) -> None:
        await self._engine.stop()

    def sounded(self, sentences: list[str], seconds: float) -> list[str]:
        """The words whose midpoint sounds in the first `seconds` of these sentences."""
        words, at = [], 0.0
        for sentence in sentences:
            timed, length = self._notes.get(sentence.strip(), ([], 0.0))
            words += [word for word, middle in timed if at + middle <= seconds]
            at += length
        return words


def stock_engines() -> tuple[Engines, NotedSpeech]:
    speech = NotedSpeech(agent.tts.load("auto"))
    return Engines(
        agent.asr.load("pocketsphinx"), StubToolCaller(agent.llm.load("grounded", folder=None)), speech
    ), speech
