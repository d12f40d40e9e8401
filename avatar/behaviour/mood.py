"""How the face rests in each mood: small amounts, eased into, and never quite still."""

import numpy as np

from avatar.behaviour.moods import Mood
from avatar.behaviour.motion import Curve, Drift, Ease

RESTING_SMILE = 0.12
"""mouthSmile while nothing else moves the mouth: friendly, hardly seen. A reply's mouth rests on the same."""

SHAPES = (
    "mouthSmile", "cheekSquint", "browInnerUp", "browOuterUp", "browDown", "eyeWide", "eyeSquint", "mouthPress",
)  # fmt: skip
"""Those that ARKit splits into Left and Right are the same on both sides."""

_RESTS: dict[Mood, tuple[float, ...]] = {
    "idle": (RESTING_SMILE, 0.04, 0.03, 0.03, 0.00, 0.00, 0.02, 0.00),
    "listening": (0.12, 0.05, 0.09, 0.07, 0.00, 0.04, 0.00, 0.00),
    "thinking": (0.05, 0.00, 0.07, 0.03, 0.09, 0.00, 0.06, 0.05),
    "speaking": (RESTING_SMILE, 0.04, 0.04, 0.04, 0.00, 0.02, 0.02, 0.00),
}
_DRIFT = (0.010, 0.006, 0.012, 0.010, 0.004, 0.004, 0.008, 0.000)
_SETTLE = 0.7


class Expression:
    """The resting expression."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._mood: Mood = "idle"
        self._rest = Ease(_RESTS["idle"], _SETTLE)
        self._drift = Drift(rng, _DRIFT)

    def render(self, times: Curve, mood: Mood) -> Curve:
        """Weights of SHAPES at `times` (seconds, growing from call to call): shape (len(times), len(SHAPES))."""
        if mood != self._mood:
            self._mood = mood
            self._rest.retarget(float(times[0]), _RESTS[mood])
        return np.maximum(self._rest.at(times) + self._drift.at(times), 0.0)
