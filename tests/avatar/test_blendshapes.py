import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.blendshapes import INDEX, MOUTH, NAMES, RECORD, FaceTrack


def track(n: int, start: int = 0, seed: int = 0) -> FaceTrack:
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0, 1, (n, 52)).astype(np.float32)
    head, gaze = rng.uniform(-1, 1, (n, 3)).astype(np.float32), rng.uniform(-1, 1, (n, 2)).astype(np.float32)
    return FaceTrack(start, weights, head, gaze)


def test_the_52_names_are_apples() -> None:
    assert len(NAMES) == len(set(NAMES)) == 52
    assert NAMES[0] == "eyeBlinkLeft"
    assert NAMES[-1] == "tongueOut"
    assert MOUTH[INDEX["jawOpen"]]
    assert not MOUTH[INDEX["cheekSquintLeft"]]


@given(n=st.integers(0, 20), seed=st.integers(0, 9))
def test_a_track_survives_the_wire_within_its_resolution(n: int, seed: int) -> None:
    sent = track(n, 800, seed)
    data = sent.to_bytes()
    assert len(data) == n * RECORD.itemsize == n * 62
    got = FaceTrack.from_bytes(800, data)
    np.testing.assert_allclose(got.weights, sent.weights, atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(got.head, sent.head, atol=0.6e-4)
    np.testing.assert_allclose(got.gaze, sent.gaze, atol=0.6e-4)
    assert got.to_bytes() == data


def test_values_out_of_range_are_clipped_on_the_wire() -> None:
    wild = FaceTrack(0, np.full((1, 52), 7, np.float32), np.full((1, 3), -9, np.float32), np.zeros((1, 2), np.float32))
    got = FaceTrack.from_bytes(0, wild.to_bytes())
    assert got.weights.max() == 1
    assert got.head.min() == pytest.approx(-3.2767, abs=1e-4)


def test_half_a_record_is_refused() -> None:
    with pytest.raises(ValueError, match="61 bytes"):
        FaceTrack.from_bytes(0, b"\0" * 61)


def test_between_takes_the_frames_that_stand_in_the_span() -> None:
    whole = track(10, 4000)
    part = whole.between(4001, 5200)
    assert part.start_sample == 4400
    assert len(part) == 2
    np.testing.assert_array_equal(part.weights, whole.weights[1:3])
    assert len(whole.between(0, 4000)) == 0
    assert len(whole.between(0, 10**9)) == 10
