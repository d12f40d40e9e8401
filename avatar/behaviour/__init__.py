"""The face between and beneath the words: blinks, gaze, breath, small head motion, listening, thinking.

Everything here is pure computation on the 24 kHz stage clock: seeded, no clock of its own, repeatable.
"""

from typing import Protocol

from avatar.behaviour.mixer import Behaviour, lay_over
from avatar.behaviour.moods import Mood
from avatar.blendshapes import FaceTrack

__all__ = ["Behaviour", "Mood", "StageBehaviour", "lay_over"]


class StageBehaviour(Protocol):
    """One session's behaviour, produced strictly forward on the stage clock."""

    def set_mood(self, mood: Mood, at_sample: int) -> None:
        """From stage sample `at_sample` on (or from the next frame not yet given out) the person is in this mood."""
        ...

    def phrase_ended(self, at_sample: int) -> None:
        """The visitor finished a phrase: a listening nod may answer it."""
        ...

    def frames(self, end_sample: int) -> FaceTrack:
        """The frames from where the last call stopped that stand before stage sample `end_sample`."""
        ...
