"""Following a known text through its sound: where in the text the speaker is, frame by frame.

A Viterbi search over the text's sounds in order, each scored by the network's probabilities (Rabiner, "A tutorial on
hidden Markov models", 1989). With a lag it decides each frame a fixed time after hearing it.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from avatar.lipsync.pronounce import Pronunciation
from avatar.lipsync.sounds import SOUND, SOUNDS, VISEME_OF, sounds_of

_SIL = SOUND["sil"]
_NEVER = np.float64(-1e9)
_SHARED = 0.35
"""How much of a sound's probability comes from its whole viseme class: a text's /b/ may be said /p/."""
_FLOOR = 1e-3
_PRIOR_POWER = 0.5
_SKIP = -7.0
"""What leaving out a sound costs (log probability): speakers swallow some that dictionaries know."""
_PAUSE = -2.5
"""What pausing between two words costs."""

_SAME_VISEME = np.array([[a == b for a in VISEME_OF] for b in VISEME_OF], np.float64)
_SAME_VISEME /= _SAME_VISEME.sum(axis=1, keepdims=True)

Scores = NDArray[np.float64]


def emissions(sounds: NDArray[np.float32], prior: Scores) -> Scores:
    """Scores of every sound in every frame, from the network's probabilities, shape (n, len(SOUNDS))."""
    mixed = (1 - _SHARED) * sounds + _SHARED * (sounds @ _SAME_VISEME)
    return np.asarray(np.log(mixed + _FLOOR) - _PRIOR_POWER * np.log(prior))


class Path:
    """The states of a text: each sound in two halves, with a pause allowed before words and at both ends.

    sound, unit: (states,) the sound, and which one of `units` it belongs to (−1: a pause).
    units: (sound, usual seconds) in order.
    """

    def __init__(self, pronunciation: Pronunciation) -> None:
        self.units: list[tuple[int, float]] = []
        self.symbols: list[str] = []
        sounds: list[int] = [_SIL]
        units: list[int] = [-1]
        for i, phone in enumerate(pronunciation.phones):
            if i in pronunciation.pauses and sounds[-1] != _SIL:
                sounds.append(_SIL)
                units.append(-1)
            parts = sounds_of(phone.symbol)
            for part in parts:
                sounds += [part, part]
                units += [len(self.units)] * 2
                self.units.append((part, (phone.end - phone.start) / len(parts)))
                self.symbols.append(phone.symbol if len(parts) == 1 else SOUNDS[part])
        self.sound = np.array([*sounds, _SIL])
        self.unit = np.array([*units, -1])
        pause = self.unit < 0
        first = ~pause & np.r_[True, self.unit[1:] != self.unit[:-1]]
        # A state may follow itself, the one before it, one over a pause, or one over a whole sound.
        length = np.array([self.units[u][1] if u >= 0 else 0.2 for u in self.unit])
        leave = np.clip(1 / np.maximum(50 * length, 1.2), 0.05, 0.8)
        count = len(self.unit)
        self.cost = np.full((4, count), _NEVER)
        """Log probability of each way into each state."""
        self.cost[0] = np.log(1 - leave)
        self.cost[1, 1:] = np.log(leave[:-1])
        self.cost[1, pause] += _PAUSE
        for state in np.flatnonzero(first):
            if state >= 2 and pause[state - 1]:
                self.cost[2, state] = np.log(leave[state - 2])
            if state >= 3 and not pause[state - 1] and first[state - 2]:
                self.cost[3, state] = np.log(leave[state - 3]) + _SKIP
        self.before = np.maximum(np.arange(count) - np.arange(4)[:, None], 0)
        """The state that each way comes from."""


class Follower:
    """Follows one text. `push` hears; `states` tells the path."""

    def __init__(self, path: Path, prior: Scores) -> None:
        self.path = path
        self._prior = prior
        self._score: Scores | None = None
        self._every = np.arange(len(path.sound))
        self._steps: list[NDArray[np.int8]] = []
        self._best: list[int] = []
        self.evidence: list[float] = []
        """For each frame, how much better the text explains it than free choice would; 0 is as good."""

    def push(self, sounds: NDArray[np.float32]) -> None:
        """Probabilities of further frames, shape (n, len(SOUNDS))."""
        path = self.path
        for row in emissions(sounds, self._prior):
            here = row[path.sound]
            if self._score is None:
                score = np.full(len(here), _NEVER)
                score[:2] = here[:2]
                self._steps.append(np.zeros(len(here), np.int8))
            else:
                options = self._score[path.before] + path.cost
                choice = options.argmax(axis=0)
                score = options[choice, self._every] + here
                self._steps.append(choice.astype(np.int8))
            best = int(score.argmax())
            gained = float(score[best])
            self._score = score - gained
            self._best.append(best)
            self.evidence.append(gained - float(row.max()))

    def __len__(self) -> int:
        return len(self._steps)

    def states(self, first: int, now: int) -> NDArray[np.intp]:
        """The likeliest states of the frames [first, now), given the sound until `now` and no more."""
        out = np.empty(now - first, np.intp)
        state = self._best[now - 1]
        for frame in range(now - 1, first - 1, -1):
            out[frame - first] = state
            state -= int(self._steps[frame][state])
        return out


def spans(states: NDArray[np.intp], path: Path, first: int) -> list[tuple[int, int, int]]:
    """(unit, first frame, end frame) of each run in `states`, which begin at frame `first`; pauses are left out."""
    units = path.unit[states]
    edges = [0, *(np.flatnonzero(np.diff(units)) + 1).tolist(), len(units)]
    return [(int(units[a]), first + a, first + b) for a, b in pairwise(edges) if b > a and units[a] >= 0]
