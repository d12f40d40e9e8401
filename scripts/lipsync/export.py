"""The trained network as ONNX, with its manifest and card."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from avatar.lipsync.features import BANDS, SILENCE
from avatar.lipsync.network import HISTORY, LOOKAHEADS, MODEL, STRIDE
from avatar.lipsync.phones import CHANNELS
from avatar.lipsync.sounds import SOUNDS
from scripts.lipsync.model import LipModel, by_look

MOST_BYTES = 3_000_000


class Telling(nn.Module):
    """The model as it works: what normalises its features folded into the first layer, the shapes clipped, and the
    logits made probabilities. Gives (looks, 2·n, ROW) and the new memory."""

    def __init__(self, model: LipModel) -> None:
        super().__init__()
        self.model = model
        self.first = nn.Conv1d(BANDS, model.size.stem, model.first.kernel_size)
        with torch.no_grad():
            weight = model.first.weight / model.deviation[None, :, None]
            self.first.weight.copy_(weight)
            assert model.first.bias is not None
            self.first.bias.copy_(model.first.bias - (weight * model.mean[None, :, None]).sum(dim=(1, 2)))  # type: ignore[union-attr]

    def forward(self, features: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        out, memory = self.model.steps(self.first(features.transpose(1, 2)), memory)
        shapes, sounds, certainties = by_look(out)[0].split([len(CHANNELS), len(SOUNDS), 2], dim=-1)
        told = [shapes.clamp(0, 1), sounds.softmax(dim=-1), certainties.sigmoid()]
        return torch.cat(told, dim=-1), memory


def export(model: LipModel, prior: np.ndarray, folder: Path) -> dict[str, Any]:
    """Write lipsync.onnx and lipsync.json into `folder`; the manifest. `prior`: (len(SOUNDS),) shares of the sounds in
    training. Raises ValueError when the model is too large."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MODEL
    example = torch.full((1, HISTORY + 2 * STRIDE, BANDS), SILENCE), torch.zeros(1, 1, model.size.memory)
    torch.onnx.export(
        Telling(model).eval(),
        example,
        str(path),
        input_names=["features", "memory"],
        output_names=["told", "memory_out"],
        dynamic_axes={"features": {1: "frames"}, "told": {1: "rows"}},
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
