"""Meshes as sparse matrices: subdivision that also carries morph deltas, normals, smoothing, cutting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from .glb import Mesh


def smoothstep(x: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((np.asarray(x, float) - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def unit(v: np.ndarray) -> np.ndarray:
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9))


def triangles(quads: np.ndarray) -> np.ndarray:
    """Quads (Q, 4) to triangles, dropping the degenerate halves of repeated corners."""
    t = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return t[(t[:, 0] != t[:, 1]) & (t[:, 1] != t[:, 2]) & (t[:, 0] != t[:, 2])]


def vertex_normals(positions: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals (V, 3) of a triangle mesh."""
    a, b, c = (positions[faces[:, k]] for k in range(3))
    face_normal = np.cross(b - a, c - a)
    normals = np.zeros_like(positions)
    for k in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(faces[:, k], face_normal[:, axis], len(positions))
    return unit(normals)


def neighbour_average(faces: np.ndarray, count: int) -> sp.csr_matrix:
    """Row-stochastic matrix (V, V) that replaces each vertex by the mean of its neighbours."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.unique(np.sort(edges, 1), axis=0)
    ij = np.r_[edges[:, 0], edges[:, 1]], np.r_[edges[:, 1], edges[:, 0]]
    links = sp.coo_matrix((np.ones(2 * len(edges)), ij), (count, count)).tocsr()
    return sp.diags(1 / np.maximum(np.asarray(links.sum(1)).ravel(), 1)) @ links


def catmull_clark(quads: np.ndarray, count: int) -> tuple[sp.csr_matrix, np.ndarray]:
    """One Catmull-Clark step as a matrix (new, old) and the new quads. Borders become B-spline curves."""
    m = len(quads)
    a = quads.ravel()
    b = np.roll(quads, -1, 1).ravel()
    real = a != b
    edges, inverse = np.unique(np.sort(np.stack([a, b], 1), 1), axis=0, return_inverse=True)
    inverse = inverse.ravel()
    ne = len(edges)
    uses = np.bincount(inverse[real], minlength=ne)
    corner = np.repeat(np.arange(m), 4)
    faces = sp.csr_matrix((np.full(4 * m, 0.25), (corner, a)), (m, count))
    mids = sp.csr_matrix((np.full(2 * ne, 0.5), (np.repeat(np.arange(ne), 2), edges.ravel())), (ne, count))
    edge_face = sp.csr_matrix((np.ones(int(real.sum())), (inverse[real], corner[real])), (ne, m))
    edge_face.data[:] = 1
    inner = (uses == 2).astype(float)
    new_edges = sp.diags(1 - 0.5 * inner) @ mids + sp.diags(0.25 * inner) @ edge_face @ faces
    vertex_face = sp.csr_matrix((np.ones(4 * m), (a, corner)), (count, m))
    vertex_face.data[:] = 1
    vertex_edge = sp.csr_matrix((np.ones(2 * ne), (edges.ravel(), np.repeat(np.arange(ne), 2))), (count, ne))
    n = np.maximum(np.asarray(vertex_edge.sum(1)).ravel(), 1)
    nf = np.maximum(np.asarray(vertex_face.sum(1)).ravel(), 1)
    smooth = sp.diags(1 / (n * nf)) @ vertex_face @ faces + sp.diags(2 / (n * n)) @ vertex_edge @ mids
    smooth = smooth + sp.diags((n - 3) / n)
    rim = uses == 1
    on_rim = np.zeros(count, bool)
    on_rim[edges[rim].ravel()] = True
    ij = np.r_[edges[rim, 0], edges[rim, 1]], np.r_[edges[rim, 1], edges[rim, 0]]
    along = sp.csr_matrix((np.ones(2 * int(rim.sum())), ij), (count, count))
    degree = np.maximum(np.asarray(along.sum(1)).ravel(), 1)
    curve = sp.diags(np.full(count, 0.75)) + sp.diags(0.25 / degree) @ along
    new_vertices = sp.diags((~on_rim).astype(float)) @ smooth + sp.diags(on_rim.astype(float)) @ curve
    matrix = sp.vstack([new_vertices, new_edges, faces]).tocsr()
    e = inverse.reshape(-1, 4) + count
    f = np.arange(m) + count + ne
    new_quads = np.concatenate([np.stack([quads[:, i], e[:, i], f, e[:, i - 1]], 1) for i in range(4)])
    return matrix, new_quads


def _subdivide_uv(uv: np.ndarray) -> np.ndarray:
    centre = uv.mean(1)
    parts = []
    for i in range(4):
        after, before = (uv[:, i] + uv[:, (i + 1) % 4]) / 2, (uv[:, i] + uv[:, i - 1]) / 2
        parts.append(np.stack([uv[:, i], after, centre, before], 1))
    return np.concatenate(parts)


@dataclass(slots=True)
class Surface:
    """A subdivided part of the base mesh.

    matrix (S, B) maps base vertices (or their deltas) to surface points; quads index points. With texture
    coordinates, seams split points: `point` (V,) gives the point behind each output vertex, `faces` index vertices.
    """

    matrix: sp.csr_matrix
    quads: np.ndarray
    point_faces: np.ndarray
    point: np.ndarray
    faces: np.ndarray
    uv: np.ndarray | None
    quad_uv: np.ndarray | None

    @classmethod
    def build(cls, quads: np.ndarray, uv: np.ndarray | None, levels: int, base_count: int) -> Surface:
        """quads (Q, 4) into the base mesh; uv (Q, 4, 2) or None; `levels` of subdivision."""
        used, inverse = np.unique(quads, return_inverse=True)
        quads = inverse.reshape(quads.shape)
        matrix = sp.csr_matrix((np.ones(len(used)), (np.arange(len(used)), used)), (len(used), base_count))
        for _ in range(levels):
            step, quads = catmull_clark(quads, matrix.shape[0])
            matrix = (step @ matrix).tocsr()
            uv = _subdivide_uv(uv) if uv is not None else None
        if uv is None:
            point, faces, flat = np.arange(matrix.shape[0]), triangles(quads), None
        else:
            key = np.c_[quads.ravel(), np.round(uv.reshape(-1, 2) * 1e5).astype(int)]
            rows, first, back = np.unique(key, axis=0, return_index=True, return_inverse=True)
            point, flat = rows[:, 0], uv.reshape(-1, 2)[first]
            faces = triangles(back.reshape(quads.shape))
        return cls(matrix, quads, triangles(quads), point, faces, flat, uv)

    def mesh(self, positions: np.ndarray, deltas: list[np.ndarray] | None, bend_normals: bool = True) -> Mesh:
        """Evaluate on base positions (B, 3) and, if given, a list of base deltas (B, 3) each."""
        points = self.matrix @ positions
        normals = vertex_normals(points, self.point_faces)
        mesh = Mesh(points[self.point], normals[self.point], self.faces, self.uv)
        if deltas is None:
            return mesh
        moved = [self.matrix @ delta for delta in deltas]
        mesh.morphs = np.stack([m[self.point] for m in moved])
        if bend_normals:
            bends = [
                vertex_normals(points + m, self.point_faces) - normals if np.abs(m).max() > 1e-3 else m * 0
                for m in moved
            ]
            mesh.morph_normals = np.stack([b[self.point] for b in bends])
        return mesh


def cut(positions: np.ndarray, faces: np.ndarray, keep: np.ndarray, *attributes: np.ndarray) -> list[np.ndarray]:
    """Keep where `keep` (V,) > 0, cutting triangles exactly. Returns positions, faces, attributes…, keep."""
    points, level = list(positions), list(keep)
    extra = [list(a) for a in attributes]
    made: dict[tuple[int, int], int] = {}

    def crossing(i: int, j: int) -> int:
        key = (min(i, j), max(i, j))
        if key not in made:
            t = level[i] / (level[i] - level[j])
            made[key] = len(points)
            points.append(points[i] * (1 - t) + points[j] * t)
            for a in extra:
                a.append(a[i] * (1 - t) + a[j] * t)
            level.append(0.0)
        return made[key]

    out: list[tuple[int, int, int]] = []
    for face in faces:
        inside = [k for k in range(3) if keep[face[k]] > 0]
        if len(inside) == 3:
            out.append((face[0], face[1], face[2]))
        elif len(inside) == 1:
            a, b, c = (face[(inside[0] + k) % 3] for k in range(3))
            out.append((a, crossing(a, b), crossing(a, c)))
        elif len(inside) == 2:
            outside = ({0, 1, 2} - set(inside)).pop()
            a, b, c = (face[(outside + k) % 3] for k in range(3))
            ab, ac = crossing(a, b), crossing(a, c)
            out += [(b, c, ac), (b, ac, ab)]
    used, inverse = np.unique(np.array(out), return_inverse=True)
    return [np.array(points)[used], inverse.reshape(-1, 3), *(np.array(a)[used] for a in extra), np.array(level)[used]]
