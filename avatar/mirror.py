"""The face that mimics whoever speaks into a microphone, as closely behind as it can."""

import numpy as np

from agent.audio import Pcm
from avatar.behaviour.repertoire import HEAD, WEIGHTS, Repertoire, default
from avatar.behaviour.speech import SpeechMotion
from avatar.behaviour.style import Style
from avatar.blendshapes import FaceTrack
from avatar.lipsync import MirrorLips
from avatar.lipsync.network import LipNetwork
from avatar.reply_face import under_the_lips

_CONTEXT = 600
"""Samples before a frame that its pitch and loudness are heard with."""


class MirrorFace:
    """Like ReplyFace, to be laid over the stage's face; but the sound comes as it is spoken, and nothing waits."""

    def __init__(
        self,
        seed: int = 0,
        style: Style | None = None,
        repertoire: Repertoire | None = None,
        network: LipNetwork | None = None,
    ) -> None:
        repertoire = repertoire or default()
        self._lips = MirrorLips(network)
        self._motion = SpeechMotion(seed, style, repertoire)
        self._resting_smile = repertoire.resting_smile
        self._recent: Pcm = np.zeros(0, np.float32)
        self._recent_from = 0
        self.heard_samples = 0
        """How much was pushed."""

    @property
    def lookahead_ms(self) -> int:
        """How much sound beyond a frame must be known before the frame is."""
        return self._lips.lookahead_ms

    def restyle(self, style: Style) -> None:
        """As lively as that from now on."""
        self._motion.restyle(style)

    def push(self, pcm: Pcm) -> FaceTrack:
        """The frames that are final now that `pcm`, shape (n,) at 24 kHz, was heard as well. They stand on the timeline
        of all that was pushed. Raises LipModelError."""
        lips = self._lips.push(pcm)
        self.heard_samples += len(pcm)
        self._recent = np.concatenate([self._recent, pcm])
        self._motion.add(self._recent, self._recent_from, end_sample=lips.end_sample)
        moved = self._motion.frames(lips.end_sample)
        kept_from = max(self._recent_from, lips.end_sample - _CONTEXT)
        self._recent = self._recent[kept_from - self._recent_from :]
        self._recent_from = kept_from
        head = np.radians(moved[:, HEAD]).astype(np.float32)
        weights = under_the_lips(lips.weights, moved[:, WEIGHTS], self._resting_smile)
        return FaceTrack(lips.start_sample, weights, head, -head[:, :2])
