"""When the visitor's turn begins, pauses, goes on and ends, by voice activity alone.

Time here is the count of input samples, never arrival: one call is one VAD window of 32 ms.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum

WINDOW_MS = 32


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """How turns are told. Times in milliseconds of input."""

    threshold: float = 0.5
    silence_ms: int = 280
    """Silence that ends a turn. With windows of 32 ms the wait is this, rounded up to a window."""
    pause_ms: int = 96
    """Silence after which the reply is prepared, in case this is the end."""
    prefix_ms: int = 300
    """Sound from before the first voiced window that belongs to the turn."""
    confirm_ms: int = 256
    """Voiced sound that makes an interruption of a reply certain."""
    reject_ms: int = 224
    """Silence that tells a cough from an interruption."""
    decide_ms: int = 640
    """An interruption still undecided after this long is one."""


class TurnEvent(Enum):
    """What a window changed."""

    ONSET = "onset"
    """Somebody may have begun to speak over the reply: hold it."""
    REJECTED = "rejected"
    """They had not: play on."""
    STARTED = "started"
    """A turn has begun."""
    PAUSED = "paused"
    """The speaker fell silent for a moment."""
    RESUMED = "resumed"
    """The speaker goes on."""
    ENDED = "ended"
    """The turn is over."""


class _State(Enum):
    QUIET = 0
    ONSET = 1
    SPEAKING = 2
    PAUSED = 3


class TurnDetector:
    """Feed it one probability a window, in order, with whether a reply could be interrupted right now."""

    def __init__(self, settings: TurnSettings) -> None:
        self.settings = settings
        self.windows = 0
        """Windows fed so far: the input clock."""
        self.onset = 0
        """The window in which the current turn's voice began."""
        self.last_voiced = 0
        """The last voiced window of the current turn."""
        self.voiced = 0
        """Voiced windows in the current turn."""
        self._state = _State.QUIET
        self._recent: deque[bool] = deque(maxlen=3)

    @property
    def speaking(self) -> bool:
        """Whether a turn is under way."""
        return self._state in (_State.SPEAKING, _State.PAUSED)

    @property
    def paused(self) -> bool:
        """Whether the speaker has fallen silent within a turn."""
        return self._state is _State.PAUSED

    @property
    def undecided(self) -> bool:
        """Whether an onset over a reply waits for its decision."""
        return self._state is _State.ONSET

    @property
    def silence_ms(self) -> int:
        """Silence since the last voiced window."""
        return (self.windows - 1 - self.last_voiced) * WINDOW_MS

    def reset(self) -> None:
        """Forget the turn under way; the input clock goes on."""
        self._state = _State.QUIET
        self._recent.clear()

    def feed(self, probability: float, interruptible: bool) -> TurnEvent | None:
        """One window. `interruptible`: a reply is sounding and a voice over it should hold it before it is judged."""
        settings = self.settings
        # Within speech the bar is lower: word ends and breathy voices dip below the onset's threshold.
        bar = settings.threshold if self._state is _State.QUIET else max(0.1, settings.threshold - 0.15)
        is_voice = probability >= bar
        self.windows += 1
        if is_voice and self._state is not _State.QUIET:
            self.last_voiced = self.windows - 1
            self.voiced += 1
        match self._state:
            case _State.QUIET:
                return self._quiet(is_voice, interruptible)
            case _State.ONSET:
                return self._undecided()
            case _State.SPEAKING:
                if self.silence_ms >= settings.pause_ms:
                    self._state = _State.PAUSED
                    return TurnEvent.PAUSED
            case _State.PAUSED:
                if is_voice:
                    self._state = _State.SPEAKING
                    return TurnEvent.RESUMED
                if self.silence_ms >= settings.silence_ms:
                    self.reset()
                    return TurnEvent.ENDED
        return None

    def _quiet(self, is_voice: bool, interruptible: bool) -> TurnEvent | None:
        """Two voiced windows of three begin a turn: one alone is a click."""
        self._recent.append(is_voice)
        if not is_voice or sum(self._recent) < 2:
            return None
        self.onset = self.windows - len(self._recent) + self._recent.index(True)
        self.last_voiced = self.windows - 1
        self.voiced = sum(self._recent)
        self._state = _State.ONSET if interruptible else _State.SPEAKING
        return TurnEvent.ONSET if interruptible else TurnEvent.STARTED

    def _undecided(self) -> TurnEvent | None:
        settings = self.settings
        if self.silence_ms >= settings.reject_ms:
            self.reset()
            return TurnEvent.REJECTED
        if (
            self.voiced * WINDOW_MS >= settings.confirm_ms
            or (self.windows - self.onset) * WINDOW_MS >= settings.decide_ms
        ):
            self._state = _State.SPEAKING
            return TurnEvent.STARTED
        return None
