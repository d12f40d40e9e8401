"""The head's frame: origin between the eyes, landmarks, the skin with its texture atlas, the neck's skinning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from PIL import Image
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
from scipy.ndimage import map_coordinates, zoom

from .geometry import Surface, smoothstep
from .neckline import Neckline
from .source import Human, data_folder

# The base mesh's layout spends most of the head's island on the scalp: stretch the face (from, to; island coordinates).
FOCUS_U = (np.array([0, 0.34, 0.86, 1.0]), np.array([0, 0.10, 0.90, 1.0]))
FOCUS_V = (np.array([0, 0.29, 0.72, 1.0]), np.array([0, 0.12, 0.88, 1.0]))
SKIN_UNDER_CLOTH = 2.6  # cm of skin kept below the neckline
HEAD_HEIGHT = 0.86  # share of the atlas given to the head island; the mouth's inside and the rest lie above


@dataclass(slots=True)
class Face:
    """A person with the eyes' midpoint at the origin (cm, Y up, facing +Z), and what the other parts need to know."""

    human: Human
    eye_left: np.ndarray
    eye_right: np.ndarray
    eye_radius: float
    pivot: np.ndarray
    skin: Surface
    atlas: Atlas
    points: np.ndarray  # skin points at rest (S, 3)
    inside: np.ndarray  # skin points that line the mouth and nostrils (S,) bool
    lip_centre: np.ndarray
    nose_tip: np.ndarray
    top: float
    back: float
    neckline: float  # height at which the clothes' helper mesh ends on the neck

    @property
    def eyes(self) -> tuple[np.ndarray, np.ndarray]:
        return self.eye_left, self.eye_right


@dataclass(slots=True)
class Atlas:
    """Maps between texture and space. `low` and `scale` place the head island; row 0 is v = 0 (glTF's top)."""

    low: np.ndarray
    scale: np.ndarray
    surface: Surface

    def mask(self, name: str, size: int) -> np.ndarray:
        """One of the base mesh's painted regions (lips, ears, eyelids, …) as (size, size) 0..1."""
        image = Image.open(data_folder() / f"mpfb2/textures/mpfb_{name}.jpg").convert("L")
        pixels = np.asarray(image, float) / 255
        line = (np.arange(size) + 0.5) / size - 0.005
        across = np.interp(line / 0.99, FOCUS_U[1], FOCUS_U[0], right=2.0)
        down = np.interp(line / HEAD_HEIGHT, FOCUS_V[1], FOCUS_V[0], right=2.0)
        u, v = np.meshgrid(
            self.low[0] + across * 0.99 / self.scale[0], self.low[1] + down * HEAD_HEIGHT / self.scale[1]
        )
        height, width = pixels.shape
        out = map_coordinates(pixels, [(1 - v) * height - 0.5, u * width - 0.5], order=1, mode="constant")
        out[int(size * (HEAD_HEIGHT + 0.01)) :] = 0
        return np.asarray(out)

    def position_map(self, points: np.ndarray, size: int) -> np.ndarray:
        """Skin position under every texel (size, size, 3), cm; texels off the islands repeat the nearest."""
        return self.attribute_map(points[self.surface.point], size)

    def attribute_map(self, values: np.ndarray, size: int) -> np.ndarray:
        """Per-vertex values (V, k) spread over the texture (size, size, k)."""
        half = size // 2
        grid = np.meshgrid(*[(np.arange(half) + 0.5) / half] * 2)
        assert self.surface.uv is not None
        out = LinearNDInterpolator(self.surface.uv, values)(*grid)
        hole = np.isnan(out[..., 0])
        out[hole] = NearestNDInterpolator(self.surface.uv, values)(grid[0][hole], grid[1][hole])
        return np.stack([zoom(out[..., k], 2, order=1) for k in range(values.shape[1])], 2)

    def sample(self, image: np.ndarray) -> np.ndarray:
        """Values of a square texture at the surface's vertices (V,)."""
        assert self.surface.uv is not None
        size = len(image)
        uv = self.surface.uv * size - 0.5
        return np.asarray(map_coordinates(image, [uv[:, 1], uv[:, 0]], order=1, mode="nearest"))


