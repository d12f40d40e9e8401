"""Flite, really speaking, where it is installed; and the parts of its reading that need no program."""

import asyncio
import os
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from agent.tts import SpeechChunk, SynthesizerError, flite
from agent.tts.flite import FliteSynthesizer
from agent.tts.normalise import normalise

pytestmark = pytest.mark.asyncio(loop_scope="module")
needs_flite = pytest.mark.skipif(not flite.installed(), reason="flite is not installed (apt-get install flite)")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def engine() -> AsyncIterator[FliteSynthesizer]:
    synthesizer = FliteSynthesizer()
    await synthesizer.start()
    yield synthesizer
    await synthesizer.stop()


async def speak(engine: FliteSynthesizer, text: str, voice: str = "flite:slt", speed: float = 1.0) -> SpeechChunk:
    (chunk,) = [chunk async for chunk in engine.speak(text, voice=voice, speed=speed)]
    return chunk


@needs_flite
async def test_every_voice_speaks_with_words_and_phones(engine: FliteSynthesizer) -> None:
    text = "The end of the **museum** tour costs €12.50, at 5 pm!"
    for voice in engine.voices:
        chunk = await speak(engine, text, voice.id)
        shown = [text[word.start_char : word.end_char] for word in chunk.words]
        assert shown == ["The", "end", "of", "the", "museum", "tour", "costs", "€12.50", "at", "5", "pm"]
        assert {word.source for word in chunk.words} == {"engine"}
        times = [time for word in chunk.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert np.sqrt(np.mean(chunk.pcm**2)) > 0.03
        assert np.abs(chunk.pcm).max() < 0.9
        assert chunk.phones[-1].end == pytest.approx(len(chunk.pcm) / chunk.rate)
        silent_start = np.argmax(np.abs(chunk.pcm) > 0.01) / chunk.rate
        assert silent_start <= 0.03


@needs_flite
async def test_phones_are_ipa_and_stops_are_silent_at_their_start(engine: FliteSynthesizer) -> None:
    chunk = await speak(engine, "Bob put my map in the pub.")
    symbols = [phone.symbol for phone in chunk.phones if phone.symbol]
    assert symbols[:6] == ["b", "ɑː", "b", "p", "ʊ", "t"]


@needs_flite
async def test_a_telephone_number_is_one_word_with_its_pauses(engine: FliteSynthesizer) -> None:
    text = "Call 555-0142 now."
    chunk = await speak(engine, text)
    assert [text[word.start_char : word.end_char] for word in chunk.words] == ["Call", "555-0142", "now"]
    assert {word.source for word in chunk.words} == {"engine"}


@needs_flite
async def test_speed_changes_the_length(engine: FliteSynthesizer) -> None:
    text = "The old clock in the tower has stopped again."
    slow, fast = await speak(engine, text, speed=0.7), await speak(engine, text, speed=1.5)
    assert len(slow.pcm) > 1.5 * len(fast.pcm)


@needs_flite
@pytest.mark.parametrize("text", ["", "😀", "你好", "--"])
async def test_nothing_it_can_say_is_silent(engine: FliteSynthesizer, text: str) -> None:
    assert [chunk async for chunk in engine.speak(text, voice="flite:slt")] == []


@needs_flite
async def test_text_that_looks_like_an_option_is_spoken(engine: FliteSynthesizer) -> None:
    assert len((await speak(engine, "--help me please")).pcm) > 0


@needs_flite
async def test_cancelling_kills_the_process_and_leaves_no_file(engine: FliteSynthesizer) -> None:
    speaking = asyncio.create_task(speak(engine, "It was a very long story. " * 30))
    await asyncio.sleep(0.02)
    speaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaking
    assert engine._folder is not None
    assert os.listdir(engine._folder.name) == []
    assert len((await speak(engine, "Still here.")).pcm) > 0


@needs_flite
async def test_an_unknown_voice_is_named(engine: FliteSynthesizer) -> None:
    with pytest.raises(ValueError, match="flite:nobody"):
        await speak(engine, "Hello.", "flite:nobody")


async def test_where_it_is_not_installed_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flite, "installed", lambda: False)
    with pytest.raises(SynthesizerError, match="apt-get install flite"):
        await FliteSynthesizer().start()


async def test_words_are_found_though_vowels_are_reduced() -> None:
    spoken = normalise("a map", "en")
    segments = flite._segments("pau:0.2 ax:0.3 m:0.4 ae:0.5 p:0.6 pau:0.8")
    assert flite._marks(spoken, segments, flite._words_of("pau ey pau m ae1 p pau")) == [(0, 0.2), (2, 0.3)]


async def test_words_that_do_not_fit_the_phones_are_not_believed() -> None:
    spoken = normalise("a map", "en")
    segments = flite._segments("pau:0.2 s:0.3 k:0.4 s:0.5 t:0.6 pau:0.8")
    assert flite._marks(spoken, segments, flite._words_of("pau ey pau m ae1 p pau")) == []
    assert flite._marks(spoken, segments, flite._words_of("pau ey pau")) == []
