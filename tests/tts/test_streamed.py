"""Sound that streams: however it is cut up, the same comes out; whatever it is, nothing breaks."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.audio import Pcm
from agent.tts import Word
from agent.tts.normalise import normalise
from agent.tts.shape import LEAD_SECONDS, TAIL_SECONDS
from agent.tts.streamed import Trimmer, WordClock
from agent.tts.wav_stream import SoundFormatError, SoundReader

RATE = 1000
SPOKEN = normalise("One two three, four.", "en")
CUTS = st.lists(st.integers(0, 900), max_size=8).map(sorted)
LEVELS = st.lists(st.sampled_from([0.0, 0.001, 0.1, 0.5]), min_size=1, max_size=12)


def sound(levels: list[float]) -> Pcm:
    """80 ms of each level."""
    return np.repeat(np.array(levels, np.float32), 80)


def trimmed(pcm: Pcm, cuts: list[int]) -> Pcm:
    trimmer = Trimmer(RATE)
    return np.concatenate([*(trimmer.push(piece) for piece in np.split(pcm, cuts)), trimmer.flush()])


def words(pcm: Pcm, cuts: list[int]) -> tuple[Word, ...]:
    clock = WordClock(SPOKEN, RATE, 0.1)
    placed = [word for piece in np.split(pcm, cuts) for word in clock.push(piece)]
    return (*placed, *clock.finish())


@given(LEVELS, CUTS)
def test_cuts_change_nothing(levels: list[float], cuts: list[int]) -> None:
    pcm = sound(levels)
    assert np.array_equal(trimmed(pcm, cuts), trimmed(pcm, []))
    assert words(pcm, cuts) == words(pcm, [])


@given(LEVELS)
def test_a_sentence_has_a_short_lead_and_one_tail(levels: list[float]) -> None:
    loud = np.flatnonzero(sound(levels) > 0.003)
    out = trimmed(sound(levels), [])
    if not len(loud):
        assert len(out) == 0
        return
    lead = min(int(loud[0]), round(LEAD_SECONDS * RATE))
    assert len(out) == lead + loud[-1] + 1 - loud[0] + round(TAIL_SECONDS * RATE)


@given(LEVELS, st.floats(0.01, 2))
def test_all_words_are_placed_once_in_order_within_the_sound(levels: list[float], pace: float) -> None:
    pcm = sound(levels)
    clock = WordClock(SPOKEN, RATE, pace)
    placed = [*clock.push(pcm), *clock.finish()]
    if not np.any(pcm):
        assert placed == []
        return
    assert [(word.start_char, word.end_char) for word in placed] == [span[2:] for span in SPOKEN.spans]
    starts = [word.start for word in placed]
    assert starts == sorted(starts)
    assert 0 <= starts[0] <= starts[-1] <= len(pcm) / RATE
    assert all(word.start <= word.end for word in placed)


@given(
    st.sampled_from([b"", b"RIFF", b"RIFF....WAVE", b"RIFF....WAVEfmt \x10\x00\x00\x00"]), st.binary(max_size=60), CUTS
)
def test_any_bytes_are_sound_or_refused(head: bytes, tail: bytes, cuts: list[int]) -> None:
    data = head + tail

    def read(cuts: list[int]) -> Pcm | str:
        reader = SoundReader(24_000)
        try:
            edges = [0, *(min(cut, len(data)) for cut in cuts), len(data)]
            return np.concatenate([reader.push(data[a:b]) for a, b in pairwise(edges)])
        except SoundFormatError as error:
            return str(error)

    whole = read([])
    pieces = read(sorted(cut % 60 for cut in cuts))
    if isinstance(whole, str):
        assert whole == pieces
        return
    assert np.isfinite(whole).all()
    assert np.abs(whole).max(initial=0) <= 1
    assert isinstance(pieces, np.ndarray)
    assert np.array_equal(whole, pieces)
