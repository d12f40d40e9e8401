"""The yardstick for lips: reference curves on exact phone times, and the measures taken against them.

The curves are plain dominance blending at 100 Hz by the fixed table lips_reference.json. The product's engine works by
the same idea, so high correlations are to be expected of it; what they prove is that its timing, constraints,
calibration and frame grid do no harm. Closures, lip bites, visemes and lag are judged against the phones' times.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar.lipsync.phones import Segment

Curve = NDArray[np.float64]

_TABLE = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))["visemes"]
CHANNELS = (
    "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthStretch", "mouthSmile", "mouthRollLower",
    "mouthRollUpper", "mouthPress", "mouthUpperUp", "mouthLowerDown", "mouthShrugLower", "jawForward", "tongueOut",
)  # fmt: skip
_HZ = 100
_NATURAL_JAW = 0.5
"""The table's jaws open about twice as wide as those of captured faces (95th percentile .24–.27)."""
_SHORT_SILENCE = 0.06


def reference(spoken: Sequence[Segment], seconds: float, times: Curve, jaw: float = _NATURAL_JAW) -> dict[str, Curve]:
    """Each channel at `times` (seconds), the table's jawOpen multiplied by `jaw`."""
    grid = (np.arange(int(seconds * _HZ) + 50) + 0.5) / _HZ
    value = {c: np.zeros(len(grid)) for c in CHANNELS}
    total = {c: np.full(len(grid), 1e-4) for c in CHANNELS}
    seal = np.zeros(len(grid))
    for s in spoken:
        row = _TABLE[s.viseme]
        away = np.where(grid < s.start, (s.start - grid) / row["before_ms"], (grid - s.end) / row["after_ms"]) * 1000
        away = np.where((grid >= s.start) & (grid <= s.end), 0.0, away)
        near = away < 3.2
        for c in CHANNELS:
            dominance = row["jaw" if c.startswith("jaw") else "lip"]
            if s.viseme == "sil" and s.end - s.start < _SHORT_SILENCE:
                dominance = 0.02
            pull = dominance * np.exp(-(away[near] ** 2))
            value[c][near] += pull * row["weights"].get(c, 0.0) * (jaw if c == "jawOpen" else 1.0)
            total[c][near] += pull
        if s.viseme == "PP":
            length = s.end - s.start
            nasal = s.held_until > s.start + 0.78 * length  # a stop is let go after three quarters
            closed_until = s.start + length * (1.0 if nasal else 0.75)
            ramp = np.minimum(1 - (s.start - grid) / 0.035, 1 - (grid - closed_until) / 0.030).clip(0, 1)
            seal = np.maximum(seal, 0.5 - 0.5 * np.cos(np.pi * ramp))
    curves = {c: value[c] / total[c] for c in CHANNELS}
    curves["mouthClose"] = seal * curves["jawOpen"]
    for c in ("mouthUpperUp", "mouthLowerDown", "mouthFunnel"):
        curves[c] *= 1 - seal
    return {c: np.interp(times, grid, curves[c]) for c in CHANNELS}


def aperture(face: dict[str, Curve]) -> Curve:
    """How far the lips stand apart, 0…1, in units of jawOpen."""
    open_jaw = face["jawOpen"] - face["mouthClose"]
    parted = 0.35 * face["mouthLowerDown"] + 0.25 * face["mouthUpperUp"] + 0.10 * face["mouthFunnel"]
    pressed = 0.12 * face["mouthPress"] + 0.15 * (face["mouthRollLower"] + face["mouthRollUpper"]) / 2
    return np.clip(open_jaw + parted - pressed, 0.0, 1.0)


def rounding(face: dict[str, Curve]) -> Curve:
    return np.asarray(face["mouthPucker"] + face["mouthFunnel"])


_SIX = {"sil": 0, "PP": 1, "FF": 2, "O": 3, "U": 3, "aa": 4, "E": 4}
_UNCLEAR = {"W", "Y", "HH", "CH", "IH_SH", "ER", "RR", "LL"}
"""Phones that could rightly be drawn as one group or the other."""
_VOWELS = ("AA", "AE", "AH", "EH", "AO", "OO", "IY", "IH")


