"""The lip network: a causal stem over log-mel frames, a recurrent layer at 50 Hz, one linear output.

Every step reads two frames (20 ms) and tells, for each look-ahead, the two frames that lie so far back: the mouth's
channels, what sound is being said, and whether the lips are sealed or bitten.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from avatar.lipsync.features import BANDS, SILENCE
from avatar.lipsync.network import HISTORY, LOOKAHEADS, ROW, STRIDE

torch.set_num_threads(1)


@dataclass(frozen=True, slots=True)
class Size:
    """Widths of the layers. The default has 0.68 million weights."""

    stem: int = 128
    merged: int = 192
    memory: int = 288
    hidden: int = 192


class LipModel(nn.Module):
    """`forward` takes features of shape (batch, HISTORY + 2·n, BANDS), the first HISTORY of which only prepare, and the
    memory of shape (1, batch, memory); it gives (batch, n, 2·looks·ROW) and the new memory."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, size: Size | None = None) -> None:
        super().__init__()
        size = size or Size()
        self.size = size
        self.register_buffer("mean", torch.zeros(BANDS))
        self.register_buffer("deviation", torch.ones(BANDS))
        self.first = nn.Conv1d(BANDS, size.stem, 5)
        self.second = nn.Conv1d(size.stem, size.merged, 4, stride=STRIDE)
        self.recurrent = nn.GRU(size.merged, size.memory, batch_first=True)
        self.hidden = nn.Linear(size.merged + size.memory, size.hidden)
        self.out = nn.Linear(size.hidden, STRIDE * len(LOOKAHEADS) * ROW)

    def forward(self, features: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        return self.steps(self.first(((features - self.mean) / self.deviation).transpose(1, 2)), memory)

    def steps(self, first: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """From what the first layer gives."""
        x = torch.relu(self.second(torch.relu(first))).transpose(1, 2)
        recalled, memory = self.recurrent(x, memory)
        return self.out(torch.relu(self.hidden(torch.cat([x, recalled], dim=-1)))), memory

    def rows(self, features: Tensor) -> Tensor:
        """From the beginning of sound: (batch, 2·n, BANDS) → (batch, 2·n, looks, ROW); row i of look-ahead k stands for
        frame i − k."""
        batch = len(features)
        padded = torch.cat([features.new_full((batch, HISTORY, BANDS), SILENCE), features], dim=1)
        out, _ = self(padded, features.new_zeros(1, batch, self.size.memory))
        return by_look(out).transpose(1, 2)


def by_look(out: Tensor) -> Tensor:
    """The network's output (batch, n, 2·looks·ROW) as (batch, looks, 2·n, ROW)."""
    batch, steps, _ = out.shape
    return out.reshape(batch, steps, len(LOOKAHEADS), STRIDE, ROW).transpose(1, 2).flatten(2, 3)
