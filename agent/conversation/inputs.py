"""What the conversation is told. With the time it is told at, this is all it ever knows."""

from dataclasses import dataclass, field

from agent.asr import Hypothesis
from agent.audio import Pcm
from agent.conversation.clauses import Completion, completion
from agent.conversation.floor import slowed
from agent.conversation.interruption import Claim, claim
from agent.conversation.ledger import SpokenPhone, SpokenWord
from agent.conversation.prosody import Tune
from agent.llm import Delta
from agent.realtime.events import AnyClientEvent
from avatar.blendshapes import FaceTrack


@dataclass(frozen=True, slots=True)
class FromClient:
    """A player's message, in its place among the sound: a commit comes after all that was appended before it."""

    event: AnyClientEvent


@dataclass(frozen=True, slots=True)
class Window:
    """One VAD window of the microphone: shape (512,) at 16 kHz, and the probability that it is speech.

    tonal: whether it has a pitch. tune: how the voice that ended last did. echo: whether it is nothing but our own
    reply coming back. The conversation goes by these and never by the sound itself, so a recording without its sound
    still replays.
    """

    pcm: Pcm = field(repr=False)
    probability: float
    tonal: bool = True
    tune: Tune = Tune.UNKNOWN
    echo: bool = False


@dataclass(frozen=True, slots=True)
class Recognized:
    """What the recogniser believes of utterance `turn`, having been fed `samples` (16 kHz) of it.

    completion, claim, slowed: what the words say about the floor, and by how much they change the voice's pace. They
    are told by the words, and stay where those are left out of a recording. steady: so many characters begin the text
    with words that are not expected to change.
    """

    turn: int
    hypothesis: Hypothesis = field(repr=False)
    samples: int
    refined: bool
    completion: Completion | None = None
    claim: Claim | None = None
    steady: int = 0
    slowed: float | None = None

    def __post_init__(self) -> None:
        if self.completion is None:
            object.__setattr__(self, "completion", completion(self.hypothesis.text))
        if self.claim is None:
            object.__setattr__(self, "claim", claim(self.hypothesis.text))
        if self.slowed is None:
            object.__setattr__(self, "slowed", slowed(self.hypothesis.text))


@dataclass(frozen=True, slots=True)
class RecognitionFailed:
    turn: int
    message: str


@dataclass(frozen=True, slots=True)
class Thought:
    """More of a reply from the dialogue engine."""

    generation: int
    delta: Delta = field(repr=False)


@dataclass(frozen=True, slots=True)
class ThoughtEnded:
    """The dialogue engine has nothing more; `error` says why if it failed."""

    generation: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Spoke:
    """A piece of sentence `index`'s speech: `pcm` of shape (n,) at 24 kHz continues the item's sound; words, phones and
    frames are on the item's timeline, but the words' characters count from the sentence's first."""

    generation: int
    index: int
    pcm: Pcm = field(repr=False)
    words: tuple[SpokenWord, ...] = field(default=(), repr=False)
    phones: tuple[SpokenPhone, ...] = field(default=(), repr=False)
    frames: FaceTrack | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SentenceEnded:
    """All of sentence `index` was spoken; `error` says why if it failed."""

    generation: int
    index: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class FaceWanted:
    """A client asked for the face (or none is left that did)."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class PlayerLeft:
    """The player's socket is gone: what it had heard of a reply by now is all of it, and nothing is said to nobody."""


@dataclass(frozen=True, slots=True)
class PlayerCame:
    """A player is back after PlayerLeft."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Input = (
    FromClient
    | Window
    | Recognized
    | RecognitionFailed
    | Thought
    | ThoughtEnded
    | Spoke
    | SentenceEnded
    | FaceWanted
    | PlayerLeft
    | PlayerCame
    | Tick
)
