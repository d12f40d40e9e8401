"""The face of one reply on the reply's own timeline: the mouth from its phones, the rest from its voice and words."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent.audio import Pcm
from agent.tts import Phone
from avatar.behaviour.mood import RESTING_SMILE
from avatar.behaviour.repertoire import HEAD, WEIGHTS, Repertoire, columns, default
from avatar.behaviour.speech import SpeechMotion
from avatar.behaviour.style import Style
from avatar.blendshapes import INDEX, MOUTH, FaceTrack, Frames
from avatar.lipsync import Lips, Pronunciation, Source

_SMILE = columns("mouthSmile")
_CORNERS = np.array([i for name in ("mouthSmile", "mouthFrown", "mouthDimple") for i in columns(name)])
"""What may show a feeling while the lips speak: the corners of the mouth."""
_ROUND = [INDEX["mouthFunnel"], INDEX["mouthPucker"]]
_SEALED = [INDEX["mouthClose"], INDEX["mouthPressLeft"], INDEX["mouthRollLower"]]
_FULLY_ROUND, _FULLY_SEALED = 0.5, 0.3
_LEFT_AT_CLOSURES = 0.5
"""Lips can meet in a smile, but not in a broad one."""


class ReplyFace:
    """What is drawn while one reply plays.

    Its mouth replaces the stage's; everything else, the head and the gaze are added to the stage's. Its gaze takes back
    what its head turned, so that the eyes stay where the stage's look. The mouth keeps the stage's resting smile
    underneath, so that it does not jump where the two meet.
    """

    def __init__(
        self,
        lips: Lips | None = None,
        seed: int = 0,
        style: Style | None = None,
        repertoire: Repertoire | None = None,
    ) -> None:
        repertoire = repertoire or default()
        self._lips = lips or Lips()
        self._motion = SpeechMotion(seed, style, repertoire)
        self._resting_smile = repertoire.resting_smile

    @property
    def source(self) -> Source:
        """What the lips of the latest sentence were made from."""
        return self._lips.source

    @property
    def lookahead_ms(self) -> int:
        """How much sound beyond a frame must be known before it is final, in the latest sentence."""
        return self._lips.lookahead_ms

    def expect(self, pronunciation: Pronunciation | None) -> None:
        """How the text of the next sentence is pronounced; it helps if that comes without phones."""
        self._lips.expect(pronunciation)

    def end(self) -> None:
        """The sentence is over: all its frames are final now."""
        self._lips.end()

    def add(self, phones: Sequence[Phone], pcm: Pcm, start_sample: int, text: str) -> None:
        """One sentence's (or chunk's) speech, in order, as MouthTrack.add: `pcm` has shape (n,) at 24 kHz and begins at
        `start_sample`, from which the phones' times count. Raises ValueError when `start_sample` is negative."""
        self._lips.add(phones, pcm, start_sample, text)
        self._motion.add(pcm, start_sample, text)

    def express(self, name: str, at_sample: int) -> None:
        """Make a gesture, or feel a feeling until the next one, from there on: see SpeechMotion."""
        self._motion.express(name, at_sample)

    def frames(self, end_sample: int) -> FaceTrack:
        """The frames from where the last call stopped that stand before `end_sample` and are final: with timed phones
        as soon as the speech they stand in has been added, else `lookahead_ms` later. How calls are cut changes
        nothing."""
        lips = self._lips.frames(end_sample)
        moved = self._motion.frames(lips.end_sample)
        head = np.radians(moved[:, HEAD]).astype(np.float32)
        weights = under_the_lips(lips.weights, moved[:, WEIGHTS], self._resting_smile)
        return FaceTrack(lips.start_sample, weights, head, -head[:, :2])

    def visemes(self, start_sample: int, end_sample: int) -> list[str]:
        """The Oculus viseme being said at each frame in [start, end)."""
        return self._lips.visemes(start_sample, end_sample)

    @property
    def rest_sample(self) -> int:
        """Where the mouth has come to rest after all that was added."""
        return self._lips.rest_sample


def under_the_lips(lips: Frames, shown: NDArray[np.float64], resting_smile: float = RESTING_SMILE) -> Frames:
    """The face's shapes from the lips' and from what else is shown, both of shape (n, 52). The lips' own stay as they
    are; corners of the mouth are moved as far as rounded and closing lips let them. resting_smile: the stage's."""
    rounded = np.clip(lips[:, _ROUND].sum(axis=1) / _FULLY_ROUND, 0, 1)
    sealed = np.clip(lips[:, _SEALED].max(axis=1) / _FULLY_SEALED, 0, 1)
    free = (1 - rounded) * (1 - (1 - _LEFT_AT_CLOSURES) * sealed)
    weights = np.where(MOUTH, lips, np.maximum(shown, 0.0))
    weights[:, _SMILE] += resting_smile
    # What takes away from the resting smile may do so always; it can take no more than there is of it.
    corners = np.maximum(shown[:, _CORNERS], np.where(np.isin(_CORNERS, _SMILE), -resting_smile, 0.0))
    weights[:, _CORNERS] += corners * np.where(corners > 0, free[:, None], 1.0)
    return np.asarray(np.clip(weights, 0.0, 1.0), np.float32)
