"""Blinks: when, and how the lids move.

Rates: Doughty 2001 and Bentivoglio et al. 1997 (10.5–32.5 a minute in conversation, 8–21 at rest). Width at half
height 100–197 ms with a median of 117, intervals log-normal with a coefficient of variation of .6 to 1.3: measured
on faces captured with ARKit.
"""

from typing import NamedTuple

import numpy as np

from avatar.behaviour.moods import Mood
from avatar.behaviour.motion import Curve

_PER_MINUTE: dict[Mood, float] = {"idle": 15.0, "listening": 20.0, "thinking": 16.0, "speaking": 25.0}
_INTERVAL_SIGMA = 0.75
"""Of the intervals' logarithm: a coefficient of variation of .87."""
_SHORTEST_INTERVAL = 0.45
_WIDTH_MEDIAN, _WIDTH_SIGMA = 0.121, 0.2
_WIDTH_RANGE = (0.102, 0.19)
_CLOSED = 0.017
"""Seconds the lids stay shut: one frame at 60 fps, so that every blink is seen to close."""
_OPENING_TO_CLOSING = 2.1


class _Blink(NamedTuple):
    start: float
    closing: float
    opening: float
    depth: float

    def at(self, times: Curve) -> Curve:
        down = np.clip((times - self.start) / self.closing, 0, 1)
        up = np.clip((times - self.start - self.closing - _CLOSED) / self.opening, 0, 1)
        return np.asarray(self.depth * (0.5 - 0.5 * np.cos(np.pi * down)) * (0.5 + 0.5 * np.cos(np.pi * up)))

    @property
    def end(self) -> float:
        return self.start + self.closing + _CLOSED + self.opening


class Blinks:
    """Both lids together."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._next = float(rng.uniform(0.6, 3.0))
        self._current = _Blink(-1.0, 0.05, 0.1, 0.0)

    def render(self, times: Curve, mood: Mood) -> Curve:
        """How far the lids are shut at `times` (seconds, growing from call to call): shape (len(times),), 0…1."""
        lids = self._current.at(times) if times[0] < self._current.end else np.zeros(len(times))
        while self._next <= times[-1]:
            self._current = self._draw(self._next)
            lids = np.maximum(lids, self._current.at(times))
            mean = 60.0 / _PER_MINUTE[mood]
            interval = mean * self._rng.lognormal(-(_INTERVAL_SIGMA**2) / 2, _INTERVAL_SIGMA)
            self._next = max(self._next + max(_SHORTEST_INTERVAL, float(interval)), self._current.end)
        return lids

    def _draw(self, start: float) -> _Blink:
        width = float(np.clip(_WIDTH_MEDIAN * self._rng.lognormal(0, _WIDTH_SIGMA), *_WIDTH_RANGE))
        closing = 2 * (width - _CLOSED) / (1 + _OPENING_TO_CLOSING)
        return _Blink(start, closing, closing * _OPENING_TO_CLOSING, float(self._rng.uniform(0.95, 1.0)))
