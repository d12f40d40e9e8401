"""Which engine speaks, and who stands in for it."""

from collections.abc import AsyncGenerator

import numpy as np
import pytest

import agent.tts
from agent.tts import SpeechChunk, SynthesizerError, Voice
from agent.tts.voices import Voices


class StubEngine:
    """A synthesizer whose sound says which one it was: its samples are all `sound`."""

    def __init__(self, name: str, sound: float, *voices: Voice) -> None:
        self.name, self.sound, self.voices = name, sound, voices
        self.broken = self.breaks_after_a_chunk = self.absent = False
        self.running = False

    async def start(self) -> None:
        if self.absent:
            raise SynthesizerError(f"{self.name} is not installed")
        self.running = True

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncGenerator[SpeechChunk, None]:
        if self.broken:
            raise SynthesizerError(f"{self.name} broke")
        yield SpeechChunk(np.full(10, self.sound, np.float32), 24_000)
        if self.breaks_after_a_chunk:
            raise SynthesizerError(f"{self.name} broke late")

    async def stop(self) -> None:
        self.running = False


@pytest.fixture
def good() -> StubEngine:
    return StubEngine("good", 0.1, Voice("good:a", "A", "en-US", "female", "good"))


@pytest.fixture
def plain() -> StubEngine:
    return StubEngine(
        "plain",
        0.2,
        Voice("plain:en", "B", "en-GB", "male", "plain"),
        Voice("plain:en-f", "C", "en-GB", "female", "plain"),
        Voice("plain:zh", "D", "zh", "male", "plain"),
    )


async def sound(voices: Voices, voice: str, text: str = "Hello.") -> float:
    return float(np.concatenate([chunk.pcm async for chunk in voices.speak(text, voice=voice)])[0])


async def test_a_voice_is_spoken_by_its_engine(good: StubEngine, plain: StubEngine) -> None:
    voices = Voices([good, plain])
    await voices.start()
    assert await sound(voices, "good:a") == pytest.approx(0.1)
    assert await sound(voices, "plain:zh") == pytest.approx(0.2)
    with pytest.raises(ValueError, match="plain:zh"):
        await sound(voices, "nobody")
    assert voices.name == "good, plain"
    await voices.stop()
    assert not good.running
    assert not plain.running


async def test_another_engine_stands_in(good: StubEngine, plain: StubEngine) -> None:
    voices = Voices([good, plain])
    await voices.start()
    good.broken = True
    assert await sound(voices, "good:a") == pytest.approx(0.2)


async def test_a_chinese_sentence_is_read_by_a_voice_that_can(good: StubEngine, plain: StubEngine) -> None:
    voices = Voices([good, plain])
    await voices.start()
    assert await sound(voices, "good:a", "博物馆今天开门。") == pytest.approx(0.2)
    assert await sound(voices, "good:a", "The word 好 means good.") == pytest.approx(0.1)
    alone = Voices([good])
    await alone.start()
    assert await sound(alone, "good:a", "你好。") == pytest.approx(0.1)


async def test_the_substitute_is_of_the_same_gender_where_there_is_one(good: StubEngine, plain: StubEngine) -> None:
    voices = Voices([good, plain])
    await voices.start()
    assert [voice.id for voice in voices._substitutes(good.voices[0])] == ["plain:en-f"]
    assert voices._substitutes(plain.voices[2]) == []


async def test_a_failure_after_the_first_sound_is_not_spoken_twice(good: StubEngine, plain: StubEngine) -> None:
    voices = Voices([good, plain])
    await voices.start()
    good.breaks_after_a_chunk = True
    with pytest.raises(SynthesizerError, match="broke late"):
        await sound(voices, "good:a")


async def test_an_engine_that_cannot_start_is_left_out(good: StubEngine, plain: StubEngine) -> None:
    good.absent = True
    voices = Voices([good, plain])
    await voices.start()
    assert {voice.engine for voice in voices.voices} == {"plain"}
    assert voices.missing == {"good": "good is not installed"}
    with pytest.raises(SynthesizerError, match="good is not installed"):
        await Voices([good, plain], required=("good",)).start()
    plain.absent = True
    with pytest.raises(SynthesizerError, match=r"good is not installed.*plain is not installed"):
        await Voices([good, plain]).start()


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(ValueError, match="auto, flite, espeak"):
        agent.tts.load("festival")


def test_the_hint_is_given_only_where_it_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")
    assert agent.tts.hints() == []
    monkeypatch.setattr("shutil.which", lambda program: None if program == "flite" else f"/usr/bin/{program}")
    [hint] = agent.tts.hints()
    assert "English" in hint
    assert "apt-get install flite" in hint
    assert agent.tts.hints("espeak") == [], "whoever chose another voice would not hear it"
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert agent.tts.hints() == [], "there is no apt here"
