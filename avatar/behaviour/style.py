"""How much of it all: from calm to lively, and less motion for whoever asks for less."""

from dataclasses import dataclass

import numpy as np

from avatar.behaviour.motion import Curve
from avatar.behaviour.repertoire import HEAD, WEIGHTS
from avatar.blendshapes import NAMES

REDUCED = 0.2
"""What is left of the head's motion for somebody whom motion makes ill."""


@dataclass(frozen=True, slots=True)
class Style:
    """liveliness: 0 (calm) … 1 (lively). reduced_motion: the head keeps nearly still; the face goes on.

    Blinks and gaze do not depend on it: their ranges are those of all people, and who never looks away is not calm.
    """

    liveliness: float = 0.5
    reduced_motion: bool = False

    @property
    def head(self) -> float:
        """Factor of the head's motion: the liveliest moves three times as much as the calmest."""
        return float(3.0 ** (self.liveliness - 0.5)) * (REDUCED if self.reduced_motion else 1.0)

    @property
    def face(self) -> float:
        """Factor of the size of gestures, accents and feelings."""
        return float(2.0 ** (self.liveliness - 0.5))

    @property
    def pace(self) -> float:
        """Factor of how often something is done."""
        return float(2.0 ** (self.liveliness - 0.5))


_LIDS = np.array([name.startswith("eyeBlink") for name in NAMES])


def scale(movement: Curve, face: Curve | float, head: Curve | float) -> None:
    """Make movements, shape (n, 57), larger or smaller, in place; but lids shut or do not. face, head: factors, one for
    all frames or of shape (n, 1)."""
    movement[:, WEIGHTS] *= np.where(_LIDS, 1.0, face)
    movement[:, HEAD] *= head
