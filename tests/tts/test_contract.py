"""What every synthesizer must do, whichever it is. Behind the speech engine stands a real HTTP server."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from itertools import pairwise

import numpy as np
import pytest
import pytest_asyncio

import agent.tts
from agent.config import SpeechServer
from agent.tts import SpeechChunk, Synthesizer, SynthesizerError
from agent.tts.espeak import EspeakSynthesizer
from agent.tts.flite import FliteSynthesizer, installed
from agent.tts.openai_speech import OpenAISpeech
from agent.tts.words import syllables
from tests.scripted_http import Connection, Request, scripted_server

pytestmark = pytest.mark.asyncio(loop_scope="module")  # an engine is started once for all

Make = Callable[[], AbstractAsyncContextManager[Synthesizer]]
TEXT = {"en": "The tour costs €12.50, and it begins at 10:30.", "zh": "门票三十元，十点开门。"}


async def hums(request: Request, connection: Connection) -> None:
    """A speech server whose every syllable is a hum of 0.2 s."""
    asked = request.json()
    seconds = 0.2 * syllables(asked["input"]) / asked.get("speed", 1.0)
    pcm = 0.2 * np.sin(np.arange(round(seconds * 24_000)) * 0.05)
    await connection.head(content_type="audio/pcm")
    data = (pcm * 32767).astype("<i2").tobytes()
    for at in range(0, len(data), 5001):
        await connection.chunk(data[at : at + 5001])
    await connection.end()


@asynccontextmanager
async def espeak() -> AsyncIterator[Synthesizer]:
    yield EspeakSynthesizer(workers=1)


@asynccontextmanager
async def flite() -> AsyncIterator[Synthesizer]:
    if not installed():
        pytest.skip("flite is not installed: apt-get install flite")
    yield FliteSynthesizer()


@asynccontextmanager
async def openai_speech() -> AsyncIterator[Synthesizer]:
    async with scripted_server() as server:
        server.answer(hums)
        yield OpenAISpeech(SpeechServer(base_url=server.base_url, first_seconds=60))


@asynccontextmanager
async def together() -> AsyncIterator[Synthesizer]:
    async with scripted_server() as server:
        server.answer(hums)
        yield agent.tts.load(
            "openai_speech", openai_speech=SpeechServer(base_url=server.base_url, first_seconds=60), workers=1
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[espeak, flite, openai_speech, together])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Synthesizer]:
    make: Make = request.param
    async with make() as made:
        await made.start()
        yield made
        await made.stop()


async def spoken(engine: Synthesizer, text: str, voice: str, speed: float = 1.0) -> list[SpeechChunk]:
    return [chunk async for chunk in engine.speak(text, voice=voice, speed=speed)]


def seconds(chunks: list[SpeechChunk]) -> float:
    return sum(len(chunk.pcm) / chunk.rate for chunk in chunks)


async def test_each_voice_says_a_sentence_with_its_words_on_its_clock(engine: Synthesizer) -> None:
    assert len({voice.id for voice in engine.voices}) == len(engine.voices) > 0
    for voice in engine.voices:
        text = TEXT[voice.language.partition("-")[0]]
        chunks = await spoken(engine, text, voice.id)
        length = seconds(chunks)
        assert 1 < length < 20
        assert len({chunk.rate for chunk in chunks}) == 1
        for chunk in chunks:
            assert chunk.pcm.dtype == np.float32
            assert chunk.pcm.ndim == 1
            assert np.isfinite(chunk.pcm).all()
            assert np.abs(chunk.pcm).max(initial=0) <= 1
        words = [word for chunk in chunks for word in chunk.words]
        shown = re.findall(r"[\u4e00-\u9fff]|[^\s，。]+", text)
        assert [text[word.start_char : word.end_char].rstrip(".,") for word in words] == [
            word.rstrip(".,") for word in shown
        ]
        assert all(0 <= word.start <= word.end for word in words)
        assert all(a.start <= b.start for a, b in pairwise(words))
        assert words[-1].start < length
        phones = [phone for chunk in chunks for phone in chunk.phones]
        assert all(a.end <= b.start + 1e-6 for a, b in pairwise(phones))
        assert not phones or phones[-1].end <= length + 0.01


async def test_words_come_with_the_sound_that_they_begin_in(engine: Synthesizer) -> None:
    heard = 0.0
    for chunk in await spoken(engine, TEXT["en"], engine.voices[0].id):
        heard += len(chunk.pcm) / chunk.rate
        assert all(word.start <= heard for word in chunk.words)


async def test_slower_takes_longer(engine: Synthesizer) -> None:
    voice = engine.voices[0].id
    assert seconds(await spoken(engine, TEXT["en"], voice, 0.7)) > 1.2 * seconds(
        await spoken(engine, TEXT["en"], voice)
    )


async def test_what_cannot_be_said_is_silent_or_short(engine: Synthesizer) -> None:
    for text in ("", " … ", "😀", "\ud800", "\x00"):
        assert seconds(await spoken(engine, text, engine.voices[0].id)) < 2


async def test_a_long_sentence_is_said_whole(engine: Synthesizer) -> None:
    text = ("and the whale swam on " * 13)[:280]
    chunks = await spoken(engine, text, engine.voices[0].id)
    assert len([word for chunk in chunks for word in chunk.words]) == len(text.split())


async def test_an_unknown_voice_is_named(engine: Synthesizer) -> None:
    with pytest.raises(ValueError, match=f"unknown voice 'nobody'; known: .*{engine.voices[0].id}"):
        await spoken(engine, "Hello.", "nobody")


async def test_it_can_be_left_in_the_middle_and_asked_again(engine: Synthesizer) -> None:
    voice = engine.voices[0].id
    async with aclosing(engine.speak(TEXT["en"], voice=voice)) as chunks:  # type: ignore[type-var]
        await anext(chunks)
    task = asyncio.create_task(spoken(engine, TEXT["en"], voice))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seconds(await spoken(engine, TEXT["en"], voice)) > 1


async def test_conversations_do_not_mix(engine: Synthesizer) -> None:
    voice = engine.voices[0].id
    texts = ["One.", "The museum opens at ten and closes at six in the evening."] * 4
    lengths = [seconds(chunks) for chunks in await asyncio.gather(*(spoken(engine, text, voice) for text in texts))]
    assert max(lengths[::2]) < min(lengths[1::2])


@pytest.mark.parametrize("make", [espeak, flite, openai_speech])
async def test_once_stopped_it_says_so_in_one_line(make: Make) -> None:
    async with make() as engine:
        await engine.start()
        await engine.stop()
        with pytest.raises(SynthesizerError) as error:
            await spoken(engine, "Hello.", engine.voices[0].id)
    assert str(error.value)
    assert "\n" not in str(error.value)
