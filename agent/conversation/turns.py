"""When the visitor's turn begins, pauses, goes on and ends, and whether a voice over a reply is an interruption.

Time here is the count of input samples, never arrival: one call is one VAD window of 32 ms. What the words and the
voice say comes in with each window; the detector itself only counts.

An interruption has two stages. *Hold*: two voiced windows freeze the reply. *Decide*: words or enough voice make it a
turn; silence, a noise or a listener's "mm-hm" let the reply go on. What was let pass stays an *aside* for a while: more
of it does not hold the reply again, and words that come late may still make it a turn.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from agent.conversation.interruption import Claim

WINDOW_MS = 32


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """How turns are told. Times in milliseconds of input."""

    threshold: float = 0.5
    silence_ms: int = 160
    """Silence that ends a finished turn, or any turn where `judged` is off. With windows of 32 ms the wait is this,
    rounded up to a window."""
    judged: bool = True
    """Whether what is unfinished is waited for longer."""
    eagerness: str = "auto"
    """OpenAI's: low, medium, high or auto. Counts where `judged` is on."""
    patience: float = 1.0
    """Multiplies the waits where `judged` is on."""
    pause_ms: int = 96
    """Silence after which the reply is prepared, in case this is the end."""
    prefix_ms: int = 300
    """Sound from before the first voiced window that belongs to the turn."""
    confirm_ms: int = 640
    """Voice without a word known that makes an interruption of a reply certain."""
    confirm_words_ms: int = 160
    """Voice that makes one certain once there are words."""
    reject_ms: int = 192
    """Silence that tells a cough from an interruption."""
    decide_ms: int = 672
    """What is undecided for so long since its onset is decided: by its sound, and against a listener's "yeah"."""
    aside_ms: int = 800
    """Silence after which an aside is over."""
    tonal_share: float = 0.5
    """Of an interruption's voiced windows, so many must have a pitch: a cough, a key and a door have none."""
    tonal_share_of_words: float = 0.25
    """The same once there are words: "stop" is mostly hiss and silence."""


class TurnEvent(Enum):
    """What a window changed."""

    ONSET = "onset"
    """Somebody may have begun to speak over the reply: hold it."""
    REJECTED = "rejected"
    """They had not, or they only listen aloud: play on."""
    DISMISSED = "dismissed"
    """What was rejected is over: forget it."""
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
    ASIDE = 2
    SPEAKING = 3
    PAUSED = 4


_CLEARLY = 2
"""Voiced windows that are enough to decide by where the reply drowned what was before them."""
_LONGEST_ASIDE = 6000
"""Milliseconds after which an aside is forgotten even if it goes on: a machine runs."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known in one window. `interruptible`: a reply is sounding and a voice over it should hold it."""

    probability: float
    interruptible: bool = False
    tonal: bool = True
    """Whether the window has a pitch."""
    masked: bool = False
    """Whether our own reply was louder than all else: a voice under it could not be told from silence."""
    claim: Claim = Claim.NONE
    """What the words so far lay claim to."""
    end_after_ms: int | None = None
    """Silence that ends the turn, as judged now; None: as the settings say."""


