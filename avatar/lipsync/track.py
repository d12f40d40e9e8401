"""What every source of mouth movement offers the conversation."""

from collections.abc import Sequence
from typing import Literal, Protocol

from agent.audio import Pcm
from agent.tts import Phone
from avatar.blendshapes import FaceTrack

Source = Literal["timed", "text", "audio"]
"""What the lips were made from: phones timed by the synthesiser, sound with its text, or sound alone."""


class MouthTrack(Protocol):
    """The mouth of one reply, on the reply's 24 kHz timeline. Pure computation: no clock, no I/O, repeatable."""

    @property
    def source(self) -> Source:
        """What the lips of the latest sentence were made from."""
        ...

    @property
    def lookahead_ms(self) -> int:
        """How much sound beyond a frame must be known before the frame is final."""
        ...

    def add(self, phones: Sequence[Phone], pcm: Pcm, start_sample: int, text: str) -> None:
        """One sentence's (or chunk's) speech, in order: `pcm` (shape (n,), 24 kHz) begins at `start_sample`; phones'
        times count from there; `text` is its display text ("" for a later chunk of the same sentence)."""
        ...

    def frames(self, end_sample: int) -> FaceTrack:
        """The frames from where the last call stopped that stand before `end_sample` and are final. Frames never
        change once given out; past the last phone the mouth eases to rest."""
        ...
