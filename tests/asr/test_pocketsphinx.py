"""The embedded recogniser on synthetic speech: words, streams side by side, crashes, waiting, and an end."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import jiwer
import numpy as np
import pytest
import pytest_asyncio

from agent import asr
from agent.asr import RATE, Hypothesis, RecognizerError
from agent.asr.pocketsphinx import Pocketsphinx
from agent.audio import Pcm
from scripts.bench.synthesis import flite_installed, speak

VOICE = "slt" if flite_installed() else "en-us"
OPENING = "what are your opening hours"
HOUSE = "nobody knew why the train had stopped"


def said(text: str) -> Pcm:
    pause = np.random.default_rng(0).standard_normal(RATE // 4).astype(np.float32) * np.float32(1e-4)
    return np.concatenate([pause, speak(text, VOICE), pause])


async def feed(utterance: asr.Utterance, pcm: Pcm, size: int = RATE // 5) -> list[Hypothesis]:
    return [await utterance.feed(pcm[start : start + size]) for start in range(0, len(pcm), size)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recognizer() -> AsyncIterator[Pocketsphinx]:
    recognizer = asr.load("pocketsphinx")
    assert isinstance(recognizer, Pocketsphinx)
    await recognizer.start()
    yield recognizer
    await recognizer.stop()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_words_come_while_they_are_spoken_and_refining_hears_them_all(recognizer: Pocketsphinx) -> None:
    utterance = await recognizer.listen()
    heard = await feed(utterance, said(OPENING))
    assert heard[1].text == ""
    assert len({h.text for h in heard}) >= 4, "partials change as words come"
    assert await utterance.current() == heard[-1]
    refined = await utterance.refine()
    await utterance.close()
    assert jiwer.wer(OPENING, heard[-1].text) <= 0.4
    assert jiwer.wer(OPENING, refined.text) <= 0.2
    assert refined.confidence >= recognizer.min_confidence


@pytest.mark.parametrize(("gain", "offset"), [(0.01, 0.0), (1.0, 0.1), (0.1, -0.3)])
async def test_neither_level_nor_dc_matters(recognizer: Pocketsphinx, gain: float, offset: float) -> None:
    utterance = await recognizer.listen()
    await feed(utterance, np.float32(gain) * said(OPENING) + np.float32(offset), RATE)
    assert jiwer.wer(OPENING, (await utterance.refine()).text) <= 0.2
    await utterance.close()


async def test_feeding_goes_on_while_refining(recognizer: Pocketsphinx) -> None:
    utterance, pcm = await recognizer.listen(), said(HOUSE)
    half = len(pcm) // 2
    await feed(utterance, pcm[:half])
    refining = asyncio.create_task(utterance.refine())
    await asyncio.sleep(0)
    await feed(utterance, pcm[half:])
    assert len((await refining).text.split()) < len((await utterance.refine()).text.split())
    await utterance.close()


async def test_two_speakers_at_once_are_each_heard_alone(recognizer: Pocketsphinx) -> None:
    async def hear(text: str) -> str:
        utterance = await recognizer.listen()
        heard = await feed(utterance, said(text))
        await utterance.close()
        return heard[-1].text

    alone = [await hear(text) for text in (OPENING, HOUSE)]
    assert await asyncio.gather(hear(OPENING), hear(HOUSE)) == alone
    assert jiwer.wer(HOUSE, alone[1]) <= 0.4


async def test_an_utterance_leaves_nothing_behind_for_the_next(recognizer: Pocketsphinx) -> None:
    answers = []
    for before in (None, said(HOUSE) * np.float32(0.02) + np.float32(0.2)):
        if before is not None:
            other = await recognizer.listen()
            await feed(other, before)
            await other.close()
        utterance = await recognizer.listen()
        answers.append([h.text for h in await feed(utterance, said(OPENING))])
        await utterance.close()
    assert answers[0] == answers[1]


async def test_a_third_speaker_waits_and_is_heard_all_the_same(recognizer: Pocketsphinx) -> None:
    others = [await recognizer.listen() for _ in range(2)]
    for other in others:
        await other.feed(said(HOUSE)[:RATE])
    third = await recognizer.listen()
    assert all(h.text == "" for h in await feed(third, said(OPENING), RATE)), "kept, not yet decoded"
    assert jiwer.wer(OPENING, (await third.refine()).text) <= 0.2, "refining does not need a stream"
    waiting = asyncio.create_task(third.current())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    for other in others:
        await other.close()
    assert jiwer.wer(OPENING, (await waiting).text) <= 0.4
    await third.close()


async def test_a_crash_in_the_middle_is_survived_with_nothing_lost(recognizer: Pocketsphinx) -> None:
    pcm = said(OPENING)
    utterance = await recognizer.listen()
    expected = (await feed(utterance, pcm))[-1].text
    await utterance.close()
    utterance = await recognizer.listen()
    await feed(utterance, pcm[: len(pcm) // 2])
    assert utterance._worker is not None
    os.kill(utterance._worker.pid or 0, signal.SIGTERM)
    answers = await feed(utterance, pcm[len(pcm) // 2 :])
    await utterance.close()
    assert jiwer.wer(expected, answers[-1].text) <= 0.4, "the words before the crash are there too"
    assert len(answers[-1].text.split()) >= 4


async def test_abandoning_a_slow_call_leaves_the_stream_usable(recognizer: Pocketsphinx) -> None:
    utterance = await recognizer.listen()
    task = asyncio.create_task(feed(utterance, np.tile(said(HOUSE), 3), 10 * RATE))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await utterance.close()
    following = await recognizer.listen()
    assert jiwer.wer(OPENING, (await feed(following, said(OPENING)))[-1].text) <= 0.4
    await following.close()


async def test_silence_and_nothing_are_no_words(recognizer: Pocketsphinx) -> None:
    utterance = await recognizer.listen()
    assert await utterance.refine() == await utterance.current() == Hypothesis("", 0.0)
    assert await utterance.feed(np.zeros(0, np.float32)) == Hypothesis("", 0.0)
    await feed(utterance, np.zeros(RATE, np.float32))
    refined = await utterance.refine()
    assert refined.text == "" or refined.confidence < recognizer.min_confidence
    await utterance.close()
    await utterance.close()
    with pytest.raises(RecognizerError, match="is closed"):
        await utterance.feed(np.zeros(100, np.float32))


async def test_an_endless_utterance_is_refused(recognizer: Pocketsphinx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.asr.pocketsphinx.MAX_SECONDS", 1)
    utterance = await recognizer.listen()
    await utterance.feed(np.zeros(RATE, np.float32))
    with pytest.raises(RecognizerError, match="at most 1 s"):
        await utterance.feed(np.zeros(1, np.float32))
    await utterance.close()


async def test_stopped_means_no_processes_and_a_clear_error() -> None:
    recognizer = Pocketsphinx(streams=1, refiners=1)
    await recognizer.start()
    pids = [worker.pid for worker in (*recognizer._streams.workers, *recognizer._refiners.workers)]
    assert all(pids)
    utterance = await recognizer.listen()
    await recognizer.stop()
    with pytest.raises(RecognizerError, match="stopped"):
        await utterance.feed(said(OPENING)[:RATE])
    await utterance.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid or 0, 0)


async def test_an_unknown_engine_or_option_is_named() -> None:
    with pytest.raises(RecognizerError, match="no recogniser 'sphynx'; there is: pocketsphinx"):
        asr.load("sphynx")
    with pytest.raises(RecognizerError, match=r"pocketsphinx: .*stream'"):
        asr.load("pocketsphinx", stream=2)


async def test_a_word_shorter_than_what_a_stream_holds_back_is_heard(recognizer: Pocketsphinx) -> None:
    utterance = await recognizer.listen()
    word = speak("yes", VOICE)[: RATE // 2]
    assert (await utterance.feed(word)).text == ""
    assert (await utterance.current()).text != ""
    await utterance.close()
