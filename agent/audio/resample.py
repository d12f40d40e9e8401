"""Changing the sample rate: a stream with no delay on the timeline, and one-shot."""

import av
import numpy as np

from agent.audio import Pcm


class Resampler:
    """A stream from `in_rate` to `out_rate`: sample k of the input stands exactly at k·out_rate/in_rate of the output.

    FFmpeg's filter is short: it holds back 1 ms of a stream, 2 ms from 8 kHz, until more comes; a longer one (soxr's
    holds 20 to 35 ms) would delay every answer by as much. What is held comes with later input or with `flush`, which
    also makes it ready for the next stream. In all, n input samples become n·out_rate/in_rate output samples, to the
    nearest one. Equal rates pass through.
    """

    def __init__(self, in_rate: int, out_rate: int) -> None:
        if in_rate <= 0 or out_rate <= 0:
            raise ValueError(f"cannot resample from {in_rate} Hz to {out_rate} Hz")
        self.in_rate = in_rate
        self.out_rate = out_rate
        self._begin()

    def _begin(self) -> None:
        self._stream = av.AudioResampler("flt", "mono", self.out_rate)
        self._taken = 0
        self._given = 0

    def process(self, pcm: Pcm) -> Pcm:
        """Take `pcm` (shape (n,), at in_rate) and return what is ready (shape (m,), at out_rate; often empty)."""
        if self.in_rate == self.out_rate or not len(pcm):
            return pcm
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm, np.float32)[None], format="flt", layout="mono")
        frame.sample_rate = self.in_rate
        frame.pts = self._taken
        self._taken += len(pcm)
        return self._out(self._stream.resample(frame))

    def flush(self) -> Pcm:
        """End the stream: return the rest (shape (m,), at out_rate) and forget it."""
        if not self._taken:
            return np.zeros(0, np.float32)
        wanted = round(self._taken * self.out_rate / self.in_rate) - self._given
        silence = np.zeros(self.in_rate // 100, np.float32)  # the filter gives nothing of a stream shorter than itself
        rest = np.concatenate([self.process(silence), self._out(self._stream.resample(None))])
        self._begin()
        return rest[:wanted]

    def _out(self, frames: list[av.AudioFrame]) -> Pcm:
        pieces = [frame.to_ndarray()[0] for frame in frames]
        self._given += sum(map(len, pieces))
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def resample(pcm: Pcm, in_rate: int, out_rate: int) -> Pcm:
    """All of `pcm` (shape (n,), at in_rate) at out_rate: shape (n·out_rate/in_rate to the nearest,)."""
    stream = Resampler(in_rate, out_rate)
    head = stream.process(pcm)
    return np.concatenate([head, stream.flush()])
