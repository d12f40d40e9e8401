"""Compute every part of a head at a chosen detail, write the full and the light scene, and compress them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from .card import write_card
from .clothes import build_clothes, paint_cloth
from .eyes import build_eye, build_lid_shadow, paint_eye
from .face import Face, build_face, head_weight
from .geometry import Surface
from .glb import Mesh
from .hair import build_hair
from .lashes import SkinFollower, build_brows, build_lashes
from .morphs import prepare_shapes
from .neckline import NECKLINES
from .parts import FULL, LIGHT, Detail, Parts
from .personas import Persona
from .scene import write_scene
from .skin import lining_colours, paint_skin
from .source import ARKIT, load_human, lower_arms
from .teeth import build_teeth


def make_parts(persona: Persona, cache: Path, detail: Detail, full: Parts | None = None) -> Parts:
    """Build one variant; with `full` given, its textures are reused (the writer scales them down)."""
    human = load_human(persona.phenotype, persona.changes, cache)
    lower_arms(human, 34)
    face = build_face(human, NECKLINES[persona.cloth], detail.levels)
    prepare_shapes(face, persona)
    deltas = [human.deltas[name] for name in ARKIT]
    skin = face.skin.mesh(human.positions, deltas, detail.bend_normals)
    skin.colours = lining_colours(face)[face.skin.point]
    head = head_weight(skin.positions, face)
    skin.joints, skin.weights = np.tile([0, 1], (len(head), 1)), np.c_[1 - head, head]
    clothes = build_clothes(face, persona, 193 if detail.levels else 97)
    hair = build_hair(face, persona, detail.shell_cells, detail.hairs, full.hair if full else None)
    occluders = np.concatenate([_dense(m) for m in (hair.shell, *clothes.values(), *hair.extra.values())])
    follower = SkinFollower(face)
    return Parts(
        face=face,
        persona=persona,
        detail=detail,
        skin=skin,
        tongue=_tongue(face, deltas, detail),
        teeth=build_teeth(face, detail.teeth_columns),
        brows=build_brows(face, persona, follower, detail.hairs),
        lashes=build_lashes(face, persona, detail.hairs),
        eye=build_eye(face, detail.eye_rings, detail.eye_rings * 3 // 2),
        lid_shadows={
            side: build_lid_shadow(face, eye, detail.eye_rings * 2 // 3)
            for side, eye in zip(("Left", "Right"), face.eyes, strict=True)
        },
        hair=hair,
        clothes=clothes,
        skin_paint=full.skin_paint if full else paint_skin(face, persona, 2048, occluders, hair.scalp_paint),
        eye_paint=full.eye_paint if full else paint_eye(face, persona),
        cloth_paint=full.cloth_paint if full else paint_cloth(persona),
    )


def _tongue(face: Face, deltas: list[np.ndarray], detail: Detail) -> Mesh:
    human = face.human
    surface = Surface.build(human.groups["helper-tongue"].faces, None, detail.levels, len(human.positions))
    mesh = surface.mesh(human.positions, deltas, detail.bend_normals)
    z = mesh.positions[:, 2]
    mesh.colours = np.clip(1 - 1.1 * (z.max() - z) / np.ptp(z), 0, 1)[:, None] * np.ones(3)
    return mesh


def _dense(mesh: Mesh, spacing: float = 0.18) -> np.ndarray:
    """Points spread over a mesh's triangles, about `spacing` cm apart."""
    random = np.random.default_rng(0)
    a, b, c = (mesh.positions[mesh.faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    face = np.repeat(np.arange(len(area)), np.ceil(area / spacing**2).astype(int))
    w = random.dirichlet([1, 1, 1], len(face))
    return np.asarray(np.einsum("nk,nkc->nc", w, np.stack([a, b, c], 1)[face]))


def build_head(persona: Persona, out: Path, cache: Path, compressor: list[str]) -> list[Path]:
    """Write NAME.glb, NAME-light.glb, NAME.json and the card; returns their paths."""
    for folder in (cache, out / "heads", out / "cards"):
        folder.mkdir(parents=True, exist_ok=True)
    full = make_parts(persona, cache, FULL)
    made = []
    for parts, suffix in ((full, ""), (make_parts(persona, cache, LIGHT, full), "-light")):
        raw = cache / f"{persona.name}{suffix}-raw.glb"
        final = out / "heads" / f"{persona.name}{suffix}.glb"
        write_scene(parts, raw)
        command = [*compressor, "meshopt", str(raw), str(final), "--level", "high"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        made.append(final)
    return [*made, *write_card(persona, full.face, out, made)]
