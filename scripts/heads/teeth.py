"""Teeth as one continuous arch with grooves (so no gap can open at an angle), and the gums above and below."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .face import Face
from .geometry import vertex_normals
from .glb import Mesh
from .source import ARKIT

UPPER_WIDTHS = np.array([0.86, 0.67, 0.76, 0.70, 0.68, 0.98, 0.90])  # cm, midline to the second molar
LOWER_WIDTHS = np.array([0.55, 0.60, 0.68, 0.70, 0.70, 1.05, 0.95])
UPPER_EDGE = np.array([0.00, 0.07, 0.00, 0.10, 0.12, 0.16, 0.20])  # how much shorter each is at the biting edge
LOWER_EDGE = np.array([0.03, 0.03, 0.00, 0.08, 0.10, 0.14, 0.18])


@dataclass(frozen=True, slots=True)
class Arch:
    """Half ellipse seen from above: half width and depth (cm), front z, biting height, direction of the roots (±1)."""

    half_width: float
    depth: float
    front: float
    edge: float
    root: int

    def path(self, samples: int = 900) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Arc lengths from the midline (negative on the right), points (N, 2) as x, z, outward normals (N, 2)."""
        a = np.linspace(-np.pi / 2, np.pi / 2, samples)
        x = self.half_width * np.sign(np.sin(a)) * np.abs(np.sin(a)) ** 0.9
        z = self.front - self.depth * (1 - np.cos(a) ** 0.85)
        points = np.stack([x, z], 1)
        length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
        tangent = np.gradient(points, axis=0)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
        return length - length[-1] / 2, points, np.stack([-tangent[:, 1], tangent[:, 0]], 1)


def _arches(face: Face) -> tuple[Arch, Arch]:
    human = face.human
    upper = human.positions[human.groups["helper-upper-teeth"].vertices]
    front = upper[:, 2].max() - 0.15
    half = 0.82 * np.abs(upper[:, 0]).max()
    seam = face.lip_centre[1]
    return Arch(half, 4.6, front, seam - 0.40, 1), Arch(half * 0.94, 4.4, front - 0.28, seam - 0.26, -1)


