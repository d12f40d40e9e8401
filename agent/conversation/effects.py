"""What the conversation asks for. Whoever runs it does it, and tells what came of it."""

from dataclasses import dataclass, field
from typing import Literal

from agent.audio import Pcm
from agent.llm import Prompt
from agent.realtime.events import ServerEvent
from avatar.behaviour.cues import Cue


@dataclass(frozen=True, slots=True)
class Send:
    """Send to the player and the viewers (the face's and our own events only to those who asked for them)."""

    event: ServerEvent


@dataclass(frozen=True, slots=True)
class Listen:
    """Begin to recognise utterance `turn`."""

    turn: int


@dataclass(frozen=True, slots=True)
class Feed:
    """More of utterance `turn`: shape (n,) at 16 kHz. Answered by Recognized."""

    turn: int
    pcm: Pcm = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refine:
    """Decode all of utterance `turn` once more, better. Answered by Recognized with refined=True, sooner or later."""

    turn: int


@dataclass(frozen=True, slots=True)
class Unlisten:
    """Utterance `turn` is over or was none."""

    turn: int


@dataclass(frozen=True, slots=True)
class Think:
    """Make a reply. Answered by Thought… and ThoughtEnded."""

    generation: int
    prompt: Prompt = field(repr=False)


@dataclass(frozen=True, slots=True)
class Speak:
    """Speak sentence `index` of a reply. Sentences of one reply are asked for one at a time. Answered by Spoke… and
    SentenceEnded."""

    generation: int
    index: int
    text: str = field(repr=False)
    voice: str
    speed: float
    cues: tuple[Cue, ...] = ()
    """What the face is to do at which of the text's characters."""


@dataclass(frozen=True, slots=True)
class Abandon:
    """Stop making this reply; whatever still comes of it is dropped."""

    generation: int


Stage = Literal["endpoint", "asr", "llm_first_text", "tts_first_audio", "first_sent", "first_heard", "hold", "decide"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A stage took this long."""

    stage: Stage
    seconds: float


@dataclass(frozen=True, slots=True)
class Skew:
    """A client's report of what was heard is so far ahead of the pacer's clock, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class CorrectedLate:
    """What was heard of a reply was corrected when a later one had been begun on what was believed before."""


Effect = Send | Listen | Feed | Refine | Unlisten | Think | Speak | Abandon | Measure | Skew | CorrectedLate
