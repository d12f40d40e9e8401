"""What every embedded engine's sentence goes through before it is handed on: silence trimmed, level set."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agent.audio import Pcm
from agent.tts import Phone, SpeechChunk, Word

LEAD_SECONDS = 0.008
"""Silence kept before the sentence: the voice must not start late."""
TAIL_SECONDS = 0.12
"""Silence kept after it: the pause between sentences."""
_QUIET = 0.003
_QUIET_OF_PEAK = 0.01
_RELEASE_SECONDS = 0.03
"""Speech may ring on so long after its last phone."""
_LEVEL = 0.09
_PEAK = 0.89
_RAMP_SECONDS = 0.004


def shape(pcm: Pcm, rate: int, phones: Sequence[Phone], words: Sequence[Word]) -> SpeechChunk:
    """One sentence ready to play.

    pcm has shape (n,) at `rate` Hz. Its voice comes out at a root mean square of 0.09 (the silent parts not counted)
    and never above 0.89, so that voices of different engines are equally loud and none clips.
    """
    bounds = _bounds(pcm, rate, phones)
    if bounds is None:
        return SpeechChunk(np.zeros(0, np.float32), rate)
    first, last = bounds
    tail = round(TAIL_SECONDS * rate)
    body = pcm[first:last]
    out = np.zeros(len(body) + tail, np.float32)
    out[: len(body)] = body * _gain(body)
    ramp = min(len(body), round(_RAMP_SECONDS * rate))
    out[:ramp] *= np.linspace(0, 1, ramp, dtype=np.float32)
    out[len(body) - ramp : len(body)] *= np.linspace(1, 0, ramp, dtype=np.float32)
    shift, seconds = first / rate, len(out) / rate
    return SpeechChunk(out, rate, _shift_phones(phones, shift, seconds), _shift_words(words, shift, seconds))


def _bounds(pcm: Pcm, rate: int, phones: Sequence[Phone]) -> tuple[int, int] | None:
    """The samples [first, last) to keep: where there is sound, and where a phone says that it is speech."""
    loud = np.flatnonzero(np.abs(pcm) > max(_QUIET, _QUIET_OF_PEAK * float(np.abs(pcm).max(initial=0))))
    if len(loud) == 0:
        return None
    first, last = int(loud[0]), int(loud[-1]) + 1
    sounding = [phone for phone in phones if phone.symbol]
    if sounding:
        first = max(first, round(sounding[0].start * rate))
        last = min(last, round((sounding[-1].end + _RELEASE_SECONDS) * rate))
    first = max(0, first - round(LEAD_SECONDS * rate))
    return (first, last) if first < last else None


def _gain(pcm: Pcm) -> float:
    magnitude = np.abs(pcm)
    voiced = pcm[magnitude > _QUIET]
    return min(_LEVEL / float(np.sqrt(np.mean(voiced**2))), _PEAK / float(magnitude.max()))


def _shift_phones(phones: Sequence[Phone], shift: float, seconds: float) -> tuple[Phone, ...]:
    """Phones `shift` seconds earlier; the last one, silence or not, lasts to the end."""
    moved = []
    for phone in phones:
        start, end = _within(phone.start - shift, seconds), _within(phone.end - shift, seconds)
        if end > start:
            moved.append(Phone(phone.symbol, start, end))
    if moved and moved[-1].end < seconds:
        if moved[-1].symbol == "":
            moved[-1] = replace(moved[-1], end=seconds)
        else:
            moved.append(Phone("", moved[-1].end, seconds))
    return tuple(moved)


def _shift_words(words: Sequence[Word], shift: float, seconds: float) -> tuple[Word, ...]:
    return tuple(
        replace(word, start=_within(word.start - shift, seconds), end=_within(word.end - shift, seconds))
        for word in words
    )


def _within(time: float, seconds: float) -> float:
    return min(max(0.0, time), seconds)
