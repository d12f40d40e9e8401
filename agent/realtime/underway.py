"""What a viewer that joins now has missed of what still goes on: the reply that is being given and how it plays.

It is kept as the events that the others were sent, so that whoever joins late sees what they see.
"""

from collections import deque
from collections.abc import Iterator

from agent.realtime import events as wire
from agent.realtime.events import EXTENSION, ServerEvent
from avatar.blendshapes import SAMPLES_PER_FRAME

RESPONSES = 2
"""One may still sound when the next one is already made."""
MOST_EVENTS = 4096
"""Of one response: 400 s of frames that nobody reports to have heard, or far more that somebody does."""
STAGE_FACES = 5
"""Stage frames leave every 100 ms and 400 ms ahead."""

Numbered = tuple[int, ServerEvent]


class Underway:
    """The events of a conversation that still matter, in order. Each has a number, counted from the first."""

    def __init__(self) -> None:
        self.count = 0
        """Events so far."""
        self._state: Numbered | None = None
        self._anchor: tuple[int, wire.Anchor] | None = None
        self._stage: deque[Numbered] = deque(maxlen=STAGE_FACES)
        self._responses: deque[deque[Numbered]] = deque(maxlen=RESPONSES)

    def saw(self, event: ServerEvent) -> None:
        """`event` is sent to whoever may see it."""
        numbered = (self.count, event)
        self.count += 1
        match event:
            case wire.State():
                self._state = numbered
                if event.state == "idle":  # nothing is said, and nothing is heard of what was
                    self._responses.clear()
                    self._anchor = None
            case wire.StageFace():
                self._stage.append(numbered)
            case wire.Anchor():
                self._anchor = (self.count - 1, event)
                self._let_go(event)
            case wire.Stop():
                self._anchor = None
            case wire.ResponseCreated():
                self._responses.append(deque([numbered], MOST_EVENTS))
            case wire.AudioDelta():
                pass  # sound is the player's alone
            case _ if self._responses and (hasattr(event, "response_id") or isinstance(event, wire.ResponseDone)):
                self._responses[-1].append(numbered)

    def missed(self, joined: int) -> Iterator[ServerEvent]:
        """What still matters to a viewer whose socket was told of every event from number `joined` on, but of those of
        the extension of none yet."""
        responses = (numbered for response in self._responses for numbered in response)
        kept = [self._state, *self._stage, *responses, self._anchor]
        for number, event in filter(None, kept):
            if number < joined or type(event) in EXTENSION:
                yield event

    def _let_go(self, anchor: wire.Anchor) -> None:
        """Nobody needs the frames of what was heard."""
        for response in self._responses:
            while (first := next((one for one in response if isinstance(one[1], wire.FaceDelta)), None)) is not None:
                face = first[1]
                assert isinstance(face, wire.FaceDelta)
                end = face.start_sample + face.count * SAMPLES_PER_FRAME
                if face.item_id != anchor.item_id or end > anchor.item_sample:
                    break
                response.remove(first)
