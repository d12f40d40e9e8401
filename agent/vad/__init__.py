"""Voice activity detection: how likely is it that somebody speaks, every 32 ms."""

from typing import Protocol

from agent.audio import Pcm

RATE = 16_000
WINDOW = 512
"""Samples at RATE in one decision: 32 ms."""


class VoiceDetector(Protocol):
    """One per microphone stream: it carries the stream's state."""

    def probability(self, window: Pcm) -> float:
        """The probability of speech in `window`: shape (WINDOW,), at RATE. Costs about 0.1 ms."""
        ...

    def reset(self) -> None:
        """Forget the stream so far."""
        ...


def load() -> VoiceDetector:
    """The default detector: silero by ONNX Runtime."""
    from agent.vad.silero import Silero  # noqa: PLC0415 -- the model loads only when it is wanted

    return Silero()
