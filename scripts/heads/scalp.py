"""The scalp as a height field over directions from the head's middle, its hairline, and strands that run on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from .face import Face
from .geometry import unit
from .paint import blur

REACH = np.radians(140)  # the field covers directions up to this angle from its pole at the back of the crown
GRID = 512


@dataclass(slots=True)
class Scalp:
    """radius (GRID, GRID): cm from `centre` to the skin by direction; hairline (GRID, GRID): signed cm inside it."""

    centre: np.ndarray
    axes: np.ndarray  # rows: right, up, pole
    radius: np.ndarray
    hairline: np.ndarray

    def uv(self, points: np.ndarray) -> np.ndarray:
        """Azimuthal coordinates (…, 2) in 0..1 of points (…, 3)."""
        d = unit(points - self.centre) @ self.axes.T
        angle = np.arccos(np.clip(d[..., 2], -1, 1))
        flat = d[..., :2] / np.maximum(np.linalg.norm(d[..., :2], axis=-1, keepdims=True), 1e-9)
        return np.asarray(0.5 + flat * (angle / REACH / 2)[..., None])

    def direction(self, uv: np.ndarray) -> np.ndarray:
        q = (uv - 0.5) * 2 * REACH
        angle = np.linalg.norm(q, axis=-1)
        flat = q / np.maximum(angle, 1e-9)[..., None]
        local = np.concatenate([flat * np.sin(angle)[..., None], np.cos(angle)[..., None]], -1)
        return np.asarray(local @ self.axes)

    def sample(self, field: np.ndarray, uv: np.ndarray) -> np.ndarray:
        q = np.clip(uv, 0, 1) * (GRID - 1)
        return np.asarray(map_coordinates(field, [q[..., 1], q[..., 0]], order=1, mode="nearest"))

    def place(self, points: np.ndarray, height: np.ndarray | float = 0.0) -> np.ndarray:
        """Move points along their rays to `height` cm above the skin."""
        uv = self.uv(points)
        r = self.sample(self.radius, uv) + height
        return np.asarray(self.centre + unit(points - self.centre) * np.asarray(r)[..., None])

    def normal(self, points: np.ndarray) -> np.ndarray:
        """Unit normals of the skin field under points."""
        d = unit(points - self.centre)
        a = unit(np.cross(d, [0.31, 0.9, 0.2]))
        b = np.cross(d, a)
        base = self.place(points)
        return unit(np.cross(self.place(base + 0.4 * a) - base, self.place(base + 0.4 * b) - base))

    def inside(self, points: np.ndarray) -> np.ndarray:
        """Signed cm from the hairline, positive under hair."""
        return self.sample(self.hairline, self.uv(points))

    def inward(self, points: np.ndarray) -> np.ndarray:
        """Unit tangents pointing away from the hairline, into the hair."""
        d = unit(points - self.centre)
        a = unit(np.cross(d, [0.31, 0.9, 0.2]))
        b = np.cross(d, a)
        slope_a = self.inside(points + 0.3 * a) - self.inside(points - 0.3 * a)
        slope_b = self.inside(points + 0.3 * b) - self.inside(points - 0.3 * b)
        return unit(a * slope_a[:, None] + b * slope_b[:, None])


def build_scalp(face: Face, hairline: Callable[[np.ndarray], np.ndarray]) -> Scalp:
    """hairline maps an angle about the vertical (radians, 0 = front, both sides) to a height in cm above the eyes."""
    centre = np.array([0.0, 1.5, (face.nose_tip[2] - 2.5 + face.back) / 2])
    pole = unit(np.array([0, 0.62, -0.78]))
    right = np.array([1.0, 0, 0])
    scalp = Scalp(
        centre, np.stack([right, np.cross(pole, right), pole]), np.zeros((GRID, GRID)), np.zeros((GRID, GRID))
    )
    ears = np.zeros(len(face.points))
    np.maximum.at(ears, face.skin.point, face.atlas.sample(face.atlas.mask("ears", 1024)))
    neighbours = cKDTree(face.points[ears > 0.3]).query(face.points)[0]
    usable = ~face.inside & (neighbours > 0.5) & (face.points[:, 1] > -15)
    q = scalp.uv(face.points[usable])
    r = np.linalg.norm(face.points[usable] - centre, axis=1)
    line = np.linspace(0, 1, GRID)
    grid = np.stack(np.meshgrid(line, line), -1)
    field = LinearNDInterpolator(q, r)(grid)
    hole = np.isnan(field)
    field[hole] = NearestNDInterpolator(q, r)(grid[hole])
    scalp.radius = blur(field, 3.0)
    points = scalp.place(centre + scalp.direction(grid))
    around = np.abs(np.arctan2(points[..., 0], points[..., 2] - centre[2]))
    above = points[..., 1] - hairline(around)
    edge = np.zeros_like(above, bool)
    for axis in (0, 1):
        edge |= np.sign(above) != np.sign(np.roll(above, 1, axis))
    edge[0] = edge[-1] = edge[:, 0] = edge[:, -1] = False
    distance = cKDTree(points[edge]).query(points.reshape(-1, 3))[0].reshape(above.shape)
    scalp.hairline = blur(distance * np.sign(above), 2.0)
    return scalp


def trace(
    scalp: Scalp,
    roots: np.ndarray,
    flow: Callable[[np.ndarray, np.ndarray], np.ndarray],
    length: np.ndarray,
    steps: int,
) -> np.ndarray:
    """Strands (N, steps+1, 3) on the skin from roots (N, 3). flow(points, previous direction) → wanted direction."""
    points = scalp.place(roots)
    path = [points]
    heading = np.zeros_like(points)
    stride = (length / steps)[:, None]
    for _ in range(steps):
        wanted = flow(points, heading)
        up = scalp.normal(points)
        heading = unit(wanted - (wanted * up).sum(1, keepdims=True) * up)
        points = scalp.place(points + heading * stride)
        path.append(points)
    return np.stack(path, 1)
