"""Hair as an opaque shell painted with traced strands, softened at its edge and on its surface by ribbons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

from .face import Face
from .geometry import smoothstep, unit, vertex_normals
from .glb import Mesh
from .locks import face_framing, knot
from .paint import blur, noise, noise3, normal_map
from .personas import Persona
from .ribbons import CARD_COLUMNS, join, paint_cards, ribbon_mesh
from .scalp import REACH, Scalp, build_scalp, trace

Flow = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(slots=True)
class Style:
    """What one haircut is: where it ends, how high it stands (cm), which way it runs, how long its strands are."""

    hairline: Callable[[np.ndarray], np.ndarray]
    height: Callable[[np.ndarray, np.ndarray], np.ndarray]  # (points, cm inside the hairline) → cm above the skin
    flow: Flow
    lift: float  # how strongly strands at the edge stand up into the hair before they follow the flow
    length: float
    bun: np.ndarray | None = None
    curl: float = 0.0


@dataclass(slots=True)
class Hair:
    """Meshes and their textures: `shell_texture` (RGBA) and normal lie over the azimuthal field."""

    shell: Mesh
    cards: Mesh
    shell_texture: np.ndarray
    shell_normal: np.ndarray
    card_texture: np.ndarray
    scalp_paint: np.ndarray
    roughness: float
    extra: dict[str, Mesh]


def _hairline(
    middle: float, fall: float, temple: float, sideburn: float, nape: float
) -> Callable[[np.ndarray], np.ndarray]:
    """Heights in cm above the eyes: over the forehead's middle, `fall` lower at its sides, and so on to the nape."""
    front, side = middle, sideburn
    line = [(0, front), (18, front - 0.25 * fall), (34, front - fall), (46, front - 2.1 * fall), (55, temple + 0.2)]
    line += [(63, temple - 0.7), (70, temple - 2.2), (77, side + 0.9), (84, side), (92, side + 1.2)]
    line += [(104, 1.6), (116, 0.2), (126, -3.5), (140, nape + 1.0), (160, nape), (180, nape - 0.3)]
    degrees, heights = np.array(line).T
    fine = np.linspace(0, 180, 361)
    smooth = np.convolve(np.pad(np.interp(fine, degrees, heights), 8, mode="edge"), np.ones(17) / 17, "valid")
    return lambda angle: np.asarray(np.interp(np.degrees(angle), fine, smooth))


def _low_bun(face: Face) -> Style:
    bun = np.array([0, -1.6, face.back - 1.6])
    part_x = 2.3

    def height(points: np.ndarray, inside: np.ndarray) -> np.ndarray:
        rise = 0.03 + 0.45 * smoothstep(inside, -0.1, 1.3) + 0.75 * smoothstep(inside, 0.6, 5.0)
        crown = 0.35 * np.exp(-(((points - [0, face.top, -11]) / [6, 4, 5]) ** 2).sum(-1))
        groove = np.exp(-(((points[..., 0] - part_x) / 0.35) ** 2)) * (points[..., 2] > -8) * (points[..., 1] > 5)
        return np.asarray((rise + crown) * (1 - 0.6 * groove))

    def flow(points: np.ndarray, heading: np.ndarray) -> np.ndarray:
        to_bun = unit(bun - points)
        side = np.sign(points[:, :1] - part_x)
        near_part = 0.8 * np.exp(-np.abs(points[:, :1] - part_x) / 2.0) * smoothstep(points[:, 2:3], -12, -3)
        sweep = np.c_[side * 1.0, -0.15 * np.ones((len(points), 1)), 0.12 * np.ones((len(points), 1))]
        wanted = unit(to_bun * (1 - 0.75 * near_part) + sweep * near_part * 1.5)
        return unit(wanted + 0.8 * heading)

    return Style(_hairline(7.0, 1.5, 3.0, -0.9, -8.0), height, flow, 1.6, 30.0, bun=bun)


def _crop(face: Face) -> Style:
    whorl = np.array([0.8, face.top - 1.0, face.back + 4.5])

    def height(points: np.ndarray, inside: np.ndarray) -> np.ndarray:
        top = smoothstep(points[..., 1], 4.0, 9.0)
        return np.asarray(
            (0.03 + 0.13 * smoothstep(inside, -0.1, 1.0)) * (1 + 1.6 * top * smoothstep(inside, 0.2, 2.5))
        )

    def flow(points: np.ndarray, heading: np.ndarray) -> np.ndarray:
        away = points - whorl
        spin = np.cross(away, [0, 1.0, 0]) * 0.4
        return unit(unit(away + spin) + 0.4 * heading)

    return Style(_hairline(6.9, 0.9, 5.0, -1.6, -8.6), height, flow, 0.0, 0.45, curl=1.0)


STYLES: dict[str, Callable[[Face], Style]] = {"low-bun": _low_bun, "crop": _crop}


