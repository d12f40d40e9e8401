"""Textured strips of hair, and the strands painted on them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .geometry import unit
from .glb import Mesh
from .paint import blur
from .personas import Persona

CARD_COLUMNS = 8


def ribbon_mesh(paths: np.ndarray, normals: np.ndarray, width: np.ndarray, u: np.ndarray) -> Mesh:
    """Strips along paths (N, K, 3) facing normals (N, K, 3); width (N, K) half widths; u (N, 2) texture columns."""
    count, steps = paths.shape[:2]
    tangent = unit(np.gradient(paths, axis=1))
    side = unit(np.cross(tangent, normals))
    positions = np.stack([paths - side * width[..., None], paths + side * width[..., None]], 2).reshape(-1, 3)
    rounded = unit(np.stack([normals - 0.35 * side, normals + 0.35 * side], 2)).reshape(-1, 3)
    v = np.broadcast_to(np.linspace(0, 1, steps)[None, :, None], (count, steps, 2))
    uv = np.stack([np.broadcast_to(u[:, None, :], (count, steps, 2)), v], -1).reshape(-1, 2)
    start = np.arange(count)[:, None] * steps * 2 + np.arange(steps - 1) * 2
    a = start.ravel()
    faces = np.concatenate([np.stack([a, a + 1, a + 3], 1), np.stack([a, a + 3, a + 2], 1)])
    return Mesh(positions, rounded, faces, uv)


def join(meshes: list[Mesh]) -> Mesh:
    starts = np.cumsum([0] + [len(m.positions) for m in meshes])
    stack = lambda name: np.concatenate([getattr(m, name) for m in meshes])  # noqa: E731
    faces = np.concatenate([m.faces + s for m, s in zip(meshes, starts, strict=False)])
    return Mesh(stack("positions"), stack("normals"), faces, stack("uv"), stack("colours"))


def paint_cards(persona: Persona, width: int = 512, height: int = 512) -> np.ndarray:
    """RGBA strands on eight columns, root at the top, thinning to the tips."""
    random = np.random.default_rng(persona.seed + 60)
    alpha = Image.new("L", (width, height), 0)
    tone = Image.new("L", (width, height), 105)
    draw_alpha, draw_tone = ImageDraw.Draw(alpha), ImageDraw.Draw(tone)
    column = width / CARD_COLUMNS
    for c in range(CARD_COLUMNS):
        for _ in range(15 + 2 * (c % 4)):
            x0 = (c + random.uniform(0.16, 0.84)) * column
            meet = (c + 0.5) * column - x0
            pull, bend = random.uniform(0.1, 0.6), random.normal(0, 0.05) * column
            end = random.uniform(0.7, 1.0)
            t = np.linspace(0, end, 16)
            points = [(float(x0 + bend * np.sin(3 * q) + pull * meet * q * q), float(q * height)) for q in t]
            draw_alpha.line(points, fill=255, width=int(random.integers(1, 4)))
            draw_tone.line(points, fill=int(np.clip(random.normal(120, 26), 60, 220)), width=4)
    colour = np.array(persona.hair, float) * (np.asarray(tone, float) / 118)[..., None]
    return np.dstack([colour, blur(np.asarray(alpha, float), 0.5)])
