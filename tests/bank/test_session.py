"""Sittings before the microphone: nothing is asked twice, nobody is refused for long, and rest is offered."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.audio import Pcm
from agent.bank.prompts import own
from agent.bank.session import GOALS, Recording
from agent.bank.store import Bank, BankError
from agent.safety.consent import Office
from tests.bank.test_store import about
from tests.safety.test_consent import grant

RATE = 16_000
MORNING = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def voice(seconds: float, level: float = -22.0, edge: float = 0.15) -> Pcm:
    """A hum in syllables, with the quiet of a room around it."""
    rng = np.random.default_rng(5)
    at = np.arange(round(seconds * RATE)) / RATE
    hum = sum(np.sin(2 * np.pi * 140 * k * at) / k for k in range(1, 8)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * at))
    hum *= 10 ** (level / 20) / np.sqrt(np.mean(hum**2))
    pcm = np.pad(hum, round(edge * RATE)) + rng.normal(0, 3e-4, round((seconds + 2 * edge) * RATE))
    return np.asarray(pcm[: round((seconds + 2 * edge) * RATE)], np.float32)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    office = Office(tmp_path / "consent")
    office.give(grant())
    return Recording(Bank.begin(tmp_path / "bank", office, about()))


def read(
    recording: Recording, count: int, start: datetime, pace: float = 1.0, fading: tuple[float, float] = (-22.0, -22.0)
) -> None:
    for k, level in enumerate(np.linspace(*fading, count)):
        (prompt,) = recording.upcoming(1)
        pcm = voice(prompt.seconds * pace, level)
        assert recording.submit(prompt.id, pcm, RATE, start + timedelta(seconds=8 * k)).kept


def again(recording: Recording) -> Recording:
    folder = recording.bank.folder
    return Recording(Bank(folder, Office(folder.parent / "consent")))


def test_another_day_goes_on_where_the_last_one_stopped(recording: Recording) -> None:
    read(recording, 6, MORNING)
    planned = [one.id for one in recording.upcoming(5)]
    tomorrow = again(recording)
    assert [one.id for one in tomorrow.upcoming(5)] == planned
    read(tomorrow, 5, MORNING + timedelta(days=1))
    assert len({take.prompt for take in again(tomorrow).bank}) == 11
    assert list(again(tomorrow).days()) == ["2026-11-22", "2026-11-23"]


def test_their_own_messages_come_first_and_are_kept_as_they_are(tmp_path: Path) -> None:
    office = Office(tmp_path / "consent")
    office.give(grant())
    mine = own("en", "mine_1", "See you later, alligator.")
    recording = Recording(Bank.begin(tmp_path / "bank", office, about()), [mine])
    assert recording.upcoming(2)[0] == mine
    kept = recording.submit("mine_1", voice(1.5), RATE, MORNING)
    assert (kept.take.verbatim, kept.take.style, kept.take.text) == (True, "message", mine.text)
    assert mine not in recording.upcoming(5)


def test_a_bad_take_is_asked_for_twice_and_then_kept(recording: Recording) -> None:
    (prompt,) = recording.upcoming(1)
    for attempt in (1, 2):
        outcome = recording.submit(prompt.id, voice(2.0, edge=0.0), RATE, MORNING)
        assert (outcome.kept, outcome.take.attempt) == (False, attempt)
        assert outcome.take.advice[0] == "cut_at_start"
    outcome = recording.submit(prompt.id, voice(2.0, edge=0.0), RATE, MORNING)
    assert (outcome.kept, outcome.take.verdict, outcome.take.attempt) == (True, "marked", 3)
    better = recording.submit(prompt.id, voice(2.0), RATE, MORNING + timedelta(minutes=1))
    assert better.take.attempt == 1
    assert recording.bank.best()[prompt.id].id == better.take.id
    with pytest.raises(BankError, match="no prompt"):
        recording.submit("nothing", voice(2.0), RATE)


def test_progress_is_told_in_minutes_of_the_speakers_own_pace(recording: Recording) -> None:
    start = recording.progress()
    assert start.spoken == start.coverage == 0
    assert len(start.left) == len(GOALS)
    assert 0.5 < start.left[0] < 3
    read(recording, 10, MORNING, pace=2.0)
    now = recording.progress()
    assert now.left[0] == 0
    assert now.left[1] > start.left[1] * 0.9, "a slow speaker needs longer"
    assert now.spoken == pytest.approx(sum(take.seconds for take in recording.bank) / 60, abs=0.06)
    assert now.coverage > 0.4


def test_who_becomes_slower_or_fainter_is_offered_a_rest(recording: Recording) -> None:
    read(recording, 16, MORNING)
    later = MORNING + timedelta(minutes=3)
    assert not recording.tired(later)
    read(recording, 8, later, pace=1.4)
    assert recording.tired(later + timedelta(minutes=2))
    assert not recording.tired(later + timedelta(minutes=30)), "they have rested"


def test_a_fading_voice_and_a_long_sitting_are_reasons_too(recording: Recording) -> None:
    read(recording, 24, MORNING, fading=(-19, -27))
    assert recording.tired(MORNING + timedelta(minutes=4))
    evening = MORNING + timedelta(hours=9)
    for k in range(6):
        read(recording, 1, evening + timedelta(minutes=5 * k))
    assert recording.tired(evening + timedelta(minutes=26))


def test_nobody_is_tired_before_they_began(recording: Recording) -> None:
    assert not recording.tired(MORNING)
    assert recording.days() == {}