def build_hair(face: Face, persona: Persona, cells: int, share: float, full: Hair | None = None) -> Hair:
    """`cells` across the shell, `share` of the ribbons; with `full` given, its textures are taken over."""
    style = STYLES[persona.hair_style](face)
    scalp = build_scalp(face, style.hairline)
    random = np.random.default_rng(persona.seed + 50)
    shell = _shell(scalp, style, cells)
    cards = _cards(scalp, style, random, share)
    extra = {}
    if style.bun is not None:
        extra["HairBun"] = knot(style.bun)
        if share == 1:  # a few coarse strands beside a face are wires, not locks
            cards = join([cards, face_framing(face, random)])
    if full:
        return Hair(
            shell,
            cards,
            full.shell_texture,
            full.shell_normal,
            full.card_texture,
            full.scalp_paint,
            full.roughness,
            extra,
        )
    strands = _strands(scalp, style, random, 30000)
    texture, relief = _paint_shell(scalp, strands, persona, random, TEXTURE)
    if style.curl:
        coils = noise(TEXTURE, 2, 71, 0.7, 256)
        relief = normal_map(coils * 1.1, 1.0)
        texture[..., :3] *= (1 + 0.28 * coils)[..., None]
    return Hair(
        shell,
        cards,
        texture,
        relief,
        paint_cards(persona),
        _roots_on_skin(face, scalp),
        0.9 if style.curl else 0.5,
        extra,
    )


def _shell(scalp: Scalp, style: Style, cells: int) -> Mesh:
    """A grid over the field, kept where hair grows, raised by the style."""
    line = np.linspace(0, 1, cells)
    uv = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    seed = scalp.centre + scalp.direction(uv)
    ground = scalp.place(seed)
    inside = scalp.inside(ground)
    positions = scalp.place(ground, style.height(ground, inside))
    a = (np.arange(cells - 1)[:, None] * cells + np.arange(cells - 1)).ravel()
    quads = np.stack([a, a + 1, a + cells + 1, a + cells], 1)
    flat = np.linalg.norm(uv - 0.5, axis=1) < 0.497
    quads = quads[((inside > -0.45) & flat)[quads].all(1)]
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    if (
        np.cross(positions[faces[:, 1]] - positions[faces[:, 0]], positions[faces[:, 2]] - positions[faces[:, 0]])
        * (positions[faces[:, 0]] - scalp.centre)
    ).sum() < 0:
        faces = faces[:, ::-1]
    used, back = np.unique(faces, return_inverse=True)
    faces = back.reshape(-1, 3)
    p = positions[used]
    return Mesh(p, vertex_normals(p, faces), faces, uv[used])


def _roots(scalp: Scalp, random: np.random.Generator, count: int, low: float, high: float) -> np.ndarray:
    """Random points on the scalp whose depth inside the hairline lies in [low, high]; even by area."""
    out: list[np.ndarray] = []
    found = 0
    while found < count:
        d = unit(random.normal(size=(count * 4, 3)))
        d = d[d @ scalp.axes[2] > np.cos(REACH * 0.97)]
        p = scalp.place(scalp.centre + d)
        depth = scalp.inside(p)
        p = p[(depth > low) & (depth < high)]
        out.append(p)
        found += len(p)
    return np.concatenate(out)[:count]


def _strands(scalp: Scalp, style: Style, random: np.random.Generator, count: int) -> np.ndarray:
    """Strands (N, K, 3) for painting: evenly rooted, with a dense row at the edge."""
    edge = _roots(scalp, random, count // 5, -0.35, 0.5)
    body = _roots(scalp, random, count - len(edge), 0.2, 99)
    roots = np.concatenate([edge, body])
    steps = 44 if style.length > 5 else 8
    wobble = random.normal(0, 0.05 + 0.5 * style.curl, (len(roots), 3))
    length = style.length * random.uniform(0.35, 1.0, len(roots))

    flow = _combed(scalp, style, wobble)
    return trace(scalp, roots, flow, length, steps)


def _combed(scalp: Scalp, style: Style, wobble: np.ndarray) -> Flow:
    """The style's flow with each strand's own deviation, rising from the hairline."""

    def flow(points: np.ndarray, heading: np.ndarray) -> np.ndarray:
        edge = style.lift * np.exp(-np.clip(scalp.inside(points), 0, None) / 0.9)[:, None]
        return style.flow(points, heading) + scalp.inward(points) * edge + wobble

    return flow


def _paint_shell(
    scalp: Scalp, strands: np.ndarray, persona: Persona, random: np.random.Generator, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw every strand into the field's texture: shade and alpha (RGBA), and height for the normal map."""
    uv = scalp.uv(strands) * (size - 1)
    jump = np.linalg.norm(np.diff(uv, axis=1), axis=2).max(1) > size * 0.2
    centres = strands[random.choice(len(strands), 420, replace=False), 0]
    clump = cKDTree(centres).query(strands[:, 0])[1]
    clump_shade = random.normal(0, 1, 420)
    shade = 118 + 26 * random.normal(size=len(strands)) + 15 * clump_shade[clump]
    height = 120 + 45 * random.normal(size=len(strands)) + 30 * clump_shade[clump]
    tone, relief, alpha = (Image.new("L", (size, size), v) for v in (95, 90, 0))
    pens = [ImageDraw.Draw(im) for im in (tone, relief, alpha)]
    for k in random.permutation(len(strands)):
        if jump[k]:
            continue
        line = [(float(a), float(b)) for a, b in uv[k]]
        width = 2 if size >= 2048 else 1
        pens[0].line(line, fill=int(np.clip(shade[k], 20, 250)), width=width)
        pens[1].line(line, fill=int(np.clip(height[k], 0, 255)), width=width)
        pens[2].line(line, fill=255, width=width)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, size)] * 2), -1)
    depth = scalp.sample(scalp.hairline, grid)
    solid = smoothstep(depth, 0.35, 0.95) * 255
    a = np.maximum(blur(np.asarray(alpha, float), 0.5), solid)
    a = np.maximum(a, 255 * (depth > 0.9))
    t = blur(np.asarray(tone, float), 0.5) / 118
    base = np.array(persona.hair, float)
    colour = base * t[..., None] + np.clip(t - 1, 0, 1)[..., None] * base * 0.5
    colour *= (0.72 + 0.28 * smoothstep(depth, 0.0, 2.0))[..., None]
    return np.dstack([colour, a]), normal_map(blur(np.asarray(relief, float), 0.7) / 255 * 4, 0.6)


