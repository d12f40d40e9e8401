"""Where the words and phones of recorded English are: by alignment to a known text, or by free phone recognition.

For whole files, not for live speech: a worker process is started for each call and costs about half the sound's length.
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np

from agent.asr import RATE, RecognizerError
from agent.asr.arpabet import ipa
from agent.audio import Pcm
from agent.tts import Phone, Word
from agent.tts.normalise import normalise
from agent.tts.text.rules import is_han
from agent.workers import Worker, WorkerError

MAX_SECONDS = 600
"""The longest recording: the aligner's memory grows with it."""

_SPOKEN_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")


@dataclass(frozen=True, slots=True)
class Alignment:
    """Words of the shown text (source "aligned"), and phones in order without gaps, from the sound's first sample."""

    words: tuple[Word, ...]
    phones: tuple[Phone, ...]


async def align_words(pcm: Pcm, text: str) -> Alignment:
    """Where `text` (English, as shown: numbers and the like are normalised) is in `pcm` (shape (n,), at RATE).

    Words outside the dictionary are placed by their spelling. Where the text does not fit the sound, or is Chinese, the
    phones are recognised without it, and there are no words. Raises RecognizerError, also for sound that is too long.
    """
    spoken = normalise(text, "en")
    said, shown = _spoken_words(spoken.text, [span[:2] for span in spoken.spans])
    if any(is_han(character) for character in text):  # a name in Latin letters in it would be found anywhere
        said = []
    async with _aligner(pcm) as worker:
        found = await worker.request("align", _float(pcm), said) if said else None
        if found is None:
            return Alignment((), _phones(await worker.request("allphone", _float(pcm)), pcm))
    timed, phones = found
    times: dict[int, tuple[float, float]] = {}
    for index, start, end in timed:  # one shown word may be several spoken ones
        times[shown[index]] = (times.get(shown[index], (start, end))[0], min(end, len(pcm) / RATE))
    words = tuple(Word(*spoken.spans[span][2:], *times[span], "aligned") for span in sorted(times))
    return Alignment(words, _phones(phones, pcm))


async def allphone(pcm: Pcm) -> tuple[Phone, ...]:
    """The phones of `pcm` (shape (n,), at RATE) with no text known: right in about half of the cases, in the sound's
    rhythm in nearly all. Raises RecognizerError."""
    async with _aligner(pcm) as worker:
        return _phones(await worker.request("allphone", _float(pcm)), pcm)


@asynccontextmanager
async def _aligner(pcm: Pcm) -> AsyncIterator[Worker]:
    if not 0 < len(pcm) <= MAX_SECONDS * RATE:
        raise RecognizerError(f"speech to align is at most {MAX_SECONDS} s long and not empty")
    worker = Worker("agent.asr.align_worker:Aligner", name="aligner")
    try:
        await worker.start()
        yield worker
    except WorkerError as error:
        raise RecognizerError(str(error)) from error
    finally:
        await worker.stop()


def _spoken_words(text: str, spans: Sequence[Sequence[int]]) -> tuple[list[str], list[int]]:
    """The words to align, each with the number of the span it belongs to."""
    found = [
        (word, number)
        for number, (start, end) in enumerate(spans)
        for word in _SPOKEN_WORD.findall(text[start:end].lower().replace("’", "'"))
    ]
    return [word for word, _ in found], [number for _, number in found]


def _phones(timed: Sequence[tuple[str, float, float]], pcm: Pcm) -> tuple[Phone, ...]:
    """As IPA, within the sound, neighbouring silences as one."""
    end_of_sound = len(pcm) / RATE
    phones: list[Phone] = []
    for name, start, rough_end in timed:
        if start >= end_of_sound:
            break
        end = round(min(rough_end, end_of_sound), 3)
        symbol = ipa(name, end - start)
        if phones and not symbol and not phones[-1].symbol:
            phones[-1] = Phone("", phones[-1].start, end)
        else:
            phones.append(Phone(symbol, round(start, 3), end))
    return tuple(phones)


def _float(pcm: Pcm) -> Pcm:
    return np.asarray(pcm, np.float32)
