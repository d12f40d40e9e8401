"""When a turn is judged to be over: by its words, its melody and its speaker's pace."""

import itertools
import timeit

import numpy as np
import pytest

from agent.conversation.clauses import Completion, completion
from agent.conversation.endpoint import EAGERNESS, EndpointSettings, Pace, wait_ms
from agent.conversation.prosody import Prosody, Tune

SETTINGS = EndpointSettings()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("where is the cafe", Completion.DONE),
        ("what are your opening hours", Completion.DONE),
        ("how much does a ticket cost", Completion.DONE),
        ("can i take photographs in the museum", Completion.DONE),
        ("if it rains in the afternoon where can we wait", Completion.DONE),
        ("who are you", Completion.DONE),
        ("how many floors are there", Completion.DONE),
        ("how many legs does a spider have", Completion.DONE),
        ("how many people live in this town", Completion.DONE),
        ("how much does it cost to get in", Completion.DONE),
        ("when can i come in for free", Completion.DONE),
        ("do you record what i say", Completion.DONE),
        ("can you recommend a good book", Completion.DONE),
        ("is my bag allowed", Completion.DONE),
        ("who pays for all this", Completion.UNSURE),
        ("does the shop close after", Completion.OPEN),
        ("have you been here before", Completion.DONE),
        ("what is the colour of that", Completion.UNSURE),
        ("which of those houses", Completion.OPEN),
        ("which of those houses belonged to him", Completion.UNSURE),
        ("we wandered along the river", Completion.CLAUSE),
        ("the soup smells wonderful", Completion.CLAUSE),
        ("the red", Completion.OPEN),
        ("what time does the last show", Completion.UNSURE),
        ("how much does the big book", Completion.UNSURE),
        ("who painted this", Completion.OPEN),
        ("can you book", Completion.OPEN),
        ("is the guided", Completion.OPEN),
        ("are there", Completion.OPEN),
        ("which floor is the library on", Completion.DONE),
        ("my daughter is seven so does she need a ticket", Completion.DONE),
        ("my daughter is seven so does she", Completion.OPEN),
        ("my daughter", Completion.OPEN),
        ("my name is tom", Completion.CLAUSE),
        ("what is the price of", Completion.UNSURE),
        ("tell me about the dragon", Completion.DONE),
        ("yes please", Completion.DONE),
        ("stop", Completion.DONE),
        ("i came by train today", Completion.CLAUSE),
        ("hello", Completion.CLAUSE),
        ("i came by train today and", Completion.OPEN),
        ("tell me about", Completion.OPEN),
        ("tell me", Completion.OPEN),
        ("what", Completion.OPEN),
        ("where is", Completion.OPEN),
        ("where is the", Completion.OPEN),
        ("what are your opening", Completion.OPEN),
        ("how much does a ticket", Completion.OPEN),
        ("can i", Completion.OPEN),
        ("can i take", Completion.OPEN),
        ("my daughter likes", Completion.OPEN),
        ("i want to", Completion.OPEN),
        ("if it rains in the afternoon", Completion.OPEN),
        ("where is the um", Completion.OPEN),
        ("please", Completion.OPEN),
        ("give me two", Completion.OPEN),
        ("the red one", Completion.UNSURE),
        ("", Completion.UNSURE),
        ("洗手间在哪里", Completion.DONE),
        ("你们几点关门", Completion.DONE),
        ("这里可以拍照吗？", Completion.DONE),
        ("请告诉我龙的故事", Completion.DONE),
        ("好的", Completion.DONE),
        ("你好", Completion.CLAUSE),
        ("我们今天坐火车来的因为", Completion.OPEN),
        ("请告诉我", Completion.OPEN),
        ("我想", Completion.OPEN),
        ("洗手间在", Completion.OPEN),
        ("我们今天坐火车来", Completion.CLAUSE),
    ],
)
def test_words_tell_whether_they_are_finished(text: str, expected: Completion) -> None:
    assert completion(text) is expected


def wait(words: Completion, tune: Tune = Tune.UNKNOWN, settings: EndpointSettings = SETTINGS) -> int:
    return wait_ms(words, tune, Pace(), settings)


def test_a_finished_question_is_answered_at_once_and_an_open_one_outlasts_a_long_pause() -> None:
    for tune in (Tune.FALL, Tune.RISE, Tune.UNKNOWN):
        assert wait(Completion.DONE, tune) <= 250
    for tune in Tune:
        assert wait(Completion.OPEN, tune) > 1200


def test_the_more_unfinished_the_longer() -> None:
    for tune in Tune:
        waits = [wait(words, tune) for words in (Completion.DONE, Completion.CLAUSE, Completion.OPEN)]
        assert waits == sorted(waits)
    for words in Completion:
        assert wait(words, Tune.FALL) <= wait(words, Tune.LEVEL)


