"""The face of one reply on the reply's own timeline: the mouth from its phones, the rest from its voice."""

from collections.abc import Sequence

import numpy as np

from agent.audio import Pcm
from agent.tts import Phone
from avatar.behaviour.mood import RESTING_SMILE
from avatar.behaviour.speech import SpeechMotion
from avatar.blendshapes import INDEX, FaceTrack
from avatar.lipsync import Source, TimedLips

_SMILE = [INDEX["mouthSmileLeft"], INDEX["mouthSmileRight"]]


class ReplyFace:
    """What is drawn while one reply plays.

    Its mouth replaces the stage's; everything else and the head are added to the stage's; its gaze rests, so that the
    stage's stays. The mouth keeps the stage's resting smile underneath, so that it does not jump where the two meet.
    """

    def __init__(self, source: Source = "timed", seed: int = 0) -> None:
        self._lips = TimedLips(source)
        self._motion = SpeechMotion(seed)
        self.source: Source = source
        self.lookahead_ms = self._lips.lookahead_ms

    def add(self, phones: Sequence[Phone], pcm: Pcm, start_sample: int, text: str) -> None:
        """One sentence's (or chunk's) speech, in order, as MouthTrack.add: `pcm` has shape (n,) at 24 kHz and begins at
        `start_sample`, from which the phones' times count. Raises ValueError when `start_sample` is negative."""
        self._lips.add(phones, pcm, start_sample, text)
        self._motion.add(pcm, start_sample)

    def frames(self, end_sample: int) -> FaceTrack:
        """The frames from where the last call stopped that stand before `end_sample`. Final as soon as the speech
        they stand in has been added; then the same however the calls are cut."""
        mouth = self._lips.frames(end_sample)
        motion = self._motion.frames(end_sample)
        weights = mouth.weights + motion.weights
        weights[:, _SMILE] += RESTING_SMILE
        return FaceTrack(mouth.start_sample, np.clip(weights, 0.0, 1.0), motion.head, motion.gaze)

    def visemes(self, start_sample: int, end_sample: int) -> list[str]:
        """The Oculus viseme being said at each frame in [start, end)."""
        return self._lips.visemes(start_sample, end_sample)

    @property
    def rest_sample(self) -> int:
        """Where the mouth has come to rest after all that was added."""
        return self._lips.rest_sample
