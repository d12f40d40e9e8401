"""Timed phones → 60 fps mouth frames: dominance curves, then what the lips must do whatever their neighbours want.

Each segment pulls every channel towards its viseme with a dominance that falls off as a Gaussian before and after it;
a frame is the dominance-weighted mean (after Cohen and Massaro, "Modeling coarticulation in synthetic visual speech",
1993). Weak visemes so take the shape of strong neighbours: lips round ahead of /u/ through the consonants before it.
Means alone never quite close a mouth, so bilabials, labiodentals and sibilants are enforced on top.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from agent.audio import TIMELINE_RATE, Pcm
from agent.tts import Phone
from avatar.blendshapes import FPS, SAMPLES_PER_FRAME, FaceTrack
from avatar.lipsync.phones import (
    ARKIT_CHANNEL,
    ARKIT_COLUMN,
    CHANNEL,
    CHANNELS,
    OCULUS,
    VISEMES,
    Segment,
    segments,
)
from avatar.lipsync.track import Source

Curves = NDArray[np.float64]
Scalar = TypeVar("Scalar", bound=np.generic)

_NAMES = tuple(VISEMES)
_ROW = {name: i for i, name in enumerate(_NAMES)}
_TARGET: Curves = np.array([[dict(v.weights).get(c, 0.0) for c in CHANNELS] for v in VISEMES.values()])
_LIP, _JAW, _BEFORE, _AFTER = np.array([(v.lip, v.jaw, v.before, v.after) for v in VISEMES.values()]).T
_OCULUS_OF = np.array([OCULUS.index(v.oculus) for v in VISEMES.values()])
_SIL = _ROW["sil"]

_JAW_OPEN, _CLOSE = CHANNEL["jawOpen"], CHANNEL["mouthClose"]
_ROLL = CHANNEL["mouthRollLower"]
_CLOSURE_SHAPES = np.array([CHANNEL[name] for name in ("mouthPress", "mouthRollLower", "mouthRollUpper")])
"""Only closures press and roll the lips; the dominance of a closure would let them linger through the next vowel."""
_JAW_CHANNELS = np.array([name.startswith("jaw") for name in CHANNELS])
_PARTING = np.array([CHANNEL[name] for name in ("mouthUpperUp", "mouthLowerDown", "mouthFunnel")])
"""What parts the lips even while the jaw is cancelled by mouthClose."""

_REACH = 3.2
"""A segment's influence ends this many fall-offs away (exp(-3.2²) ≈ 4e-5)."""
_GLIMPSE = 0.06
"""A silence shorter than this, in seconds, is a join between words rather than a rest: the mouth hardly heeds it."""
_GLIMPSE_DOMINANCE = 0.02
_LABIODENTAL_ROLL = 0.45
_LABIODENTAL_JAW = 0.10
_SIBILANT_JAW = 0.10
_ON, _OFF = 0.035, 0.030
"""Seconds in which a constraint takes hold and lets go: lips take that long to meet and part."""
_SLOW_ON, _SLOW_OFF = 0.09, 0.08
"""The same for the jaw, which is heavier than the lips."""
_PRESS_ON, _PRESS_OFF = 0.100, 0.090
"""The same for the lips' pressing and rolling, which a closure brings with it."""
_REST = 0.5
"""Seconds computed beyond a sentence's end; the mouth has come to rest long before."""
_JOIN = 0.08
"""Seconds in which the frames promised by what came before give way to what a new sentence wants."""
_LONGEST_SENTENCE = 300.0
_PAST = 1.0
"""Seconds of earlier speech that can still touch a frame."""


def rest_filled(spoken: Sequence[Segment], begin: float, end: float) -> list[Segment]:
    """The segments in order of time, with silence wherever between `begin` and `end` (seconds) nothing is said."""
    out: list[Segment] = []
    at = begin
    for segment in sorted(spoken, key=lambda s: s.start):
        if segment.start > at:
            out.append(Segment("sil", at, segment.start, at, at))
        out.append(segment)
        at = max(at, segment.end)
    if end > at:
        out.append(Segment("sil", at, end, at, at))
    return out


