"""The face between and beneath the words: blinks, gaze, breath, head, gestures, feelings, listening, thinking.

Everything here is pure computation on the 24 kHz stage clock or a reply's timeline: seeded, no clock of its own,
repeatable. What there is to be done is data: `repertoire.toml`.
"""

from typing import Protocol

from avatar.behaviour.mixer import Behaviour, lay_over
from avatar.behaviour.moods import Mood
from avatar.behaviour.style import Style
from avatar.blendshapes import FaceTrack

__all__ = ["Behaviour", "Mood", "StageBehaviour", "Style", "lay_over"]


class StageBehaviour(Protocol):
    """One session's behaviour, produced strictly forward on the stage clock. What is to happen at a sample whose frame
    was given out already happens from the next frame on."""

    def set_mood(self, mood: Mood, at_sample: int) -> None:
        """From stage sample `at_sample` on the person is in this mood."""
        ...

    def set_style(self, style: Style, at_sample: int) -> None:
        """From then on, as lively as that."""
        ...

    def phrase_ended(self, at_sample: int) -> None:
        """The visitor finished a phrase: a nod or a smile may answer it."""
        ...

    def turn_ends(self, at_sample: int) -> None:
        """Our own turn will end there: whose turn it is then is looked at."""
        ...

    def visitor_at(self, direction: tuple[float, float] | None, at_sample: int) -> None:
        """The partner's face is at this yaw and pitch (radians: + to the character's left, + up), so that this is where
        it is looked for; None: nobody sees it, and it is taken to be straight ahead."""
        ...

    def express(self, name: str, at_sample: int) -> None:
        """Make the gesture of that name, or feel the feeling, which holds until the next one. Other names are no
        matter."""
        ...

    def frames(self, end_sample: int) -> FaceTrack:
        """The frames from where the last call stopped that stand before stage sample `end_sample`."""
        ...
