"""Voiceless stops begin where their silence begins.

Some synthesisers (espeak-ng for one) stamp a voiceless stop at its burst and leave its closure to the phone before it;
lips that follow such times close when they should already open.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agent.audio import TIMELINE_RATE, Pcm
from agent.tts import Phone

_HOP = 96
"""Samples: 4 ms."""
_VOICELESS = ("p", "t", "k", "q", "c", "ʈ")
_QUIET = 0.012
"""Of the loudest 4 ms."""
_AUDIBLE = 1e-3
_SLACK_HOPS = 3
_LONGEST_HOPS = 40
_LEAST_MOVE = 0.008
_LEAST_LEFT = 0.010


def with_stop_closures(phones: Sequence[Phone], pcm: Pcm) -> list[Phone]:
    """The phones with each voiceless stop or affricate begun at the start of the silence before its burst, at most
    160 ms earlier, at the cost of the phone before it. `pcm` has shape (n,) at 24 kHz; phones' times count from its
    first sample. Stops after a pause stay: the pause is no closure of theirs."""
    out = list(phones)
    hops = len(pcm) // _HOP
    if hops == 0:
        return out
    level = np.sqrt(np.mean(np.square(pcm[: hops * _HOP].reshape(hops, _HOP)), axis=1))
    if not level.max() > _AUDIBLE:
        return out
    quiet = level < level.max() * _QUIET
    for k in range(1, len(out)):
        before, stop = out[k - 1], out[k]
        if not stop.symbol.lstrip("ˈˌ").startswith(_VOICELESS) or before.symbol.strip() == "":
            continue
        last = int(stop.start * TIMELINE_RATE / _HOP) + 1
        if not 0 < last < hops:
            continue
        first = next((i for i in range(last, max(0, last - _SLACK_HOPS), -1) if quiet[i]), last)
        while first > 0 and quiet[first - 1] and last - first < _LONGEST_HOPS:
            first -= 1
        start = first * _HOP / TIMELINE_RATE
        if quiet[first] and start < stop.start - _LEAST_MOVE and start > before.start + _LEAST_LEFT:
            out[k - 1] = replace(before, end=min(before.end, start))
            out[k] = replace(stop, start=start)
    return out
