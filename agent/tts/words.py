"""When each shown word is spoken: from an engine's own marks, or estimated from the sound."""

import re
from collections.abc import Sequence

import numpy as np

from agent.audio import Pcm
from agent.tts import Phone, Word
from agent.tts.text.rules import Spoken, is_han

_FRAME_SECONDS = 0.01
_SILENT = 0.02
"""A frame below this part of the loudest one's level counts as silent."""


def words_from_marks(spoken: Spoken, marks: Sequence[tuple[int, float]], phones: Sequence[Phone]) -> tuple[Word, ...]:
    """Words by an engine's marks: (place in the spoken text, seconds) wherever it began to say something.

    A word without a mark of its own was run together with the one before ("of the"): the two share their time by
    syllables, and the later is marked "estimated". A word ends where the next begins, or where its sound ends.
    """
    sounding = [phone for phone in phones if phone.symbol]
    if not spoken.spans or not sounding:
        return ()
    starts = _starts(spoken, sorted(marks))
    if all(start is None for start in starts):
        return ()
    end_of_sound = sounding[-1].end
    words: list[Word] = []
    for first, last in _groups(starts):
        begin = starts[first]
        following = starts[last] if last < len(starts) else None
        assert begin is not None
        until = end_of_sound if following is None else following
        ends = [phone.end for phone in sounding if begin - 0.005 <= phone.start < until - 0.005]
        end = max(begin, min(until, max(ends, default=until)))
        inside = [phone.start for phone in sounding if begin < phone.start < end]
        edges = _share(begin, end, [_weight(spoken, i) for i in range(first, last)], inside)
        for i in range(first, last):
            a, b = edges[i - first], edges[i - first + 1]
            words.append(Word(*spoken.spans[i][2:], a, b, "engine" if i == first else "estimated"))
    return tuple(words)


def estimate_words(spoken: Spoken, pcm: Pcm, rate: int) -> tuple[Word, ...]:
    """Words for an engine that tells no times: syllables spread evenly over the samples that are not silent.

    pcm has shape (n,) at `rate` Hz and holds the whole sentence.
    """
    size = max(1, round(rate * _FRAME_SECONDS))
    count = len(pcm) // size
    if not spoken.spans or count == 0:
        return ()
    level = np.sqrt(np.mean(pcm[: count * size].reshape(count, size) ** 2, axis=1))
    sounding = level > _SILENT * max(float(level.max()), 1e-9)
    if not sounding.any():
        return ()
    heard = np.concatenate(([0.0], np.cumsum(sounding))) / float(np.sum(sounding))
    weights = [_weight(spoken, i) for i in range(len(spoken.spans))]
    edges = np.concatenate(([0.0], np.cumsum(weights))) / sum(weights)
    # A start is where the sound goes on after a silence, an end where it stops before one.
    starts = np.searchsorted(heard, edges[:-1] + 1e-9, side="left") - 1
    ends = np.searchsorted(heard, edges[1:] - 1e-9, side="left")
    return tuple(
        Word(
            span[2],
            span[3],
            float(max(start, 0)) * _FRAME_SECONDS,
            float(max(end, start)) * _FRAME_SECONDS,
            "estimated",
        )
        for span, start, end in zip(spoken.spans, starts, ends, strict=True)
    )


def syllables(text: str) -> int:
    """About how many syllables spoken text has: one for a Chinese character, one for a group of vowels."""
    han = sum(map(is_han, text))
    count = 0
    for word in re.findall(r"[^\W\d_]+", "".join(" " if is_han(char) else char for char in text.lower())):
        groups = len(re.findall(r"[aeiouyà-ü]+", word))
        silent = groups > 1 and word.endswith("e") and not word.endswith(("le", "ee", "ye"))
        count += max(1, groups - silent)
    return max(1, han + count)


def _weight(spoken: Spoken, index: int) -> int:
    start, end, _, _ = spoken.spans[index]
    return syllables(spoken.text[start:end])


def _starts(spoken: Spoken, marks: list[tuple[int, float]]) -> list[float | None]:
    """The first mark inside each span, or None. Never going back in time."""
    starts: list[float | None] = []
    at, latest = 0, 0.0
    for begin, end, _, _ in spoken.spans:
        start = None
        while at < len(marks) and marks[at][0] < end:
            place, seconds = marks[at]
            if place >= begin and start is None:
                start = latest = max(latest, seconds)
            at += 1
        starts.append(start)
    if starts and starts[0] is None:
        starts[0] = 0.0
    return starts


def _groups(starts: list[float | None]) -> list[tuple[int, int]]:
    """Runs [first, last) of a word with a start and those without that follow it."""
    firsts = [i for i, start in enumerate(starts) if start is not None]
    return list(zip(firsts, [*firsts[1:], len(starts)], strict=True))


def _share(start: float, end: float, weights: list[int], inside: list[float]) -> list[float]:
    """Edges that divide [start, end] by `weights`, each moved to the nearest of the times `inside`."""
    edges = start + (end - start) * np.cumsum([0, *weights]) / sum(weights)
    for i in range(1, len(edges) - 1):
        nearest = min(inside, key=lambda time: abs(time - edges[i]), default=edges[i])
        edges[i] = max(nearest, edges[i - 1])
    return [float(edge) for edge in edges]
