"""What others do from sound alone, in the simplest honest form, judged beside ours."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent.audio import TIMELINE_RATE, Pcm
from avatar.blendshapes import SAMPLES_PER_FRAME, FaceTrack
from avatar.lipsync.features import BANDS, HOP, LogMel
from avatar.lipsync.phones import ARKIT_CHANNEL, ARKIT_COLUMN, CHANNELS, OCULUS, VISEMES, segments
from scripts.bench.lips_reference import judge
from scripts.bench.lips_tiers import judged
from scripts.bench.timed_speech import TimedSpeech, espeak_speech
from scripts.lipsync.texts import SENTENCES
from scripts.lipsync.voices import repaired

_CEPSTRA = 12
_PROTOTYPE_VOICES = ("en-us+f2", "en-us+m1", "en-us+f5", "en+m7", "en-us+steph", "cmn+f2", "cmn+m1")


def amplitude(pcm: Pcm) -> FaceTrack:
    """The jaw follows the loudness: what most talking heads in games do. Over 40 ms around each frame."""
    frames = np.arange(0, len(pcm), SAMPLES_PER_FRAME)
    reach = TIMELINE_RATE // 50
    total = np.concatenate([[0.0], np.cumsum(np.square(pcm, dtype=np.float64))])
    low, high = np.clip(frames - reach, 0, len(pcm)), np.clip(frames + reach, 0, len(pcm))
    level = np.sqrt((total[high] - total[low]) / np.maximum(high - low, 1))
    weights = np.zeros((len(frames), 52), np.float32)
    weights[:, ARKIT_COLUMN[CHANNELS.index("jawOpen") == ARKIT_CHANNEL]] = (
        0.35 * np.clip(level / (np.percentile(level, 95) + 1e-9), 0, 1)[:, None]
    )
    return FaceTrack.from_weights(0, weights)


def cepstra(pcm: Pcm) -> NDArray[np.float64]:
    """Shape (frames of 10 ms, 12): mel cepstra without the first, each frame's length brought to 1."""
    mel = LogMel().push(pcm).astype(np.float64)
    at = (np.arange(BANDS) + 0.5) / BANDS
    out = mel @ np.cos(np.pi * np.outer(np.arange(1, _CEPSTRA + 1), at)).T
    return np.asarray(out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-9))


class Prototypes:
    """wLipSync's way (mrxz, MIT; after hecomi's uLipSync): a mean cepstrum for each viseme, the nearest one shown at
    the loudness's strength, and smoothed. Its prototypes are calibrated on several synthetic voices, as it would have a
    user do on one's own."""

    def __init__(self) -> None:
        sums = np.zeros((len(OCULUS), _CEPSTRA))
        wanted = [
            (text, voice, 160, 50)
            for voice in _PROTOTYPE_VOICES
            for text in SENTENCES["cmn" if voice.startswith("cmn") else "en"][:8]
        ]
        for clip in espeak_speech(wanted):
            heard = cepstra(clip.pcm)
            for s in segments(repaired(clip).phones):
                part = heard[int(s.start * 100) : int(s.end * 100)]
                sums[OCULUS.index(VISEMES[s.viseme].oculus)] += part.sum(axis=0)
        self._means = sums / (np.linalg.norm(sums, axis=1, keepdims=True) + 1e-9)
        shapes = np.zeros((len(OCULUS), len(CHANNELS)))
        for i, name in enumerate(OCULUS):
            rows = [[dict(v.weights).get(c, 0.0) for c in CHANNELS] for v in VISEMES.values() if v.oculus == name]
            shapes[i] = np.mean(rows, axis=0)
        self._shapes = shapes

    def watch(self, pcm: Pcm) -> tuple[FaceTrack, list[str]]:
        nearest = (cepstra(pcm) @ self._means.T)[:, 1:].argmax(axis=1) + 1  # silence is the loudness's matter
        level = amplitude(pcm).weights.max(axis=1) / 0.35
        rows = np.clip(np.arange(len(level)) * SAMPLES_PER_FRAME // HOP, 0, len(nearest) - 1)
        loud = np.clip(2 * level, 0, 1)[:, None]
        channels = self._shapes[nearest[rows]] * loud
        for i in range(1, len(channels)):  # its smoothing: 50 ms
            channels[i] += 0.6 * (channels[i - 1] - channels[i])
        weights = np.zeros((len(channels), 52), np.float32)
        weights[:, ARKIT_COLUMN] = channels[:, ARKIT_CHANNEL]
        named = [OCULUS[i] if strong > 0.1 else "sil" for i, strong in zip(nearest[rows], loud[:, 0], strict=True)]
        return FaceTrack.from_weights(0, weights), named


def measure(clips: Sequence[TimedSpeech], rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """Figures by baseline."""
    by_loudness = [judged(c, track, ["aa"] * len(track)) for c in clips for track in [amplitude(c.pcm)]]
    prototypes = Prototypes()
    by_cepstra = [judged(c, *prototypes.watch(c.pcm)) for c in clips]
    return {"amplitude envelope": judge(by_loudness, rng), "cepstral prototypes": judge(by_cepstra, rng)}
