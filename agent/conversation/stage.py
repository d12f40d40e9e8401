"""The stage clock, and what the person does on it between and beneath the words."""

from collections.abc import Callable

from agent.audio import TIMELINE_RATE
from agent.realtime import events as wire
from agent.realtime.events import ServerEvent
from avatar.behaviour import Mood, StageBehaviour, Style
from avatar.blendshapes import FPS, SAMPLES_PER_FRAME, FaceTrack

AHEAD = 0.4
"""Seconds that stage frames are ahead of the stage clock."""
EVERY = 0.1
"""Seconds between two messages of stage frames."""
TURN_END_MOVED = 0.5
"""Seconds by which our turn must come to end earlier or later than was told, to be told again."""


class Stage:
    """24 kHz samples since the conversation began, and the behaviour that plays on them while somebody watches."""

    def __init__(
        self, start: float, style: Style, behaviour: Callable[[], StageBehaviour], emit: Callable[[ServerEvent], None]
    ) -> None:
        self._start = start
        self._make = behaviour
        self._emit = emit
        self._style = style
        self._behaviour: StageBehaviour | None = None
        self._epoch = 0
        self._next = 0.0
        self._turn_end: float | None = None
        """When our own turn ends, where that was told."""
        self._visitor: tuple[float, float] | None = None
        self.state: Mood = "idle"

    def sample(self, now: float) -> int:
        """The stage clock."""
        return max(0, int((now - self._start) * TIMELINE_RATE))

    def watch(self, wanted: bool, now: float) -> None:
        """Somebody wants to see the face, or nobody does any more. A new watcher begins a new run of frames."""
        if not wanted:
            self._behaviour = None
        elif self._behaviour is None:
            self._behaviour = self._make()
            self._epoch = self.sample(now) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME
            self._behaviour.set_style(self._style, 0)
            self._behaviour.set_mood(self.state, 0)
            self._behaviour.visitor_at(self._visitor, 0)
            self._next = now

    def enter(self, state: Mood, now: float) -> None:
        """The person is in this state from now on."""
        if state == self.state:
            return
        self.state = state
        stage = self.sample(now)
        if self._behaviour is not None:
            self._behaviour.set_mood(state, stage - self._epoch)
        self._emit(wire.State(state=state, stage_sample=stage))

    def restyle(self, style: Style, now: float) -> None:
        """As lively as that from now on."""
        if style != self._style and self._behaviour is not None:
            self._behaviour.set_style(style, self.sample(now) - self._epoch)
        self._style = style

    def visitor(self, direction: tuple[float, float] | None, now: float) -> None:
        """The visitor's face is there (yaw and pitch in radians), or is not seen any more."""
        self._visitor = direction
        if self._behaviour is not None:
            self._behaviour.visitor_at(direction, self.sample(now) - self._epoch)

    def express(self, name: str, now: float) -> None:
        """Make a gesture of that name, or feel a feeling, now."""
        if self._behaviour is not None:
            self._behaviour.express(name, self.sample(now) - self._epoch)

    def turn_ends(self, at: float) -> None:
        """What is being said will have been heard to its end at that time. To be told again is no matter, unless it
        changes."""
        if self._turn_end is not None and abs(at - self._turn_end) < TURN_END_MOVED:
            return
        self._turn_end = at
        if self._behaviour is not None:
            self._behaviour.turn_ends(self.sample(at) - self._epoch)

    def phrase_ended(self, now: float) -> None:
        """The visitor finished a phrase."""
        if self._behaviour is not None:
            self._behaviour.phrase_ended(self.sample(now) - self._epoch)

    def tick(self, now: float) -> None:
        """Send the frames that are due."""
        if self._behaviour is None or now < self._next:
            return
        self._next = max(self._next + EVERY, now)
        stage = self.sample(now)
        track = self._behaviour.frames(stage - self._epoch + round(AHEAD * TIMELINE_RATE))
        if len(track):
            self._emit(_delta(track, self._epoch, stage))

    def deadline(self) -> float | None:
        return self._next if self._behaviour is not None else None


def _delta(track: FaceTrack, epoch: int, stage: int) -> ServerEvent:
    return wire.StageFace(
        start_sample=track.start_sample + epoch,
        fps=FPS,
        count=len(track),
        data=track.to_base64(),
        stage_now=stage,
    )
