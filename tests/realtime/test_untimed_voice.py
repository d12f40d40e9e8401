"""A voice that tells no phones: its lips follow its sound and its text, as far as the text is known in time."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest

from agent.audio import TIMELINE_RATE
from agent.conversation.effects import Speak
from agent.conversation.inputs import Input, SentenceEnded, Spoke
from agent.realtime import pronouncing as module
from agent.realtime.pronouncing import MOST_FAILURES, Pronouncing
from agent.realtime.reply_maker import ReplyMaker
from agent.tts import Phone, SpeechChunk, Synthesizer, Voice, load
from avatar.blendshapes import INDEX
from avatar.lipsync import Pronouncer, Pronunciation, PronunciationError
from scripts.bench.synthesis import flite_installed
from tests.realtime.stubs import StubDialogue

VOICE = "flite:slt" if flite_installed() else "espeak:en-us"
TEXT = "My papa bought a big map, and a pretty blue boat from my mother."
PIECE_SECONDS = 0.2


class Untimed:
    """Real speech of a real voice, whose times are kept from the lips: as of a cloned voice."""

    name = "untimed"

    def __init__(self, inner: Synthesizer, language: str = "en-US") -> None:
        self.inner = inner
        self.voices = (Voice(VOICE, "Untimed", language, "female", "untimed"),)
        self.phones: list[Phone] = []

    async def start(self) -> None:
        await self.inner.start()

    async def stop(self) -> None:
        await self.inner.stop()

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[SpeechChunk]:
        async for chunk in self.inner.speak(text, voice=voice, speed=speed):
            self.phones += chunk.phones
            step = round(PIECE_SECONDS * chunk.rate)
            for start in range(0, len(chunk.pcm), step):
                yield replace(chunk, pcm=chunk.pcm[start : start + step], phones=(), words=())


class Saying:
    """A reply being made with `pronouncing`, sentence by sentence."""

    def __init__(self, voice: Untimed, pronouncing: Pronouncing | None) -> None:
        self.told: list[Input] = []
        self._ended = asyncio.Event()
        self.maker = ReplyMaker(1, StubDialogue(), voice, self._tell, with_face=True, pronouncing=pronouncing)

    def _tell(self, what: Input) -> None:
        self.told.append(what)
        if isinstance(what, SentenceEnded):
            self._ended.set()

    async def say(self, index: int, text: str = TEXT) -> str:
        """What the sentence's lips were made from."""
        self._ended.clear()
        self.maker.speak(Speak(1, index, text, VOICE, 1.0))
        await self._ended.wait()
        assert self.maker.face is not None
        return self.maker.face.source

    def frames(self) -> np.ndarray:
        """All of them, shape (n, 52)."""
        return np.concatenate([one.frames.weights for one in self.told if isinstance(one, Spoke) and one.frames])


@pytest.fixture
async def voice() -> AsyncIterator[Untimed]:
    untimed = Untimed(load())
    await untimed.start()
    yield untimed
    await untimed.stop()


@pytest.fixture
async def pronouncer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pronouncer]:
    """One that runs, and is waited for however busy the machine is."""
    monkeypatch.setattr(module, "WAIT_SECONDS", 60.0)
    one = Pronouncer()
    await one.start()
    yield one
    await one.stop()


async def test_the_lips_seal_where_the_text_says(voice: Untimed, pronouncer: Pronouncer) -> None:
    saying = Saying(voice, Pronouncing(pronouncer))
    assert await saying.say(0) == "text"
    weights = saying.frames()
    parted = weights[:, INDEX["jawOpen"]] - weights[:, INDEX["mouthClose"]]
    wide = float(np.percentile(parted, 95))
    closures = [phone for phone in voice.phones if phone.symbol in {"p", "b", "m"}]
    assert len(closures) >= 8
    sealed = []
    for phone in closures:
        around = slice(max(0, round((phone.start - 0.03) * 60)), round((phone.end + 0.03) * 60) + 1)
        sealed.append(parted[around].min() <= 0.15 * wide)
    assert np.mean(sealed) >= 0.85


async def test_every_sentence_of_such_a_voice_has_its_text(voice: Untimed, pronouncer: Pronouncer) -> None:
    saying = Saying(voice, Pronouncing(pronouncer))
    assert [await saying.say(index) for index in range(2)] == ["text", "text"]


async def test_timed_phones_are_better_than_any_text(pronouncer: Pronouncer) -> None:
    synthesizer = load()
    await synthesizer.start()
    try:
        saying = Saying(synthesizer, Pronouncing(pronouncer))  # type: ignore[arg-type]
        assert await saying.say(0) == "timed"
    finally:
        await synthesizer.stop()


async def test_without_a_pronouncer_the_sound_is_followed(voice: Untimed) -> None:
    assert await Saying(voice, None).say(0) == "audio"


class Slow(Pronouncer):
    """Stub: never done, or fails at once."""

    def __init__(self, error: str = "") -> None:
        self.asked: list[tuple[str, str]] = []
        self._error = error

    async def pronounce(self, text: str, language: str = "en") -> Pronunciation:
        self.asked.append((text, language))
        if self._error:
            raise PronunciationError(self._error)
        await asyncio.sleep(3600)
        raise AssertionError

    async def stop(self) -> None: ...


async def test_a_pronunciation_that_is_late_holds_nothing_up(voice: Untimed) -> None:
    slow = Slow()
    saying = Saying(voice, Pronouncing(slow))
    assert await saying.say(0) == "audio"
    assert slow.asked == [(TEXT, "en-US")]
    pcm = np.concatenate([one.pcm for one in saying.told if isinstance(one, Spoke)])
    assert len(pcm) > TIMELINE_RATE


async def test_where_espeak_is_missing_it_is_said_once_and_never_tried_again(
    voice: Untimed, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Slow("pronouncer: cannot start: no espeak")
    saying = Saying(voice, Pronouncing(broken))
    with caplog.at_level(logging.WARNING):
        assert {await saying.say(index, "My map.") for index in range(MOST_FAILURES + 2)} == {"audio"}
    assert len(broken.asked) == MOST_FAILURES
    assert [record.message for record in caplog.records if "follow their sound alone" in record.message]
    assert "map" not in caplog.text
