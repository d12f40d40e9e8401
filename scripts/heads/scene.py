"""The glTF scene: Body and Head joints, the parts under them, and their materials."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .glb import Mesh, Writer
from .paint import jpeg, shrink
from .parts import Parts
from .source import ARKIT


def webp(image: np.ndarray, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.clip(image, 0, 255).astype("u1"), "RGBA").save(buffer, "WEBP", quality=quality, method=6)
    return buffer.getvalue()


def _linear(colour: tuple[float, ...]) -> list[float]:
    return [*(float((c / 255) ** 2.2) for c in colour), 1.0]


class Materials:
    """The named materials; textures scaled to the variant's size, maps left out of the light one."""

    def __init__(self, writer: Writer, parts: Parts) -> None:
        self.writer, self.parts = writer, parts
        self.light = parts.detail.levels == 0
        self.factor = 2 if self.light else 1

    def _add(self, name: str, roughness: float, base: dict[str, Any], **more: Any) -> int:
        pbr = {"metallicFactor": 0.0, "roughnessFactor": roughness, **base}
        return self.writer.material(name, pbrMetallicRoughness=pbr, **more)

    def _texture(self, image: np.ndarray, quality: int, factor: int | None = None) -> dict[str, int]:
        image = shrink(image, factor or self.factor) if (factor or self.factor) > 1 else image
        return {"index": self.writer.texture(jpeg(image, quality))}

    def plain(self, name: str, colour: tuple[float, ...], roughness: float, **more: Any) -> int:
        return self._add(name, roughness, {"baseColorFactor": _linear(colour)}, **more)

    def hairline(self, name: str, colour: tuple[float, ...], roughness: float, opacity: float) -> int:
        """Brows and lashes. Drawn without multisampling, thin opaque ones would be dots: the light ones are wide, and
        `opacity` blends them."""
        base: dict[str, Any] = {"baseColorFactor": [*_linear(colour)[:3], opacity if self.light else 1.0]}
        return self._add(name, roughness, base, doubleSided=True, **({"alphaMode": "BLEND"} if self.light else {}))

    def skin(self) -> int:
        paint = self.parts.skin_paint
        base: dict[str, Any] = {"baseColorTexture": self._texture(paint.albedo, 88)}
        if self.light:
            return self._add("Skin", 0.6, base)
        orm = self._texture(paint.orm, 85)
        base["metallicRoughnessTexture"] = orm
        normal = {**self._texture(paint.normal, 85), "scale": 0.6}
        return self._add("Skin", 1.0, base, normalTexture=normal, occlusionTexture={**orm, "strength": 0.9})

    def eye(self) -> int:
        base = {"baseColorTexture": self._texture(self.parts.eye_paint, 92, 2 if self.light else 1)}
        if self.light:
            return self._add("Eye", 0.2, base)
        coat = {"clearcoatFactor": 1.0, "clearcoatRoughnessFactor": 0.03}
        return self._add("Eye", 0.4, base, extensions={"KHR_materials_clearcoat": coat})

    def hair(self) -> tuple[int, int]:
        hair = self.parts.hair
        shell = webp(shrink(hair.shell_texture, self.factor) if self.light else hair.shell_texture, 80)
        extra: dict[str, Any] = {}
        if not self.light:
            extra["normalTexture"] = {**self._texture(hair.shell_normal, 80), "scale": 0.8}
        cut = {"alphaMode": "MASK", "alphaCutoff": 0.4, "doubleSided": True}
        base = {"baseColorTexture": {"index": self.writer.texture(shell)}}
        cards = {"baseColorTexture": {"index": self.writer.texture(webp(hair.card_texture, 80))}}
        rough = hair.roughness
        return self._add("Hair", rough, base, **cut, **extra), self._add("HairStrand", rough, cards, **cut)

    def cloth(self) -> int:
        albedo, normal = self.parts.cloth_paint
        base = {"baseColorTexture": self._texture(albedo, 88)}
        if self.light:
            return self._add("Cloth", 0.9, base)
        maps = {"normalTexture": {**self._texture(normal, 85), "scale": 0.6}}
        sheen = {"sheenColorFactor": [0.12, 0.12, 0.12], "sheenRoughnessFactor": 0.7}
        return self._add("Cloth", 0.92, base, **maps, extensions={"KHR_materials_sheen": sheen}, doubleSided=True)


def _relative(mesh: Mesh, origin: np.ndarray) -> Mesh:
    """The mesh moved so that a node standing at `origin` shows it where it was."""
    return Mesh(**{**{k: getattr(mesh, k) for k in Mesh.__slots__}, "positions": mesh.positions - origin})


def write_scene(parts: Parts, path: Path) -> None:
    """Body (joint, at the base of the neck) → Head (joint, at the atlanto-occipital joint) → eyes, teeth, hair …"""
    face, writer = parts.face, Writer(list(ARKIT))
    make = Materials(writer, parts)
    base = face.human.joint("neck")
    body = writer.node("Body", at=base)
    head = writer.node("Head", body, at=face.pivot - base)
    skin = writer.skin([body, head], np.stack([base, face.pivot]))
    writer.mesh("Face", parts.skin, make.skin(), skin=skin)
    eye = make.eye()
    for name, at in zip(("EyeLeft", "EyeRight"), face.eyes, strict=True):
        pivot = writer.node(name, head, at=at - face.pivot)
        writer.mesh(name + "Ball", parts.eye, eye, pivot)

    def rigid(name: str, mesh: Mesh, material: int, joint: int = head, at: np.ndarray = face.pivot) -> None:
        writer.mesh(name, _relative(mesh, at), material, joint)

    shadow = make.plain("LidShadow", (255, 255, 255), 1.0, alphaMode="BLEND")
    for side, mesh in parts.lid_shadows.items():
        rigid("LidShadow" + side, mesh, shadow)
    teeth, gum = make.plain("Teeth", (246, 238, 224), 0.22), make.plain("Gum", (178, 92, 90), 0.35)
    for name, mesh in parts.teeth.items():
        rigid(name, mesh, teeth if name.startswith("Teeth") else gum)
    rigid("Tongue", parts.tongue, make.plain("Tongue", (136, 62, 64), 0.45))
    hair_colour = tuple(c * 0.9 + 6 for c in parts.persona.hair)
    rigid("Brows", parts.brows, make.hairline("Brow", hair_colour, 0.75, 0.36))
    rigid("Lashes", parts.lashes, make.hairline("Lash", (24, 16, 13), 0.8, 0.55))
    shell, strand = make.hair()
    rigid("HairShell", parts.hair.shell, shell)
    rigid("HairStrands", parts.hair.cards, strand)
    for name, mesh in parts.hair.extra.items():
        rigid(name, mesh, shell)
    cloth = make.cloth()
    for name, mesh in parts.clothes.items():
        rigid(name, mesh, cloth, body, base)
    used = {k for m in writer.doc["materials"] for k in m.get("extensions", {})}
    _declare(writer, used)
    writer.save(path)


def _declare(writer: Writer, used: set[str]) -> None:
    for texture in writer.doc["textures"]:
        if writer.doc["images"][texture["source"]]["mimeType"] == "image/webp":
            texture["extensions"] = {"EXT_texture_webp": {"source": texture.pop("source")}}
            used.add("EXT_texture_webp")
            writer.doc["extensionsRequired"] = ["EXT_texture_webp"]
    if used:
        writer.doc["extensionsUsed"] = sorted(used)
