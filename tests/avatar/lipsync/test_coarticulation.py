from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tts import Phone
from avatar.blendshapes import INDEX, MOUTH, FaceTrack
from avatar.lipsync import TimedLips, nearest_viseme

RATE = 24_000
WIRE_STEP = 1 / 255
"""The least difference of a weight that is sent."""
SYMBOLS = (*"pbmfvθtnlksʃɹwjhæʌəɛɔʂy", "tʃ", "tɕ", "ts", "ɑː", "iː", "uː", "oʊ", "aɪ")


def sentence(*spoken: tuple[str, float], start: float = 0.3) -> list[Phone]:
    out = [Phone("", 0.0, start)]
    for symbol, seconds in spoken:
        out.append(Phone(symbol, out[-1].end, out[-1].end + seconds))
    return out


def silent(phones: Sequence[Phone], after: float = 0.5) -> np.ndarray:
    return np.zeros(int((phones[-1].end + after) * RATE), np.float32)


def said(phones: Sequence[Phone]) -> FaceTrack:
    lips = TimedLips()
    pcm = silent(phones)
    lips.add(phones, pcm, 0, "…")
    return lips.frames(len(pcm))


def aperture(track: FaceTrack) -> np.ndarray:
    def w(name: str) -> np.ndarray:
        return track.weights[:, INDEX[name]]

    rolls = (w("mouthRollLower") + w("mouthRollUpper")) / 2
    parted = 0.35 * w("mouthLowerDownLeft") + 0.25 * w("mouthUpperUpLeft") + 0.10 * w("mouthFunnel")
    return np.clip(w("jawOpen") - w("mouthClose") + parted - 0.12 * w("mouthPressLeft") - 0.15 * rolls, 0, 1)


def during(track: FaceTrack, phone: Phone) -> slice:
    return slice(int(np.ceil(phone.start * 60)), max(int(np.ceil(phone.start * 60)) + 1, int(phone.end * 60) + 1))


words = st.lists(st.tuples(st.sampled_from(SYMBOLS), st.floats(0.03, 0.25)), min_size=1, max_size=25)


@given(spoken=words)
@settings(max_examples=30, deadline=None)
def test_every_frame_is_finite_in_range_symmetric_and_of_the_mouth(spoken: list[tuple[str, float]]) -> None:
    track = said(sentence(*spoken))
    assert np.isfinite(track.weights).all()
    assert track.weights.min() >= 0
    assert track.weights.max() <= 1
    assert not track.weights[:, ~MOUTH].any()
    np.testing.assert_array_equal(track.weights[:, INDEX["mouthSmileLeft"]], track.weights[:, INDEX["mouthSmileRight"]])
    assert not track.head.any()
    assert not track.gaze.any()


@given(spoken=words)
@settings(max_examples=40, deadline=None)
def test_every_bilabial_seals_and_every_labiodental_bites(spoken: list[tuple[str, float]]) -> None:
    phones = sentence(*spoken)
    track = said(phones)
    opening, roll = aperture(track), track.weights[:, INDEX["mouthRollLower"]]
    for phone in phones:
        near = slice(int((phone.start - 0.02) * 60), int((phone.end + 0.02) * 60) + 1)
        if phone.symbol in "pbm" and phone.symbol:
            assert opening[near].min() <= 0.03
        if phone.symbol in "fv" and phone.symbol and phone.end - phone.start > 0.04:
            assert roll[near].max() >= 0.44


@given(spoken=words)
@settings(max_examples=30, deadline=None)
def test_the_jaw_closes_on_sibilants(spoken: list[tuple[str, float]]) -> None:
    phones = sentence(*spoken)
    track = said(phones)
    for phone in phones:
        if phone.symbol in ("s", "ʃ", "tʃ", "ts", "tɕ", "ʂ"):
            assert track.weights[during(track, phone), INDEX["jawOpen"]].min() <= 0.101


@given(spoken=words, cuts=st.lists(st.integers(0, 200_000), max_size=12))
@settings(max_examples=30, deadline=None)
def test_cutting_changes_nothing(spoken: list[tuple[str, float]], cuts: list[int]) -> None:
    phones = sentence(*spoken)
    pcm = silent(phones)
    lips = TimedLips()
    lips.add(phones, pcm, 0, "…")
    parts = [lips.frames(cut) for cut in [*sorted(cuts), 250_000]]
    ends = [part.end_sample for part in parts]
    assert [part.start_sample for part in parts] == [0, *ends[:-1]]
    whole = TimedLips()
    whole.add(phones, pcm, 0, "…")
    np.testing.assert_array_equal(np.concatenate([p.weights for p in parts]), whole.frames(250_000).weights)


