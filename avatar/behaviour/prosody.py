"""Pitch and loudness of a voice, a value a frame; and which of its syllables are stressed."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.audio import TIMELINE_RATE, Pcm
from avatar.behaviour.motion import Curve
from avatar.blendshapes import FPS, SAMPLES_PER_FRAME

_DECIMATION = 3
_RATE = TIMELINE_RATE // _DECIMATION
_WINDOW = 384
"""Samples at 8 kHz: 48 ms, three periods of the lowest voice."""
_FFT = 1024
_SHORTEST, _LONGEST = _RATE // 400, _RATE // 70
_VOICED = 0.5
_NEARLY = 0.87
"""Of the highest peak of the autocorrelation."""
_LEAP = 0.7
"""Octaves from the median."""
_NEIGHBOURS = 7
QUIET_DB = -60.0
LOUDNESS_RANGE_DB = 25.0
RATE_OF_FRAMES = float(FPS)

_STRESS = 0.45
"""How far a stressed syllable stands out at least, in the sum of 6 semitones' and 12 dB's shares over its
surroundings."""
EDGE = 4
_SURROUNDINGS = 27
"""Frames on either side that a stress is compared with: the syllables before and after."""
STRESS_APART = 42
"""Frames between two stresses that are underlined: .7 s. Who underlines every word underlines none."""


class Prosody(NamedTuple):
    """One value a frame. log_f0: octaves (log2 Hz), NaN where unvoiced. level_db: RMS in dB re full scale."""

    log_f0: Curve
    level_db: Curve


def prosody(pcm: Pcm, first: int, count: int) -> Prosody:
    """Pitch and level of `pcm` (shape (n,), 24 kHz) around its samples first + 400·i for i < count.

    Pitch is a peak of the autocorrelation between 70 and 400 Hz, with the window's own falling off divided out (Boersma
    1993); voiced means a peak of at least half the energy.
    """
    usable = len(pcm) // _DECIMATION * _DECIMATION
    low = np.asarray(pcm[:usable], np.float32).reshape(-1, _DECIMATION).mean(axis=1)
    low = np.nan_to_num(low, nan=0.0, posinf=0.0, neginf=0.0)
    span = count * SAMPLES_PER_FRAME // _DECIMATION + 2 * _WINDOW
    padded = np.zeros(max(span, len(low) + 2 * _WINDOW), np.float32)
    padded[_WINDOW // 2 : _WINDOW // 2 + len(low)] = low
    starts = (first + SAMPLES_PER_FRAME * np.arange(count)) // _DECIMATION
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[np.minimum(starts, len(padded) - _WINDOW)]
    energy = np.mean(windows.astype(np.float64) ** 2, axis=1)
    level = 10 * np.log10(energy + 1e-12)
    spectrum = np.abs(np.fft.rfft(windows * _HANN, _FFT, axis=1)) ** 2
    lags = np.fft.irfft(spectrum, _FFT, axis=1)[:, :_LONGEST]
    strength = lags / np.maximum(lags[:, :1], 1e-12) / _HANN_LAGS
    best = _shortest_period(strength)
    voiced = (strength[np.arange(count), best] >= _VOICED) & (level > QUIET_DB)
    return Prosody(_without_leaps(np.where(voiced, np.log2(_RATE / best), np.nan)), level)


def _shortest_period(strength: Curve) -> NDArray[np.int64]:
    """The lag of each frame's pitch: the shortest peak that is nearly as high as the highest. Multiples of a period
    repeat as well as the period does. Shape (n,), from `strength` of shape (n, lags)."""
    within = strength[:, _SHORTEST - 1 :]
    peak = (within[:, 1:-1] >= within[:, :-2]) & (within[:, 1:-1] > within[:, 2:])
    high = np.where(peak, within[:, 1:-1], -1.0)
    good = high >= np.maximum(_NEARLY * high.max(axis=1, keepdims=True), 0.0)
    return np.asarray(np.where(good.any(axis=1), good.argmax(axis=1), 0) + _SHORTEST)


def _without_leaps(log_f0: Curve) -> Curve:
    """Voiced frames that stand an octave off the voice's median are put back, and single ones that leap are drawn to
    their neighbours. (No voice in one chunk of speech covers two octaves; trackers err by just one.)"""
    voiced = np.flatnonzero(np.isfinite(log_f0))
    if len(voiced) < _NEIGHBOURS:
        return log_f0
    pitch = log_f0[voiced]
    usual = np.median(pitch)
    pitch = np.where(pitch - usual > _LEAP, pitch - 1, np.where(usual - pitch > _LEAP, pitch + 1, pitch))
    around = np.lib.stride_tricks.sliding_window_view(np.pad(pitch, _NEIGHBOURS // 2, mode="edge"), _NEIGHBOURS)
    mended = log_f0.copy()
    mended[voiced] = np.median(around, axis=1)
    return mended


_HANN = np.hanning(_WINDOW).astype(np.float32)
_HANN_LAGS = np.fft.irfft(np.abs(np.fft.rfft(_HANN, _FFT)) ** 2, _FFT)[:_LONGEST]
_HANN_LAGS = _HANN_LAGS / _HANN_LAGS[0]


def stresses(semitones: Curve, level: Curve) -> list[int]:
    """The frames at which stressed syllables have their peak, in order. `semitones` over the voice's median and `level`
    (0…1 of LOUDNESS_RANGE_DB), both of shape (n,). What rises in the last EDGE frames may rise on: it is none yet."""
    if len(level) < STRESS_APART:
        return []
    height = np.maximum(semitones, -3.0) / 6 + level * LOUDNESS_RANGE_DB / 12
    height = np.convolve(np.pad(height, 3, mode="edge"), np.hanning(9)[1:-1] / np.hanning(9).sum(), "valid")
    around = np.lib.stride_tricks.sliding_window_view(np.pad(height, _SURROUNDINGS, mode="edge"), 2 * _SURROUNDINGS + 1)
    prominence = height - np.median(around, axis=1)
    peaks = np.flatnonzero((height >= around.max(axis=1) - 1e-9) & (prominence > _STRESS))
    peaks = peaks[peaks < len(height) - EDGE]
    chosen: list[int] = []
    for peak in peaks:
        if not chosen or peak - chosen[-1] >= STRESS_APART:
            chosen.append(int(peak))
    return chosen
