"""Gestures being made: those asked for, those that answer something, and those that come of themselves.

Nods answer 200–700 ms after a phrase, at 2.6–6.5 Hz, the first cycle the largest (Hale et al. 2019, Mori 2025).
"""

from collections import deque
from typing import NamedTuple

import numpy as np

from avatar.behaviour.moods import Mood
from avatar.behaviour.motion import Curve
from avatar.behaviour.repertoire import CHANNELS, Gesture, Occasion, Repertoire

_AFTER_PHRASE = (0.22, 0.60)
_LATEST = 0.70
_REST = 1.2
"""Seconds between two answers."""
_FIRST: dict[Mood, tuple[float, float]] = {"thinking": (0.15, 0.5)}
"""Seconds to the first gesture of a mood, where it should be seen soon; in others, an even share of the usual wait."""
_UNREPEATED = 2
"""So many of the last are not made again at once."""


class _Performance(NamedTuple):
    gesture: Gesture
    start: float
    stretch: float
    size: float

    @property
    def end(self) -> float:
        return self.start + self.gesture.seconds * self.stretch

    def at(self, times: Curve) -> Curve:
        return self.gesture.at((times - self.start) / self.stretch, self.size)


class Gestures:
    """What is being done now. `times` are seconds on the stage clock or on a reply's timeline, growing from call to
    call; what is asked for in between begins where it is put, and is the same however the calls are cut."""

    def __init__(self, rng: np.random.Generator, repertoire: Repertoire) -> None:
        self._asked_rng, self._answer_rng, self._own_rng = rng.spawn(3)
        self._repertoire = repertoire
        self._now: list[_Performance] = []
        self._answered_until = -_REST
        self._mood: Mood = "idle"
        self._next = self._wait("idle", 1.0)
        self._last: dict[Occasion, deque[str]] = {}

    def perform(self, name: str, at: float) -> None:
        """Do it from `at` seconds on."""
        self._begin(self._asked_rng, self._repertoire.gestures[name], at)

    def answer(self, phrase_end: float, earliest: float) -> None:
        """The partner's phrase ended at `phrase_end`; an answer may follow, not before `earliest` (both seconds)."""
        rng = self._answer_rng
        start = max(phrase_end + float(rng.uniform(*_AFTER_PHRASE)), earliest)
        willing = rng.random() < self._repertoire.chances.get("phrase_end", 0.0)
        gesture = self._choose(rng, "phrase_end")
        if gesture and willing and start <= phrase_end + _LATEST and start >= self._answered_until + _REST:
            self._answered_until = self._begin(rng, gesture, start).end

    def accent(self, at: float) -> None:
        """A stressed word of our own: underline it, or not."""
        rng = self._own_rng
        willing = rng.random() < self._repertoire.chances.get("accent", 0.0)
        gesture = self._choose(rng, "accent")
        if gesture and willing:
            self._begin(rng, gesture, at)

    def forget_answers(self, now: float) -> None:
        """What has not begun by `now` is not begun any more: its moment has passed."""
        self._now = [one for one in self._now if one.start < now]

    def render(self, times: Curve, mood: Mood, pace: float = 1.0) -> Curve:
        """The sum of all that is done, what comes of itself `pace` times as often as usual: shape (len(times), 57) as
        CHANNELS, weights and degrees."""
        if mood != self._mood:
            self._mood = mood
            self._next = float(times[0]) + self._wait(mood, pace, first=True)
        while self._next <= times[-1]:
            gesture = self._choose(self._own_rng, mood) if mood != "speaking" else None
            if gesture:
                self._begin(self._own_rng, gesture, self._next)
            self._next += self._wait(mood, pace)
        return self.sum(times)

    def sum(self, times: Curve) -> Curve:
        """As `render`, of what was asked for alone."""
        self._now = [one for one in self._now if one.end > times[0]]
        moved = np.zeros((len(times), len(CHANNELS)))
        for one in self._now:
            while_it_lasts = slice(*np.searchsorted(times, (one.start, one.end)))
            moved[while_it_lasts] += one.at(times[while_it_lasts])
        return moved

    def _begin(self, rng: np.random.Generator, gesture: Gesture, start: float) -> _Performance:
        stretch, size = float(rng.uniform(*gesture.stretch)), float(rng.uniform(*gesture.size))
        performance = _Performance(gesture, start, stretch, size)
        self._now.append(performance)
        return performance

    def _choose(self, rng: np.random.Generator, occasion: Occasion) -> Gesture | None:
        if occasion not in self._repertoire.choices:
            return None
        gestures, chances = self._repertoire.choices[occasion]
        last = self._last.setdefault(occasion, deque(maxlen=min(_UNREPEATED, len(gestures) - 1)))
        fresh = np.array([0.0 if gesture.name in last else 1.0 for gesture in gestures]) * chances
        chosen = gestures[rng.choice(len(gestures), p=fresh / fresh.sum())]
        last.append(chosen.name)
        return chosen

    def _wait(self, mood: Mood, pace: float, *, first: bool = False) -> float:
        usual = self._repertoire.seconds.get(mood)
        if usual is None:
            return np.inf
        if first and mood in _FIRST:
            return float(self._own_rng.uniform(*_FIRST[mood]))
        wait = float(self._own_rng.uniform(*usual)) / pace
        return wait * float(self._own_rng.uniform(0.3, 1.0)) if first else wait