TEXTURE = 2048


def _cards(scalp: Scalp, style: Style, random: np.random.Generator, share: float) -> Mesh:
    """Ribbons over the shell: fine short ones along the hairline, wider ones over the body, a few that fly away."""
    if style.length > 5:
        groups = [
            # count, depth range, half width, length, lift above the shell, steps
            (900, (-0.34, 0.3), 0.055, 3.0, 0.015, 7),
            (560, (0.3, 99.0), 0.2, 11.0, 0.05, 12),
            (110, (0.2, 99.0), 0.03, 8.0, 0.25, 10),
        ]
    else:
        groups = [(900, (-0.35, 0.3), 0.025, 0.3, 0.03, 3), (2200, (0.2, 99.0), 0.035, 0.4, 0.09, 3)]
    meshes = []
    for full_count, (low, high), full_half, reach, lift, full_steps in groups:
        count, half = int(full_count * share), full_half / share**0.3
        steps = full_steps if share == 1 else max(full_steps // 2, 3)
        roots = _roots(scalp, random, count, low, high)
        wobble = random.normal(0, 0.07 + 0.6 * style.curl, (count, 3))
        length = reach * random.uniform(0.5, 1.1, count)

        path = trace(scalp, roots, _combed(scalp, style, wobble), length, steps)
        inside = scalp.inside(path)
        s = np.linspace(0, 1, steps + 1)
        own = lift * random.uniform(0.2, 1.4, (count, 1)) * np.sin(np.pi * np.clip(s * 0.9 + 0.05, 0, 1)) ** 0.7
        above = style.height(path, np.maximum(inside, -0.2)) + own + 0.02
        above[:, 0] = np.minimum(above[:, 0], 0.02 if high < 1 else 99)
        placed = scalp.place(path, above)
        taper = np.minimum(1, 0.45 + 2.5 * s) * (1 - 0.75 * s**3)
        width = half * random.uniform(0.6, 1.3, (count, 1)) * taper
        column = random.integers(0, CARD_COLUMNS, count)
        u = np.stack([(column + 0.03) / CARD_COLUMNS, (column + 0.97) / CARD_COLUMNS], 1)
        mesh = ribbon_mesh(placed, scalp.normal(path.reshape(-1, 3)).reshape(path.shape), width, u)
        shade = np.repeat(random.uniform(0.7, 1.12, count), (steps + 1) * 2)
        mesh.colours = np.clip(shade[:, None] * np.ones(3), 0, 1)
        meshes.append(mesh)
    return join(meshes)


def _roots_on_skin(face: Face, scalp: Scalp, size: int = 2048) -> np.ndarray:
    """How dark hair roots make the skin (size, size) 0..1: a soft, noisy edge a little outside the shell's."""
    position = face.atlas.position_map(face.points, size)
    depth = scalp.inside(position.reshape(-1, 3)).reshape(size, size)
    near = np.abs(np.linalg.norm(position - scalp.centre, axis=2) - scalp.sample(scalp.radius, scalp.uv(position)))
    depth = depth + 0.16 * noise3(position, 9, 2, 41, 0.8)
    head = position[..., 1] > -14
    return np.asarray(smoothstep(depth, -0.5, 0.8) * smoothstep(1.6 - near, 0, 0.6) * head)
