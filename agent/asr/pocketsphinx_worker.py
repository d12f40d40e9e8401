"""The pocketsphinx decoder, as it runs inside a worker process (it holds the GIL while it decodes).

pocketsphinx is sensitive to level and to a DC offset, and normalises the cepstral mean only slowly in a stream. So the
sound is brought to one level first, and in a stream we move the cepstral mean ourselves. Its own log, which contains
what was said, is switched off.
"""

import math
import os

import numpy as np
import pocketsphinx

from agent.asr import RATE
from agent.asr.confidence import Evidence
from agent.audio import Pcm
from agent.audio.codecs import float_to_pcm16
from agent.worker_main import cancelled

FRAME = RATE // 50
TARGET_RMS = 2500 / 32768
"""Where speech is brought to. The acoustic model was trained on levels about there; 1000 to 3000 are alike."""
MAX_GAIN = 60.0
GATE = 0.03
"""A frame with less than this share of the loudest frame's energy is a pause, and says nothing of the voice's level."""

CEPSTRA = 13
PRIOR_MEAN = np.array([55.0] + [0.0] * (CEPSTRA - 1))
"""The cepstral mean assumed before anything was heard: about that of speech at TARGET_RMS."""
LIVE_FRAMES = 500
"""How many frames pocketsphinx lets a mean that was set weigh (CMN_WIN in its feat/cmn.h)."""

HOLD = RATE * 6 // 10
"""A stream's decoding begins when so much was heard: its level and cepstral mean then spare the first words. On
synthetic speech the word error rate of streams went from .33 to .25."""

SCORE_SCALE = 1 << 10
"""Scores inside a search are this much smaller (SENSCR_SHIFT in its hmm.h); those of a final word lattice are not."""

MEAN_SEARCH = "mean"

BYTES_PER_FRAME = 2 * RATE // 100
PIECE_BYTES = 50 * BYTES_PER_FRAME
"""A cancellation is noticed between pieces of this size: half a second of int16 samples."""


def decoder(**settings: object) -> pocketsphinx.Decoder:
    """A decoder that logs nothing. `settings` are pocketsphinx's own."""
    return pocketsphinx.Decoder(loglevel="FATAL", logfn=os.devnull, **settings)


def gated_rms(energies: np.ndarray) -> float:
    """The level of a voice from its frames' energies (mean squares), pauses left out."""
    loud = energies[energies >= GATE * energies.max()] if energies.size else energies
    return float(np.sqrt(loud.mean())) if loud.size else 0.0


def frame_energies(pcm: Pcm) -> np.ndarray:
    """The mean square of each 20 ms of `pcm`; the last frame may be shorter."""
    starts = np.arange(0, len(pcm), FRAME)
    sums: np.ndarray = np.add.reduceat(np.square(pcm, dtype=np.float64), starts)
    return sums / np.minimum(FRAME, len(pcm) - starts)


def gain_for(level: float) -> np.float32:
    return np.float32(min(TARGET_RMS / max(level, 1e-6), MAX_GAIN))


def normalised(pcm: Pcm) -> bytes:
    """The whole of an utterance with DC removed and its voice at TARGET_RMS, as int16."""
    centred = pcm - pcm.mean(dtype=np.float64).astype(np.float32)
    return float_to_pcm16(centred * gain_for(gated_rms(frame_energies(centred))))


class RunningGain:
    """The same for a stream: what is known so far decides."""

    def __init__(self) -> None:
        self._energies = np.zeros(0)
        self._sum = 0.0
        self._count = 0

    def apply(self, pcm: Pcm) -> bytes:
        self._sum += float(pcm.sum(dtype=np.float64))
        self._count += len(pcm)
        centred = pcm - np.float32(self._sum / self._count)
        self._energies = np.append(self._energies, frame_energies(centred))
        return float_to_pcm16(centred * gain_for(gated_rms(self._energies)))


