"""How loud a piece of sound is. Levels in dB are relative to full scale: a constant 1 has 0 dBFS RMS."""

import math

import numpy as np

from agent.audio import Pcm

SILENCE_DBFS = -120.0
"""What silence is reported as, so that a level is always a finite number."""


def dbfs(amplitude: float) -> float:
    """An amplitude (1.0 is full scale) in dBFS, never below SILENCE_DBFS."""
    return max(20 * math.log10(amplitude), SILENCE_DBFS) if amplitude > 0 else SILENCE_DBFS


def rms(pcm: Pcm) -> float:
    """The root mean square of `pcm` (shape (n,)); 0 for no samples."""
    return float(np.sqrt(np.mean(np.square(pcm, dtype=np.float64)))) if pcm.size else 0.0


def rms_dbfs(pcm: Pcm) -> float:
    return dbfs(rms(pcm))


def peak_dbfs(pcm: Pcm) -> float:
    return dbfs(float(np.max(np.abs(pcm)))) if pcm.size else SILENCE_DBFS


def dc(pcm: Pcm) -> float:
    """The mean of `pcm` (shape (n,)); 0 for no samples."""
    return float(np.mean(pcm, dtype=np.float64)) if pcm.size else 0.0
