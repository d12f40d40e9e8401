"""Where the eyes look: at the partner's face in bouts, away in between, from fixation to fixation by saccades.

Shares of looking at the partner: 60–85 % while listening and 30–60 % while speaking, in bouts of about 2.2 s (Rogers et
al. 2018, and the classic 75 % and 40 % of Argyle and Cook). Saccades follow the main sequence: 21–25 ms and 2.2–2.4 ms
more for each degree (Bahill et al. 1975). A speaker looks away as the turn begins and at the partner as it ends (Kendon
1967). The head turns a little with the eyes, later and slower.
"""

import numpy as np

from avatar.behaviour.moods import Mood
from avatar.behaviour.motion import Curve, Ease

_AT_PARTNER: dict[Mood, float] = {"idle": 0.80, "listening": 0.73, "thinking": 0.15, "speaking": 0.46}
_BOUT = 2.2
_THINKING_GLANCE = 0.6
_SHORTEST_BOUT = 0.35
_EVEN, _EVEN_AWAY = 2.5, 6.0
"""Shapes of the gamma distributions of bouts: who looks away for three times as long as usual seems to be gone."""
_FIXATION = 0.9
_SHORTEST_FIXATION = 0.25
_TURN_END_CONTACT = 1.6
"""Seconds for which the one who hands over the turn looks at the other: from just before its end until past it."""
_TURN_START_AVERSION = 0.5
"""How often the one who takes the turn looks away at its start."""
_FACE = np.radians([(-1.4, 0.7), (1.4, 0.7), (0.0, -1.3)])
"""The partner's eyes and mouth, seen from a metre and a half: yaw, pitch."""
_FARTHEST = np.radians((26.0, 16.0))
"""Of a partner's place: beyond it eyes would roll, and whoever stands there still feels looked at."""
_LEAP = np.radians(4.0)
"""A partner who moves less is followed smoothly; beyond it the eyes jump after them."""
_PURSUIT, _RETURN = 0.3, 1.0
"""Seconds in which eyes follow, and in which they go back to straight ahead when nobody is seen any more."""
_HEAD_TO_PARTNER, _HEAD_PURSUIT = 0.45, 1.1
"""The head's share in looking at a partner who is not straight ahead, and the seconds that it takes."""
_HEAD_SHARE: dict[Mood, float] = {"idle": 0.18, "listening": 0.12, "thinking": 0.28, "speaking": 0.18}


def saccade_seconds(degrees: float) -> float:
    """Duration of a saccade over `degrees`."""
    return 0.023 + 0.0023 * degrees


