"""A small glTF 2.0 binary writer: nodes, skins, morph targets, textures. Centimetres come in, metres go out."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

METRES = 0.01
_COMPONENT = {np.dtype("f4"): 5126, np.dtype("u4"): 5125, np.dtype("u2"): 5123, np.dtype("u1"): 5121}
_TYPE = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}


@dataclass(slots=True)
class Mesh:
    """One primitive. positions (V, 3) cm, normals (V, 3), faces (F, 3); colours (V, 3|4) linear 0..1.

    morphs and morph_normals (M, V, 3) are deltas; joints (V, 2) int and weights (V, 2) bind it to a skin.
    """

    positions: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    uv: np.ndarray | None = None
    colours: np.ndarray | None = None
    morphs: np.ndarray | None = None
    morph_normals: np.ndarray | None = None
    joints: np.ndarray | None = None
    weights: np.ndarray | None = None


@dataclass(slots=True)
class Writer:
    """Collects buffers and JSON; `save` writes the file."""

    target_names: list[str]
    blob: bytearray = field(default_factory=bytearray)
    doc: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.doc = {
            "asset": {"version": "2.0", "generator": "visavis scripts/build_heads.py"},
            "scene": 0,
            "scenes": [{"nodes": []}],
            "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497}],
        }
        for key in ("nodes", "meshes", "accessors", "bufferViews", "materials", "textures", "images", "skins"):
            self.doc[key] = []

    def view(self, data: bytes, target: int | None = None) -> int:
        self.blob += b"\0" * (-len(self.blob) % 4)
        entry: dict[str, Any] = {"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)}
        if target:
            entry["target"] = target
        self.blob += data
        return self._add("bufferViews", entry)

    def _add(self, key: str, entry: dict[str, Any]) -> int:
        self.doc[key].append(entry)
        return len(self.doc[key]) - 1

    def accessor(self, array: np.ndarray, target: int | None = 34962, bounds: bool = False) -> int:
        array = np.ascontiguousarray(array)
        width = 1 if array.ndim == 1 else array.shape[1]
        entry: dict[str, Any] = {
            "bufferView": self.view(array.tobytes(), target),
            "componentType": _COMPONENT[array.dtype],
            "count": len(array),
            "type": _TYPE[width],
        }
        if bounds:
            entry["min"] = np.atleast_1d(array.min(0)).tolist()
            entry["max"] = np.atleast_1d(array.max(0)).tolist()
        return self._add("accessors", entry)

    def sparse_accessor(self, array: np.ndarray, smallest: float) -> int:
        """A VEC3 accessor that stores only the rows longer than `smallest`: most morphs move a small part."""
        array = np.ascontiguousarray(array, np.float32)
        moved = np.flatnonzero(np.abs(array).max(1) > smallest)
        entry: dict[str, Any] = {"componentType": 5126, "count": len(array), "type": "VEC3"}
        rows = array[moved] if len(moved) else np.zeros((1, 3), np.float32)
        entry["min"] = np.minimum(rows.min(0), 0).tolist()
        entry["max"] = np.maximum(rows.max(0), 0).tolist()
        if len(moved):
            entry["sparse"] = {
                "count": len(moved),
                "indices": {"bufferView": self.view(moved.astype("u4").tobytes()), "componentType": 5125},
                "values": {"bufferView": self.view(rows.tobytes())},
            }
        return self._add("accessors", entry)

    def texture(self, data: bytes) -> int:
        mime = {b"\x89PNG": "image/png", b"RIFF": "image/webp"}.get(data[:4], "image/jpeg")
        image = self._add("images", {"bufferView": self.view(data), "mimeType": mime})
        return self._add("textures", {"source": image, "sampler": 0})

    def material(self, name: str, **properties: Any) -> int:
        return self._add("materials", {"name": name, **properties})

    def node(self, name: str, parent: int | None = None, at: np.ndarray | None = None, **more: Any) -> int:
        """A node at `at` (cm, relative to its parent); without a parent it stands in the scene."""
        entry: dict[str, Any] = {"name": name, **more}
        if at is not None:
            entry["translation"] = (np.asarray(at, float) * METRES).tolist()
        index = self._add("nodes", entry)
        siblings = self.doc["scenes"][0]["nodes"] if parent is None else self._children(parent)
        siblings.append(index)
        return index

    def _children(self, parent: int) -> list[int]:
        children: list[int] = self.doc["nodes"][parent].setdefault("children", [])
        return children

    def skin(self, joints: list[int], joint_positions: np.ndarray) -> int:
        """joint_positions (J, 3): where each joint rests in the scene, cm; all without rotation."""
        inverse = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
        inverse[:, 3, :3] = -np.asarray(joint_positions) * METRES  # column-major: translation is the last row
        accessor = self.accessor(inverse.reshape(-1, 16), None)
        return self._add("skins", {"joints": joints, "inverseBindMatrices": accessor, "skeleton": joints[0]})

    def mesh(self, name: str, mesh: Mesh, material: int, parent: int | None = None, skin: int | None = None) -> int:
        attributes = {
            "POSITION": self.accessor((mesh.positions * METRES).astype("f4"), bounds=True),
            "NORMAL": self.accessor(mesh.normals.astype("f4")),
        }
        if mesh.uv is not None:
            attributes["TEXCOORD_0"] = self.accessor(mesh.uv.astype("f4"))
        if mesh.colours is not None:
            attributes["COLOR_0"] = self._colours(mesh.colours)
        if mesh.joints is not None and mesh.weights is not None:
            pad = ((0, 0), (0, 4 - mesh.joints.shape[1]))
            attributes["JOINTS_0"] = self.accessor(np.pad(mesh.joints, pad).astype("u2"))
            attributes["WEIGHTS_0"] = self.accessor(np.pad(mesh.weights, pad).astype("f4"))
        primitive: dict[str, Any] = {
            "attributes": attributes,
            "indices": self.accessor(mesh.faces.astype("u4").ravel(), 34963),
            "material": material,
        }
        entry: dict[str, Any] = {"name": name, "primitives": [primitive]}
        if mesh.morphs is not None:
            primitive["targets"] = self._targets(mesh)
            entry["extras"] = {"targetNames": list(self.target_names)}
            entry["weights"] = [0.0] * len(self.target_names)
        index = self._add("meshes", entry)
        return self.node(name, parent, mesh=index, **({"skin": skin} if skin is not None else {}))

    def _colours(self, colours: np.ndarray) -> int:
        if colours.shape[1] == 3:
            colours = np.c_[colours, np.ones(len(colours))]
        accessor = self.accessor((np.clip(colours, 0, 1) * 255).round().astype("u1"))
        self.doc["accessors"][accessor]["normalized"] = True
        return accessor

    def _targets(self, mesh: Mesh) -> list[dict[str, int]]:
        assert mesh.morphs is not None
        targets = []
        for k in range(len(self.target_names)):
            target = {"POSITION": self.sparse_accessor(mesh.morphs[k] * METRES, 1e-5)}
            if mesh.morph_normals is not None:
                target["NORMAL"] = self.sparse_accessor(mesh.morph_normals[k], 4e-3)
            targets.append(target)
        return targets

    def save(self, path: Path) -> None:
        self.blob += b"\0" * (-len(self.blob) % 4)
        self.doc["buffers"] = [{"byteLength": len(self.blob)}]
        doc = {key: value for key, value in self.doc.items() if value != []}
        text = json.dumps(doc, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
        chunks += struct.pack("<II", len(self.blob), 0x004E4942) + bytes(self.blob)
        path.write_bytes(struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks)
