"""Takes and rooms: synthetic speech in noises of known level, so that each verdict is checked against the truth."""

import numpy as np
import pytest

from agent.audio import Pcm
from agent.bank.quality import MOST_RETRIES, Room, Take, Verdict, judge_room, judge_take, trimmed
from scripts.bench.synthesis import speak

RATE = 48_000
QUIET = 0.15


@pytest.fixture(scope="module")
def words() -> Pcm:
    """A sentence without quiet around it; its loud parts' RMS is 1."""
    pcm = speak("The old clock in the tower was built by two brothers.", "en-us", RATE)
    loud = np.abs(pcm) > 0.02 * np.abs(pcm).max()
    first, last = np.flatnonzero(loud)[[0, -1]]
    sound = pcm[first : last + 1]
    frames = sound[: len(sound) // 480 * 480].reshape(-1, 480)
    power = np.mean(frames.astype(np.float64) ** 2, axis=1)
    return (sound / np.sqrt(power[power > power.max() / 1000].mean())).astype(np.float32)


def said(words: Pcm, level: float = -22, noise: float = -70, before: float = QUIET, after: float = QUIET) -> Pcm:
    """The words at `level` dB in white noise at `noise` dB, with seconds of quiet around them."""
    rng = np.random.default_rng(1)
    sound = np.pad(words * 10 ** (level / 20), (round(before * RATE), round(after * RATE)))
    return (np.clip(sound, -1, 1) + rng.normal(0, 10 ** (noise / 20), len(sound))).astype(np.float32).clip(-1, 1)


def judged(pcm: Pcm, **more: object) -> Take:
    return judge_take(pcm, RATE, **more)  # type: ignore[arg-type]


def test_a_clean_take_is_kept_and_measured_rightly(words: Pcm) -> None:
    take = judged(said(words, level=-20, noise=-60))
    assert take.verdict in (Verdict.KEPT, Verdict.GOLD)
    assert take.advice == ()
    assert take.level == pytest.approx(-20, abs=1.5)
    assert take.snr == pytest.approx(40, abs=2.5)
    assert take.start == pytest.approx(QUIET, abs=0.04)
    assert take.seconds == pytest.approx(len(words) / RATE, abs=0.08)


def test_gold_needs_level_peak_and_quiet(words: Pcm) -> None:
    peak = 20 * np.log10(np.abs(words).max())
    soft = np.sign(words) * np.minimum(np.abs(words), 10 ** (15 / 20))  # a studio's limiter
    level = -4.5 - min(15.0, float(peak))
    assert judged(said(soft, level=level, noise=-75)).verdict is Verdict.GOLD
    assert judged(said(soft, level=level, noise=level - 30)).verdict is Verdict.KEPT
    assert judged(said(soft, level=-26, noise=-75)).verdict is Verdict.KEPT


@pytest.mark.parametrize(
    ("how", "advice"),
    [
        ({"level": -36}, "too_quiet"),
        ({"noise": -38}, "noisy"),
        ({"before": 0.0}, "cut_at_start"),
        ({"after": 0.0}, "cut_at_end"),
    ],
)
def test_what_is_amiss_is_named_and_asked_for_again_twice_at_most(
    words: Pcm, how: dict[str, float], advice: str
) -> None:
    pcm = said(words, **how)
    for attempt in range(1, MOST_RETRIES + 1):
        take = judged(pcm, attempt=attempt)
        assert take.advice == (advice,)
        assert take.verdict is Verdict.RETRY
    assert judged(pcm, attempt=MOST_RETRIES + 1).verdict is Verdict.MARKED


def test_clipping_is_heard_whatever_the_level(words: Pcm) -> None:
    hot = np.clip(said(words) * 30, -1, 1)
    assert judged(hot).advice == ("clipped",)
    assert judged(said(words, level=-13)).advice in (("too_loud",), ("clipped",))


def test_a_noisy_room_is_kept_and_marked_for_cleaning(words: Pcm) -> None:
    take = judged(said(words, noise=-44.5))
    assert 20 <= take.snr < 25
    assert take.verdict is Verdict.MARKED
    assert take.advice == ()


def test_nothing_and_a_click_are_not_speech(words: Pcm) -> None:
    click = said(words, level=-200)
    click[10_000:10_100] = 0.5
    for pcm in (said(words, level=-200), click, np.zeros(RATE, np.float32), np.zeros(0, np.float32)):
        take = judged(pcm)
        assert take.advice == ("nothing_heard",)
        assert take.verdict is Verdict.RETRY


def test_samples_that_were_lost_are_heard(words: Pcm) -> None:
    pcm = said(words)
    pcm[RATE // 2 : RATE // 2 + round(0.03 * RATE)] = 0
    assert judged(pcm).advice == ("dropout",)


def test_the_way_somebody_speaks_is_never_a_reason_to_refuse(words: Pcm) -> None:
    rng = np.random.default_rng(2)
    halting = np.concatenate([piece for part in np.array_split(words, 5) for piece in (part, np.zeros(RATE // 2))])
    breathy = words + rng.normal(0, 0.3, len(words)) * (np.abs(words) > 0.1)
    trembling = words * (1 + 0.5 * np.sin(2 * np.pi * 6 * np.arange(len(words)) / RATE))
    monotone = np.interp(np.arange(0, len(words), 0.6), np.arange(len(words)), words)
    for way in (halting, breathy, trembling, monotone):
        take = judged(said(way.astype(np.float32), level=-25, noise=-65), pace=1.0, expected=len(words) / RATE)
        assert take.verdict in (Verdict.KEPT, Verdict.GOLD)
        assert set(take.advice) <= {"slower_than_usual", "faster_than_usual"}


def test_pace_only_advises(words: Pcm) -> None:
    usual = len(words) / RATE
    assert judged(said(words), pace=1.0, expected=usual).advice == ()
    assert judged(said(words), pace=0.7, expected=usual).advice == ("slower_than_usual",)
    assert judged(said(words), pace=1.5, expected=usual).advice == ("faster_than_usual",)
    assert judged(said(words), pace=1.5, expected=usual).verdict is not Verdict.RETRY


def test_trimming_leaves_some_of_the_rooms_own_quiet_and_cuts_no_word(words: Pcm) -> None:
    for before, after in ((1.0, 2.0), (0.12, 0.15), (0.05, 0.04)):
        pcm = said(words, before=before, after=after)
        cut = trimmed(pcm, RATE, judged(pcm))
        edges = len(cut) / RATE - len(words) / RATE
        assert 0.15 <= edges <= 0.45
        assert np.sum(cut**2) == pytest.approx(np.sum(pcm**2), rel=0.01)


def test_sound_that_is_no_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="no numbers"):
        judged(np.array([0.1, np.nan], np.float32))


# ---------------------------------------------------------------------- the room
def room(level: float, seconds: float = 5.0) -> Pcm:
    return np.random.default_rng(3).normal(0, 10 ** (level / 20), round(seconds * RATE)).astype(np.float32)


@pytest.mark.parametrize(("level", "light"), [(-66, "green"), (-55, "amber"), (-44, "red")])
def test_a_room_has_a_level_and_a_light(level: float, light: str) -> None:
    found = judge_room(room(level), RATE)
    assert found.level == pytest.approx(level, abs=1)
    assert (found.light, found.hum) == (light, None)


def test_a_door_in_a_quiet_room_does_not_count() -> None:
    tone = room(-66)
    tone[RATE : RATE + RATE // 2] *= 100
    assert judge_room(tone, RATE).light == "green"


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_the_mains_are_heard(mains: float) -> None:
    at = np.arange(5 * RATE) / RATE
    hum = sum(10 ** (-58 / 20) / k * np.sin(2 * np.pi * mains * k * at + k) for k in (1, 2, 3))
    assert judge_room((room(-66) + hum).astype(np.float32), RATE).hum == mains
    assert judge_room(np.zeros(0, np.float32), RATE) == Room(-100.0, None)
