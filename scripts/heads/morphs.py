"""Corrections to the ARKit shapes of the base mesh, made on the base so that every part follows."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve
from scipy.spatial import cKDTree

from .face import Face
from .geometry import neighbour_average, smoothstep, triangles, vertex_normals
from .personas import Persona

BODY = 13380  # the body's vertices come first in the base mesh
SIDES = ("Left", "Right")
REST_CLOSURE = 0.8  # share of the resting gap between the lips that is taken away


def prepare_shapes(face: Face, persona: Persona) -> None:
    """Set the resting expression and mend smile, blink and lip closure; changes `face.human` in place."""
    human = face.human
    faces = triangles(human.groups["body"].faces)
    average = neighbour_average(faces, len(human.positions))
    _soften_smile(face, average, faces)
    for side in SIDES:
        wide = persona.open_eyes * human.deltas["eyeWide" + side]
        human.positions += wide + persona.smile * human.deltas["mouthSmile" + side]
        human.deltas["eyeBlink" + side] -= wide
        human.deltas["eyeWide" + side] *= 1 - persona.open_eyes / 2
    _close_lips(face, average)
    face.points = face.skin.matrix @ human.positions


def _soften_smile(face: Face, average: sp.csr_matrix, faces: np.ndarray) -> None:
    """Spread the hard crease beside the mouth's corner over the cheek, and lift the cheek's apple."""
    human = face.human
    lips = human.positions[:BODY] - face.lip_centre
    beyond = smoothstep(np.hypot(lips[:, 0] * 0.8, lips[:, 1] * 1.3), 1.5, 3.0)
    share = np.zeros((len(human.positions), 1))
    share[:BODY, 0] = beyond * (human.positions[:BODY, 2] > face.pivot[2])
    normals = vertex_normals(human.positions, faces)
    for side, sign in zip(SIDES, (1, -1), strict=True):
        for name, passes in (("mouthSmile", 10), ("mouthDimple", 8), ("mouthStretch", 5), ("cheekSquint", 3)):
            delta = human.deltas[name + side]
            smooth = delta
            for _ in range(passes):
                smooth = average @ smooth
            human.deltas[name + side] = delta * (1 - share) + smooth * share
        apple = np.array([4.1 * sign, -3.7, face.nose_tip[2] - 3.9])
        bump = np.exp(-(((human.positions - apple) / [1.9, 1.6, 2.5]) ** 2).sum(1))[:, None] * share
        human.deltas["mouthSmile" + side] += bump * (normals * 0.28 + np.array([0.05 * sign, 0.22, 0.0]))


def _lip_pairs(face: Face) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of the upper and the lower lip that touch at rest, matched (P,), (P,)."""
    human = face.human
    p, jaw = human.positions[:BODY], human.deltas["jawOpen"][:BODY]
    near = np.linalg.norm((p - face.lip_centre) / [1.2, 0.5, 0.7], axis=1) < 3.0
    drop = -jaw[:, 1]
    limit = drop[near].max() * 0.45
    upper, lower = np.flatnonzero(near & (drop < limit)), np.flatnonzero(near & (drop > limit))
    gap, match = cKDTree(p[lower]).query(p[upper])
    back = cKDTree(p[upper]).query(p[lower])[1]
    mutual = (gap < 0.3) & (back[match] == np.arange(len(upper)))
    return upper[mutual], lower[match[mutual]]


def _close_lips(face: Face, average: sp.csr_matrix) -> None:
    """Make mouthClose undo jawOpen at the lips: with equal weights the touching pairs keep their resting distance.

    The resting lips, a little apart in the base mesh, are brought together too. Teeth and tongue stay with the jaw.
    """
    human = face.human
    upper, lower = _lip_pairs(face)
    jaw, close = human.deltas["jawOpen"], human.deltas["mouthClose"]
    for group in ("helper-lower-teeth", "helper-upper-teeth", "helper-tongue"):
        close[human.groups[group].vertices] = 0
    apart = (jaw + close)[upper] - (jaw + close)[lower]
    meet = _LipMender(face, average, upper, lower)
    close[meet.region] += meet.change(apart)
    rest = (human.positions[upper] - human.positions[lower]) * [0, REST_CLOSURE, 0]
    human.positions[meet.region] += meet.change(rest)


class _LipMender:
    """Least squares over the mouth's surroundings: given gaps are closed by a smooth, small change, mostly below."""

    def __init__(self, face: Face, average: sp.csr_matrix, upper: np.ndarray, lower: np.ndarray) -> None:
        positions = face.human.positions
        self.region = np.flatnonzero(np.linalg.norm(positions[:BODY] - face.lip_centre, axis=1) < 6.0)
        place = np.full(len(positions), -1)
        place[self.region] = np.arange(len(self.region))
        n, rows, ones = len(self.region), np.arange(len(upper)), np.ones(len(upper))
        ends = [sp.csr_matrix((ones, (rows, place[side])), (len(upper), n)) for side in (upper, lower)]
        self.pairs = ends[0] - ends[1]
        smooth = sp.eye(n) - average[self.region][:, self.region]
        stiff = np.full(n, 0.004)
        stiff[place[upper]] = 0.02
        self.system = (self.pairs.T @ self.pairs * 20 + smooth.T @ smooth + sp.diags(stiff)).tocsc()

    def change(self, gaps: np.ndarray) -> np.ndarray:
        """Offsets (R, 3) of the region that take away `gaps` (P, 3), upper minus lower."""
        return np.asarray(spsolve(self.system, -(self.pairs.T @ gaps) * 20))
