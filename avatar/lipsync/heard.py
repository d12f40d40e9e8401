"""Phones of recorded speech that nobody timed: from the sound and its text, or from the sound alone.

This is the way for whole files: the recogniser finds the phones (by alignment to the text where it is given, by free
phone recognition otherwise), and they then drive the same coarticulation as a synthesiser's own.
"""

from collections.abc import Sequence

from agent.audio import TIMELINE_RATE, Pcm
from agent.audio.resample import resample
from agent.tts import Phone
from avatar.lipsync.track import Source

_ASR_RATE = 16_000


async def phones_of_speech(pcm: Pcm, text: str | None = None) -> tuple[Sequence[Phone], Source]:
    """The phones of `pcm` (shape (n,), 24 kHz), their times counting from its first sample, and what they were made
    from: from the sound alone where `text` cannot be found in it, as Chinese cannot. Raises ValueError for empty sound,
    and what the recogniser raises."""
    from agent.asr.align import align_words, allphone  # noqa: PLC0415  (it loads a recogniser)

    if len(pcm) == 0:
        raise ValueError("the speech is empty")
    heard = resample(pcm, TIMELINE_RATE, _ASR_RATE)
    if text:
        found = await align_words(heard, text)
        return found.phones, "text" if found.words else "audio"
    return await allphone(heard), "audio"
