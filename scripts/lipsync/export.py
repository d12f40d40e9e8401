"""The trained network as ONNX, with its manifest and card."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avatar.lipsync.features import BANDS, SILENCE
from avatar.lipsync.network import HISTORY, LOOKAHEADS, MODEL, STRIDE
from avatar.lipsync.phones import CHANNELS
from avatar.lipsync.sounds import SOUNDS
from scripts.lipsync.model import LipModel

MOST_BYTES = 3_000_000


def export(model: LipModel, prior: np.ndarray, folder: Path) -> dict[str, Any]:
    """Write lipsync.onnx and lipsync.json into `folder`; the manifest. `prior`: (len(SOUNDS),) shares of the sounds in
    training. Raises ValueError when the model is too large."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MODEL
    example = torch.full((1, HISTORY + 2 * STRIDE, BANDS), SILENCE), torch.zeros(1, 1, model.size.memory)
    torch.onnx.export(
        model.eval(),
        example,
        str(path),
        input_names=["features", "memory"],
        output_names=["rows", "memory_out"],
        dynamic_axes={"features": {1: "frames"}, "rows": {1: "steps"}},
        opset_version=17,
        dynamo=False,
    )
    weights = path.read_bytes()
    if len(weights) > MOST_BYTES:
        raise ValueError(f"{path} has {len(weights)} bytes; at most {MOST_BYTES}")
    manifest = {
        "sha256": hashlib.sha256(weights).hexdigest(),
        "bytes": len(weights),
        "weights": sum(p.numel() for p in model.parameters()),
        "memory": model.size.memory,
        "lookaheads": list(LOOKAHEADS),
        "channels": list(CHANNELS),
        "sounds": list(SOUNDS),
        "prior": [round(float(p), 6) for p in prior],
    }
    (folder / "lipsync.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    return manifest


def prior_of(sounds: np.ndarray) -> np.ndarray:
    """How often each sound is said, with a little for the rare ones."""
    counts = np.bincount(sounds, minlength=len(SOUNDS)) + 100.0
    return counts / counts.sum()
