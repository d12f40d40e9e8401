"""The heads we ship, read as a browser would get them: names, pivots, sizes, and shapes that really move the mesh."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avatar.blendshapes import NAMES

HEADS = Path(__file__).resolve().parents[2] / "models" / "heads"
PERSONAS = sorted(p.stem for p in HEADS.glob("*.json"))
FILES = [f"{name}{suffix}.glb" for name in PERSONAS for suffix in ("", "-light")]


def read_glb(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    magic, version, length = struct.unpack_from("<III", data)
    assert magic == 0x46546C67
    assert version == 2
    assert length == len(data)
    size = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + size]), data[28 + size :]


@pytest.fixture(scope="module", params=FILES)
def glb(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return request.param, read_glb(HEADS / request.param)[0]


def nodes_by_name(doc: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in doc["nodes"]}


def world_positions(doc: dict[str, Any]) -> dict[str, np.ndarray]:
    """Where each node stands, by name; the scene's joints and pivots carry translations only."""
    out: dict[str, np.ndarray] = {}

    def walk(index: int, origin: np.ndarray) -> None:
        node = doc["nodes"][index]
        here = origin + np.array(node.get("translation", [0, 0, 0]))
        out[node["name"]] = here
        for child in node.get("children", []):
            walk(child, here)

    for root in doc["scenes"][doc["scene"]]["nodes"]:
        walk(root, np.zeros(3))
    return out


def test_there_is_a_default_head() -> None:
    assert "mira" in PERSONAS


def test_names_the_app_relies_on(glb: tuple[str, dict[str, Any]]) -> None:
    _, doc = glb
    nodes = nodes_by_name(doc)
    assert {"Body", "Head", "EyeLeft", "EyeRight"} <= nodes.keys()
    names = {m["name"] for m in doc["materials"]}
    assert {"Skin", "Eye", "Lash", "Brow", "Hair", "Teeth", "Gum", "Tongue", "Cloth"} <= names


def test_eye_pivots_stand_either_side_of_the_origin(glb: tuple[str, dict[str, Any]]) -> None:
    _, doc = glb
    where = world_positions(doc)
    assert where["EyeLeft"][0] > 0.025, "the character's left is +X"
    assert np.allclose(where["EyeLeft"] + where["EyeRight"], 0, atol=1e-4)
    for name in ("EyeLeft", "EyeRight"):
        node = nodes_by_name(doc)[name]
        assert "mesh" not in node
        assert node["children"]


def test_head_turns_eyes_teeth_and_hair_but_not_clothes(glb: tuple[str, dict[str, Any]]) -> None:
    _, doc = glb
    nodes = doc["nodes"]
    head = nodes_by_name(doc)["Head"]
    below = {nodes[i]["name"] for i in head["children"]}
    assert {"EyeLeft", "EyeRight", "TeethUpper", "TeethLower", "Tongue", "HairShell", "Brows", "Lashes"} <= below
    assert "Cloth" not in below
    where = world_positions(doc)
    assert -0.07 < where["Head"][1] < -0.02
    assert -0.12 < where["Head"][2] < -0.06
    joints = [nodes[i]["name"] for i in doc["skins"][0]["joints"]]
    assert joints == ["Body", "Head"]


def test_every_deforming_mesh_has_all_arkit_shapes(glb: tuple[str, dict[str, Any]]) -> None:
    _, doc = glb
    deforming = {m["name"]: m for m in doc["meshes"] if "targets" in m["primitives"][0]}
    assert {"Face", "TeethLower", "GumLower", "Tongue", "Brows", "Lashes"} <= deforming.keys()
    for mesh in deforming.values():
        assert sorted(mesh["extras"]["targetNames"]) == sorted(NAMES)
        assert len(mesh["primitives"][0]["targets"]) == 52


def test_every_shape_moves_the_face(glb: tuple[str, dict[str, Any]]) -> None:
    """Accessor bounds are stored plainly, so the reach of each shape can be read without decompressing."""
    _, doc = glb
    face = next(m for m in doc["meshes"] if m["name"] == "Face")
    scale = node_scale(doc, "Face")
    for name, target in zip(face["extras"]["targetNames"], face["primitives"][0]["targets"], strict=True):
        accessor = doc["accessors"][target["POSITION"]]
        reach = max(abs(x) for x in [*accessor["min"], *accessor["max"]]) * unit(accessor) * scale
        if name != "tongueOut":
            assert 0.0008 < reach < 0.06, f"{name} moves {reach * 1000:.2f} mm"


def unit(accessor: dict[str, Any]) -> float:
    """Length of one stored step before the node's own scale."""
    if not accessor.get("normalized"):
        return 1.0
    return {5120: 1 / 127, 5122: 1 / 32767}[accessor["componentType"]]


def node_scale(doc: dict[str, Any], mesh: str) -> float:
    """The scale quantisation put on a mesh: on its node, or in the inverse bind matrices of a skinned one."""
    index = next(i for i, m in enumerate(doc["meshes"]) if m["name"] == mesh)
    node = next(n for n in doc["nodes"] if n.get("mesh") == index)
    if "skin" in node:
        bounds = doc["accessors"][doc["meshes"][index]["primitives"][0]["attributes"]["POSITION"]]
        height = (bounds["max"][1] - bounds["min"][1]) * unit(bounds)
        return 0.375 / height  # the skin is about 37 cm tall from crown to collarbone
    return float(node.get("scale", [1.0])[0])


def test_sizes_and_extensions(glb: tuple[str, dict[str, Any]]) -> None:
    name, doc = glb
    light = name.endswith("-light.glb")
    assert (HEADS / name).stat().st_size < (2e6 if light else 6e6)
    primitives = [p for m in doc["meshes"] for p in m["primitives"]]
    vertices = sum(doc["accessors"][p["attributes"]["POSITION"]]["count"] for p in primitives)
    assert vertices <= (20_000 if light else 100_000)
    known = {"EXT_meshopt_compression", "KHR_mesh_quantization", "EXT_texture_webp"}
    assert set(doc["extensionsRequired"]) <= known
    assert "buffers" in doc
    assert all("uri" not in b for b in doc["buffers"][:1])


@pytest.mark.parametrize("name", PERSONAS)
def test_description_matches_the_files(name: str) -> None:
    described = json.loads((HEADS / f"{name}.json").read_text())
    card = (HEADS.parent / "cards" / f"head-{name}.md").read_text()
    for variant in ("full", "light"):
        entry = described[variant]
        digest = hashlib.sha256((HEADS / entry["file"]).read_bytes()).hexdigest()
        assert entry["sha256"] == digest
        assert digest in card