@dataclass(slots=True)
class Clip:
    """One clip judged. spoken: the true segments. Arrays are by frame at `times` (seconds)."""

    times: Curve
    face: dict[str, Curve]
    visemes: Sequence[str]
    nearest: Sequence[str]
    spoken: Sequence[Segment]
    oculus: dict[str, str]
    seconds: float

    def truth(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """For each frame its group of six, and whether it counts: said, and unambiguous."""
        group, counts = np.zeros(len(self.times), int), np.zeros(len(self.times), bool)
        for s in self.spoken:
            at = (self.times >= s.start) & (self.times < s.end)
            group[at] = _SIX.get(self.oculus[s.viseme], 5)
            counts[at] = s.viseme != "sil" and s.viseme not in _UNCLEAR
        return group, counts

    def accuracy(self, named: Sequence[str]) -> tuple[int, int]:
        group, counts = self.truth()
        got = np.array([_SIX.get(v, 5) for v in named])
        return int((got == group)[counts].sum()), int(counts.sum())


def _correlation(a: Curve, b: Curve) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-6 and b.std() > 1e-6 else 0.0


DRAWS = 1000
_INTERVALS = ("acc6", "closure", "false_closure", "ff", "r_aperture", "r_round", "r_jaw")


def judge(clips: Sequence[Clip], rng: np.random.Generator, *, intervals: bool = True) -> dict[str, float]:
    """All measures over the clips; the keys are those of the result file. With `intervals`, NAME_low and NAME_high
    are 95 % bootstrap intervals over clips."""
    apertures = [aperture(c.face) for c in clips]
    wanted = [reference(c.spoken, c.seconds, c.times) for c in clips]
    wide = [aperture(reference(c.spoken, c.seconds, c.times, jaw=1.0)) for c in clips]
    ours = np.concatenate(apertures)
    shut = 0.12 * float(np.percentile(ours, 95))
    counts = {
        "acc6": np.array([c.accuracy(c.visemes) for c in clips]),
        "acc6_of_shapes": np.array([c.accuracy(c.nearest) for c in clips]),
        **_closures(clips, apertures, shut),
    }
    pairs = {
        "r_jaw": [(c.face["jawOpen"], w["jawOpen"]) for c, w in zip(clips, wanted, strict=True)],
        "r_aperture": [(a, aperture(w)) for a, w in zip(apertures, wanted, strict=True)],
        "r_round": [(rounding(c.face), rounding(w)) for c, w in zip(clips, wanted, strict=True)],
        "r_aperture_wide_jaw": list(zip(apertures, wide, strict=True)),
    }
    sums = {name: np.array([_moments(a, b) for a, b in values]) for name, values in pairs.items()}
    everything = np.arange(len(clips))[None]
    drawn = rng.integers(len(clips), size=(DRAWS, len(clips)))
    out: dict[str, float] = {}
    for name in (*counts, *sums):
        of = _shares if name in counts else _correlations
        table = counts[name] if name in counts else sums[name]
        out[name] = float(of(table, everything)[0])
        if intervals and name in _INTERVALS:
            low, high = np.nanpercentile(of(table, drawn), (2.5, 97.5))
            out[f"{name}_low"], out[f"{name}_high"] = float(low), float(high)
    jerk = _jerk(apertures)
    return out | {
        "closures": int(counts["closure"][:, 1].sum()),
        "lag_ms": _lag(clips, ours),
        "jerk_ratio": jerk / _jerk([aperture(w) for w in wanted]),
        "jerk_ratio_wide_jaw": jerk / _jerk(wide),
        "jaw_p95": float(np.percentile(np.concatenate([c.face["jawOpen"] for c in clips]), 95)),
        "silence_aperture": _silence(clips, apertures),
    }


def _shares(counts: NDArray[np.int64], drawn: NDArray[np.int64]) -> Curve:
    """Hits over cases, counts of shape (clips, 2), for each row of drawn clips."""
    total = counts[drawn].sum(axis=1)
    return np.asarray(total[:, 0] / np.where(total[:, 1] > 0, total[:, 1], np.nan))


def _moments(a: Curve, b: Curve) -> tuple[float, ...]:
    return len(a), float(a.sum()), float(b.sum()), float(a @ b), float(a @ a), float(b @ b)


def _correlations(moments: Curve, drawn: NDArray[np.int64]) -> Curve:
    """Pearson's r over all frames, from the clips' moments, for each row of drawn clips."""
    n, a, b, ab, aa, bb = moments[drawn].sum(axis=1).T
    spread = np.sqrt(np.maximum(aa / n - (a / n) ** 2, 1e-12) * np.maximum(bb / n - (b / n) ** 2, 1e-12))
    return np.asarray((ab / n - a * b / n**2) / spread)


def _jerk(apertures: Sequence[Curve]) -> float:
    return float(np.concatenate([np.abs(np.diff(a, 3)) for a in apertures]).mean())


def _closures(clips: Sequence[Clip], apertures: Sequence[Curve], shut: float) -> dict[str, NDArray[np.int64]]:
    """For each clip (hits, cases) of lips that close, of lips that close where they must not, and of lips bitten."""
    table: dict[str, list[list[bool]]] = {"closure": [], "false_closure": [], "ff": []}
    for clip, opening in zip(clips, apertures, strict=True):
        for cases in table.values():
            cases.append([])
        for s in clip.spoken:
            at = (clip.times >= s.start - 0.03) & (clip.times <= s.end + 0.03)
            if not at.any():
                continue
            if s.viseme == "PP":
                table["closure"][-1].append(bool(opening[at].min() <= shut))
            if s.viseme == "FF":
                table["ff"][-1].append(bool(clip.face["mouthRollLower"][at].max() >= 0.25))
            quarter = 0.25 * (s.end - s.start)
            middle = (clip.times >= s.start + quarter) & (clip.times <= s.end - quarter)
            if s.viseme in _VOWELS and s.end - s.start > 0.07 and middle.any():
                table["false_closure"][-1].append(bool(opening[middle].min() <= shut))
    return {name: np.array([(sum(c), len(c)) for c in cases]) for name, cases in table.items()}


def _lag(clips: Sequence[Clip], ours: Curve) -> float:
    """Milliseconds by which our aperture follows the reference (negative: leads)."""
    dense = [np.arange(0.0, c.seconds, 0.005) for c in clips]
    wanted = [aperture(reference(c.spoken, c.seconds, t)) for c, t in zip(clips, dense, strict=True)]
    best = (-2.0, 0)
    for lag in range(-60, 121, 5):
        shifted = [np.interp(c.times - lag / 1000, t, w) for c, t, w in zip(clips, dense, wanted, strict=True)]
        best = max(best, (_correlation(ours, np.concatenate(shifted)), lag))
    return float(best[1])


def _silence(clips: Sequence[Clip], apertures: Sequence[Curve]) -> float:
    """The widest opening further than 200 ms from anything said."""
    widest = 0.0
    for clip, opening in zip(clips, apertures, strict=True):
        quiet = np.ones(len(clip.times), bool)
        for s in clip.spoken:
            if s.viseme != "sil":
                quiet &= (clip.times < s.start - 0.2) | (clip.times > s.end + 0.2)
        if quiet.any():
            widest = max(widest, float(opening[quiet].max()))
    return widest
