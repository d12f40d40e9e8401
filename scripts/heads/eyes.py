"""Eyeballs with a corneal bulge, painted by angle from the optical axis, and the shadow the lids cast on them."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from .face import Face
from .geometry import smoothstep, unit, vertex_normals
from .glb import Mesh
from .paint import mix, noise
from .personas import Persona

POLAR_LIMIT = np.radians(105)  # the ball is cut behind the widest gaze
IRIS_RADIUS = 0.62  # cm; the base mesh's eye is a third larger than a real one, and so is its iris


def _iris_angle(face: Face) -> float:
    return float(np.arcsin(min(IRIS_RADIUS / face.eye_radius, 0.5)))


def build_eye(face: Face, rings: int = 34, spokes: int = 48) -> Mesh:
    """One ball about its own centre, optical axis +Z; the texture is an azimuthal projection."""
    polar = np.r_[0, np.linspace(0.03, 1, rings)] * POLAR_LIMIT
    turn = np.linspace(0, 2 * np.pi, spokes + 1)
    theta, phi = np.meshgrid(polar, turn, indexing="ij")
    cornea = np.clip(1 - (theta / (_iris_angle(face) * 1.12)) ** 2, 0, 1) ** 0.9
    radius = face.eye_radius * 0.985 * (1 + 0.065 * cornea)
    axis = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], 2)
    positions = (radius[..., None] * axis).reshape(-1, 3)
    r = theta / POLAR_LIMIT / 2
    uv = np.stack([0.5 + r * np.cos(phi), 0.5 - r * np.sin(phi)], 2).reshape(-1, 2)
    i, j = (g.ravel() for g in np.meshgrid(np.arange(rings), np.arange(spokes), indexing="ij"))
    a = i * (spokes + 1) + j
    below = a + spokes + 1
    faces = np.concatenate([np.c_[a, below, below + 1], np.c_[a, below + 1, a + 1]])
    normals = vertex_normals(positions, faces)
    flat = axis.reshape(-1, 3)
    seam = (phi.ravel() < 0.01) | (phi.ravel() > 2 * np.pi - 0.01) | (theta.ravel() < 0.05)
    normals[seam] = flat[seam]
    return Mesh(positions, normals, faces, uv)


def paint_eye(face: Face, persona: Persona, size: int = 1024) -> np.ndarray:
    """sRGB (size, size, 3) 0..255: warm white with fine veins, a limbal ring, radial fibres, the pupil."""
    random = np.random.default_rng(persona.seed + 40)
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    r, turn = np.hypot(x, y), np.arctan2(y, x)
    iris = _iris_angle(face) / POLAR_LIMIT / 2
    image = np.tile(np.array([224, 216, 210.0]), (size, size, 1))
    veins = np.clip(noise(size, 5, 21, 0.75, 8) - 1.0, 0, 2) * smoothstep(r, iris * 1.4, 0.42)
    image -= veins[..., None] * np.array([5, 20, 20])
    image *= 1 - 0.22 * smoothstep(r, iris * 1.2, iris * 2.8)[..., None] * np.array([0.8, 1.0, 1.0])
    fibres = gaussian_filter1d(random.normal(size=900), 1.1, mode="wrap")
    coarse = gaussian_filter1d(random.normal(size=900), 7, mode="wrap")
    fibres = fibres / fibres.std() + 0.8 * coarse / coarse.std()
    fibre = np.interp((turn + np.pi) / (2 * np.pi) * 900, np.arange(900), fibres)
    q = r / iris
    colour = np.array(persona.iris, float) * (0.72 + 0.45 * np.exp(-(((q - 0.6) / 0.22) ** 2)))[..., None]
    colour = colour * (1 + 0.16 * fibre * smoothstep(q, 0.35, 0.6))[..., None]
    colour += np.array([36, 20, 8]) * np.exp(-(((q - 0.47) / 0.1) ** 2))[..., None] * 0.55
    colour *= (1 - 0.75 * smoothstep(q, 0.78, 1.0))[..., None]
    colour *= (1 - 0.4 * smoothstep(-y / iris, 0.1, 1))[..., None]  # the upper lid's shade
    colour *= (1 + 0.35 * smoothstep(y / iris, 0.1, 0.8))[..., None]  # light gathered opposite
    edge = 1 - smoothstep(q, 0.93, 1.07)
    image = image * (1 - edge[..., None]) + colour * edge[..., None]
    return mix(image, [6, 5, 5], 1 - smoothstep(q, 0.35, 0.41))


def build_lid_shadow(face: Face, eye: np.ndarray, rings: int) -> Mesh:
    """A clear shell just off the ball, darkened by vertex alpha near the resting lids."""
    ball = build_eye(face, rings, rings * 2)
    normals = unit(ball.positions)
    positions = eye + normals * face.eye_radius * 1.004
    gap = np.linalg.norm(face.points - eye, axis=1) - face.eye_radius
    rim = face.points[(gap < 0.22) & (face.points[:, 2] > eye[2] + 0.3) & ~face.inside]
    distance, _ = cKDTree(rim).query(positions)
    from_above = np.clip((positions - eye)[:, 1] / 0.6, -0.3, 1)
    alpha = np.clip(0.40 + 0.35 * from_above, 0.1, 0.8) * np.exp(-((distance / 0.3) ** 2))
    colours = np.c_[np.tile([0.10, 0.045, 0.035], (len(positions), 1)), alpha]
    return Mesh(positions, normals, ball.faces, colours=colours)
