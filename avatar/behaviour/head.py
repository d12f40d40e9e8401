"""The head: a posture for each mood, small shifts of it, drift, and nods that answer a phrase.

Nods: 200–700 ms after a phrase, 2.6–6.5 Hz, the first cycle the largest (Hale et al. 2019, Mori 2025).
"""

from typing import NamedTuple

import numpy as np

from avatar.behaviour.moods import Mood
from avatar.behaviour.motion import Curve, Drift, Ease

_DRIFT = np.radians((0.8, 0.45, 0.4))
_LIVELINESS: dict[Mood, float] = {"idle": 1.0, "listening": 0.7, "thinking": 0.9, "speaking": 1.0}
_SHIFT = np.radians((0.9, 0.5, 0.7))
_SHIFT_SECONDS = (6.0, 14.0)
_TILT = np.radians(2.2)
"""Of a listener, to the side drawn for this person."""

_NOD_AFTER = (0.22, 0.60)
_NOD_LATEST = 0.70
_NOD_CHANCE = 0.85
_NOD_REST = 1.2
_NOD_DECAY = 0.55


class _Nod(NamedTuple):
    start: float
    hertz: float
    cycles: int
    depth: float

    def at(self, times: Curve) -> Curve:
        """The chin's way down, radians."""
        beat = (times - self.start) * self.hertz
        inside = (beat >= 0) & (beat < self.cycles)
        depth = self.depth * _NOD_DECAY ** np.floor(np.clip(beat, 0, self.cycles))
        return np.where(inside, depth * (0.5 - 0.5 * np.cos(2 * np.pi * beat)), 0.0)

    @property
    def end(self) -> float:
        return self.start + self.cycles / self.hertz


class Head:
    """Yaw, pitch and roll of the stage's head, without its share in the gaze and the breath."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng, self._nod_rng = rng.spawn(2)
        self._mood: Mood = "idle"
        self._side = float(self._rng.choice((-1.0, 1.0)))
        self._drift = Drift(self._rng, _DRIFT)
        self._posture = Ease(np.zeros(3), 0.9)
        self._lively = Ease(np.ones(1), 0.8)
        self._shift: Curve = np.zeros(3)
        self._next_shift = float(self._rng.uniform(*_SHIFT_SECONDS))
        self._nods: list[_Nod] = []
        self._nodded_until = -_NOD_REST

    def answer(self, phrase_end: float, earliest: float) -> None:
        """The partner's phrase ended at `phrase_end`; a nod may follow, not before `earliest` (both seconds)."""
        start = phrase_end + float(self._nod_rng.uniform(*_NOD_AFTER))
        cycles = int(self._nod_rng.choice((1, 2, 3), p=(0.45, 0.40, 0.15)))
        nod = _Nod(
            max(start, earliest),
            float(self._nod_rng.uniform(2.7, 4.4)),
            cycles,
            float(np.radians(self._nod_rng.uniform(2.4, 3.6) * (1 + 0.2 * (cycles - 1)))),
        )
        willing = self._nod_rng.random() < _NOD_CHANCE
        in_time = nod.start <= phrase_end + _NOD_LATEST and nod.start >= self._nodded_until + _NOD_REST
        if willing and in_time:
            self._nods.append(nod)
            self._nodded_until = nod.end

    def render(self, times: Curve, mood: Mood) -> Curve:
        """Radians, shape (len(times), 3), at `times` (seconds, growing from call to call)."""
        if mood != self._mood:
            self._mood = mood
            self._lively.retarget(float(times[0]), [_LIVELINESS[mood]])
            self._posture.retarget(float(times[0]), self._rest() + self._shift)
        posture = np.empty((len(times), 3))
        done = 0
        while done < len(times):
            stop = int(np.searchsorted(times, self._next_shift))
            posture[done:stop] = self._posture.at(times[done:stop])
            done = max(done, stop)
            if done < len(times):
                self._shift = self._rng.normal(0, 1, 3).clip(-1.5, 1.5) * _SHIFT
                self._posture.retarget(self._next_shift, self._rest() + self._shift)
                self._next_shift += float(self._rng.uniform(*_SHIFT_SECONDS))
        head = posture + self._drift.at(times) * self._lively.at(times)
        if mood == "speaking":  # the moment for it has passed
            self._nods = [nod for nod in self._nods if nod.start < times[0]]
        self._nods = [nod for nod in self._nods if nod.end > times[0]]
        for nod in self._nods:
            head[:, 1] -= nod.at(times)
        return head

    def _rest(self) -> Curve:
        tilt = {"listening": _TILT, "thinking": 0.6 * _TILT}.get(self._mood, 0.0) * self._side
        chin = {"listening": -0.008, "speaking": -0.012}.get(self._mood, 0.0)
        return np.array([0.0, chin, tilt])
