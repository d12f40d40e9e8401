"""The lip network at work: 24 kHz sound in, and for every 10 ms the mouth's channels, sounds, seal and bite out.

The weights are models/lipsync/lipsync.onnx; scripts/train_lipsync.py makes them. One session of ONNX Runtime, with one
thread, serves all streams; a stream holds its own state.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agent.audio import TIMELINE_RATE, Pcm
from agent.onnx import session
from avatar.lipsync.features import BANDS, SILENCE, Leveller, LogMel
from avatar.lipsync.phones import CHANNELS
from avatar.lipsync.sounds import SOUND, SOUNDS

STRIDE: Final = 2
"""Feature frames in a step."""
HISTORY: Final = 6
"""Feature frames before a step that its first layers see."""
LOOKAHEADS: Final = (3, 7)
"""How many frames of 10 ms beyond the one it tells each output has heard: for a live microphone, and for sound that
waits."""
ROW: Final = len(CHANNELS) + len(SOUNDS) + 2
"""Numbers for one frame: channels, the sounds, seal and bite."""
FOLDER: Final = Path(__file__).resolve().parents[2] / "models" / "lipsync"
_CHANNELS: Final = len(CHANNELS)
_CERTAINTIES: Final = _CHANNELS + len(SOUNDS)
MODEL: Final = "lipsync.onnx"

_HUSHED: Final = 15
"""Frames without any sound after which there is no speech, whatever the network makes of a room's hum setting in. A
frame is also to be followed by none, as far as is heard beyond it."""

Rows = NDArray[np.float32]
_NOTHING: Final[Rows] = np.zeros((0, ROW), np.float32)
_SILENT: Final[Rows] = np.eye(ROW, dtype=np.float32)[_CHANNELS + SOUND["sil"]]


class LipModelError(RuntimeError):
    """The network's weights are missing or not what this version expects; the message is one line."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the network makes of consecutive frames of 10 ms, from frame `first` on; frame j stands at (j + ½)·10 ms.

    told: (n, ROW): the channels, 0…1 in the order of CHANNELS, the probabilities of SOUNDS, and how surely the lips are
    sealed, and the lip bitten, 0…1.
    """

    first: int
    told: Rows

    def __len__(self) -> int:
        return len(self.told)

    @property
    def channels(self) -> Rows:
        """Shape (n, 14)."""
        return self.told[:, :_CHANNELS]

    @property
    def sounds(self) -> Rows:
        """Shape (n, len(SOUNDS))."""
        return self.told[:, _CHANNELS:_CERTAINTIES]


class LipNetwork:
    """The network with its weights. Raises LipModelError when they do not fit this version."""

    def __init__(self, weights: bytes, manifest: dict[str, Any]) -> None:
        expected = {"sounds": list(SOUNDS), "channels": list(CHANNELS), "lookaheads": list(LOOKAHEADS)}
        for name, value in expected.items():
            if manifest.get(name) != value:
                raise LipModelError(f"the lip network's {name} are not this version's; reinstall visavis")
        self.session = session(weights)
        self.memory = int(manifest["memory"])
        self.prior = np.array(manifest["prior"], np.float64)
        """How often each sound was said in training, shape (len(SOUNDS),), 0…1."""

    def stream(self, lookahead: int = LOOKAHEADS[-1]) -> "LipStream":
        """A new stream of sound. `lookahead` is one of LOOKAHEADS."""
        return LipStream(self, LOOKAHEADS.index(lookahead))


@cache
def shipped() -> LipNetwork:
    """The network that comes with the package. Raises LipModelError."""
    try:
        weights = (FOLDER / MODEL).read_bytes()
        manifest = json.loads((FOLDER / "lipsync.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LipModelError(f"the lip network cannot be read ({error}); reinstall visavis") from None
    return LipNetwork(weights, manifest)


class LipStream:
    """One stream of sound through the network. However the sound is cut, the frames are the same (within 1e-4)."""

    def __init__(self, network: LipNetwork, look: int) -> None:
        self._network = network
        self._look = look
        self.lookahead = LOOKAHEADS[look]
        self._leveller = Leveller()
        self._mel = LogMel(self._leveller)
        self._quiet: list[int] = []
        """For each hop whose features wait, how long it has been quiet."""
        self._waiting = np.full((HISTORY, BANDS), SILENCE, np.float32)
        self._memory = np.zeros((1, 1, network.memory), np.float32)
        self._next = -self.lookahead

    def push(self, pcm: Pcm) -> Heard:
        """`pcm` has shape (n,) at 24 kHz and follows what came before; the frames that are now known."""
        features = self._mel.push(np.nan_to_num(pcm, nan=0.0, posinf=0.0, neginf=0.0))
        self._quiet += self._leveller.quiet if len(features) else ()
        if len(self._waiting) + len(features) < HISTORY + STRIDE:
            self._waiting = np.concatenate([self._waiting, features])
            return Heard(max(0, self._next), _NOTHING)
        waiting = np.concatenate([self._waiting, features])
        used = len(waiting) - (len(waiting) - HISTORY) % STRIDE
        self._waiting = waiting[used - HISTORY :]
        told, self._memory = self._network.session.run(None, {"features": waiting[None, :used], "memory": self._memory})
        rows = told[self._look]
        quiet, self._quiet = self._quiet[: len(rows)], self._quiet[len(rows) :]
        if max(quiet) >= _HUSHED + self.lookahead:
            rows[np.array(quiet) >= _HUSHED + self.lookahead] = _SILENT
        first, self._next = self._next, self._next + len(rows)
        return Heard(first, rows) if first >= 0 else Heard(0, rows[-first:])


def samples_needed(frame: int, lookahead: int) -> int:
    """How much sound (24 kHz samples) must have come before frame `frame` of 10 ms is told."""
    step = (frame + lookahead) // STRIDE
    return (step + 1) * STRIDE * TIMELINE_RATE // 100