def dominance_curves(timeline: Sequence[Segment], times: Curves) -> Curves:
    """Coarticulated targets, shape (len(times), 14 CHANNELS), at `times` in seconds, before any constraint."""
    which = np.array([_ROW[s.viseme] for s in timeline])
    start = np.array([s.start for s in timeline])
    end = np.array([s.end for s in timeline])
    before = (start - times[:, None]) / _BEFORE[which]
    after = (times[:, None] - end) / _AFTER[which]
    distance = np.maximum(np.maximum(before, after), 0.0)
    pull = np.where(distance < _REACH, np.exp(-(distance**2)), 0.0)
    glimpse = (which == _SIL) & (end - start < _GLIMPSE)
    out = np.empty((len(times), len(CHANNELS)))
    for dominance, channels in ((_LIP, ~_JAW_CHANNELS), (_JAW, _JAW_CHANNELS)):
        weight = pull * np.where(glimpse, _GLIMPSE_DOMINANCE, dominance[which])
        total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
        out[:, channels] = (weight / total) @ _TARGET[which][:, channels]
    return out


def _hold(intervals: Sequence[tuple[float, float]], times: Curves, on: float = _ON, off: float = _OFF) -> Curves:
    """Shape (len(times),), 0…1: 1 within each interval, rising before it and falling after it as half a cosine. All
    in seconds."""
    if not intervals:
        return np.zeros(len(times))
    begin, end = np.array(intervals).T
    ramp = np.minimum(1 - (begin - times[:, None]) / on, 1 - (times[:, None] - end) / off)
    strongest = np.clip(ramp, 0.0, 1.0).max(axis=1)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * strongest))


def constrain(curves: Curves, timeline: Sequence[Segment], times: Curves) -> None:
    """Make lips meet, teeth touch the lip and teeth close, in place."""

    def held(*visemes: str) -> list[tuple[float, float]]:
        return [(s.held_from, s.held_until) for s in timeline if s.viseme in visemes]

    sealed = _hold(held("PP"), times)
    bitten = _hold(held("FF"), times)
    curves[:, _CLOSURE_SHAPES] *= _hold(held("PP", "FF"), times, _PRESS_ON, _PRESS_OFF)[:, None]
    jaw = curves[:, _JAW_OPEN]
    for visemes, limit in ((("FF",), _LABIODENTAL_JAW), (("SS", "CH", "IH_SH"), _SIBILANT_JAW)):
        free = 1 - _hold(held(*visemes), times, _SLOW_ON, _SLOW_OFF)
        jaw = np.minimum(jaw, limit + free * np.maximum(jaw - limit, 0))
    curves[:, _JAW_OPEN] = jaw
    curves[:, _ROLL] = np.maximum(curves[:, _ROLL], _LABIODENTAL_ROLL * bitten)
    curves[:, _CLOSE] = sealed * jaw
    curves[:, _PARTING] *= (1 - sealed)[:, None]


