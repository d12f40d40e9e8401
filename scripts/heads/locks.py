"""Hair that leaves the scalp: the knot behind the head and loose locks that frame the face."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

from .face import Face
from .geometry import smoothstep, unit, vertex_normals
from .glb import Mesh
from .ribbons import CARD_COLUMNS, join, ribbon_mesh

# Guides in cm about the eyes' midpoint, for the character's left; z is measured from the tip of the nose.
FRAMING = {
    1: np.array(
        [
            [2.4, 8, -5.4],
            [4.8, 6.9, -5],
            [7, 4, -6.2],
            [7.7, 0.4, -7.3],
            [7.6, -3.6, -7.6],
            [7.2, -7.2, -7.2],
            [6.7, -9.8, -6.4],
        ]
    ),
    -1: np.array(
        [
            [2, 8, -5.4],
            [-2.2, 7.8, -4.6],
            [-6.2, 5, -5.6],
            [-7.6, 1, -7.2],
            [-7.6, -3, -7.6],
            [-7.2, -6.8, -7.2],
            [-6.6, -9.4, -6.4],
        ]
    ),
}


def face_framing(face: Face, random: np.random.Generator, strands: int = 150, steps: int = 14) -> Mesh:
    """Two soft locks from the parting past the temples to the jaw."""
    outer = np.flatnonzero(~face.inside)
    tree = cKDTree(face.points[outer])
    normals = vertex_normals(face.points, face.skin.point_faces)[outer]
    scale = np.abs(face.points[(np.abs(face.points[:, 1]) < 1) & ~face.inside][:, 0]).max() / 8.6
    s = np.linspace(0, 1, steps + 1)
    meshes = []
    for guide in FRAMING.values():
        spine = CubicSpline(np.linspace(0, 1, len(guide)), guide)(s)
        spine = spine * [scale, 1, 1] + [0, 0, face.nose_tip[2]]
        across, out = random.normal(0, 1, (2, strands, 1))
        spread = 0.42 * (1 - 0.55 * s) + 0.1 * s**3
        wave = 0.22 * np.sin(5.5 * s + random.normal(0, 0.35, (strands, 1))) * s
        tangent = unit(np.gradient(spine, axis=0))
        away = unit(spine - np.array([0, 0, face.pivot[2]]))
        side = unit(np.cross(tangent, away))
        end = random.uniform(0.72, 1.05, (strands, 1))
        path = np.stack([CubicSpline(s, spine)(s * e) for e in end[:, 0]])
        path += side * (across * spread + wave)[..., None] + away * (0.10 + np.abs(out) * spread * 0.5)[..., None]
        for _ in range(2):
            distance, near = tree.query(path)
            height = ((path - face.points[outer][near]) * normals[near]).sum(-1)
            hug = np.clip(0.75 - height, None, 0) * (1 - smoothstep(s, 0.45, 0.7))  # lie close to the head at first
            lift = np.where(distance < 2.5, np.clip(0.14 - height, 0, 2) + hug, 0)
            path = path + normals[near] * lift[..., None]
        width = 0.11 * random.uniform(0.6, 1.3, (strands, 1)) * (1 - 0.7 * s**2)
        column = random.integers(0, CARD_COLUMNS, strands)
        u = np.stack([(column + 0.03) / CARD_COLUMNS, (column + 0.97) / CARD_COLUMNS], 1)
        mesh = ribbon_mesh(path, np.broadcast_to(away, path.shape), width, u)
        shade = np.repeat(random.uniform(0.75, 1.1, strands), (steps + 1) * 2)
        mesh.colours = np.clip(shade[:, None] * np.ones(3), 0, 1)
        meshes.append(mesh)
    return join(meshes)


def knot(at: np.ndarray, rings: int = 28, spokes: int = 40) -> Mesh:
    """A soft bun; its texture is a patch of the painted strands, wound around it."""
    theta, phi = np.meshgrid(np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, spokes), indexing="ij")
    twist = phi + 0.9 * np.cos(theta)
    radius = 1 + 0.05 * np.sin(4 * twist) + 0.03 * np.sin(9 * twist + 1.3)
    ball = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), -np.cos(theta)], 2) * radius[..., None]
    positions = (at + np.array([0, 0, -0.6]) + ball * np.array([3.1, 2.8, 2.3])).reshape(-1, 3)
    i, j = (g.ravel() for g in np.meshgrid(np.arange(rings - 1), np.arange(spokes - 1), indexing="ij"))
    a = i * spokes + j
    faces = np.concatenate([np.c_[a, a + 1, a + spokes + 1], np.c_[a, a + spokes + 1, a + spokes]])
    normals = vertex_normals(positions, faces)
    out = unit(positions - at)
    if (normals * out).sum() < 0:
        faces, normals = faces[:, ::-1], -normals
    pole = (theta.ravel() < 0.2) | (theta.ravel() > np.pi - 0.2)
    seam = pole | (phi.ravel() < 0.01) | (phi.ravel() > 2 * np.pi - 0.01)
    normals[seam] = out[seam]
    uv = np.stack([0.5 + 0.10 * np.cos(theta.ravel()), 0.30 + 0.012 * twist.ravel()], 1)
    return Mesh(positions, normals, faces, uv)
