"""The face that mimics a microphone: its lips are the voice's, its head moves with it, however long it goes on."""

from itertools import pairwise

import numpy as np
import pytest

from agent.audio import TIMELINE_RATE, Pcm
from avatar.behaviour import Style
from avatar.blendshapes import INDEX, FaceTrack
from avatar.lipsync import LIVE, Lips
from avatar.lipsync.heard import hear
from avatar.mirror import MirrorFace
from scripts.bench.synthesis import speak

JAW = INDEX["jawOpen"]
PACKET = 480


@pytest.fixture(scope="module")
def voice() -> Pcm:
    said = speak("Peter Piper picked a peck of pickled peppers. Where are you going today?", "en-us", TIMELINE_RATE)
    return np.pad(said, TIMELINE_RATE // 2)


def mimicked(face: MirrorFace, pcm: Pcm, packet: int = PACKET) -> FaceTrack:
    tracks = [face.push(pcm[start : start + packet]) for start in range(0, len(pcm), packet)]
    assert all(one.end_sample == other.start_sample for one, other in pairwise(tracks))
    return FaceTrack(
        0,
        np.concatenate([track.weights for track in tracks]),
        np.concatenate([track.head for track in tracks]),
        np.concatenate([track.gaze for track in tracks]),
    )


async def test_the_lips_are_those_of_the_voice(voice: Pcm) -> None:
    track = mimicked(MirrorFace(), voice)
    heard = await hear(Lips(lookahead=LIVE), voice)
    assert np.abs(track.weights[:, JAW] - heard.weights[: len(track), JAW]).max() < 1e-4
    assert track.weights[: int(0.4 * 60), JAW].max() < 0.03, "it is silent there"
    assert track.weights[:, JAW].max() > 0.15


def test_it_is_as_far_behind_as_it_says(voice: Pcm) -> None:
    face = MirrorFace()
    for start in range(0, len(voice), PACKET):
        end = face.push(voice[start : start + PACKET]).end_sample
        assert face.heard_samples - end <= face.lookahead_ms * TIMELINE_RATE / 1000 + PACKET
    assert face.heard_samples == len(voice)
    assert face.lookahead_ms <= 100


def test_the_head_goes_with_the_voice_and_less_where_motion_is_to_be_reduced(voice: Pcm) -> None:
    moved = mimicked(MirrorFace(1), voice).head
    still = mimicked(MirrorFace(1, Style(reduced_motion=True)), voice).head
    assert 0.02 < np.ptp(moved[:, 1]) < 0.5
    assert np.ptp(still[:, 1]) < 0.35 * np.ptp(moved[:, 1])
    assert np.abs(np.diff(moved, axis=0)).max() < 0.02, "it does not jerk"


def test_packets_of_any_size_give_the_same_lips_and_nearly_the_same_head(voice: Pcm) -> None:
    fine, coarse = mimicked(MirrorFace(), voice, 240), mimicked(MirrorFace(), voice, 1200)
    both = min(len(fine), len(coarse))
    assert np.abs(fine.weights[:both, JAW] - coarse.weights[:both, JAW]).max() < 1e-4
    assert np.corrcoef(fine.head[:both, 1], coarse.head[:both, 1])[0, 1] > 0.9


def test_an_hour_takes_no_more_room_than_a_minute(voice: Pcm) -> None:
    """Nothing is kept for as long as the microphone is on."""
    face = MirrorFace()
    sizes = []
    for _ in range(4):
        mimicked(face, np.tile(voice, 2), 12_000)
        sizes.append(len(face._motion._targets) + len(face._recent))
    assert max(sizes) < 2500
