"""Rows of the mouth from a text that is followed through its sound, for as long as the text is what is heard."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avatar.lipsync.coarticulation import constrain, dominance_curves, rest_filled
from avatar.lipsync.follow import Follower, Path, spans
from avatar.lipsync.network import Rows
from avatar.lipsync.phones import Segment, segment
from avatar.lipsync.sounds import SOUNDS, VISEME_OF

_TEXT_SHARE = 0.6
"""What the text says of the shape, the sound saying the rest. Seals and bites are the text's alone."""
_PAST, _COMING = 45, 0.35
"""Rows of the path before a block, and seconds of text after what was heard, that can touch the block."""
_TRUSTED, _DOUBTED = -1.8, -2.2
"""Running evidence for the text (see Follower.evidence) above which it decides, and below which only the sound does."""
_USUAL = -1.0
"""The evidence where a text is what is heard: assumed before anything was."""
_REMEMBERED = 60.0
"""Rows of speech that the running evidence weighs."""


class KnownText:
    """One text on its way through its sound. `hear` takes what the network hears; `rows` decides."""

    def __init__(self, path: Path, prior: NDArray[np.float64]) -> None:
        self._follower = Follower(path, prior)
        self._evidence = _USUAL
        self._trust = 1.0
        self.followed = 0.0
        """Rows of speech, counted as far as the text decided them."""
        self.heard_speech = 0
        """Rows of speech."""

    @property
    def heard(self) -> int:
        """How many rows were heard."""
        return len(self._follower)

    def hear(self, sounds: Rows) -> None:
        """Probabilities of further rows, shape (n, len(SOUNDS))."""
        self._follower.push(sounds)

    def rows(
        self, first: int, now: int, shapes: Rows, audio: Rows, speech: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
        """The rows from row `first` on, given the sound of all rows before `now`.

        shapes, audio: (n, 14), what the network tells of these rows, and the mouth that its sound alone makes.
        speech: (n,) where there is any. Returns the mouth (n, 14), how far the text decided it (n,), and the sounds
        that the text has there (n,).
        """
        until = first + len(shapes)
        begin = max(0, first - _PAST)
        path = self._follower.path
        states = self._follower.states(begin, now)
        said = _segments(spans(states, path, begin), path, now)
        times = (np.arange(first, until) + 0.5) / 100
        timeline = rest_filled(said, begin / 100, now / 100 + _COMING)
        curves = _TEXT_SHARE * dominance_curves(timeline, times) + (1 - _TEXT_SHARE) * shapes
        constrain(curves, timeline, times)
        trust = self._trusted(first, speech)
        mixed = trust[:, None] * curves + (1 - trust[:, None]) * audio
        return mixed, trust, path.sound[states[first - begin : until - begin]]

    def _trusted(self, first: int, speech: NDArray[np.bool_]) -> NDArray[np.float64]:
        """How far the text decides in each row, moving by at most a tenth a row."""
        out = np.empty(len(speech))
        for i, said in enumerate(speech):
            if said:
                self._evidence += (self._follower.evidence[first + i] - self._evidence) / _REMEMBERED
            wanted = min(max((self._evidence - _DOUBTED) / (_TRUSTED - _DOUBTED), 0.0), 1.0)
            self._trust += min(max(wanted - self._trust, -0.1), 0.1)
            out[i] = self._trust
        self.heard_speech += int(speech.sum())
        self.followed += float(out[speech].sum())
        return out


def _segments(found: Sequence[tuple[int, int, int]], path: Path, now: int) -> list[Segment]:
    """Targets of the followed units, and of those that the text lets expect after row `now`."""
    out: list[Segment] = []
    heard_until = now / 100

    def add(unit: int, start: float, end: float) -> None:
        sound = path.units[unit][0]
        out.append(segment(VISEME_OF[sound], start, end, nasal=SOUNDS[sound] == "m"))

    for unit, first, end in found:
        usual_end = first / 100 + path.units[unit][1]
        add(unit, first / 100, max(heard_until, usual_end) if end == now else end / 100)
    if found and found[-1][2] == now:
        at = out[-1].end
        for unit in range(found[-1][0] + 1, len(path.units)):
            if at > heard_until + _COMING:
                break
            add(unit, at, at + path.units[unit][1])
            at = out[-1].end
    return out