def _layout(
    faces: np.ndarray, texture_ids: np.ndarray, human: Human
) -> tuple[np.ndarray, np.ndarray, list[int], tuple[np.ndarray, np.ndarray]]:
    """Lay the UV islands out, the head large, the others in a strip.

    Returns uv (Q, 4, 2), island (Q,), islands by rank, and where the head lies (low, scale).
    """
    count = len(human.texture)
    links = sp.coo_matrix(
        (np.ones(texture_ids.size), (texture_ids.ravel(), np.roll(texture_ids, 1, 1).ravel())), (count, count)
    )
    _, label = sp.csgraph.connected_components(links, directed=False)
    island = label[texture_ids[:, 0]]
    positions = human.positions
    nose = np.argmax(np.where(np.abs(positions[:13380, 1]) < 6, positions[:13380, 2], -99))
    head = int(island[np.argmax((faces == nose).any(1))])
    others = sorted((int(i) for i in np.unique(island) if i != head), key=lambda i: -int((island == i).sum()))
    uv = human.texture[texture_ids].astype(float)
    out = uv.copy()
    x = 0.0
    for rank, i in enumerate([head, *others]):
        chosen = island == i
        low = uv[chosen].min((0, 1))
        extent = uv[chosen].max((0, 1)) - low
        if rank == 0:
            scale = np.array([0.99, HEAD_HEIGHT]) / extent
            flat = (uv[chosen] - low) / extent
            warped = np.stack([np.interp(flat[..., k], *f) for k, f in enumerate((FOCUS_U, FOCUS_V))], -1)
            out[chosen] = warped * np.array([0.99, HEAD_HEIGHT]) + 0.005
            origin, stretch = low, scale
        else:
            width = 0.30 if rank == 1 else 0.09
            box = np.array([width, 0.11]) * 0.95
            out[chosen] = (uv[chosen] - low) / extent.max() * box + np.array([x + 0.005, HEAD_HEIGHT + 0.02])
            x += width
    return out, island, [head, *others], (origin, stretch)


def build_face(human: Human, opening: Neckline, levels: int = 1) -> Face:
    """Centre the person between the eyes and prepare the skin; changes `human.positions` in place."""
    origin = (human.joint("l-eye") + human.joint("r-eye")) / 2
    human.positions -= origin
    positions = human.positions
    tights = positions[human.groups["helper-tights"].vertices]
    neckline = tights[np.abs(tights[:, 0]) < 7][:, 1].max()
    body = human.groups["body"]
    centre = positions[body.faces].mean(1)
    hidden = neckline - opening.drop(centre) - SKIN_UNDER_CLOTH
    near = (centre[:, 1] > hidden) & (np.abs(centre[:, 0]) < 11.5) & (centre[:, 1] > neckline - 16)
    faces, texture_ids = body.faces[near], body.texture[near]
    uv, island, order, (low, scale) = _layout(faces, texture_ids, human)
    skin = Surface.build(faces, uv, levels, len(positions))
    atlas = Atlas(low, scale, skin)
    points = skin.matrix @ positions
    torso = {i for i in order[1:] if positions[faces[island == i].ravel()].mean(0)[1] < -10}
    lining = np.tile(~np.isin(island, [order[0], *torso]), 4**levels)
    inside = np.zeros(len(points), bool)
    inside[skin.quads[lining].ravel()] = True
    lips = atlas.sample(atlas.mask("lips", 1024)) > 0.5
    outer = points[~inside]
    eye_left, eye_right = human.joint("l-eye"), human.joint("r-eye")
    ball = positions[human.groups["helper-l-eye"].vertices]
    return Face(
        human=human,
        eye_left=eye_left,
        eye_right=eye_right,
        eye_radius=float(np.linalg.norm(ball - eye_left, axis=1).max()),
        pivot=human.joint("head"),
        skin=skin,
        atlas=atlas,
        points=points,
        inside=inside,
        lip_centre=points[skin.point[lips]].mean(0),
        nose_tip=outer[np.argmax(np.where(outer[:, 1] > -8, outer[:, 2], -99))],
        top=float(outer[:, 1].max()),
        back=float(outer[outer[:, 1] > 0][:, 2].min()),
        neckline=float(neckline),
    )


def head_weight(points: np.ndarray, face: Face) -> np.ndarray:
    """Share of the head joint (N,) for skin at `points`: 1 on the head, 0 at the neck's root."""
    z = points[:, 2]
    upper = np.interp(z, [-18, -10, -4, 2], [-6.5, -8.5, -12.2, -12.8])
    lower = np.interp(z, [-20, -12, -4], [-12.5, -14.5, -20.0])
    return smoothstep((points[:, 1] - lower) / (upper - lower), 0.0, 1.0)
