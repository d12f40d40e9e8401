"""How the face rests in each mood, and what it feels: eased into, and never quite still."""

import numpy as np

from avatar.behaviour.moods import Mood
from avatar.behaviour.motion import Curve, Drift, Ease
from avatar.behaviour.repertoire import CHANNELS, Repertoire, columns, default

RESTING_SMILE = default().resting_smile
"""mouthSmile while nothing else moves the mouth: friendly, hardly seen. A reply's mouth rests on the same."""

_DRIFT = {
    "mouthSmile": 0.010, "cheekSquint": 0.006, "browInnerUp": 0.012, "browOuterUp": 0.010, "browDown": 0.004,
    "eyeWide": 0.004, "eyeSquint": 0.008,
}  # fmt: skip
_SETTLE = 0.7


class Expression:
    """The resting expression: the mood's shapes, a feeling's over them, and a little drift."""

    def __init__(self, rng: np.random.Generator, repertoire: Repertoire) -> None:
        self._repertoire = repertoire
        self._mood: Mood = "idle"
        self._rest = Ease(repertoire.moods["idle"], _SETTLE)
        self._feeling = Ease(np.zeros(len(CHANNELS)), _SETTLE)
        self._drift = Drift(rng, list(_DRIFT.values()))

    def feel(self, name: str, at: float) -> None:
        """From `at` seconds on, feel it."""
        self._feeling.retarget(at, self._repertoire.feelings[name].movement)

    def render(self, times: Curve, mood: Mood) -> tuple[Curve, Curve]:
        """At `times` (seconds, growing from call to call): how the face rests, shape (len(times), 52), and what it
        feels beside, shape (len(times), 57) as CHANNELS."""
        if mood != self._mood:
            self._mood = mood
            self._rest.retarget(float(times[0]), self._repertoire.moods[mood])
        rest = self._rest.at(times)
        rest[:, _DRIFT_TO] += self._drift.at(times)[:, _DRIFT_FROM]
        return rest, self._feeling.at(times)


_DRIFT_FROM = [i for i, name in enumerate(_DRIFT) for _ in columns(name)]
_DRIFT_TO = [column for name in _DRIFT for column in columns(name)]
