"""Skin painted over a map of positions: tone, lips, make-up, pores, occlusion; as glTF textures and vertex colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import zoom

from .face import Face
from .geometry import smoothstep, vertex_normals
from .lashes import brow_line
from .paint import ambient_occlusion, blur, mix, noise3, normal_map
from .personas import Persona


@dataclass(slots=True)
class SkinPaint:
    """sRGB albedo (N, N, 3) 0..255; occlusion-roughness-metal (N/2, N/2, 3) and normal (N, N, 3) maps 0..255."""

    albedo: np.ndarray
    orm: np.ndarray
    normal: np.ndarray


@dataclass(slots=True)
class Canvas:
    """What every layer needs: texel positions (N, N, 3), the region masks, the person."""

    size: int
    position: np.ndarray
    lips: np.ndarray
    ears: np.ndarray
    face: Face
    persona: Persona

    def blob(self, centre: np.ndarray, radius: float) -> np.ndarray:
        return np.asarray(np.exp(-((self.position - centre) ** 2).sum(2) / radius**2))

    @property
    def tone(self) -> float:
        """How strongly red and brown shifts read: less on dark skin."""
        return float(np.mean(self.persona.skin)) / 190


def paint_skin(face: Face, persona: Persona, size: int, occluders: np.ndarray, scalp: np.ndarray | None) -> SkinPaint:
    """occluders (M, 3): dense points on hair and clothes. scalp (N, N) 0..1: where hair roots darken the skin."""
    atlas = face.atlas
    canvas = Canvas(
        size,
        atlas.position_map(face.points, size),
        blur(atlas.mask("lips", size), size * 0.0012),
        atlas.mask("ears", size),
        face,
        persona,
    )
    albedo = _base_tone(canvas)
    albedo = _flush(canvas, albedo)
    albedo = _freckles(canvas, albedo)
    albedo = _eyes(canvas, albedo)
    albedo = _lips(canvas, albedo)
    albedo = _brow_shadow(canvas, albedo)
    if persona.stubble:
        albedo = _stubble(canvas, albedo)
    sky = _occlusion(face, occluders, size)
    albedo *= 1 - (1 - np.clip(sky * 1.35, 0, 1))[..., None] * np.array([0.42, 0.56, 0.6])
    if scalp is not None:
        albedo = mix(albedo, np.array(persona.hair) * 0.8, scalp * 0.85 * (1 - canvas.ears))
    roughness = _roughness(canvas)
    if scalp is not None:
        roughness = roughness * (1 - scalp) + 0.8 * scalp
    orm = np.stack([np.clip(sky * 1.15, 0, 1), roughness, np.zeros_like(sky)], 2)[::2, ::2] * 255
    return SkinPaint(albedo, orm, normal_map(_relief(canvas), 0.55))


def _base_tone(c: Canvas) -> np.ndarray:
    albedo = np.tile(np.array(c.persona.skin, float), (c.size, c.size, 1))
    p = c.position
    cloud, mottle, grain = noise3(p, 0.35, 3, 1), noise3(p, 1.6, 3, 3), noise3(p, 6, 3, 2, 0.8)
    lids = blur(c.face.atlas.mask("eyelids", c.size), 4)  # folded at rest: detail there would smear on a blink
    cloud, mottle, grain = (layer * (1 - 0.9 * lids) for layer in (cloud, mottle, grain))
    albedo *= (1 + 0.014 * cloud + 0.012 * mottle + 0.012 * grain)[..., None]
    albedo += mottle[..., None] * np.array([1.6, -1.4, -1.2])
    albedo += noise3(p, 0.5, 2, 4)[..., None] * np.array([1.0, 0.2, -1.2])
    return albedo


def _flush(c: Canvas, albedo: np.ndarray) -> np.ndarray:
    """Blood near the surface: cheeks, nose, chin, ears; a paler, yellower forehead."""
    tip, lip, made = c.face.nose_tip, c.face.lip_centre, c.persona.makeup
    cheek = np.array([4.9, -3.7, tip[2] - 4.2])
    red = 0.45 * c.ears + 0.4 * c.blob(tip, 1.3) + 0.22 * c.blob(lip - [0, 3.0, 0], 1.6)
    for side in (1, -1):
        red += (0.5 + 0.45 * made) * c.blob(cheek * [side, 1, 1], 2.7)
        red += 0.35 * c.blob(tip + np.array([1.5 * side, 0.1, -1.1]), 0.8)
    albedo = albedo + red[..., None] * np.array([4, -20, -17]) * c.tone
    forehead = c.blob(np.array([0, 4.5, tip[2] - 2.5]), 3.5)
    return np.asarray(albedo + forehead[..., None] * np.array([3, 2, -3]))


def _freckles(c: Canvas, albedo: np.ndarray) -> np.ndarray:
    """Sparse pale-brown dots over nose and cheeks, and a few moles anywhere."""
    if not c.persona.freckles:
        return albedo
    random = np.random.default_rng(c.persona.seed)
    spots = np.zeros((c.size, c.size))
    count = 5200
    x, y = random.integers(0, c.size, (2, count))
    spots[y, x] = random.uniform(0.2, 1.0, count)
    spots = blur(spots, 1.5) * 14 + blur(spots * (random.random(spots.shape) < 0.2), 2.3) * 24
    tip = c.face.nose_tip
    where = c.blob(np.array([0, -2.6, tip[2] - 1.5]), 2.4)
    for side in (1, -1):
        where = np.maximum(where, c.blob(np.array([4.2 * side, -2.9, tip[2] - 3.4]), 2.6))
    amount = np.clip(spots, 0, 1) * (where + 0.06) * (1 - c.lips) * c.persona.freckles
    return np.asarray(albedo + amount[..., None] * np.array([-46, -52, -46]) * c.tone)


def _eyes(c: Canvas, albedo: np.ndarray) -> np.ndarray:
    """Lids, the hollow below, and the dark wet line where the lid meets the eye."""
    x, y, z = (c.position[..., k] for k in range(3))
    made, tone = c.persona.makeup, c.tone
    for eye in c.face.eyes:
        outward = np.sign(eye[0])
        front = z > eye[2] - 1.5
        lid = np.exp(-((((x - eye[0]) - 0.25 * outward) / 2.1) ** 2 + ((y - eye[1] - 0.55) / 0.85) ** 2)) * front
        albedo = albedo + (lid * (0.35 + 0.55 * made))[..., None] * np.array([-26, -32, -28]) * tone
        hollow = np.exp(-(((x - eye[0] + 0.5 * outward) / 1.5) ** 2 + ((y - eye[1] + 1.5) / 0.5) ** 2)) * front
        albedo = albedo + (hollow * 0.3)[..., None] * np.array([-14, -18, -8]) * tone
        gap = np.linalg.norm(c.position - eye, axis=2) - c.face.eye_radius
        rim = np.exp(-((np.clip(gap, 0, 9) / 0.13) ** 2)) * (z > eye[2])
        upper = smoothstep(y - eye[1], -0.75, -0.2)
        albedo = mix(albedo, np.array([92, 48, 42]) * max(tone, 0.6), rim * 0.45)
        albedo = mix(albedo, [26, 16, 14], rim * upper * (0.4 + 0.75 * made))
    return albedo


def _lips(c: Canvas, albedo: np.ndarray) -> np.ndarray:
    """Own colour, fine upright creases, darker towards the line where the lips meet."""
    lines = noise3(c.position * [1, 0.25, 1], 7, 3, 7, 0.7)
    seam = np.exp(-((c.position[..., 1] - c.face.lip_centre[1]) ** 2) / 0.3**2)
    colour = np.array(c.persona.lips, float) * (1 + 0.05 * lines - 0.12 * seam)[..., None]
    amount = (c.lips * (0.72 + 0.2 * c.persona.makeup))[..., None]
    return albedo * (1 - amount) + colour * amount


def _brow_shadow(c: Canvas, albedo: np.ndarray) -> np.ndarray:
    """The soft tint under the brow hairs, so that no skin flashes between them."""
    x, y, z = (c.position[..., k] for k in range(3))
    line = brow_line(c.face, c.persona)
    height = np.interp(np.abs(x), line.x, line.y)
    half = np.interp(np.abs(x), line.x, line.half_width)
    ends = smoothstep(np.abs(x), line.x[0] - 0.1, line.x[0] + 0.5) * (
        1 - smoothstep(np.abs(x), line.x[-1] - 0.8, line.x[-1])
    )
    band = np.exp(-(((y - height) / (half * 0.85)) ** 2)) * ends * (z > c.face.nose_tip[2] - 7)
    colour = np.array(c.persona.hair) * 0.9 + 30
    return mix(albedo, colour, np.clip(band * 0.5 * c.persona.brow, 0, 0.6))


def _stubble(c: Canvas, albedo: np.ndarray) -> np.ndarray:
    x, y, z = (c.position[..., k] for k in range(3))
    lip = c.face.lip_centre
    cheek_line = np.interp(np.abs(x), [0, 2, 4.5, 6.5, 8], [-9.2, -8.2, -6.6, -3.5, -1.0])
    beard = smoothstep(cheek_line - y, -0.6, 1.0) * smoothstep(z, -7.5, -5) * (1 - smoothstep(-y, 11.5, 13.5))
    moustache = np.exp(-((x / 2.6) ** 4 + ((y - lip[1] - 1.15) / 0.55) ** 2)) * (z > 0)
    soul = 1 - np.exp(-((x / 1.8) ** 2 + ((y - lip[1] + 0.9) / 0.9) ** 2)) * 0.6
    area = np.maximum(beard * soul, moustache) * (1 - c.lips)
    dots = np.clip(0.6 + 0.5 * noise3(c.position, 14, 2, 55, 0.8), 0, 1.4)
    return mix(albedo, np.array(c.persona.hair) * 0.8 + 12, np.clip(c.persona.stubble * area * dots * 0.8, 0, 0.92))


def _occlusion(face: Face, occluders: np.ndarray, size: int) -> np.ndarray:
    """Baked openness to the sky (size, size); the lips and lids, which move, keep most of their light."""
    normals = vertex_normals(face.points, face.skin.point_faces)
    dense = face.atlas.position_map(face.points, 512).reshape(-1, 3)
    sky = ambient_occlusion(face.points, normals, np.concatenate([dense, occluders]))
    sky = np.clip(sky, 0.05, 1)
    lids = np.min([np.linalg.norm(face.points - eye, axis=1) for eye in face.eyes], axis=0)
    relief = np.maximum(
        np.exp(-((lids / 2.1) ** 4)), np.exp(-(((face.points - face.lip_centre) / [3.2, 1.3, 3]) ** 2).sum(1))
    )
    sky = sky + (0.9 - sky) * np.clip(relief, 0, 1) * 0.75
    spread = face.atlas.attribute_map(sky[face.skin.point][:, None], size // 2)[..., 0]
    return np.asarray(zoom(blur(spread, 1.2), 2, order=1))


def _roughness(c: Canvas) -> np.ndarray:
    grain = noise3(c.position, 6, 3, 2, 0.8)
    tip, lip = c.face.nose_tip, c.face.lip_centre
    shine = 0.05 * c.blob(tip, 1.4) + 0.07 * c.blob(np.array([0, 4.5, tip[2] - 2.5]), 3.0)
    shine += 0.04 * c.blob(lip - [0, 3.2, 0], 1.5)
    rough = 0.56 + 0.035 * grain - shine - c.lips * (0.2 + 0.1 * c.persona.makeup) + 0.05 * c.ears
    return np.asarray(np.clip(rough, 0.22, 0.95))


def _relief(c: Canvas) -> np.ndarray:
    """Height in texels: pores everywhere, finer on the nose and cheeks, creases on the lips."""
    fine = noise3(c.position, 13, 2, c.persona.seed + 1, 0.7)
    coarse = noise3(c.position, 5, 2, c.persona.seed + 2, 0.6)
    pits = -np.clip(fine - 0.7, 0, 2)
    lines = noise3(c.position * [1, 0.25, 1], 8, 2, 11, 0.7)
    skin = (0.2 * fine + 0.7 * pits + 0.3 * coarse) * (1 - c.lips)
    return np.asarray(skin + 1.1 * lines * c.lips)


def lining_colours(face: Face) -> np.ndarray:
    """Vertex colours (S, 3), linear: white outside; the mouth's inside reddens and darkens with depth."""
    colours = np.ones((len(face.points), 3))
    depth = np.clip((face.lip_centre[2] - 0.9 - face.points[:, 2]) / 3.0, 0, 1)
    mouth = face.inside & (face.points[:, 1] < -4.5)
    colours[mouth] = np.array([0.62, 0.22, 0.22]) * (1 - 0.9 * depth[mouth])[:, None]
    colours[face.inside & ~mouth] = [0.45, 0.2, 0.17]
    return colours