class TimedLips:
    """The mouth of one reply from timed phones: MouthTrack.

    A sentence is computed whole when it is added, so how `frames` is cut changes nothing. A sentence shapes no
    frame before its own first sample, so nothing depends on when it was added either, as long as it comes before
    its frames are taken; added late, it takes over smoothly from the first frame not yet given out.
    """

    source: Source = "timed"
    lookahead_ms: int = 0

    def __init__(self) -> None:
        self._spoken: list[Segment] = []
        self._end = 0.0
        self._given = 0
        self._curves: Curves = np.zeros((0, len(CHANNELS)))
        """Unconstrained targets of frame 0 and on, as far as they are known; beyond them is rest."""
        self._rows: NDArray[np.float32] = np.zeros((0, len(CHANNELS)), np.float32)
        self._labels: NDArray[np.int8] = np.zeros(0, np.int8)

    def add(self, phones: Sequence[Phone], pcm: Pcm, start_sample: int, text: str) -> None:
        """See MouthTrack. Of `pcm` only the length matters. Raises ValueError when `start_sample` is negative."""
        if start_sample < 0:
            raise ValueError(f"start_sample {start_sample} is negative")
        offset = start_sample / TIMELINE_RATE
        first = max(self._given, -(-start_sample // SAMPLES_PER_FRAME))
        # What is to be held takes hold from the first frame that can still be changed, so that nothing snaps.
        reachable = first / FPS + _ON if first else 0.0
        new = [
            s._replace(held_from=min(max(s.held_from, reachable), s.held_until))
            for s in segments(phones, offset)
            if s.end > offset and s.end < offset + _LONGEST_SENTENCE
        ]
        self._spoken += new
        self._end = max(self._end, offset + len(pcm) / TIMELINE_RATE, *(s.end for s in new))
        self._compute(first)

    def frames(self, end_sample: int) -> FaceTrack:
        """See MouthTrack."""
        start, end = self._given, max(self._given, -(-end_sample // SAMPLES_PER_FRAME))
        self._given = end
        weights = np.zeros((end - start, 52), np.float32)
        rows = self._rows[start:end]
        weights[: len(rows), ARKIT_COLUMN] = rows[:, ARKIT_CHANNEL]
        return FaceTrack.from_weights(start * SAMPLES_PER_FRAME, weights)

    def visemes(self, start_sample: int, end_sample: int) -> list[str]:
        """The Oculus viseme being said at each frame in [start, end): what the phones say, not what the shapes
        suggest. Silence where nothing is known."""
        start, end = -(-start_sample // SAMPLES_PER_FRAME), -(-end_sample // SAMPLES_PER_FRAME)
        known = self._labels[start:end]
        return [OCULUS[i] for i in known] + ["sil"] * max(0, end - start - len(known))

    @property
    def rest_sample(self) -> int:
        """Where the mouth has come to rest after all that was added."""
        return len(self._rows) * SAMPLES_PER_FRAME

    def _compute(self, first: int) -> None:
        """Frames from `first` on, anew, from all that is known now."""
        begin = first / FPS
        count = max(0, int(np.ceil((self._end + _REST) * FPS)) - first)
        times = (first + np.arange(count)) / FPS
        recent = [s for s in self._spoken if s.end > begin - _PAST]
        timeline = rest_filled(recent, begin - _PAST, self._end + 2 * _REST)
        curves = dominance_curves(timeline, times)
        promised = self._curves[first] if first < len(self._curves) else np.zeros(len(CHANNELS))
        if count:
            fade = 0.5 + 0.5 * np.cos(np.pi * np.clip((times - begin) / _JOIN, 0, 1))
            curves += fade[:, None] * (promised - curves[0])
            np.clip(curves, 0.0, 1.0, out=curves)
        shaped = curves.copy()
        constrain(shaped, timeline, times)
        self._curves = _spliced(self._curves, curves, first)
        self._rows = _spliced(self._rows, shaped.astype(np.float32), first)
        self._labels = _spliced(self._labels, _labels(timeline, times), first)


def _labels(timeline: Sequence[Segment], times: Curves) -> NDArray[np.int8]:
    starts = np.array([s.start for s in timeline])
    which = np.array([_ROW[s.viseme] for s in timeline])
    current = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)
    return np.asarray(_OCULUS_OF[which[current]], np.int8)


def _spliced(old: NDArray[Scalar], new: NDArray[Scalar], first: int) -> NDArray[Scalar]:
    """`old` up to row `first` (rest where it is shorter), then `new`."""
    gap = np.zeros((max(0, first - len(old)), *old.shape[1:]), old.dtype)
    return np.concatenate([old[:first], gap, new])
