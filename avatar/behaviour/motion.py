"""Two building blocks of all layers: easing between postures, and slow aimless drift.

Both are closed forms in time, so that a frame's value does not depend on how the frames before it were cut.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Curve = NDArray[np.float64]


class Ease:
    """A critically damped spring towards a target that jumps: no overshoot, and no corner where a target changes.

    settle: seconds after which 96 % of a change is done.
    """

    def __init__(self, start: ArrayLike, settle: float) -> None:
        self.target: Curve = np.array(start, np.float64)
        self._omega = 5.0 / settle
        self._since = 0.0
        self._offset: Curve = np.zeros_like(self.target)
        self._slope: Curve = np.zeros_like(self.target)

    def retarget(self, at: float, target: ArrayLike) -> None:
        """From `at` seconds on, move to `target` from wherever it is by then."""
        age = at - self._since
        fall = np.exp(-self._omega * age)
        value = self.target + (self._offset + self._slope * age) * fall
        velocity = (self._slope - self._omega * (self._offset + self._slope * age)) * fall
        self.target = np.array(target, np.float64)
        self._since = at
        self._offset = value - self.target
        self._slope = velocity + self._omega * self._offset

    def at(self, times: Curve) -> Curve:
        """Shape (len(times), len(target)), at `times` in seconds, none before the last retarget."""
        age = (times - self._since)[:, None]
        return np.asarray(self.target + (self._offset + self._slope * age) * np.exp(-self._omega * age))


class Drift:
    """Wandering around zero: for each of `rms`, a sum of five sines of incommensurate frequencies, 0.04 to 0.45 Hz,
    the slower the larger."""

    def __init__(self, rng: np.random.Generator, rms: ArrayLike) -> None:
        size = np.asarray(rms, np.float64)
        base = np.geomspace(0.04, 0.45, 5)
        self._speed = 2 * np.pi * base * rng.uniform(0.8, 1.25, (len(size), 5))
        self._phase = rng.uniform(0, 2 * np.pi, (len(size), 5))
        share = base**-0.5
        self._gain = size[:, None] * share / np.sqrt(np.sum(share**2) / 2)

    def at(self, times: Curve) -> Curve:
        """Shape (len(times), len(rms)), at `times` in seconds."""
        angle = times[:, None, None] * self._speed + self._phase
        return np.asarray(np.einsum("tij,ij->ti", np.sin(angle), self._gain))