class Gaze:
    """Eyes in space (not yet relative to the head), and the head's share in where they look."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._mood: Mood = "idle"
        self._partner = True
        self._bout_end = float(rng.uniform(1.0, 3.0))
        self._from: Curve = np.zeros(2)
        self._to: Curve = np.zeros(2)
        self._moved = 0.0
        self._lasting = saccade_seconds(0.0)
        self._next = 0.4
        self._contact_until = 0.0
        self._side = float(rng.choice((-1.0, 1.0)))
        self._head = Ease(np.zeros(2), 0.6)
        self._place = Ease(np.zeros(2), _PURSUIT)
        """Where the partner's face is; all that the eyes do is about it."""
        self._pursuing = True
        self._head_place = Ease(np.zeros(2), _HEAD_PURSUIT)

    def render(self, times: Curve, mood: Mood) -> tuple[Curve, Curve]:
        """Yaw and pitch (radians) of the eyes in space and of the head's turn, each of shape (len(times), 2), at
        `times` (seconds, growing from call to call)."""
        if mood != self._mood:
            self._enter(mood, float(times[0]))
        eyes, head = np.empty((len(times), 2)), np.empty((len(times), 2))
        done = 0
        while done < len(times):
            stop = int(np.searchsorted(times, self._next))
            if stop > done:
                eyes[done:stop] = self._eyes(times[done:stop]) + self._place.at(times[done:stop])
                head[done:stop] = self._head.at(times[done:stop]) + self._head_place.at(times[done:stop])
                done = stop
            else:
                self._move(self._next)
        return eyes, head

    def _eyes(self, times: Curve) -> Curve:
        x = np.clip((times - self._moved) / self._lasting, 0, 1)[:, None]
        return np.asarray(self._from + (self._to - self._from) * x**3 * (10 - 15 * x + 6 * x**2))

    def partner_at(self, direction: tuple[float, float] | None, now: float) -> None:
        """The partner's face is there from `now` on: yaw and pitch in radians; None: not seen, so straight ahead."""
        place = np.zeros(2) if direction is None else np.clip(direction, -_FARTHEST, _FARTHEST)
        self._head_place.retarget(now, _HEAD_TO_PARTNER * place)
        before = self._place.at(np.array([now]))[0]
        if direction is not None and np.hypot(*(place - before)) > _LEAP:
            self._leap(now, before, place)
            return
        if self._pursuing != (direction is not None):
            self._pursuing = direction is not None
            self._place = Ease(before, _PURSUIT if self._pursuing else _RETURN)
        self._place.retarget(now, place)

    def _leap(self, now: float, before: Curve, place: Curve) -> None:
        """A saccade to what was looked at, which is somewhere else now."""
        self._from = self._eyes(np.array([now]))[0] + before - place
        self._place, self._pursuing = Ease(place, _PURSUIT), True
        self._moved = now
        self._lasting = saccade_seconds(float(np.degrees(np.hypot(*(self._to - self._from)))))
        self._next = max(self._next, now + self._lasting + _SHORTEST_FIXATION)

    def hand_over(self, now: float) -> None:
        """The turn is about to be the partner's: look there from `now` on, for a while."""
        if self._partner:
            self._bout_end = max(self._bout_end, now + _TURN_END_CONTACT)
        else:
            self._turn_at(now)
        self._contact_until = now + _TURN_END_CONTACT

    def _enter(self, mood: Mood, now: float) -> None:
        """A new mood shows in the eyes soon: a listener looks up, a thinker looks away."""
        before, self._mood = self._mood, mood
        soon = now + float(self._rng.uniform(0.1, 0.3))
        averts = mood == "speaking" and self._rng.random() < _TURN_START_AVERSION
        wants_partner = mood == "listening" or (mood == "idle" and before == "speaking")
        if (wants_partner and not self._partner) or ((averts or mood == "thinking") and self._partner):
            self._turn_at(soon)

    def _turn_at(self, when: float) -> None:
        """The bout ends at `when`, or as soon as the eyes have landed."""
        self._bout_end = when
        self._next = max(when, self._moved + self._lasting)

    def _move(self, now: float) -> None:
        """The next fixation: elsewhere in the same place, or the other way at the end of a bout."""
        landed = self._to
        if now >= self._bout_end:
            self._partner = not self._partner
            self._bout_end = now + self._bout()
            if self._partner:
                self._bout_end = max(self._bout_end, self._contact_until)
            if not self._partner and self._rng.random() < 0.6:
                self._side = -self._side
            target = self._in_face() if self._partner else self._away()
        elif self._partner:
            target = self._in_face()
        else:
            target = self._away() if self._rng.random() < 0.3 else landed + np.radians(self._rng.normal(0, 0.8, 2))
        degrees = float(np.degrees(np.hypot(*(target - landed))))
        self._from, self._to, self._moved, self._lasting = landed, target, now, saccade_seconds(degrees)
        self._head.retarget(now, (0.0, 0.0) if self._partner else target * _HEAD_SHARE[self._mood])
        rest = _SHORTEST_FIXATION + float(self._rng.exponential(_FIXATION - _SHORTEST_FIXATION))
        self._next = min(max(self._bout_end, now + _SHORTEST_FIXATION), now + rest)

    def _bout(self) -> float:
        share = _AT_PARTNER[self._mood]
        at_partner = _THINKING_GLANCE if self._mood == "thinking" else _BOUT
        mean = at_partner if self._partner else at_partner * (1 - share) / share
        shape = _EVEN if self._partner else _EVEN_AWAY
        return max(_SHORTEST_BOUT, float(self._rng.gamma(shape, mean / shape)))

    def _in_face(self) -> Curve:
        return np.asarray(_FACE[self._rng.integers(3)] + np.radians(self._rng.normal(0, 0.25, 2)))

    def _away(self) -> Curve:
        """Past the partner's face to one side; a thinker looks up and far, others little more than beside it and more
        often down, or they would seem to evade."""
        thinks = self._mood == "thinking"
        yaw = self._side * (self._rng.uniform(11, 19) if thinks else self._rng.uniform(9, 11.5))
        pitch = self._rng.uniform(3, 9) if thinks else self._rng.uniform(-5, 2.5)
        return np.asarray(np.radians((yaw, pitch)))
