import numpy as np
import pytest

from agent.audio import levels


def test_levels_of_a_sine() -> None:
    sine = (0.5 * np.sin(2 * np.pi * 100 * np.arange(16_000) / 16_000)).astype(np.float32)
    assert levels.rms(sine) == pytest.approx(0.5 / np.sqrt(2), rel=1e-4)
    assert levels.rms_dbfs(sine) == pytest.approx(-9.03, abs=0.01)
    assert levels.peak_dbfs(sine) == pytest.approx(-6.02, abs=0.01)
    assert levels.dc(sine + np.float32(0.25)) == pytest.approx(0.25, abs=1e-5)


@pytest.mark.parametrize("pcm", [np.zeros(0, np.float32), np.zeros(10, np.float32)])
def test_silence_has_finite_levels(pcm: np.ndarray) -> None:
    assert levels.rms_dbfs(pcm) == levels.peak_dbfs(pcm) == levels.SILENCE_DBFS
    assert levels.dc(pcm) == 0
