"""When is a turn over? How much silence the words, the voice and the speaker's own pace ask for.

A turn ends after a silence, and how long that must be is judged anew at every silent window: a finished question is
answered at once, "tell me about the" is waited for. It is a judgement about a silence, not a model of language; all
of it is pure and deterministic.
"""

from collections import deque
from dataclasses import dataclass

from agent.conversation.clauses import Completion
from agent.conversation.prosody import Tune


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """How patiently a turn's end is awaited."""

    shortest_ms: int = 192
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
    Completion.DONE: {Tune.FALL: 0, Tune.RISE: 0, Tune.UNKNOWN: 0, Tune.LEVEL: 448},
    Completion.CLAUSE: {Tune.FALL: 768, Tune.RISE: 1056, Tune.UNKNOWN: 800, Tune.LEVEL: 960},
    Completion.UNSURE: {Tune.FALL: 640, Tune.RISE: 800, Tune.UNKNOWN: 640, Tune.LEVEL: 960},
    Completion.OPEN: {Tune.FALL: 1408, Tune.RISE: 1600, Tune.UNKNOWN: 1600, Tune.LEVEL: 1600},
}
"""Silence in milliseconds that ends a turn, and never less than the shortest. A rise after a statement goes on
("…, and"); after a question it is the question's. A level end after whole words is a breath within more of them."""


class Pace:
    """How long this speaker's pauses within a turn are. Before anything is known, they are everybody's."""

    _PRIOR = (160, 224, 288, 384, 512, 672)
    _USUAL = 512.0

    def __init__(self) -> None:
        self._pauses: deque[int] = deque(self._PRIOR, maxlen=32)

    def paused(self, milliseconds: int) -> None:
        """The speaker was silent so long, and then went on."""
        self._pauses.append(milliseconds)

    @property
    def factor(self) -> float:
        """How much longer than usual: four of five pauses are shorter than usual times this. In [0.8, 2.5]."""
        ordered = sorted(self._pauses)
        return min(2.5, max(0.8, ordered[int(0.8 * len(ordered))] / self._USUAL))


def wait_ms(words: Completion, tune: Tune, pace: Pace, settings: EndpointSettings) -> int:
    """The silence that ends the turn, in milliseconds. Words that are not known yet, or not believed, are UNSURE."""
    factor = pace.factor
    if words is Completion.DONE:
        # A slow speaker's finished question is still finished: the pace counts for its root, and never hurries.
        factor = max(1.0, factor) ** 0.5
    wait = max(settings.shortest_ms, _WAITS[words][tune]) * factor * settings.bias * settings.patience
    return round(min(wait, settings.longest_ms))
