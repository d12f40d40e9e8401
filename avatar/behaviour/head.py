"""The head: a posture for each mood, small shifts of it, and drift."""

import numpy as np

from avatar.behaviour.moods import Mood
from avatar.behaviour.motion import Curve, Drift, Ease

_DRIFT = np.radians((0.8, 0.45, 0.4))
_LIVELINESS: dict[Mood, float] = {"idle": 1.0, "listening": 0.7, "thinking": 0.9, "speaking": 1.0}
_SHIFT = np.radians((0.9, 0.5, 0.7))
_SHIFT_SECONDS = (6.0, 14.0)
_TILT = np.radians(2.2)
"""Of a listener, to the side drawn for this person."""


class Head:
    """Yaw, pitch and roll of the stage's head, without gestures and its share in the gaze and the breath."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._mood: Mood = "idle"
        self._side = float(self._rng.choice((-1.0, 1.0)))
        self._drift = Drift(self._rng, _DRIFT)
        self._posture = Ease(np.zeros(3), 0.9)
        self._lively = Ease(np.ones(1), 0.8)
        self._shift: Curve = np.zeros(3)
        self._next_shift = float(self._rng.uniform(*_SHIFT_SECONDS))

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
        return posture + self._drift.at(times) * self._lively.at(times)

    def _rest(self) -> Curve:
        tilt = {"listening": _TILT, "thinking": 0.6 * _TILT}.get(self._mood, 0.0) * self._side
        chin = {"listening": -0.008, "speaking": -0.012}.get(self._mood, 0.0)
        return np.array([0.0, chin, tilt])
