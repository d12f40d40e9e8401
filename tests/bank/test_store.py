"""Recordings on the disk: there when they were said to be, sealed, and whole after any crash."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.audio import Pcm
from agent.bank import wav
from agent.bank.store import About, Bank, BankError, Take
from agent.safety.consent import ConsentError, Office
from tests.safety.test_consent import grant

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
RATE = 48_000
SOUND = (0.1 * np.sin(np.arange(RATE) * 0.05)).astype(np.float32)


def about(**changed: Any) -> About:
    return About(**({"name": "Ada", "language": "en", "consent": "consent_one", "begun": NOW} | changed))


def take(name: str, prompt: str = "p1", **changed: Any) -> Take:
    given: dict[str, Any] = {
        "id": name,
        "prompt": prompt,
        "text": "Good morning.",
        "rate": RATE,
        "seconds": 1.0,
        "made": NOW,
    }
    return Take(**(given | {"verdict": "kept"} | changed))


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    office = Office(tmp_path / "consent")
    office.give(grant())
    return Bank.begin(tmp_path / "bank", office, about())


def again(bank: Bank) -> Bank:
    return Bank(bank.folder, Office(bank.folder.parent / "consent"))


def test_what_was_kept_is_there_after_a_restart_to_the_bit(bank: Bank) -> None:
    bank.keep(take("one"), SOUND)
    bank.keep(take("two", "p2", verbatim=True, style="message"), -SOUND)
    found = again(bank)
    assert [one.id for one in found] == ["one", "two"]
    assert found.seconds == 2
    pcm, rate = found.sound("one")
    assert rate == RATE
    assert np.abs(pcm - SOUND).max() <= 2**-23


def test_the_disk_holds_nothing_that_can_be_listened_to(bank: Bank) -> None:
    bank.keep(take("one"), SOUND)
    bank.keep_room(SOUND * 0.001, RATE, "room_of_today")
    held = [path.read_bytes() for path in bank.folder.rglob("*.sealed")]
    assert len(held) == 2
    assert not any(b"RIFF" in data or b"WAVE" in data for data in held)
    assert list(again(bank).rooms()) == ["room_of_today"]


def test_after_a_revocation_nothing_opens(bank: Bank) -> None:
    bank.keep(take("one"), SOUND)
    office = Office(bank.folder.parent / "consent")
    office.revoke("consent_one", "apple river tiger candle")
    with pytest.raises(ConsentError, match="taken back"):
        again(bank).sound("one")
    with pytest.raises(BankError, match="taken back"):
        Bank.begin(bank.folder.parent / "other", office, about())


def test_takes_cannot_be_swapped_or_changed_unseen(bank: Bank) -> None:
    bank.keep(take("one"), SOUND)
    bank.keep(take("two"), -SOUND)
    shutil.copy(bank.folder / "takes" / "one.sealed", bank.folder / "takes" / "two.sealed")
    with pytest.raises(ConsentError, match="damaged"):
        again(bank).sound("two")
    (bank.folder / "takes" / "one.sealed").unlink()
    with pytest.raises(BankError, match="backup"):
        bank.sound("one")


def test_a_crash_loses_the_take_under_way_at_most(bank: Bank) -> None:
    bank.keep(take("one"), SOUND)
    state = {path: path.read_bytes() for path in bank.folder.rglob("*") if path.is_file()}
    bank.keep(take("two"), SOUND)
    line = (bank.folder / "takes.jsonl").read_bytes()[len(state[bank.folder / "takes.jsonl"]) :]
    for written in (b"", line[:20], line[:-1]):  # the machine stops before, within and at the end of the line
        (bank.folder / "takes.jsonl").write_bytes(state[bank.folder / "takes.jsonl"] + written)
        shutil.copy(bank.folder / "takes" / "one.sealed", bank.folder / "takes" / "two.sealed.new")
        found = again(bank)
        assert [one.id for one in found] == ["one"]
        assert (bank.folder / "unfinished").is_dir()
        found.keep(take("two"), SOUND)
        assert [one.id for one in again(bank)] == ["one", "two"]


def test_a_damaged_line_is_named_and_nothing_is_lost(bank: Bank) -> None:
    bank.keep(take("one"), SOUND)
    path = bank.folder / "takes.jsonl"
    before = path.read_bytes()
    for damage in (b"rubbish\n", b"[1]\n", b'{"kind": "take"}\n'):
        path.write_bytes(before + damage)
        with pytest.raises(BankError, match="line 2 is damaged"):
            again(bank)
        assert path.read_bytes() == before + damage
    (bank.folder / "bank.json").write_text("{}")
    with pytest.raises(BankError, match=r"bank\.json"):
        again(bank)


def test_a_deleted_take_is_gone_for_good(bank: Bank) -> None:
    bank.keep(take("one"), SOUND)
    bank.delete("one")
    assert len(again(bank)) == 0
    assert not list(bank.folder.rglob("one*"))
    with pytest.raises(BankError, match="no take"):
        bank.sound("one")


def test_the_best_take_of_each_prompt(bank: Bank) -> None:
    for name, prompt, verdict in (
        ("a", "p1", "gold"),
        ("b", "p1", "kept"),
        ("c", "p2", "marked"),
        ("d", "p2", "marked"),
    ):
        bank.keep(take(name, prompt, verdict=verdict), SOUND)
    assert {prompt: one.id for prompt, one in bank.best().items()} == {"p1": "a", "p2": "d"}


def test_what_is_there_is_not_written_over(bank: Bank) -> None:
    bank.keep(take("one"), SOUND)
    with pytest.raises(BankError, match="already"):
        bank.keep(take("one"), SOUND)
    with pytest.raises(BankError, match="already"):
        Bank.begin(bank.folder, Office(bank.folder.parent / "consent"), about())
    with pytest.raises(ValueError, match="pattern"):
        take("../one")


def test_wav_of_24_bits_keeps_the_extremes() -> None:
    pcm: Pcm = np.array([-1, -0.5, 0, 2**-23, 0.5, 1, 2], np.float32)
    back, rate = wav.read(wav.write(pcm, 44_100))
    assert rate == 44_100
    assert np.allclose(back, np.clip(pcm, -1, 1 - 2**-23), atol=2**-24)
    for broken in (b"", b"RIFF", wav.write(pcm, 8000)[:20], json.dumps({}).encode()):
        with pytest.raises(ValueError, match="WAV"):
            wav.read(broken)
