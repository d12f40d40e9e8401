"""When is a turn over? How much silence the words, the voice and the speaker's own pace ask for.

A turn ends after a silence, and how long that must be is judged anew at every silent window: a finished question is
answered at once, "tell me about the" is waited for. It is a judgement about a silence, not a model of language; all
of it is pure and deterministic.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from agent.conversation.clauses import Completion
from agent.conversation.prosody import Tune


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """How patiently a turn's end is awaited."""

    shortest_ms: int = 160
    """Silence after a finished question. With the detector's own delay the visitor waits about 50 ms longer."""
    longest_ms: int = 4000
    """No silence within a turn is longer."""
    bias: float = 1.0
    """Multiplies every wait but the longest: OpenAI's eagerness."""
    patience: float = 1.0
    """Multiplies every wait but the longest: for who speaks slowly or with effort."""


EAGERNESS = {
    "low": EndpointSettings(longest_ms=8000, bias=1.6),
    "medium": EndpointSettings(longest_ms=4000),
    "auto": EndpointSettings(longest_ms=4000),
    "high": EndpointSettings(longest_ms=2000, bias=0.75),
}
"""semantic_vad's eagerness; the longest waits are those that OpenAI documents."""

_WAITS = {
    Completion.DONE: {Tune.FALL: 0, Tune.RISE: 0, Tune.UNKNOWN: 0, Tune.LEVEL: 1056},
    Completion.CLAUSE: {Tune.FALL: 1120, Tune.RISE: 1216, Tune.UNKNOWN: 1120, Tune.LEVEL: 1216},
    Completion.UNSURE: {Tune.FALL: 704, Tune.RISE: 1216, Tune.UNKNOWN: 1216, Tune.LEVEL: 1216},
    Completion.OPEN: {Tune.FALL: 1408, Tune.RISE: 1600, Tune.UNKNOWN: 1600, Tune.LEVEL: 1600},
}
"""Silence in milliseconds that ends a turn, and never less than the shortest. A rise after a statement goes on
("…, and"); after a question it is the question's. A level end after whole words is a breath within more of them."""


class Pace:
    """How long this speaker's pauses within a turn are. Before anything is known, they are everybody's.

    It only ever lengthens waits: who speaks fast is answered fast by what is said and how.
    """

    _PRIOR = (200, 224, 256, 288, 320, 352, 384, 416, 480, 544, 640, 800)
    _SHORTEST = 192
    """Shorter ones are no pauses but the closures of p, t and k."""
    _REMEMBERED = 48
    _FLATTER, _FLATTEST = 0.7, 0.4

    def __init__(self) -> None:
        self._pauses: deque[int] = deque(self._PRIOR, maxlen=self._REMEMBERED)
        self.flatness = 1.0
        """Multiplies the wait for a level voice after whole words: a speaker who always ends so is soon taken at his
        words."""

    def paused(self, milliseconds: int) -> None:
        """The speaker was silent so long, and then went on."""
        if milliseconds >= self._SHORTEST:
            self._pauses.append(milliseconds)
            self.flatness = 1.0

    def ended(self, words: Completion, tune: Tune) -> None:
        """The speaker was done, having said and sounded this."""
        if words is Completion.DONE and tune is Tune.LEVEL:
            self.flatness = max(self._FLATTEST, self.flatness * self._FLATTER)

    @property
    def factor(self) -> float:
        """How much longer than usual: three of four pauses are shorter than usual times this. In [1, 2.5]."""
        return min(2.5, max(1.0, _three_quarters(self._pauses) / _three_quarters(self._PRIOR)))


def _three_quarters(pauses: Iterable[int]) -> int:
    ordered = sorted(pauses)
    return ordered[int(0.75 * len(ordered))]


def wait_ms(words: Completion, tune: Tune, pace: Pace, settings: EndpointSettings) -> int:
    """The silence that ends the turn, in milliseconds. Words that are not known yet, or not believed, are UNSURE."""
    factor = pace.factor
    if words is Completion.DONE:
        factor **= 0.5  # a slow speaker's finished question is still finished
        factor *= pace.flatness if tune is Tune.LEVEL else 1.0
    wait = max(settings.shortest_ms, _WAITS[words][tune]) * factor * settings.bias * settings.patience
    return round(min(wait, settings.longest_ms))
