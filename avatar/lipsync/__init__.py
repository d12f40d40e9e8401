"""Lips on the timeline: from timed phones, from sound and its text, or from sound alone.

lips = Lips()
lips.expect(pronunciation)                        # where the text is known and nothing timed it
lips.add(phones, pcm, start_sample, text)         # timed phones, or () for none
track = lips.frames(end_sample)                   # what is final of it; lips.source says what it was made from
lips.end()
"""

from avatar.lipsync.coarticulation import TimedLips
from avatar.lipsync.lips import BUFFERED, LIVE, Lips, MirrorLips
from avatar.lipsync.network import LipModelError
from avatar.lipsync.pronounce import Pronouncer, Pronunciation, PronunciationError, pronunciation_of
from avatar.lipsync.track import MouthTrack, Source
from avatar.lipsync.visemes import nearest_viseme, nearest_visemes

__all__ = [
    "BUFFERED",
    "LIVE",
    "LipModelError",
    "Lips",
    "MirrorLips",
    "MouthTrack",
    "Pronouncer",
    "Pronunciation",
    "PronunciationError",
    "Source",
    "TimedLips",
    "nearest_viseme",
    "nearest_visemes",
    "pronunciation_of",
]
