"""Word times: from an engine's marks, and estimated where it has none."""

import numpy as np
import pytest

from agent.tts import Phone
from agent.tts.normalise import normalise
from agent.tts.shape import LEAD_SECONDS, TAIL_SECONDS, shape
from agent.tts.words import estimate_words, syllables, words_from_marks

RATE = 16_000


def tone(seconds: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * 200 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("cat", 1),
        ("museum", 2),
        ("little", 2),
        ("machine", 2),
        ("twelve euros fifty", 5),
        ("你好", 2),
        ("你好 world", 3),
        ("", 1),
    ],
)
def test_syllables(text: str, count: int) -> None:
    assert syllables(text) == count


def test_marks_give_times_and_a_word_without_one_shares() -> None:
    spoken = normalise("out of the sun", "en")
    phones = [
        Phone("a", 0.0, 0.3),
        Phone("b", 0.3, 0.7),
        Phone("", 0.7, 0.9),
        Phone("c", 0.9, 1.2),
        Phone("", 1.2, 1.3),
    ]
    words = words_from_marks(spoken, [(0, 0.0), (4, 0.3), (11, 0.9)], phones)
    assert [(word.start_char, word.end_char) for word in words] == [(0, 3), (4, 6), (7, 10), (11, 14)]
    assert [(word.start, word.end) for word in words] == [
        (0.0, 0.3),
        (0.3, pytest.approx(0.5)),
        (pytest.approx(0.5), pytest.approx(0.7)),  # ends with its sound, not where the next word begins
        (0.9, 1.2),
    ]
    assert [word.source for word in words] == ["engine", "engine", "estimated", "engine"]


def test_shared_time_is_cut_where_a_phone_begins() -> None:
    spoken = normalise("没有", "zh")
    phones = [Phone("m", 0.0, 0.1), Phone("ei", 0.1, 0.28), Phone("j", 0.28, 0.35), Phone("iou", 0.35, 0.5)]
    words = words_from_marks(spoken, [(0, 0.0)], phones)
    assert [(word.start, word.end) for word in words] == [(0.0, 0.28), (0.28, 0.5)]


def test_a_price_is_one_word_over_all_its_marks() -> None:
    spoken = normalise("€12.50 each", "en")
    phones = [Phone("a", 0.0, 1.0), Phone("b", 1.0, 1.4)]
    words = words_from_marks(spoken, [(0, 0.0), (7, 0.3), (13, 0.6), (19, 1.0)], phones)
    assert [(word.start_char, word.end_char, word.start, word.end) for word in words] == [
        (0, 6, 0.0, 1.0),
        (7, 11, 1.0, 1.4),
    ]


def test_no_marks_or_no_phones_give_no_words() -> None:
    assert words_from_marks(normalise("hello", "en"), [], []) == ()
    assert words_from_marks(normalise("", "en"), [(0, 0.0)], [Phone("a", 0, 1)]) == ()


def test_estimated_words_skip_the_silence() -> None:
    spoken = normalise("one two, three four", "en")
    pcm = np.concatenate((silence(0.2), tone(0.6), silence(0.5), tone(0.6), silence(0.2)))
    words = estimate_words(spoken, pcm, RATE)
    assert [word.source for word in words] == ["estimated"] * 4
    assert words[0].start == pytest.approx(0.2, abs=0.011)
    assert words[1].end == pytest.approx(0.8, abs=0.011)
    assert words[2].start == pytest.approx(1.3, abs=0.011)
    assert words[3].end == pytest.approx(1.9, abs=0.011)


def test_estimating_in_silence_gives_no_words() -> None:
    assert estimate_words(normalise("hello", "en"), silence(0.5), RATE) == ()
    assert estimate_words(normalise("hello", "en"), silence(0.0), RATE) == ()


def test_shape_trims_levels_and_moves_the_times() -> None:
    pcm = np.concatenate((silence(0.3), tone(0.5) * 4, silence(0.6)))
    spoken = normalise("hello", "en")
    phones = [Phone("", 0.0, 0.3), Phone("a", 0.3, 0.8), Phone("", 0.8, 1.4)]
    chunk = shape(pcm, RATE, phones, words_from_marks(spoken, [(0, 0.3)], phones))
    assert len(chunk.pcm) / RATE == pytest.approx(LEAD_SECONDS + 0.5 + TAIL_SECONDS, abs=0.002)
    assert np.abs(chunk.pcm).max() < 0.9
    assert [phone.symbol for phone in chunk.phones] == ["", "a", ""]
    assert chunk.phones[1].start == pytest.approx(LEAD_SECONDS, abs=0.002)
    assert chunk.phones[-1].end == len(chunk.pcm) / RATE
    assert chunk.words[0].start == pytest.approx(LEAD_SECONDS, abs=0.002)


def test_shaping_silence_gives_nothing() -> None:
    assert len(shape(silence(1.0), RATE, [], []).pcm) == 0
