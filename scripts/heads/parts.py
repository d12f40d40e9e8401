"""What a built head consists of, and at which detail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .face import Face
from .glb import Mesh
from .hair import Hair
from .personas import Persona
from .skin import SkinPaint


@dataclass(frozen=True, slots=True)
class Detail:
    """How finely a head is built; textures are in texels, `hairs` scales the number of ribbons."""

    levels: int
    texture: int
    shell_cells: int
    hairs: float
    eye_rings: int
    teeth_columns: int
    bend_normals: bool


FULL = Detail(levels=1, texture=2048, shell_cells=150, hairs=1.0, eye_rings=34, teeth_columns=12, bend_normals=True)
LIGHT = Detail(levels=0, texture=1024, shell_cells=56, hairs=0.18, eye_rings=13, teeth_columns=5, bend_normals=False)


@dataclass(slots=True)
class Parts:
    """A head's meshes (cm) and textures (0..255)."""

    face: Face
    persona: Persona
    detail: Detail
    skin: Mesh
    tongue: Mesh
    teeth: dict[str, Mesh]
    brows: Mesh
    lashes: Mesh
    eye: Mesh
    lid_shadows: dict[str, Mesh]
    hair: Hair
    clothes: dict[str, Mesh]
    skin_paint: SkinPaint
    eye_paint: np.ndarray
    cloth_paint: tuple[np.ndarray, np.ndarray]
