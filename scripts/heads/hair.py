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
from .paint import blur, noise, normal_map
from .personas import Persona
from .scalp import REACH, Scalp, build_scalp, trace

Flow = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(slots=True)
class Style:
    """What one haircut is: where it ends, how high it stands (cm), which way it runs, how long its strands are."""

    hairline: Callable[[np.ndarray], np.ndarray]
    height: Callable[[np.ndarray, np.ndarray], np.ndarray]  # (points, cm inside the hairline) → cm above the skin
    flow: Flow
    length: float
    bun: np.ndarray | None = None
    curl: float = 0.0


@dataclass(slots=True)
class Hair:
    """Meshes with the textures they use; `shell_texture` RGBA and normal over the azimuthal field, `card_texture` RGBA."""

    shell: Mesh
    cards: Mesh
    shell_texture: np.ndarray
    shell_normal: np.ndarray
    card_texture: np.ndarray
    scalp_paint: np.ndarray
    extra: dict[str, Mesh]


def _front_line(brow_height: float, temple: float, sideburn: float, nape: float) -> Callable[[np.ndarray], np.ndarray]:
    degrees = np.array([0, 18, 34, 46, 55, 63, 70, 77, 84, 92, 104, 116, 126, 140, 160, 180])
    heights = np.array(
        [brow_height, brow_height + 0.1, brow_height - 0.5, temple + 1.1, temple - 0.5, temple - 2.0]
        + [temple - 3.4, sideburn + 0.9, sideburn, sideburn + 1.2, 1.6, 0.2, -3.5, nape + 1.0, nape, nape - 0.3]
    )
    fine = np.linspace(0, 180, 361)
    smooth = np.convolve(np.pad(np.interp(fine, degrees, heights), 8, mode="edge"), np.ones(17) / 17, "valid")
    return lambda angle: np.asarray(np.interp(np.degrees(angle), fine, smooth))


def _low_bun(face: Face) -> Style:
    bun = np.array([0, -1.6, face.back - 1.6])
    part_x = 2.3

    def height(points: np.ndarray, inside: np.ndarray) -> np.ndarray:
        rise = 0.10 + 0.42 * smoothstep(inside, -0.1, 1.3) + 0.55 * smoothstep(inside, 0.6, 5.0)
        crown = 0.35 * np.exp(-(((points - [0, face.top, -11]) / [6, 4, 5]) ** 2).sum(-1))
        groove = np.exp(-(((points[..., 0] - part_x) / 0.35) ** 2)) * (points[..., 2] > -8) * (points[..., 1] > 5)
        return np.asarray((rise + crown) * (1 - 0.6 * groove))

    def flow(points: np.ndarray, heading: np.ndarray) -> np.ndarray:
        to_bun = unit(bun - points)
        side = np.sign(points[:, :1] - part_x)
        near_part = np.exp(-np.abs(points[:, :1] - part_x) / 2.6) * smoothstep(points[:, 2:3], -12, -3)
        sweep = np.c_[side * 1.0, -0.15 * np.ones((len(points), 1)), 0.12 * np.ones((len(points), 1))]
        wanted = unit(to_bun * (1 - 0.75 * near_part) + sweep * near_part * 1.5)
        return unit(wanted + 0.8 * heading)

    return Style(_front_line(6.6, 4.6, -0.9, -8.0), height, flow, 30.0, bun=bun)


def _crop(face: Face) -> Style:
    whorl = np.array([0.8, face.top - 1.0, face.back + 4.5])

    def height(points: np.ndarray, inside: np.ndarray) -> np.ndarray:
        top = smoothstep(points[..., 1], 4.0, 9.0)
        return np.asarray(
            (0.05 + 0.16 * smoothstep(inside, -0.1, 1.0)) * (1 + 2.6 * top * smoothstep(inside, 0.2, 2.5))
        )

    def flow(points: np.ndarray, heading: np.ndarray) -> np.ndarray:
        away = points - whorl
        spin = np.cross(away, [0, 1.0, 0]) * 0.4
        return unit(unit(away + spin) + 0.4 * heading)

    return Style(_front_line(6.9, 5.4, -1.6, -8.6), height, flow, 1.0, curl=1.0)


STYLES: dict[str, Callable[[Face], Style]] = {"low-bun": _low_bun, "crop": _crop}


