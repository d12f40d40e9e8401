"""Where the clothes end on the neck: the skin under them is left out, the cloth is cut there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NECK_AXIS_Z = -10.5  # cm; about the middle of the neck


@dataclass(frozen=True, slots=True)
class Neckline:
    """Height of the opening (cm below the neck helper's top) by angle from the front: front, side, back."""

    front: float
    quarter: float
    side: float
    back: float

    def drop(self, points: np.ndarray) -> np.ndarray:
        """How far below the helper's top (N,) the opening runs in the direction of points (N, 3)."""
        angle = np.arctan2(points[:, 0], points[:, 2] - NECK_AXIS_Z)
        knots = np.radians([0, 25, 50, 90, 130, 180])
        values = [self.front, self.front * 0.75 + self.quarter * 0.25, self.quarter, self.side]
        values += [(self.side + self.back) / 2, self.back]
        return np.asarray(np.interp(np.abs(angle), knots, values))


NECKLINES = {"crew": Neckline(7.2, 5.8, 3.8, 3.4), "scoop": Neckline(10.0, 7.8, 4.4, 3.6)}