def _tooth_rows(
    arch: Arch, widths: np.ndarray, edges: np.ndarray, height: float, per_tooth: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The swept crown surface: positions (R*C, 3), faces, linear colours (R*C, 3)."""
    length, points, normals = arch.path()
    reach = length[-1] * 0.97
    bounds = np.r_[0, np.cumsum(widths)]
    bounds *= reach / bounds[-1]
    inner = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, per_tooth + 1))[:-1]
    half = np.concatenate([b + inner * (e - b) for b, e in pairwise(bounds)] + [[reach]])
    s = np.r_[-half[:0:-1], half]
    tooth = np.clip(np.searchsorted(bounds, np.abs(s), side="right") - 1, 0, len(widths) - 1)
    local = (np.abs(s) - bounds[tooth]) / (bounds[tooth + 1] - bounds[tooth]) * 2 - 1  # −1..1 across a tooth
    round_off = np.abs(local) ** 5
    groove = np.abs(local) ** 10
    at = np.stack([np.interp(s, length, points[:, k]) for k in range(2)], 1)
    out = np.stack([np.interp(s, length, normals[:, k]) for k in range(2)], 1)
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    molar = np.clip((tooth - 2) / 2, 0, 1)
    biting = arch.edge + arch.root * (edges[tooth] + 0.13 * round_off)
    # Profile from the root's front over the biting edge to the back: (share of height, outward, is front)
    profile = [(1.15, -0.08), (0.85, 0.02), (0.55, 0.06), (0.28, 0.04), (0.10, -0.02), (0.02, -0.07), (0.0, -0.13)]
    profile += [(0.03, -0.22), (0.35, -0.33), (1.1, -0.45)]
    rows, tints = [], []
    for share, offset in profile:
        thick = 1 + 1.1 * molar * (offset < -0.1)
        o = offset * thick - 0.085 * groove * (share < 1) - 0.03 * round_off
        y = biting + arch.root * share * height
        rows.append(np.c_[at[:, 0] + out[:, 0] * o, y, at[:, 1] + out[:, 1] * o])
        warm = np.array([1.0, 0.97, 0.90]) * (1 - 0.08 * np.clip(share, 0, 1))
        deep = np.clip((arch.front - at[:, 1]) / arch.depth, 0, 1)[:, None]
        shade = (
            0.92
            * (1 - 0.88 * deep**0.7)
            * (1 - 0.42 * groove[:, None] * (share > 0.04))
            * (0.28 if offset < -0.3 else 0.6 if offset < -0.2 else 1)
        )
        canine = 1 - 0.05 * (tooth == 2)[:, None]
        tints.append(warm * shade * canine)
    columns = len(s)
    i, j = (g.ravel() for g in np.meshgrid(np.arange(len(profile) - 1), np.arange(columns - 1), indexing="ij"))
    a = i * columns + j
    faces = np.concatenate([np.c_[a, a + 1, a + columns + 1], np.c_[a, a + columns + 1, a + columns]])
    return np.concatenate(rows), faces, np.concatenate(tints)


def _gum(arch: Arch, widths: np.ndarray, height: float, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    length, points, normals = arch.path()
    bounds = np.r_[0, np.cumsum(widths)]
    bounds *= length[-1] * 0.97 / bounds[-1]
    s = np.linspace(-bounds[-1], bounds[-1], columns)
    tooth = np.clip(np.searchsorted(bounds, np.abs(s), side="right") - 1, 0, len(widths) - 1)
    local = (np.abs(s) - bounds[tooth]) / (bounds[tooth + 1] - bounds[tooth]) * 2 - 1
    papilla = 0.22 * np.abs(local) ** 3  # the gum reaches down between teeth
    at = np.stack([np.interp(s, length, points[:, k]) for k in range(2)], 1)
    out = np.stack([np.interp(s, length, normals[:, k]) for k in range(2)], 1)
    line = arch.edge + arch.root * height
    profile = [(-0.04, -0.02, 1), (0.06, 0.05, 1), (0.13, 0.22, 0.4), (0.12, 0.6, 0), (-0.1, 1.0, 0), (-0.7, 0.9, 0)]
    profile += [(-0.62, 0.2, 0), (-0.5, -0.1, 0)]
    rows, tints = [], []
    for offset, up, follow in profile:
        y = line + arch.root * (up - follow * papilla)
        rows.append(np.c_[at[:, 0] + out[:, 0] * offset, y, at[:, 1] + out[:, 1] * offset])
        deep = np.clip((arch.front - at[:, 1]) / arch.depth, 0, 1)[:, None]
        tints.append((1 - 0.85 * deep) * (1 - 0.4 * min(max(up, 0), 1)) * np.ones(3))
    i, j = (g.ravel() for g in np.meshgrid(np.arange(len(profile) - 1), np.arange(columns - 1), indexing="ij"))
    a = i * columns + j
    faces = np.concatenate([np.c_[a, a + 1, a + columns + 1], np.c_[a, a + columns + 1, a + columns]])
    return np.concatenate(rows), faces, np.concatenate(tints)


def _outward(positions: np.ndarray, faces: np.ndarray, columns: int, centre_z: float) -> tuple[np.ndarray, np.ndarray]:
    """Faces wound so that the first row's normals point away from the mouth's middle; and the normals."""
    normals = vertex_normals(positions, faces)
    first = slice(columns, 2 * columns)
    away = positions[first] - np.array([0, 0, centre_z])
    if (normals[first][:, [0, 2]] * away[:, [0, 2]]).sum() < 0:
        faces, normals = faces[:, ::-1], -normals
    return faces, normals


def _jaw_morphs(face: Face, positions: np.ndarray) -> np.ndarray:
    """Each shape moves the lower teeth rigidly enough: an affine fit to how it moves the base mesh's tooth strip."""
    human = face.human
    strip = human.groups["helper-lower-teeth"].vertices
    centre = human.positions[strip].mean(0)
    known = np.c_[human.positions[strip] - centre, np.ones(len(strip))]
    wanted = np.c_[positions - centre, np.ones(len(positions))]
    solve = np.linalg.pinv(known)
    return np.stack([wanted @ (solve @ human.deltas[name][strip]) for name in ARKIT])


def build_teeth(face: Face, per_tooth: int = 12) -> dict[str, Mesh]:
    """Meshes TeethUpper, GumUpper (they never move against the skull), TeethLower and GumLower (with morphs)."""
    upper, lower = _arches(face)
    out = {}
    for name, arch, widths, edges, height in (
        ("Upper", upper, UPPER_WIDTHS, UPPER_EDGE, 1.02),
        ("Lower", lower, LOWER_WIDTHS, LOWER_EDGE, 0.86),
    ):
        for kind, (positions, faces, colours) in (
            ("Teeth", _tooth_rows(arch, widths, edges, height, per_tooth)),
            ("Gum", _gum(arch, widths, height, 12 * per_tooth)),
        ):
            columns = len(positions) // (10 if kind == "Teeth" else 8)
            wound, normals = _outward(positions, faces, columns, arch.front - arch.depth)
            morphs = _jaw_morphs(face, positions) if name == "Lower" else None
            out[kind + name] = Mesh(positions, normals, wound, colours=colours, morphs=morphs)
    return out