@given(first=words, second=words, taken=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_a_sentence_shapes_nothing_before_its_first_sample(
    first: list[tuple[str, float]], second: list[tuple[str, float]], taken: float
) -> None:
    a, b = sentence(*first), sentence(*second, start=0.01)
    pcm_a, pcm_b = silent(a, 0.05), silent(b)
    end = len(pcm_a) + len(pcm_b)
    known = TimedLips()
    known.add(a, pcm_a, 0, "a")
    known.add(b, pcm_b, len(pcm_a), "b")
    late = TimedLips()
    late.add(a, pcm_a, 0, "a")
    parts = [late.frames(int(taken * len(pcm_a)))]
    late.add(b, pcm_b, len(pcm_a), "b")
    parts.append(late.frames(end))
    np.testing.assert_array_equal(np.concatenate([p.weights for p in parts]), known.frames(end).weights)


@given(spoken=words, at=st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_a_sentence_may_come_in_chunks_once_its_phones_are_known(spoken: list[tuple[str, float]], at: float) -> None:
    phones = sentence(*spoken)
    pcm = silent(phones)
    cut = int(at * len(pcm))
    lips = TimedLips()
    lips.add(phones, pcm[:cut], 0, "…")
    parts = [lips.frames(cut)]
    lips.add([], pcm[cut:], cut, "")
    parts.append(lips.frames(len(pcm)))
    np.testing.assert_allclose(np.concatenate([p.weights for p in parts]), said(phones).weights, atol=WIRE_STEP)


def test_a_sentence_added_late_takes_over_without_a_jump() -> None:
    lips = TimedLips()
    phones = sentence(("ɑː", 0.6), ("w", 0.3), start=0.0)
    given = lips.frames(4800)
    assert not given.weights.any()
    lips.add(phones, silent(phones), 0, "…")
    rest = lips.frames(30_000)
    assert rest.start_sample == 4800
    steps = np.abs(np.diff(np.concatenate([given.weights, rest.weights]), axis=0))
    assert steps[:24].max() < 0.15
    assert rest.weights[:, INDEX["jawOpen"]].max() > 0.2


@pytest.mark.parametrize("last", ["ɑː", "uː", "f", "m", "s", "iː"])
def test_the_mouth_comes_to_rest_gently_within_150_ms(last: str) -> None:
    phones = sentence(("h", 0.08), ("ɑː", 0.2), (last, 0.2))
    track = said(phones)
    end = int(phones[-1].end * 60)
    assert track.weights[end + 9 :].max() < 0.12
    assert aperture(track)[end + 9 :].max() <= 0.03
    assert track.weights[end + 15 :].max() < 0.01
    assert np.abs(np.diff(track.weights[end:], axis=0)).max() < 0.2
    jaw = track.weights[end + 1 :, INDEX["jawOpen"]]
    assert (np.diff(jaw) <= 1e-6).all()


def test_lips_round_ahead_of_the_vowel_through_weak_consonants() -> None:
    phones = sentence(("iː", 0.15), ("s", 0.1), ("t", 0.06), ("uː", 0.2))
    pucker = said(phones).weights[:, INDEX["mouthPucker"]]
    vowel = next(p for p in phones if p.symbol == "uː")
    assert pucker[int((vowel.start - 0.05) * 60)] > 0.15
    assert pucker[int((vowel.start + 0.1) * 60)] > 0.5
    assert pucker[int(phones[1].start * 60) + 2] < 0.05


def test_natural_jaws() -> None:
    jaw = said(sentence(("h", 0.08), ("ɑː", 0.3), ("t", 0.08), ("iː", 0.3))).weights[:, INDEX["jawOpen"]]
    assert 0.28 < jaw.max() < 0.42


def test_visemes_are_those_being_said() -> None:
    phones = sentence(("m", 0.1), ("aʊ", 0.2), ("θ", 0.1))
    lips = TimedLips()
    lips.add(phones, silent(phones), 0, "mouth")
    named = lips.visemes(0, int(1.2 * RATE))
    assert [v for i, v in enumerate(named) if i == 0 or named[i - 1] != v] == ["sil", "PP", "aa", "U", "TH", "sil"]
    assert lips.visemes(10**6, 10**6 + 800) == ["sil", "sil"]


@pytest.mark.parametrize(
    ("symbol", "viseme"), [("m", "PP"), ("f", "FF"), ("ɑː", "aa"), ("uː", "U"), ("iː", "I"), ("s", "SS"), ("ʃ", "CH")]
)
def test_the_nearest_viseme_of_a_held_phone_is_its_own(symbol: str, viseme: str) -> None:
    phones = sentence((symbol, 0.5))
    track = said(phones)
    assert nearest_viseme(track.weights[int((phones[-1].start + 0.25) * 60)]) == viseme
    assert nearest_viseme(track.weights[0]) == "sil"


def test_odd_phones_do_no_harm() -> None:
    lips = TimedLips()
    odd = [
        Phone("m", 0.5, 0.4),
        Phone("x!", 0.1, 0.3),
        Phone("a", 0.2, float("inf")),
        Phone("a", 0, 1e9),
        Phone("", 0, 1),
    ]
    lips.add(odd, np.zeros(RATE, np.float32), 0, "")
    lips.add([], np.zeros(0, np.float32), RATE, "")
    assert np.isfinite(lips.frames(2 * RATE).weights).all()
    with pytest.raises(ValueError, match="negative"):
        lips.add([], np.zeros(0, np.float32), -1, "")
