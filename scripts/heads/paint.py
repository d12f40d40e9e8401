"""Small image helpers: band-limited noise, blobs, encoding, and baked ambient occlusion."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates, zoom


def noise(size: int, octaves: int, seed: int, gain: float = 0.5, first: int = 4) -> np.ndarray:
    """Sum of smooth random octaves (size, size) with unit deviation; `first` cells across the coarsest."""
    random = np.random.default_rng(seed)
    total = np.zeros((size, size))
    for octave in range(octaves):
        cells = first * 2**octave
        if cells > size:
            break
        grid = random.normal(size=(cells + 2, cells + 2))
        total += gain**octave * zoom(grid, size / cells, order=3 if cells < size // 2 else 1)[:size, :size]
    return np.asarray(total / total.std())


def noise3(points: np.ndarray, cells_per_cm: float, octaves: int, seed: int, gain: float = 0.6) -> np.ndarray:
    """Smooth noise in space at points (H, W, 3), unit deviation: it runs across texture seams and never stretches."""
    random = np.random.default_rng(seed)
    lattice = random.normal(size=(64, 64, 64))
    total = np.zeros(points.shape[:2])
    for octave in range(octaves):
        at = np.moveaxis(points * cells_per_cm * 2**octave + random.uniform(0, 64, 3), 2, 0)
        total += gain**octave * map_coordinates(lattice, at, order=1, mode="grid-wrap")
    return np.asarray(total / total.std())


def mix(image: np.ndarray, colour: np.ndarray | list[float], amount: np.ndarray) -> np.ndarray:
    """Blend (H, W, 3) towards a colour by amount (H, W) 0..1."""
    a = amount[..., None]
    return np.asarray(image * (1 - a) + np.asarray(colour, float) * a)


def jpeg(image: np.ndarray, quality: int = 88) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.clip(image, 0, 255).astype("u1")).save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.clip(image, 0, 255).astype("u1")).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def shrink(image: np.ndarray, factor: int) -> np.ndarray:
    """Box-average an image down by an integer factor."""
    h, w = image.shape[:2]
    return np.asarray(image.reshape(h // factor, factor, w // factor, factor, -1).mean((1, 3)).squeeze())


def normal_map(height: np.ndarray, strength: float) -> np.ndarray:
    """Tangent-space normal map (H, W, 3) 0..255 from a height map in texels; +Y is up the image as in glTF."""
    dy, dx = np.gradient(height)
    vector = np.stack([-dx * strength, dy * strength, np.ones_like(height)], 2)
    vector /= np.linalg.norm(vector, axis=2, keepdims=True)
    return np.asarray(vector * 127.5 + 127.5)


def ambient_occlusion(
    points: np.ndarray, normals: np.ndarray, occluders: np.ndarray, directions: int = 96, cell: float = 0.22
) -> np.ndarray:
    """Share of the cosine-weighted sky seen from each point (N,), 0..1.

    Renders `occluders` (M, 3), dense points on all surfaces (spacing below `cell` cm), as depth images from
    directions spread evenly over the sphere; a point is open to a direction when nothing lies clearly before it.
    """
    k = np.arange(directions) + 0.5
    polar, turn = np.arccos(1 - 2 * k / directions), np.pi * (1 + 5**0.5) * k
    sky = np.stack([np.sin(polar) * np.cos(turn), np.cos(polar), np.sin(polar) * np.sin(turn)], 1)
    seen, total = np.zeros(len(points)), np.zeros(len(points))
    low = occluders.min(0) - 1
    span = float(np.linalg.norm(occluders.max(0) - low)) + 2
    cells = int(span * 2 / cell) + 4
    for d in sky:
        facing = np.clip(normals @ d, 0, None)
        side = np.cross(d, [0.3, 0.9, 0.1])
        side /= np.linalg.norm(side)
        up = np.cross(d, side)

        def pixel(p: np.ndarray, side: np.ndarray = side, up: np.ndarray = up) -> np.ndarray:
            q = p - low
            return ((q @ side + span) / cell).astype(int) * cells + ((q @ up + span) / cell).astype(int)

        depth = np.full(cells * cells, -np.inf)
        np.maximum.at(depth, pixel(occluders), (occluders - low) @ d)
        here = (points - low) @ d
        open_sky = np.clip(1 - (depth[pixel(points)] - here - 0.35) / 0.4, 0, 1)
        seen += facing * open_sky
        total += facing
    return np.asarray(seen / np.maximum(total, 1e-6))


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(gaussian_filter(image, sigma))