class RunningMean:
    """The cepstral mean of an utterance so far, given to the decoder for what comes next.

    pocketsphinx's own running mean weighs what it began with like five seconds of sound. From how far that mean has
    moved we compute what the new frames were, and mix them with a prior that weighs much less.
    """

    def __init__(self, engine: pocketsphinx.Decoder, mean: np.ndarray = PRIOR_MEAN, frames: float = 1.0) -> None:
        """`mean` is what is assumed so far, and weighs as much as `frames` frames of 10 ms."""
        self._engine = engine
        self._mean = mean
        self._frames = frames
        self.give()

    def update(self, frames: float) -> None:
        """Call after decoding `frames` (of 10 ms) more."""
        moved = _cepstra(self._engine.get_cmn(True))
        new = self._mean + (moved - self._mean) * (LIVE_FRAMES + frames) / frames
        self._mean = (self._mean * self._frames + new * frames) / (self._frames + frames)
        self._frames += frames
        self.give()

    def give(self) -> None:
        """Let the decoder use the mean from here on."""
        self._engine.set_cmn(",".join(f"{value:.3f}" for value in self._mean))


def _cepstra(text: str) -> np.ndarray:
    return np.array([float(value) for value in text.split(",")])


class NotListening(RuntimeError):
    """More of a stream came that was never begun here: the process before this one died. Begin again."""


class Decoder:
    """One decoder: a stream that is fed, or a whole utterance at once, whichever is asked of it."""

    def __init__(self) -> None:
        self._engine = decoder(fwdflat=False)
        self._engine.add_keyphrase(MEAN_SEARCH, "oh")
        self._listening = False
        self._in_utterance = False
        self._held = np.zeros(0, np.float32)
        self._gain = RunningGain()
        self._mean = RunningMean(self._engine)
        self.refine(np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * np.float32(0.01))  # warm up

    def feed(self, pcm: Pcm, first: bool, settle: bool) -> tuple[str, Evidence]:
        """Decode `pcm` (shape (n,), at RATE) as the next piece of the stream; `first` begins a new one.

        The first HOLD samples are decoded together, once they are there, or `settle` says not to wait for them.
        """
        if first:
            self._end()
            self._listening, self._held, self._gain = True, np.zeros(0, np.float32), RunningGain()
        if not self._listening:
            raise NotListening
        if not self._in_utterance:
            pcm = self._held = np.concatenate([self._held, pcm])
            if len(pcm) < (1 if settle else HOLD):
                return "", Evidence()
        data = self._gain.apply(pcm)
        if not self._in_utterance:
            self._mean = self._measured(data)
            self._begin()
        self._decode(data, self._mean)
        return self._heard()

    def refine(self, pcm: Pcm) -> tuple[str, Evidence]:
        """Decode a whole utterance (shape (n,), n > 0, at RATE) with its own level and its own cepstral mean."""
        self._end()
        data = normalised(pcm)
        self._measured(data)
        self._begin()
        self._decode(data)
        self._end()
        return self._heard()

    def _measured(self, data: bytes) -> RunningMean:
        """The cepstral mean of `data`, given to the decoder. Sound cannot pass without a search, so it passes the
        cheapest, for a keyphrase nobody waits for: a tenth of the cost of recognising."""
        self._engine.activate_search(MEAN_SEARCH)
        mean = RunningMean(self._engine)
        self._engine.start_stream()  # forget the noise of whoever was heard before
        self._engine.start_utt()
        self._decode(data, mean)
        self._engine.end_utt()
        self._engine.activate_search()
        mean.give()
        return mean

    def _decode(self, data: bytes, mean: RunningMean | None = None) -> None:
        for start in range(0, len(data), PIECE_BYTES):
            if cancelled():
                break
            piece = data[start : start + PIECE_BYTES]
            self._engine.process_raw(piece)
            if mean is not None:
                mean.update(len(piece) / BYTES_PER_FRAME)

    def _begin(self) -> None:
        self._engine.start_utt()
        self._in_utterance = True
        self._held = np.zeros(0, np.float32)

    def _end(self) -> None:
        if self._in_utterance:
            self._in_utterance = False
            self._engine.end_utt()

    def _heard(self) -> tuple[str, Evidence]:
        hypothesis = self._engine.hyp()
        if hypothesis is None or not hypothesis.hypstr:
            return "", Evidence()
        words = [segment for segment in self._engine.seg() if segment.word[0] not in "<["]
        acoustic = sum(_log(segment.ascore) for segment in words)
        return hypothesis.hypstr, Evidence(
            words=len(words),
            frames=sum(segment.end_frame - segment.start_frame + 1 for segment in words),
            acoustic=acoustic * SCORE_SCALE if self._in_utterance else acoustic,
            language=sum(_log(segment.lscore) for segment in words) * SCORE_SCALE,
            posterior=None if self._in_utterance else _log(self._engine.get_prob()),
        )


def _log(probability: float) -> float:
    return math.log(max(probability, 1e-300))
