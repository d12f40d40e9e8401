"""Breathing: 12 to 17 breaths a minute, in faster than out; the head rides on it and the nostrils widen."""

from typing import NamedTuple

import numpy as np

from avatar.behaviour.moods import Mood
from avatar.behaviour.motion import Curve

_PER_MINUTE: dict[Mood, float] = {"idle": 13.0, "listening": 13.5, "thinking": 14.0, "speaking": 16.0}
_INHALING = 0.42
HEAD_PITCH = 0.006
NOSTRILS = 0.03


class Breath:
    """The fill of the lungs. Breaths differ in length by a tenth and in depth by a seventh."""

    class _Cycle(NamedTuple):
        start: float
        length: float
        depth: float

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._cycle = self._Cycle(float(-rng.uniform(0, 4)), 4.6, 1.0)

    def render(self, times: Curve, mood: Mood) -> Curve:
        """0 (empty) … about 1.3 at `times` (seconds, growing from call to call): shape (len(times),)."""
        fill = np.empty(len(times))
        done = 0
        while done < len(times):
            stop = int(np.searchsorted(times, self._cycle.start + self._cycle.length))
            fill[done:stop] = self._fill(times[done:stop])
            done = max(done, stop)
            if done < len(times):
                length = 60 / _PER_MINUTE[mood] * float(np.clip(self._rng.normal(1, 0.1), 0.75, 1.25))
                depth = float(np.clip(self._rng.normal(1, 0.14), 0.7, 1.3))
                self._cycle = self._Cycle(self._cycle.start + self._cycle.length, length, depth)
        return fill

    def _fill(self, times: Curve) -> Curve:
        phase = (times - self._cycle.start) / self._cycle.length
        rising = 0.5 - 0.5 * np.cos(np.pi * np.clip(phase / _INHALING, 0, 1))
        falling = 0.5 + 0.5 * np.cos(np.pi * np.clip((phase - _INHALING) / (1 - _INHALING), 0, 1))
        return np.asarray(self._cycle.depth * rising * falling)
