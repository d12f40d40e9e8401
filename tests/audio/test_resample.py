"""Resampling: pieces of any size give what one shot gives, nothing drifts, and sample k stands where it should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.audio import Pcm
from agent.audio.resample import Resampler, resample

RATES = [8000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000]


def noise(samples: int, seed: int = 0) -> Pcm:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, samples).astype(np.float32)


@settings(deadline=None, max_examples=60)
@given(
    in_rate=st.sampled_from(RATES),
    out_rate=st.sampled_from(RATES),
    sizes=st.lists(st.integers(0, 3000), max_size=20),
)
def test_any_pieces_equal_one_shot(in_rate: int, out_rate: int, sizes: list[int]) -> None:
    pcm = noise(sum(sizes))
    stream = Resampler(in_rate, out_rate)
    pieces = [stream.process(piece) for piece in np.split(pcm, np.cumsum(sizes, dtype=int))]
    whole = np.concatenate([*pieces, stream.flush()])
    assert whole.dtype == np.float32
    assert abs(len(whole) - sum(sizes) * out_rate / in_rate) <= 0.5
    np.testing.assert_allclose(whole, resample(pcm, in_rate, out_rate), atol=1e-6)


@pytest.mark.parametrize("in_rate", RATES)
def test_a_click_stands_where_it_stood(in_rate: int) -> None:
    pcm = np.zeros(in_rate, np.float32)
    pcm[in_rate // 2] = 1
    assert np.argmax(resample(pcm, in_rate, 24_000)) == round(in_rate // 2 * 24_000 / in_rate)


@pytest.mark.parametrize(("in_rate", "out_rate"), [(22_050, 24_000), (44_100, 16_000)])
def test_no_drift_in_ten_minutes(in_rate: int, out_rate: int) -> None:
    """A chirped click every half minute, in frames of 20 ms, must come out at its own time to within a sample."""
    stream = Resampler(in_rate, out_rate)
    frame = in_rate // 50
    spans = [range(second * in_rate, (second + 1) * in_rate, frame) for second in range(600)]
    out = []
    for start in (start for span in spans for start in span):
        piece = np.zeros(frame, np.float32)
        if start % (30 * in_rate) == 0:
            piece[0] = 1
        out.append(stream.process(piece))
    whole = np.concatenate([*out, stream.flush()])
    clicks = np.flatnonzero(whole > 0.4 * min(1.0, out_rate / in_rate))
    expected = np.arange(20) * 30 * out_rate
    assert all(np.min(np.abs(clicks - at)) <= 1 for at in expected)
    assert all(np.min(np.abs(expected - click)) <= 1 for click in clicks)


def test_a_tone_keeps_its_pitch_and_level() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(22_050) / 22_050).astype(np.float32)
    out = resample(tone, 22_050, 24_000)[2400:-2400]
    expected = np.sin(2 * np.pi * 1000 * np.arange(24_000) / 24_000)[2400:-2400]
    np.testing.assert_allclose(out, expected, atol=1e-3)


def test_flush_makes_it_ready_for_another_stream() -> None:
    stream, pcm = Resampler(16_000, 24_000), noise(5000)
    first = np.concatenate([stream.process(pcm), stream.flush()])
    np.testing.assert_array_equal(np.concatenate([stream.process(pcm), stream.flush()]), first)


def test_equal_rates_pass_through() -> None:
    pcm = noise(100)
    np.testing.assert_array_equal(resample(pcm, 24_000, 24_000), pcm)


def test_impossible_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="from 0 Hz to 24000 Hz"):
        Resampler(0, 24_000)
