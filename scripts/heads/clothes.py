"""A knitted top from the base mesh's clothes helper: offset, smoothed, cut at a drawn neckline, with a ribbed band."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from .face import Face
from .geometry import Surface, cut, neighbour_average, smoothstep, unit, vertex_normals
from .glb import Mesh
from .neckline import NECK_AXIS_Z, NECKLINES
from .paint import blur, noise, normal_map
from .personas import Persona

SHOULDER_PASSES = 30
DEPTH_BELOW_NECK = 24.0  # cm of cloth below the top of the neck opening


def build_clothes(face: Face, persona: Persona, band_columns: int) -> dict[str, Mesh]:
    """Meshes Cloth (body) and ClothBand (the ribbed neck edge)."""
    human = face.human
    tights = human.groups["helper-tights"]
    bottom = face.neckline - DEPTH_BELOW_NECK
    near = human.positions[tights.faces].mean(1)[:, 1] > bottom - 8
    surface = Surface.build(tights.faces[near], None, 1, len(human.positions))
    points = _drape(surface, face)
    axis = np.array([0, 0, NECK_AXIS_Z])
    line = face.neckline - NECKLINES[persona.cloth].drop(points)
    keep = np.minimum(line - points[:, 1], points[:, 1] - bottom)
    keep = np.minimum(keep, 30 - np.abs(points[:, 0]))
    normals = vertex_normals(points, surface.faces)
    positions, faces, normals, level = cut(points, surface.faces, keep, normals)
    cloth = Mesh(positions, unit(normals), faces, _wrap_uv(positions))
    rim = positions[(np.abs(level) < 1e-9) & (positions[:, 1] > bottom + 6) & (np.abs(positions[:, 0]) < 13)]
    return {"Cloth": cloth, "ClothBand": _band(rim, axis, face, band_columns)}


def _drape(surface: Surface, face: Face) -> np.ndarray:
    """Offset the helper and relax it, keeping a finger's breadth off the skin."""
    points = surface.matrix @ face.human.positions
    average = neighbour_average(surface.faces, len(points))
    points = points + vertex_normals(points, surface.faces) * 0.55
    skin = cKDTree(face.points)
    skin_normals = vertex_normals(face.points, face.skin.point_faces)
    arms = smoothstep(np.abs(points[:, 0]), 8, 14)[:, None]  # turning the arms down creased the shoulders
    share = 0.5 * np.ones_like(arms)
    for step in range(26 + SHOULDER_PASSES):
        if step == 26:
            share *= arms
        points = points * (1 - share) + (average @ points) * share
        if step % 3 == 2 or step == 25 + SHOULDER_PASSES:
            distance, near = skin.query(points)
            height = ((points - face.points[near]) * skin_normals[near]).sum(1)
            beside = np.sqrt(np.clip(distance**2 - height**2, 0, None))  # past the skin's rim there is nothing to cover
            lift = np.where(beside < 0.7, np.clip(0.4 - height, 0, 2), 0) * (distance < 3)
            points = points + skin_normals[near] * lift[:, None]
    return np.asarray(points)


def _wrap_uv(points: np.ndarray) -> np.ndarray:
    """Cylinder coordinates scaled to about 7 cm a tile."""
    turn = np.arctan2(points[:, 0], points[:, 2] + 11)
    return np.c_[turn / (2 * np.pi) * 16, -points[:, 1] / 7]


def _band(rim: np.ndarray, axis: np.ndarray, face: Face, columns: int, width: float = 1.5) -> Mesh:
    """A rounded, ribbed band standing on the cut edge; its inner lip leans to the skin."""
    turn = np.arctan2(rim[:, 0], rim[:, 2] - axis[2])
    order = np.argsort(turn)
    turn, rim = turn[order], rim[order]
    steps = np.linspace(-np.pi, np.pi, columns)
    wide = np.r_[turn - 2 * np.pi, turn, turn + 2 * np.pi]
    loop = np.stack(
        [gaussian_filter1d(np.interp(steps, wide, np.tile(rim[:, k], 3)), 3, mode="wrap") for k in range(3)], 1
    )
    loop[-1] = loop[0]
    along = unit(np.gradient(loop, axis=0))
    along[0] = along[-1] = unit(along[0] + along[-1])
    skin = cKDTree(face.points)
    normals = vertex_normals(face.points, face.skin.point_faces)
    _, near = skin.query(loop, k=12)
    out = unit(normals[near].mean(1))
    out = unit(np.stack([gaussian_filter1d(out[:, k], 4, mode="wrap") for k in range(3)], 1))
    up = unit(np.cross(out, along))
    up *= np.sign(up[:, 1:2].mean())
    profile = [
        (-0.15, -0.10),
        (0.02, 0.10),
        (0.3, 0.20),
        (0.62, 0.20),
        (0.88, 0.12),
        (1.0, -0.02),
        (0.96, -0.18),
        (0.6, -0.3),
    ]
    rows = [loop + up * (h * width) + out * o for h, o in profile]
    positions = np.concatenate(rows)
    distance, near1 = skin.query(positions)
    height = ((positions - face.points[near1]) * normals[near1]).sum(1)
    lift = np.where(distance < 2, np.clip(0.06 - height, 0, 1), 0)
    positions = positions + normals[near1] * lift[:, None]
    i, j = (g.ravel() for g in np.meshgrid(np.arange(len(profile) - 1), np.arange(columns - 1), indexing="ij"))
    a = i * columns + j
    faces = np.concatenate([np.c_[a, a + 1, a + columns + 1], np.c_[a, a + columns + 1, a + columns]])
    bent = vertex_normals(positions, faces)
    if (bent[columns * 2 : columns * 3] * out).sum() < 0:
        faces, bent = faces[:, ::-1], -bent
    first, last = np.arange(0, len(positions), columns), np.arange(columns - 1, len(positions), columns)
    bent[first] = bent[last] = unit(bent[first] + bent[last])
    circumference = np.linalg.norm(np.diff(loop, axis=0), axis=1).sum()
    uv = np.c_[
        np.tile(np.linspace(0, round(circumference / 7), columns), len(profile)),
        np.repeat(np.linspace(0, 0.35, len(profile)), columns),
    ]
    return Mesh(positions, bent, faces, uv)


def paint_cloth(persona: Persona, size: int = 512) -> tuple[np.ndarray, np.ndarray]:
    """A fine knit tile: albedo (N, N, 3) 0..255 and normal map. Each stitch is a small V; columns run up the body."""
    y, x = np.mgrid[0:size, 0:size]
    stitch = size / 32
    column = np.abs((x % stitch) / stitch - 0.5) * 2
    wave = ((y + column * stitch * 0.55) % stitch) / stitch
    height = np.sqrt(np.clip(1 - (2 * wave - 1) ** 2, 0, 1)) * (
        0.35 + 0.65 * np.sin(np.pi * ((x % (stitch / 2)) / (stitch / 2)))
    )
    height = blur(height, 0.8)
    fuzz = noise(size, 4, 31, 0.7, 64)
    shade = 0.86 + 0.2 * height + 0.025 * fuzz
    albedo = np.array(persona.cloth_colour, float) * shade[..., None]
    return albedo, normal_map(height * 2.2 + 0.12 * fuzz, 0.8)
