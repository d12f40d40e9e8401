"""Lips on the timeline: from timed phones, from sound and its text, or from sound alone."""

from avatar.lipsync.coarticulation import TimedLips
from avatar.lipsync.track import MouthTrack, Source
from avatar.lipsync.visemes import nearest_viseme, nearest_visemes

__all__ = ["MouthTrack", "Source", "TimedLips", "mouth_for", "nearest_viseme", "nearest_visemes"]


def mouth_for(source: Source = "timed") -> MouthTrack:
    """The engine for one reply. Phones from any source (the synthesiser, or an alignment of the sound) drive the same
    coarticulation; `source` only says how they were come by."""
    return TimedLips(source)
