"""The face of recorded speech that nobody timed."""

from typing import Protocol

import numpy as np

from agent.audio import Pcm
from agent.tts import Phone
from avatar.blendshapes import FaceTrack
from avatar.lipsync.pronounce import Pronouncer, Pronunciation


class Face(Protocol):
    """What of ReplyFace, or of Lips, is needed to hear speech."""

    def expect(self, pronunciation: Pronunciation | None) -> None: ...
    def add(self, phones: tuple[Phone, ...], pcm: Pcm, start_sample: int, text: str) -> None: ...
    def end(self) -> None: ...
    def frames(self, end_sample: int) -> FaceTrack: ...


async def hear(face: Face, pcm: Pcm, text: str = "", language: str = "en", *, packet: int = 480) -> FaceTrack:
    """All of the frames for `pcm` (shape (n,), 24 kHz), given to `face` in packets of so many samples. `text` is what
    is said, or "". Raises ValueError for empty sound, PronunciationError and LipModelError."""
    if len(pcm) == 0:
        raise ValueError("the speech is empty")
    if text.strip():
        pronouncer = Pronouncer()
        try:
            face.expect(await pronouncer.pronounce(text, language))
        finally:
            await pronouncer.stop()
    tracks = []
    for start in range(0, len(pcm), packet):
        face.add((), pcm[start : start + packet], start, text if start == 0 else "")
        tracks.append(face.frames(min(start + packet, len(pcm))))
    face.end()
    tracks.append(face.frames(len(pcm)))
    return FaceTrack(
        0,
        np.concatenate([track.weights for track in tracks]),
        np.concatenate([track.head for track in tracks]),
        np.concatenate([track.gaze for track in tracks]),
    )
