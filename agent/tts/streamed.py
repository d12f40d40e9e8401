"""What a voice that streams, and tells no times, goes through: silence trimmed, and its words placed as it speaks."""

from itertools import pairwise

import numpy as np

from agent.audio import Pcm
from agent.tts import Word
from agent.tts.shape import LEAD_SECONDS, TAIL_SECONDS
from agent.tts.text.rules import Spoken, is_han
from agent.tts.words import syllables

QUIET = 0.003
_FRAME_SECONDS = 0.01
_SILENT = 0.02
"""A frame below this part of the loudest one's level so far counts as silent."""
SYLLABLE_SECONDS = 0.19
"""How long a syllable of an unknown voice lasts."""


_LETTERS = 2.7
"""In an English syllable."""


def _weight(text: str) -> float:
    """How long a word takes, in syllables: half by those, half by its letters, since "strength" takes longer than "a".
    Against the true words of espeak-ng and flite that is better than either alone."""
    if any(map(is_han, text)):
        return syllables(text)
    return (syllables(text) + max(1, sum(map(str.isalnum, text))) / _LETTERS) / 2


class Trimmer:
    """Sound of one sentence in, in pieces; the same out without the silence before it, and with TAIL_SECONDS after it.
    Silence inside is held back until it is known not to be the end."""

    def __init__(self, rate: int) -> None:
        self._lead, self._tail = round(LEAD_SECONDS * rate), round(TAIL_SECONDS * rate)
        self._held: Pcm = np.zeros(0, np.float32)
        self._begun = False

    def push(self, pcm: Pcm) -> Pcm:
        """More sound, shape (n,); returns what of it may be played."""
        pcm = np.concatenate([self._held, pcm])
        loud = np.flatnonzero(np.abs(pcm) > QUIET)
        if not len(loud):
            self._held = pcm if self._begun else pcm[-self._lead :]
            return np.zeros(0, np.float32)
        first = 0 if self._begun else max(0, int(loud[0]) - self._lead)
        last = int(loud[-1]) + 1
        self._begun, self._held = True, pcm[last:]
        return pcm[first:last]

    def flush(self) -> Pcm:
        """The sentence is over: returns its last silence; nothing where there was no sound."""
        if not self._begun:
            return np.zeros(0, np.float32)
        tail = np.zeros(self._tail, np.float32)
        kept = self._held[: self._tail]
        tail[: len(kept)] = kept
        return tail


class WordClock:
    """Places words as the sound comes, by how long this voice takes for a syllable: silence says none."""

    def __init__(self, spoken: Spoken, rate: int, syllable_seconds: float) -> None:
        self._spans = spoken.spans
        self._weights = [_weight(spoken.text[start:end]) for start, end, _, _ in spoken.spans]
        self._edges = np.concatenate(([0], np.cumsum(self._weights))) * syllable_seconds
        self._pace = syllable_seconds
        self._size = max(1, round(rate * _FRAME_SECONDS))
        self._rest: Pcm = np.zeros(0, np.float32)
        self._loudest = 0.0
        self._frames = self._voiced = self._sound_end = 0
        self._next = 0
        self._last_start = 0.0

    def push(self, pcm: Pcm) -> tuple[Word, ...]:
        """More sound, shape (n,), trimmed; returns the words that begin in it."""
        pcm = np.concatenate([self._rest, pcm])
        count = len(pcm) // self._size
        self._rest = pcm[count * self._size :]
        levels = np.sqrt(np.mean(pcm[: count * self._size].reshape(count, self._size) ** 2, axis=1))
        words: list[Word] = []
        for level in levels:
            self._loudest = max(self._loudest, float(level))
            if level > _SILENT * self._loudest:
                while self._next < len(self._spans) and self._voiced * _FRAME_SECONDS >= self._edges[self._next]:
                    start = self._frames * _FRAME_SECONDS
                    words.append(self._word(start, start + self._weights[self._next] * self._pace))
                self._voiced += 1
                self._sound_end = self._frames + 1
            self._frames += 1
        return tuple(words)

    def finish(self) -> tuple[Word, ...]:
        """The sentence is over: returns the words that have not begun, which share what is left of the sound."""
        end = self._sound_end * _FRAME_SECONDS
        left = self._weights[self._next :]
        if not left or not self._voiced:
            return ()
        edges = self._last_start + (end - self._last_start) * np.cumsum([1, *left]) / (1 + sum(left))
        return tuple(self._word(float(a), float(b)) for a, b in pairwise(edges))

    @property
    def syllable_seconds(self) -> float | None:
        """How long a syllable took, once the sentence is over; None where nothing was said."""
        total = sum(self._weights)
        return self._voiced * _FRAME_SECONDS / total if total and self._voiced else None

    def _word(self, start: float, end: float) -> Word:
        span = self._spans[self._next]
        self._next += 1
        self._last_start = start
        return Word(span[2], span[3], start, max(start, end), "estimated")
