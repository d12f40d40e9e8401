"""espeak-ng, really speaking, in its worker processes."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from agent.tts import Phone, SpeechChunk, SynthesizerError
from agent.tts.espeak import EspeakSynthesizer
from agent.tts.espeak_worker import closures_before_bursts
from agent.workers import WorkerCrashed

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def espeak() -> AsyncIterator[EspeakSynthesizer]:
    engine = EspeakSynthesizer(workers=1)
    await engine.start()
    yield engine
    await engine.stop()


async def speak(engine: EspeakSynthesizer, text: str, voice: str = "espeak:en-gb", speed: float = 1.0) -> SpeechChunk:
    (chunk,) = [chunk async for chunk in engine.speak(text, voice=voice, speed=speed)]
    return chunk


async def test_the_parent_never_loads_the_library(espeak: EspeakSynthesizer) -> None:
    await speak(espeak, "Hello.")
    assert "espeakng_loader" not in sys.modules


async def test_every_voice_speaks(espeak: EspeakSynthesizer) -> None:
    for voice in espeak.voices:
        text = "博物馆今天开门。" if voice.language == "zh" else "The museum is open today."
        chunk = await speak(espeak, text, voice.id)
        assert len(chunk.pcm) / chunk.rate > 1
        assert 0.2 < np.abs(chunk.pcm).max() < 0.9
        assert np.sqrt(np.mean(chunk.pcm**2)) > 0.03


async def test_words_are_the_shown_ones_in_order_within_the_sound(espeak: EspeakSynthesizer) -> None:
    text = "The end of the **museum** tour costs €12.50, at 5 pm!"
    chunk = await speak(espeak, text)
    shown = [text[word.start_char : word.end_char] for word in chunk.words]
    assert shown == ["The", "end", "of", "the", "museum", "tour", "costs", "€12.50", "at", "5", "pm"]
    times = [time for word in chunk.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 <= times[0] <= 0.02
    assert times[-1] <= len(chunk.pcm) / chunk.rate
    assert [word.source for word in chunk.words].count("estimated") <= 1  # "of the" is said as one


async def test_phones_cover_the_sound_and_are_plain_ipa(espeak: EspeakSynthesizer) -> None:
    chunk = await speak(espeak, "Bob put my map in the pub, and Thomas watched the judge.")
    assert chunk.phones[0].start == 0 or chunk.phones[0].start < 0.01
    assert chunk.phones[-1].end == pytest.approx(len(chunk.pcm) / chunk.rate)
    for before, after in zip(chunk.phones, chunk.phones[1:], strict=False):
        assert before.end == pytest.approx(after.start)
    symbols = "".join(phone.symbol for phone in chunk.phones)
    assert set("ˈˌ().0123456789") & set(symbols) == set()
    assert {"b", "p", "m", "θ", "dʒ", "tʃ"} - {"θ"} <= {phone.symbol for phone in chunk.phones}


async def test_silence_around_a_sentence_is_short_and_known(espeak: EspeakSynthesizer) -> None:
    chunk = await speak(espeak, "Good morning.")
    loud = np.flatnonzero(np.abs(chunk.pcm) > 0.01) / chunk.rate
    assert loud[0] <= 0.01 + 0.004
    assert len(chunk.pcm) / chunk.rate - loud[-1] == pytest.approx(0.12, abs=0.05)


async def test_a_chinese_character_is_a_word(espeak: EspeakSynthesizer) -> None:
    text = "我和兄弟去玩儿，票价200元。"
    chunk = await speak(espeak, text, "espeak:zh")
    shown = [text[word.start_char : word.end_char] for word in chunk.words]
    assert shown == ["我", "和", "兄", "弟", "去", "玩", "儿", "票", "价", "200", "元"]
    assert {word.source for word in chunk.words} == {"engine"}
    # 兄 and 玩儿 are read as Chinese, not spelled in English letters.
    assert [phone.symbol for phone in chunk.phones].count("ɕ") == 1
    assert not {"ð", "ɹ", "aɪ", "f"} & {phone.symbol for phone in chunk.phones}


async def test_speed_changes_the_length(espeak: EspeakSynthesizer) -> None:
    text = "The old clock in the tower has stopped again."
    slow, fast = await speak(espeak, text, speed=0.7), await speak(espeak, text, speed=1.5)
    assert len(slow.pcm) > 1.5 * len(fast.pcm)


@pytest.mark.parametrize("text", ["", "  ", "😀", "***"])
async def test_nothing_to_say_is_silent(espeak: EspeakSynthesizer, text: str) -> None:
    assert [chunk async for chunk in espeak.speak(text, voice="espeak:en-gb")] == []


async def test_an_unknown_voice_is_named(espeak: EspeakSynthesizer) -> None:
    with pytest.raises(ValueError, match="espeak:nobody"):
        await speak(espeak, "Hello.", "espeak:nobody")


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process by POSIX signals")
async def test_a_crash_in_mid_sentence_is_survived(espeak: EspeakSynthesizer) -> None:
    pid = espeak._pool.workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # it cannot finish the sentence before it is killed
    speaking = asyncio.create_task(speak(espeak, "The museum is open today."))
    await asyncio.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    assert len((await speaking).pcm) > 0
    assert espeak._pool.workers[0].pid != pid


async def test_a_second_crash_is_an_error(espeak: EspeakSynthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    async def crash(*arguments: object) -> None:
        tries.append(arguments)
        raise WorkerCrashed("espeak-ng: the process died (SIGSEGV)")

    monkeypatch.setattr(espeak._pool, "request", crash)
    with pytest.raises(SynthesizerError, match="SIGSEGV"):
        await speak(espeak, "Hello.")
    assert len(tries) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process by POSIX signals")
async def test_cancelling_frees_the_caller_at_once_and_the_engine_after(espeak: EspeakSynthesizer) -> None:
    pid = espeak._pool.workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    speaking = asyncio.create_task(speak(espeak, "The museum is open today."))
    await asyncio.sleep(0.05)
    speaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaking
    os.kill(pid, signal.SIGCONT)
    assert len((await speak(espeak, "Hello.")).pcm) > 0
    assert espeak._pool.workers[0].pid == pid


async def test_closures_are_moved_before_their_bursts() -> None:
    rate = 16_000
    noise = np.random.default_rng(1).normal(0, 0.2, rate // 20).astype(np.float32)
    vowel = (0.3 * np.sin(np.arange(rate // 10) * 0.1)).astype(np.float32)
    pcm = np.concatenate((vowel, np.zeros(rate // 20, np.float32), noise))
    phones = [Phone("a", 0.0, 0.15), Phone("p", 0.15, 0.2)]
    moved = closures_before_bursts(pcm, rate, phones)
    assert moved[0].end == moved[1].start == pytest.approx(0.1, abs=0.005)
    assert closures_before_bursts(pcm, rate, [Phone("a", 0.0, 0.15), Phone("m", 0.15, 0.2)])[1].start == 0.15


async def test_voiceless_stops_of_real_speech_begin_in_their_closures(espeak: EspeakSynthesizer) -> None:
    chunk = await speak(espeak, "A happy puppy, a copper kettle, a better attic, a sticky ticket.")
    quiet = []
    for before, phone in zip(chunk.phones, chunk.phones[1:], strict=False):
        if phone.symbol in ("p", "t", "k") and before.symbol:
            start = round(phone.start * chunk.rate)
            quiet.append(np.sqrt(np.mean(chunk.pcm[start : start + chunk.rate // 66] ** 2)) < 0.02)
    assert len(quiet) >= 8
    assert np.mean(quiet) >= 0.7
