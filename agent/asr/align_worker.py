"""Forced alignment and phone recognition by pocketsphinx, as they run inside a worker process."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pocketsphinx

from agent.asr import RATE
from agent.asr.arpabet import IPA, guess
from agent.asr.pocketsphinx_worker import decoder, normalised
from agent.audio import Pcm

FRAME_SECONDS = 0.01
BEAM = 1e-48
"""Wide enough for a voice the model does not know, narrow enough that a text that was not said finds no path."""
ENOUGH = 0.7
"""The share of the words that must have found their place; the last ones may be lost in a cut end."""

SILENCE = "SIL"
PHONE_SEARCH = "phones"

TimedPhone = tuple[str, float, float]
"""ARPABET phone, start and end in seconds."""
TimedWord = tuple[int, float, float]
"""Place of the word in the words that were given, start and end in seconds."""


class Aligner:
    def __init__(self) -> None:
        self._engine = decoder(lm=None, beam=BEAM, wbeam=BEAM, pbeam=BEAM)
        for phone in IPA:  # each phone as a word of its own, so that phones are placed as words are
            self._engine.add_word(_as_word(phone), phone, False)
        self._has_phone_search = False

    def align(self, pcm: Pcm, words: Sequence[str]) -> tuple[list[TimedWord], list[TimedPhone]] | None:
        """Where each of `words` (lower case, as spoken) and its phones are in `pcm` (shape (n,), 16 kHz).

        None where the words do not fit the sound. The words are placed first, and then the phones of the
        pronunciations that fitted; where these lose their way, a word's phones share its time evenly.
        """
        known = [(index, word) for index, word in enumerate(words) if self._knows(word)]
        data = normalised(pcm)
        placed = self._place(data, [word for _, word in known])
        if not known or len(placed) < ENOUGH * len(known):
            return None
        spelled = [self._engine.lookup_word(name).split() for name, _, _ in placed]
        heard = self._place(data, [_as_word(phone) for phones in spelled for phone in phones])
        timed_words = [(index, start, end) for (index, _), (_, start, end) in zip(known, placed, strict=False)]
        phones: list[TimedPhone] = []
        for (_, start, end), names in zip(placed, spelled, strict=True):
            mine, heard = heard[: len(names)], heard[len(names) :]
            edges = _edges(start, end, [phone[1] for phone in mine], len(names))
            phones += zip(names, edges[:-1], edges[1:], strict=True)
        return timed_words, _with_silences(phones, len(pcm) / RATE)

    def allphone(self, pcm: Pcm) -> list[TimedPhone]:
        """The phones of `pcm` (shape (n,), 16 kHz), whatever was said."""
        if not self._has_phone_search:
            model = Path(pocketsphinx.get_model_path()) / "en-us" / "en-us-phone.lm.bin"
            self._engine.add_allphone_file(PHONE_SEARCH, str(model))
            self._has_phone_search = True
        self._engine.activate_search(PHONE_SEARCH)
        return self._decode(normalised(pcm))

    def _place(self, data: bytes, words: Sequence[str]) -> list[tuple[str, float, float]]:
        """Each word as the dictionary's variant that fitted, with its time. Fewer than given where the path ended."""
        if not words:
            return []
        self._engine.set_align_text(" ".join(words))
        return [segment for segment in self._decode(data) if segment[0][0] not in "<["]

    def _decode(self, data: bytes) -> list[tuple[str, float, float]]:
        self._engine.start_utt()
        self._engine.process_raw(data, full_utt=True)
        self._engine.end_utt()
        if self._engine.hyp() is None:
            return []
        return [
            (segment.word, segment.start_frame * FRAME_SECONDS, (segment.end_frame + 1) * FRAME_SECONDS)
            for segment in self._engine.seg()
        ]

    def _knows(self, word: str) -> bool:
        """Whether the dictionary has `word`; one that it has not is added as its spelling suggests."""
        if self._engine.lookup_word(word) is None:
            phones = guess(word)
            if not phones:
                return False
            self._engine.add_word(word, phones, False)  # False: there is no search yet that would have to learn it
        return True


def _as_word(phone: str) -> str:
    return "_" + phone.lower()


def _edges(start: float, end: float, starts: Sequence[float], count: int) -> list[float]:
    """The count + 1 edges of a word's phones: as found, if all were found in order inside the word, else even."""
    found = [start, *starts[1:], end]
    if len(starts) == count and all(a < b for a, b in pairwise(found)):
        return found
    even: list[float] = np.linspace(start, end, count + 1).tolist()
    return even


def _with_silences(phones: Sequence[TimedPhone], seconds: float) -> list[TimedPhone]:
    """`phones` with what is between and around them named silence."""
    filled: list[TimedPhone] = []
    at = 0.0
    for name, start, end in [*phones, (SILENCE, seconds, seconds)]:
        if start - at > FRAME_SECONDS / 2:
            filled.append((SILENCE, at, start))
        if end > start:
            filled.append((name, start, end))
        at = end
    return filled