def test_eagerness_biases_every_wait_and_bounds_the_longest() -> None:
    limits = {"high": 2000, "medium": 4000, "low": 8000}
    for words, tune in itertools.product(Completion, Tune):
        waits = [wait_ms(words, tune, Pace(), EAGERNESS[name]) for name in limits]
        assert waits == sorted(waits)
    for name, limit in limits.items():
        patient = EndpointSettings(longest_ms=EAGERNESS[name].longest_ms, bias=EAGERNESS[name].bias, patience=4)
        assert wait(Completion.OPEN, Tune.LEVEL, patient) <= limit


def test_patience_multiplies() -> None:
    twice = EndpointSettings(patience=2)
    assert wait(Completion.CLAUSE, settings=twice) == 2 * wait(Completion.CLAUSE)


def test_a_speaker_who_pauses_long_is_given_longer() -> None:
    slow, brisk = Pace(), Pace()
    for _ in range(12):
        slow.paused(1100)
        brisk.paused(128)
    waits = [wait_ms(Completion.CLAUSE, Tune.FALL, pace, SETTINGS) for pace in (brisk, Pace(), slow)]
    assert waits[0] == waits[1] < waits[2]
    assert waits[2] > 1100
    questions = [wait_ms(Completion.DONE, Tune.FALL, pace, SETTINGS) for pace in (brisk, Pace(), slow)]
    assert questions[0] == questions[1] < questions[2] < 400, "a finished question is hardly slowed"


def test_one_long_pause_is_not_yet_a_habit() -> None:
    pace = Pace()
    pace.paused(1100)
    assert pace.factor < 1.2


def test_who_always_ends_level_is_soon_taken_at_his_words_until_he_goes_on_once() -> None:
    pace = Pace()
    waits = []
    for _ in range(4):
        waits.append(wait_ms(Completion.DONE, Tune.LEVEL, pace, SETTINGS))
        pace.ended(Completion.DONE, Tune.LEVEL)
    assert waits == sorted(waits, reverse=True)
    assert waits[0] > 2 * waits[-1]
    pace.paused(400)
    assert wait_ms(Completion.DONE, Tune.LEVEL, pace, SETTINGS) == waits[0]


# ---------------------------------------------------------------------- melody
def buzz(pitch_from: float, pitch_to: float, *, fade: float = 0.0) -> np.ndarray:
    """A second of a steady voice at 150 Hz, then 0.3 s that glide, with `fade` of the level lost."""
    pitch = np.concatenate([np.full(16_000, 150.0), np.linspace(pitch_from, pitch_to, 4800)])
    level = np.concatenate([np.full(16_000, 0.2), np.linspace(0.2, 0.2 * (1 - fade), 4800)])
    return ((np.cumsum(pitch / 16_000) % 1.0 - 0.5) * level).astype(np.float32)


def heard(sound: np.ndarray) -> Tune:
    prosody, tune = Prosody(), Tune.UNKNOWN
    for at in range(0, len(sound) // 512 * 512, 512):
        prosody.hear(sound[at : at + 512], 0.9)
    for _ in range(5):
        _, tune = prosody.hear(np.zeros(512, np.float32), 0.02)
    return tune


def test_falls_rises_and_level_ends_are_told_apart() -> None:
    assert heard(buzz(150, 95, fade=0.8)) is Tune.FALL
    assert heard(buzz(150, 220)) is Tune.RISE
    assert heard(buzz(150, 150)) is Tune.LEVEL
    assert heard(np.random.default_rng(1).normal(0, 0.05, 16_000).astype(np.float32)) is Tune.UNKNOWN


def test_the_level_does_not_matter() -> None:
    for gain in (0.01, 0.3, 3.0):
        assert heard(buzz(150, 95, fade=0.8) * np.float32(gain)) is Tune.FALL


def test_a_voice_has_a_pitch_and_noise_has_none() -> None:
    rng = np.random.default_rng(2)
    for sound, share in ((buzz(150, 120), 0.95), (rng.normal(0, 0.1, 16_000).astype(np.float32), 0.1)):
        prosody = Prosody()
        tonal = [prosody.hear(sound[at : at + 512], 0.9)[0] for at in range(0, len(sound) // 512 * 512, 512)]
        assert (np.mean(tonal) >= share) if share > 0.5 else (np.mean(tonal) <= share)


def test_pitch_is_right_from_80_to_350_hz() -> None:
    for pitch in (80, 110, 160, 220, 350):
        prosody = Prosody()
        sound = ((np.arange(8000) * pitch / 16_000 % 1.0) - 0.5).astype(np.float32) * 0.3
        frames = [prosody.feed(sound[at : at + 512]) for at in range(0, 7680, 512)]
        semitones = [frame.pitch for frame in frames[2:]]
        assert semitones == pytest.approx([12 * np.log2(pitch / 55)] * len(semitones), abs=0.3)


def test_one_window_costs_little() -> None:
    """Not a budget: that is the benchmark's. This fails only when something grew by an order of magnitude."""
    prosody, window = Prosody(), np.random.default_rng(3).normal(0, 0.1, 512).astype(np.float32)
    assert min(timeit.repeat(lambda: prosody.hear(window, 0.9), number=20, repeat=5)) / 20 < 0.003
