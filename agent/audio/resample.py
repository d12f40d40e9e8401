"""Changing the sample rate: a stream with no delay on the timeline, and one-shot."""

from typing import Literal

import numpy as np
import soxr

from agent.audio import Pcm

Quality = Literal["LQ", "MQ", "HQ"]
"""soxr's recipes. HQ holds back 20–35 ms of a stream until more comes; LQ 6–25 ms, with a gentler band edge: enough
for detecting and recognising speech, where the wait counts."""


class Resampler:
    """A stream from `in_rate` to `out_rate`: sample k of the input stands exactly at k·out_rate/in_rate of the output.

    What the filter holds back comes with later input or with `flush`, which also makes it ready for the next stream.
    In all, n input samples become n·out_rate/in_rate output samples, to the nearest one. Equal rates pass through.
    """

    def __init__(self, in_rate: int, out_rate: int, quality: Quality = "HQ") -> None:
        if in_rate <= 0 or out_rate <= 0:
            raise ValueError(f"cannot resample from {in_rate} Hz to {out_rate} Hz")
        self.in_rate = in_rate
        self.out_rate = out_rate
        self._stream = None if in_rate == out_rate else soxr.ResampleStream(in_rate, out_rate, 1, "float32", quality)

    def process(self, pcm: Pcm) -> Pcm:
        """Take `pcm` (shape (n,), at in_rate) and return what is ready (shape (m,), at out_rate; often empty)."""
        if self._stream is None:
            return pcm
        out: Pcm = self._stream.resample_chunk(np.ascontiguousarray(pcm, np.float32))
        return out

    def flush(self) -> Pcm:
        """End the stream: return the rest (shape (m,), at out_rate) and forget it."""
        if self._stream is None:
            return np.zeros(0, np.float32)
        out: Pcm = self._stream.resample_chunk(np.zeros(0, np.float32), last=True)
        self._stream.clear()
        return out


def resample(pcm: Pcm, in_rate: int, out_rate: int, quality: Quality = "HQ") -> Pcm:
    """All of `pcm` (shape (n,), at in_rate) at out_rate: shape (n·out_rate/in_rate to the nearest,)."""
    stream = Resampler(in_rate, out_rate, quality)
    head = stream.process(pcm)
    return np.concatenate([head, stream.flush()])
