"""Corrections to the ARKit shapes of the base mesh, made on the base so that every part follows."""

from __future__ import annotations

import numpy as np

from .face import Face
from .personas import Persona


def prepare_shapes(face: Face, persona: Persona) -> None:
    """Open the resting eyes a little and lift the corners of the mouth; keep the shapes' end points where they were."""
    human = face.human
    for side in ("Left", "Right"):
        wide = 0.4 * human.deltas["eyeWide" + side]
        human.positions += wide + persona.smile * human.deltas["mouthSmile" + side]
        human.deltas["eyeBlink" + side] -= wide
        human.deltas["eyeWide" + side] *= 0.8
    face.points = face.skin.matrix @ human.positions
