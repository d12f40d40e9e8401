"""What a speaker's head, brows and cheeks do with the voice: they rise and fall with its pitch and its loudness.

Heads of speakers follow F0 and amplitude closely (Munhall et al., "Visual prosody and speech intelligibility", 2004),
and brows rise on accents. All this lies on the reply's own timeline and is added to what the stage does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.audio import TIMELINE_RATE, Pcm
from avatar.blendshapes import FPS, INDEX, SAMPLES_PER_FRAME, FaceTrack

Curve = NDArray[np.float64]

_DECIMATION = 3
_RATE = TIMELINE_RATE // _DECIMATION
_WINDOW = 384
"""Samples at 8 kHz: 48 ms, three periods of the lowest voice."""
_FFT = 1024
_SHORTEST, _LONGEST = _RATE // 400, _RATE // 70
_VOICED = 0.5
_QUIET_DB = -60.0
_LOUDNESS_RANGE_DB = 25.0
_SHORTEST_RUN = 3


@dataclass(frozen=True, slots=True)
class Prosody:
    """One value a frame. log_f0: octaves (log2 Hz), NaN where unvoiced. level_db: RMS in dB re full scale."""

    log_f0: Curve
    level_db: Curve


def prosody(pcm: Pcm, first: int, count: int) -> Prosody:
    """Pitch and level of `pcm` (shape (n,), 24 kHz) around its samples first + 400·i for i < count.

    Pitch is the highest peak of the autocorrelation between 70 and 400 Hz, with the window's own falling off divided
    out (Boersma 1993); voiced means a peak of at least half the energy.
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
    best = strength[:, _SHORTEST:].argmax(axis=1) + _SHORTEST
    voiced = (strength[np.arange(count), best] >= _VOICED) & (level > _QUIET_DB)
    return Prosody(np.where(voiced, np.log2(_RATE / best), np.nan), level)


_HANN = np.hanning(_WINDOW).astype(np.float32)
_HANN_LAGS = np.fft.irfft(np.abs(np.fft.rfft(_HANN, _FFT)) ** 2, _FFT)[:_LONGEST]
_HANN_LAGS = _HANN_LAGS / _HANN_LAGS[0]

_YAW, _PITCH, _ROLL, _BROW, _CHEEK = range(5)
_FOLLOWERS = 5
_OMEGA = np.array([7.0, 16.0, 13.0, 20.0, 12.0])
"""Natural frequency of each follower, rad/s: a head turns slowly, its chin follows the tone of the phrase, and it
sways with the beat of the syllables."""
_AHEAD = (9, 8, 7, 4, 4)
"""Frames by which each starts early, so that it arrives with the voice: about its spring's delay, 120 / omega."""
_FOLLOW = np.exp(-_OMEGA / FPS)
_SHAPES: dict[str, tuple[int, float]] = {
    "browInnerUp": (_BROW, 1.0),
    "browOuterUpLeft": (_BROW, 0.7),
    "browOuterUpRight": (_BROW, 0.7),
    "cheekSquintLeft": (_CHEEK, 1.0),
    "cheekSquintRight": (_CHEEK, 1.0),
}


class SpeechMotion:
    """Head, brows and cheeks of one reply, produced strictly forward. Frames never change once given out."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._side = float(self._rng.choice((-1.0, 1.0)))
        self._given = 0
        self._targets: Curve = np.zeros((0, _FOLLOWERS))
        self._position = np.zeros(_FOLLOWERS)
        self._velocity = np.zeros(_FOLLOWERS)
        self._voiced: Curve = np.zeros(0)
        self._loudest = _QUIET_DB + _LOUDNESS_RANGE_DB

    def add(self, pcm: Pcm, start_sample: int) -> None:
        """One chunk of the reply's speech: `pcm` has shape (n,), 24 kHz, and begins at `start_sample`."""
        first = max(self._given, -(-start_sample // SAMPLES_PER_FRAME))
        end = -(-(start_sample + len(pcm)) // SAMPLES_PER_FRAME)
        lean = float(self._rng.uniform(-1, 1))
        if end <= first:
            return
        heard = prosody(pcm, first * SAMPLES_PER_FRAME - start_sample, end - first)
        targets = self._aim(heard, lean)
        for follower, ahead in enumerate(_AHEAD):
            led = np.minimum(np.arange(len(targets)) + ahead, len(targets) - 1)
            targets[:, follower] = targets[led, follower]
        grown = np.zeros((max(end, len(self._targets)), _FOLLOWERS))
        grown[: len(self._targets)] = self._targets
        grown[first:end] = targets
        self._targets = grown

    def frames(self, end_sample: int) -> FaceTrack:
        """The frames from where the last call stopped that stand before `end_sample`; no mouth, and gaze rests."""
        start, end = self._given, max(self._given, -(-end_sample // SAMPLES_PER_FRAME))
        self._given = end
        at = np.empty((end - start, _FOLLOWERS))
        rest = np.zeros(_FOLLOWERS)
        for i in range(end - start):
            target = self._targets[start + i] if start + i < len(self._targets) else rest
            # One exact step of a critically damped spring towards a target that stands still for the step.
            offset = self._position - target
            slope = self._velocity + _OMEGA * offset
            self._position = target + (offset + slope / FPS) * _FOLLOW
            self._velocity = (self._velocity - _OMEGA * slope / FPS) * _FOLLOW
            at[i] = self._position
        weights = np.zeros((end - start, 52), np.float32)
        for name, (which, gain) in _SHAPES.items():
            weights[:, INDEX[name]] = np.clip(at[:, which] * gain, 0.0, 1.0)
        head = at[:, [_YAW, _PITCH, _ROLL]].astype(np.float32)
        return FaceTrack(start * SAMPLES_PER_FRAME, weights, head, np.zeros((end - start, 2), np.float32))

    def _aim(self, heard: Prosody, lean: float) -> Curve:
        """Where the followers should be, shape (n, 5)."""
        voiced = np.isfinite(heard.log_f0)
        self._voiced = np.concatenate([self._voiced, heard.log_f0[voiced]])[-3000:]
        self._loudest = max(self._loudest, float(np.percentile(heard.level_db, 95)))
        level = np.clip(1 + (heard.level_db - self._loudest) / _LOUDNESS_RANGE_DB, 0.0, 1.0)
        speaking = np.clip(level / 0.3, 0.0, 1.0)
        semitones = np.zeros(len(level))
        if voiced.sum() >= _SHORTEST_RUN:
            where = np.flatnonzero(voiced)
            relative = 12 * (heard.log_f0[where] - np.median(self._voiced))
            semitones = np.clip(np.interp(np.arange(len(level)), where, relative), -6.0, 6.0)
        targets = np.zeros((len(level), _FOLLOWERS))
        targets[:, _YAW] = 0.035 * lean * level
        targets[:, _PITCH] = 0.018 * semitones * speaking + 0.02 * level
        targets[:, _ROLL] = 0.04 * self._side * level
        targets[:, _BROW] = (0.05 * np.clip(semitones - 1, 0, 5) + 0.06 * np.clip((level - 0.7) / 0.3, 0, 1)) * speaking
        targets[:, _CHEEK] = 0.10 * np.clip((level - 0.5) / 0.5, 0, 1)
        return targets
