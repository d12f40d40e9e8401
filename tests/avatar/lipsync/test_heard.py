"""Speech that nobody timed, through the network that comes with the package."""

import asyncio

import numpy as np
import pytest

from agent.audio import TIMELINE_RATE as RATE
from agent.audio import Pcm
from agent.tts import Phone
from avatar.blendshapes import INDEX
from avatar.lipsync import BUFFERED, Lips, MirrorLips, Pronouncer, Pronunciation, TimedLips
from avatar.lipsync.heard import hear
from avatar.lipsync.lips import declared_ms
from scripts.bench.timed_speech import TimedSpeech, espeak_speech

TEXT = "Could you tell me where the ticket office is, please?"
OTHER = "Every Friday evening five fine wolves leave the valley, and nobody has ever seen them again."
CHINESE = "他买了八本书，放在桌子上。"
JAW = INDEX["jawOpen"]


@pytest.fixture(scope="module")
def speech() -> tuple[TimedSpeech, TimedSpeech]:
    english, chinese = espeak_speech([(TEXT, "en-us", 140, 50), (CHINESE, "cmn", 140, 50)])
    return english, chinese


def jaw_by_phones(spoken: TimedSpeech) -> np.ndarray:
    lips = TimedLips()
    lips.add(spoken.phones, spoken.pcm, 0, spoken.text)
    return lips.frames(len(spoken.pcm)).weights[:, JAW]


@pytest.mark.parametrize(("text", "source", "least"), [(TEXT, "text", 0.85), ("", "audio", 0.6)])
@pytest.mark.parametrize("lag", [12, None])
def test_the_jaw_moves_as_the_phones_say(
    speech: tuple[TimedSpeech, TimedSpeech], text: str, source: str, least: float, lag: int | None
) -> None:
    lips = Lips(lag=lag)
    track = asyncio.run(hear(lips, speech[0].pcm, text))
    assert lips.source == source
    assert len(track) == -(-len(speech[0].pcm) // 400)
    assert np.corrcoef(track.weights[:, JAW], jaw_by_phones(speech[0]))[0, 1] > least


def test_chinese_is_followed(speech: tuple[TimedSpeech, TimedSpeech]) -> None:
    lips = Lips()
    track = asyncio.run(hear(lips, speech[1].pcm, CHINESE))
    assert lips.source == "text"
    assert np.corrcoef(track.weights[:, JAW], jaw_by_phones(speech[1]))[0, 1] > 0.8


def test_a_text_that_is_not_what_is_heard_is_not_followed(speech: tuple[TimedSpeech, TimedSpeech]) -> None:
    lips = Lips()
    asyncio.run(hear(lips, speech[0].pcm, OTHER))
    assert lips.source == "audio"


@pytest.mark.parametrize("text", [TEXT, ""])
def test_the_cutting_of_the_sound_changes_nothing(speech: tuple[TimedSpeech, TimedSpeech], text: str) -> None:
    pcm = speech[0].pcm
    whole = asyncio.run(hear(Lips(), pcm, text, packet=len(pcm)))
    for packet in (480, 1009):
        cut = asyncio.run(hear(Lips(), pcm, text, packet=packet))
        np.testing.assert_allclose(cut.weights, whole.weights, atol=1e-4)


@pytest.mark.parametrize("text", [TEXT, ""])
def test_no_frame_needs_more_sound_than_is_declared(speech: tuple[TimedSpeech, TimedSpeech], text: str) -> None:
    pcm = speech[0].pcm
    whole = asyncio.run(hear(Lips(), pcm, text))
    lips = Lips()
    lips.expect(asyncio.run(_pronunciation(text)))
    cut = RATE + 137
    lips.add((), pcm[:cut], 0, text)
    early = lips.frames(len(pcm))
    assert early.end_sample + lips.lookahead_ms * RATE // 1000 >= cut
    np.testing.assert_allclose(early.weights, whole.weights[: len(early)], atol=1e-4)


async def _pronunciation(text: str) -> Pronunciation | None:
    pronouncer = Pronouncer()
    try:
        return await pronouncer.pronounce(text) if text else None
    finally:
        await pronouncer.stop()


def test_the_declared_look_aheads_are_within_what_a_conversation_allows() -> None:
    assert declared_ms(BUFFERED) <= 100
    assert MirrorLips().lookahead_ms <= 60
    lips = Lips()
    assert lips.lookahead_ms == 0


def test_a_mirror_follows_a_microphone_and_keeps_no_more_than_it_needs(speech: tuple[TimedSpeech, TimedSpeech]) -> None:
    mirror = MirrorLips()
    tracks = [mirror.push(part) for part in np.array_split(speech[0].pcm, 100)]
    shown = np.concatenate([track.weights for track in tracks])
    assert [t.start_sample for t in tracks[1:]] == [t.end_sample for t in tracks[:-1]]
    assert len(speech[0].pcm) - tracks[-1].end_sample <= mirror.lookahead_ms * RATE // 1000 + 400
    assert np.corrcoef(shown[:, JAW], jaw_by_phones(speech[0])[: len(shown)])[0, 1] > 0.55


def tone(hertz: float, seconds: float = 2.0) -> Pcm:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def test_silence_leaves_the_mouth_shut() -> None:
    track = asyncio.run(hear(Lips(), np.zeros(2 * RATE, np.float32)))
    assert track.weights[:, JAW].max() <= 0.03


def test_a_faint_room_leaves_the_mouth_shut_before_anything_is_said(speech: tuple[TimedSpeech, TimedSpeech]) -> None:
    hum = 1.5e-4 * np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
    pcm = np.concatenate([np.zeros(RATE // 3, np.float32), hum, speech[0].pcm])
    jaw = asyncio.run(hear(Lips(), pcm)).weights[:, JAW]
    said = int((RATE // 3 + RATE) / 400)
    assert jaw[: said - 10].max() <= 0.03
    assert jaw[said:].max() > 0.1


def test_a_reply_may_mix_sentences_that_are_timed_and_not(speech: tuple[TimedSpeech, TimedSpeech]) -> None:
    pcm = speech[0].pcm
    lips = Lips()
    lips.add(speech[0].phones, pcm, 0, TEXT)
    assert lips.source == "timed"
    first = lips.frames(len(pcm))
    at = first.end_sample
    lips.add((), pcm, at, TEXT)
    assert (lips.source, lips.ready(2 * len(pcm)) < 2 * len(pcm)) == ("audio", True)
    lips.end()
    second = lips.frames(at + len(pcm))
    assert second.start_sample == at
    assert second.weights[:, JAW].max() > 0.1
    lips.add([Phone("m", 0.0, 0.1), Phone("a", 0.1, 0.4)], pcm, second.end_sample, "Ma.")
    third = lips.frames(second.end_sample + len(pcm))
    steps = np.abs(np.diff(np.concatenate([t.weights for t in (first, second, third)])[:, JAW]))
    assert steps.max() < 0.15
    assert "PP" in lips.visemes(second.end_sample, third.end_sample)


def test_empty_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        asyncio.run(hear(Lips(), np.zeros(0, np.float32)))
