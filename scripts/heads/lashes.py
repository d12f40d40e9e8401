"""Brows and lashes as thin tapered ribbons that ride on the skin's morphs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from .face import Face
from .geometry import smoothstep, unit, vertex_normals
from .glb import Mesh
from .personas import Persona
from .source import ARKIT


@dataclass(frozen=True, slots=True)
class BrowLine:
    """Centre line of the character's left brow in the frontal plane, cm: x ascending, y, half width."""

    x: np.ndarray
    y: np.ndarray
    half_width: np.ndarray


def brow_line(face: Face, persona: Persona) -> BrowLine:
    eye = face.eye_left[0]
    x = eye + np.array([-1.85, -1.2, -0.3, 0.6, 1.35, 2.0, 2.6])
    if persona.feminine:
        y = np.array([1.82, 1.96, 2.14, 2.31, 2.36, 2.20, 1.84])
        half = np.array([0.20, 0.24, 0.23, 0.20, 0.16, 0.11, 0.05])
    else:
        y = np.array([1.50, 1.64, 1.82, 2.02, 2.08, 1.92, 1.55])
        half = np.array([0.28, 0.33, 0.33, 0.30, 0.25, 0.19, 0.09])
    return BrowLine(x, y, half)


class SkinFollower:
    """Finds the skin under points and lends them its normals and morph deltas."""

    def __init__(self, face: Face) -> None:
        self.face = face
        self.outer = np.flatnonzero(~face.inside & (face.points[:, 2] > face.pivot[2]))
        self.tree = cKDTree(face.points[self.outer])
        self.front = cKDTree(face.points[self.outer][:, :2])
        self.normals = vertex_normals(face.points, face.skin.point_faces)
        self.deltas = np.stack([face.skin.matrix @ face.human.deltas[name] for name in ARKIT])

    def _weights(self, distance: np.ndarray) -> np.ndarray:
        w = 1 / (distance + 0.02) ** 3
        return np.asarray(w / w.sum(1, keepdims=True))

    def drop_on_front(self, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Project frontal points (N, 2) onto the face: positions and normals (N, 3)."""
        _, near = self.front.query(xy, k=24)
        candidates = self.outer[near]
        depth = self.face.points[candidates][..., 2]
        ahead = depth > depth.max(1, keepdims=True) - 1.2
        gap = np.linalg.norm(self.face.points[candidates][..., :2] - xy[:, None], axis=2)
        w = ahead / (gap + 0.05) ** 4
        w /= w.sum(1, keepdims=True)
        z = (w * depth).sum(1)
        return np.c_[xy, z], unit((w[..., None] * self.normals[candidates]).sum(1))

    def follow(self, points: np.ndarray) -> np.ndarray:
        """Deltas (52, N, 3) of the skin nearest to each point."""
        distance, near = self.tree.query(points, k=4)
        w = self._weights(distance)
        return np.einsum("nk,mnkc->mnc", w, self.deltas[:, self.outer[near]])


def _ribbons(
    roots: np.ndarray, middles: np.ndarray, tips: np.ndarray, side: np.ndarray, width: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tapered strips (R*6, 3) and faces from three centre points each; side (R, 3) unit, width (R,) half widths."""
    count = len(roots)
    rows = [
        c + o * side * (width * s)[:, None] for c, s in ((roots, 1.0), (middles, 0.8), (tips, 0.1)) for o in (-1, 1)
    ]
    positions = np.stack(rows, 1).reshape(-1, 3)
    base = np.arange(count)[:, None, None] * 6
    pattern = np.array([[0, 1, 3], [0, 3, 2], [2, 3, 5], [2, 5, 4]])
    return positions, (base + pattern).reshape(-1, 3)


def build_brows(face: Face, persona: Persona, skin: SkinFollower, share: float = 1.0) -> Mesh:
    """Both brows; hairs rise at the inner end, lie along the line further out, and cross a little at its spine."""
    random = np.random.default_rng(persona.seed + 20)
    line = brow_line(face, persona)
    count = int(340 * max(share, 0.5) * (0.7 + 0.4 * persona.brow))
    thick = 1.0 if share >= 1 else 5.0  # drawn without multisampling, and half transparent
    parts = []
    for sign in (1, -1):
        t = random.beta(1.15, 1.25, count)
        x = line.x[0] + t * (line.x[-1] - line.x[0])
        across = np.clip(random.normal(0, 0.5, count), -1, 1)
        y = np.interp(x, line.x, line.y) + across * np.interp(x, line.x, line.half_width)
        slope = np.arctan2(np.interp(x + 0.1, line.x, line.y) - np.interp(x - 0.1, line.x, line.y), 0.2)
        angle = slope + 1.15 * (1 - t) ** 2.2 - 0.42 * across + random.normal(0, 0.1, count)
        length = (0.62 - 0.22 * t) * random.uniform(0.75, 1.15, count)
        bend = -0.35 * (1 - t) - 0.1
        along = np.stack([np.cos(angle), np.sin(angle)], 1)
        later = np.stack([np.cos(angle + bend), np.sin(angle + bend)], 1)
        root2 = np.c_[x, y]
        middle2 = root2 + along * (length * 0.5)[:, None]
        tip2 = middle2 + later * (length * 0.5)[:, None]
        flip = np.array([sign, 1])
        points = [skin.drop_on_front(p * flip) for p in (root2, middle2, tip2)]
        lift = random.uniform(0.6, 1.2, count)[:, None]
        root, middle, tip = (p + n * h * lift for (p, n), h in zip(points, (0.005, 0.055, 0.045), strict=True))
        side = unit(np.cross(tip - root, points[1][1]))
        parts.append((_ribbons(root, middle, tip, side, thick * random.uniform(0.007, 0.012, count)), points[1][1]))
    positions = np.concatenate([p[0][0] for p in parts])
    faces = np.concatenate([p[0][1] + k * len(parts[0][0][0]) for k, p in enumerate(parts)])
    normals = np.repeat(np.concatenate([p[1] for p in parts]), 6, 0)
    return Mesh(positions, normals, faces, morphs=skin.follow(positions))


def build_lashes(face: Face, persona: Persona, share: float = 1.0) -> Mesh:
    """Upper and lower lashes grown from the lid-side edge of the base mesh's lash strips."""
    random = np.random.default_rng(persona.seed + 30)
    human = face.human
    stacked = np.stack([human.deltas[name] for name in ARKIT])
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    morphs = []
    for side, eye in (("l", face.eye_left), ("r", face.eye_right)):
        for strip, length, full_count, width in ((2, 0.28 + 0.42 * persona.lash, 80, 0.015), (1, 0.24, 36, 0.009)):
            count = int(full_count * max(share, 0.5))
            vertices = human.groups[f"helper-{side}-eyelashes-{strip}"].vertices
            p = human.positions[vertices]
            away = np.linalg.norm(p - eye, axis=1)
            root_set = vertices[away < np.percentile(away, 38)]
            tip_set = vertices[away > np.percentile(away, 62)]
            roots = root_set[np.argsort(human.positions[root_set][:, 0])]
            tips = tip_set[np.argsort(human.positions[tip_set][:, 0])]
            t = (np.arange(count) + random.uniform(0.1, 0.9, count)) / count
            t = 0.12 + 0.86 * t if side == "l" else 0.02 + 0.86 * t  # none in the inner corner
            wr = np.exp(-(((np.linspace(0, 1, len(roots)) - t[:, None]) / 0.05) ** 2))
            wt = np.exp(-(((np.linspace(0, 1, len(tips)) - t[:, None]) / 0.06) ** 2))
            wr, wt = wr / wr.sum(1, keepdims=True), wt / wt.sum(1, keepdims=True)
            from_corner = t if side == "l" else 1 - t
            a, b = wr @ human.positions[roots], wt @ human.positions[tips]
            da, db = (np.einsum("nk,mkc->mnc", w, stacked[:, i]) for w, i in ((wr, roots), (wt, tips)))
            grow = length * random.uniform(0.75, 1.05, count) * (0.3 + 0.7 * smoothstep(from_corner, 0.1, 0.55))
            ratio = (grow / np.maximum(np.linalg.norm(b - a, axis=1), 0.05))[:, None]
            fan = np.c_[(t - 0.5) * 0.45 * grow + random.normal(0, 0.03, count), random.normal(0, 0.015, (count, 2))]
            reach = (b - a) * ratio + fan
            db = da + (db - da) * ratio  # shorter lashes swing less at the tip
            up = np.array([0, 1.0 if strip == 2 else -1.0, 0])
            middle = a + reach * 0.55 - up * 0.04 * grow[:, None]
            tip = a + reach + up * 0.16 * grow[:, None]
            edge = unit(np.cross(reach, up))
            parts.append(_ribbons(a, middle, tip, edge, np.full(count, width * (1 if share >= 1 else 2.2))))
            lead = np.repeat([0, 0.55, 1.0], 2)[None, None, :, None]
            morphs.append((da[:, :, None] * (1 - lead) + db[:, :, None] * lead).reshape(len(ARKIT), -1, 3))
    starts = np.cumsum([0] + [len(p[0]) for p in parts])
    positions = np.concatenate([p[0] for p in parts])
    faces = np.concatenate([p[1] + s for p, s in zip(parts, starts, strict=False)])
    normals = np.tile([0, 0.3, 0.95], (len(positions), 1))
    return Mesh(positions, normals, faces, morphs=np.concatenate(morphs, 1))