class TurnDetector:
    """Feed it one window's evidence after the other."""

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
        self._tonal = 0
        self._masked = 0
        """Windows of a hold, since the last voiced one, in which the reply could still be heard."""
        self._clear = 0
        """Voiced windows of a hold since the reply could be heard no more."""
        self._run = 0
        """Voiced windows since the last pause: what an aside must be judged by."""
        self._state = _State.QUIET
        self._recent: deque[tuple[bool, bool]] = deque(maxlen=3)

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
        """Whether a voice over a reply may yet become a turn: held, or an aside."""
        return self._state in (_State.ONSET, _State.ASIDE)

    @property
    def idle(self) -> bool:
        """Whether nothing is going on."""
        return self._state is _State.QUIET

    @property
    def silence_ms(self) -> int:
        """Silence since the last voiced window."""
        return (self.windows - 1 - self.last_voiced) * WINDOW_MS

    @property
    def floor(self) -> float:
        """The probability from which a window counts as voiced now. Within speech the bar is lower: word ends and
        breathy voices dip below the onset's threshold."""
        threshold = self.settings.threshold
        return threshold if self.idle else max(0.1, threshold - 0.15)

    def reset(self) -> None:
        """Forget the turn under way; the input clock goes on."""
        self._state = _State.QUIET
        self._recent.clear()

    def feed(self, evidence: Evidence) -> TurnEvent | None:
        """One window."""
        is_voice = evidence.probability >= self.floor
        self.windows += 1
        if evidence.masked and self._state is _State.ONSET:
            self._masked += 1
            self._clear = 0
        if is_voice and not self.idle:
            if self.silence_ms > self.settings.reject_ms:
                self._run = self._tonal = 0
            self.last_voiced, self._masked = self.windows - 1, 0
            self.voiced += 1
            self._clear += 1
            self._run += 1
            self._tonal += evidence.tonal
        match self._state:
            case _State.QUIET:
                return self._quiet(is_voice, evidence)
            case _State.ONSET:
                return self._onset(evidence)
            case _State.ASIDE:
                return self._aside(evidence)
            case _State.SPEAKING:
                if self.silence_ms >= self.settings.pause_ms:
                    self._state = _State.PAUSED
                    return TurnEvent.PAUSED
            case _State.PAUSED:
                return self._paused(is_voice, evidence)
        return None

    def _quiet(self, is_voice: bool, evidence: Evidence) -> TurnEvent | None:
        """Two voiced windows of three begin a turn: one alone is a click."""
        self._recent.append((is_voice, evidence.tonal))
        voices = [voice for voice, _ in self._recent]
        if not is_voice or sum(voices) < 2:
            return None
        self.onset = self.windows - len(voices) + voices.index(True)
        self.last_voiced, self._masked, self._clear = self.windows - 1, 0, 0
        self.voiced = self._run = sum(voices)
        self._tonal = sum(voice and tonal for voice, tonal in self._recent)
        self._state = _State.ONSET if evidence.interruptible else _State.SPEAKING
        return TurnEvent.ONSET if evidence.interruptible else TurnEvent.STARTED

    def _paused(self, is_voice: bool, evidence: Evidence) -> TurnEvent | None:
        if is_voice:
            self._state = _State.SPEAKING
            return TurnEvent.RESUMED
        wait = self.settings.silence_ms if evidence.end_after_ms is None else evidence.end_after_ms
        if self.silence_ms >= wait:
            self.reset()
            return TurnEvent.ENDED
        return None

    # ------------------------------------------------------------------ over a reply
    def _onset(self, evidence: Evidence) -> TurnEvent | None:
        if self._claims_floor(evidence):
            return self._start()
        late = (self.windows - self.onset) * WINDOW_MS >= self.settings.decide_ms
        enough = self._run * WINDOW_MS >= self.settings.confirm_words_ms or self._clear >= _CLEARLY
        goes_on = self.silence_ms == self._masked * WINDOW_MS  # who is done already may have said "yeah"
        if late and enough and goes_on and self._sounds_like_speech and evidence.claim is not Claim.BACKCHANNEL:
            return self._start()
        if late or self.silence_ms - self._masked * WINDOW_MS >= self.settings.reject_ms:
            self._state = _State.ASIDE
            return TurnEvent.REJECTED
        return None

    def _aside(self, evidence: Evidence) -> TurnEvent | None:
        age = (self.windows - self.onset) * WINDOW_MS
        if self._claims_floor(evidence):
            return self._start()
        if self.silence_ms >= self.settings.aside_ms or age >= _LONGEST_ASIDE:
            self.reset()
            return TurnEvent.DISMISSED
        return None

    def _claims_floor(self, evidence: Evidence) -> bool:
        """Words or voice enough for a turn."""
        settings, length = self.settings, self._run * WINDOW_MS
        match evidence.claim:
            case Claim.STOP | Claim.FLOOR:
                return length >= settings.confirm_words_ms and self._tonal >= settings.tonal_share_of_words * self._run
            case Claim.NONE:
                return length >= settings.confirm_ms and self._sounds_like_speech
            case Claim.BACKCHANNEL:
                return False

    @property
    def _sounds_like_speech(self) -> bool:
        return self._tonal >= self.settings.tonal_share * self._run

    def _start(self) -> TurnEvent:
        self._state = _State.SPEAKING
        return TurnEvent.STARTED