def build_hair(face: Face, persona: Persona, cells: int, share: float, full: Hair | None = None) -> Hair:
    """`cells` across the shell, `share` of the ribbons; with `full` given, its textures are taken over."""
    style = STYLES[persona.hair_style](face)
    scalp = build_scalp(face, style.hairline)
    random = np.random.default_rng(persona.seed + 50)
    shell = _shell(scalp, style, cells)
    cards = _cards(scalp, style, random, share)
    extra = {"HairBun": _bun(style.bun, random)} if style.bun is not None else {}
    if full:
        return Hair(shell, cards, full.shell_texture, full.shell_normal, full.card_texture, full.scalp_paint, extra)
    strands = _strands(scalp, style, random, 26000)
    texture, relief = _paint_shell(scalp, strands, persona, random, TEXTURE)
    return Hair(shell, cards, texture, relief, paint_cards(persona), _roots_on_skin(face, scalp), extra)


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
    edge = _roots(scalp, random, count // 5, -0.25, 0.6)
    body = _roots(scalp, random, count - len(edge), 0.2, 99)
    roots = np.concatenate([edge, body])
    steps = 44 if style.length > 5 else 8
    wobble = random.normal(0, 0.05 + 0.5 * style.curl, (len(roots), 3))
    length = style.length * random.uniform(0.35, 1.0, len(roots))

    def flow(points: np.ndarray, heading: np.ndarray) -> np.ndarray:
        return style.flow(points, heading) + wobble

    return trace(scalp, roots, flow, length, steps)


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
    solid = smoothstep(depth, 0.25, 0.75) * 255
    a = np.maximum(blur(np.asarray(alpha, float), 0.5), solid)
    a = np.maximum(a, 255 * (depth > 0.7))
    t = blur(np.asarray(tone, float), 0.5) / 118
    base = np.array(persona.hair, float)
    colour = base * t[..., None] + np.clip(t - 1, 0, 1)[..., None] * base * 0.5
    colour *= (0.72 + 0.28 * smoothstep(depth, 0.0, 2.0))[..., None]
    return np.dstack([colour, a]), normal_map(blur(np.asarray(relief, float), 0.7) / 255 * 4, 0.6)


def _ribbon_mesh(paths: np.ndarray, normals: np.ndarray, width: np.ndarray, u: np.ndarray) -> Mesh:
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


CARD_COLUMNS = 8
TEXTURE = 2048


def _cards(scalp: Scalp, style: Style, random: np.random.Generator, share: float) -> Mesh:
    """Ribbons over the shell: fine short ones along the hairline, wider ones over the body, a few that fly away."""
    long = style.length > 5
    groups = [
        # count, depth range, half width, length, lift above the shell, steps
        (520, (-0.30, 0.25), 0.10, min(style.length, 3.4), 0.02, 8),
        (560 if long else 900, (0.3, 99.0), 0.2 if long else 0.12, min(style.length, 11.0), 0.05, 12 if long else 4),
        (110 if long else 300, (0.2, 99.0), 0.03, min(style.length, 8.0), 0.25, 10 if long else 4),
    ]
    meshes = []
    for count, (low, high), half, reach, lift, steps in groups:
        count, steps, half = int(count * share), (steps if share == 1 else max(steps // 2, 3)), half / share**0.3
        roots = _roots(scalp, random, count, low, high)
        wobble = random.normal(0, 0.07 + 0.6 * style.curl, (count, 3))
        length = reach * random.uniform(0.5, 1.1, count)

        def flow(p: np.ndarray, h: np.ndarray, wobble: np.ndarray = wobble) -> np.ndarray:
            return style.flow(p, h) + wobble

        path = trace(scalp, roots, flow, length, steps)
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
        mesh = _ribbon_mesh(placed, scalp.normal(path.reshape(-1, 3)).reshape(path.shape), width, u)
        shade = np.repeat(random.uniform(0.7, 1.12, count), (steps + 1) * 2)
        mesh.colours = np.clip(shade[:, None] * np.ones(3), 0, 1)
        meshes.append(mesh)
    return join(meshes)


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


def _bun(at: np.ndarray, random: np.random.Generator, rings: int = 28, spokes: int = 40) -> Mesh:
    """A soft knot behind the head; its texture is the strip of painted strands, wound around it."""
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
    seam = (
        (theta.ravel() < 0.2) | (theta.ravel() > np.pi - 0.2) | (phi.ravel() < 0.01) | (phi.ravel() > 2 * np.pi - 0.01)
    )
    normals[seam] = out[seam]
    turn = twist.ravel()
    uv = np.stack([0.5 + 0.10 * np.cos(theta.ravel()), 0.30 + 0.012 * turn], 1)
    return Mesh(positions, normals, faces, uv)


def _roots_on_skin(face: Face, scalp: Scalp, size: int = 2048) -> np.ndarray:
    """How dark hair roots make the skin (size, size) 0..1: a soft, noisy edge a little outside the shell's."""
    position = face.atlas.position_map(face.points, size)
    depth = scalp.inside(position.reshape(-1, 3)).reshape(size, size)
    near = np.abs(np.linalg.norm(position - scalp.centre, axis=2) - scalp.sample(scalp.radius, scalp.uv(position)))
    depth = depth + 0.22 * noise(size, 4, 41, 0.8, 96)
    head = position[..., 1] > -14
    return np.asarray(smoothstep(depth, -0.45, 0.55) * smoothstep(1.6 - near, 0, 0.6) * head)
