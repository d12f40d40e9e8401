"""Consents: what they allow, that nobody changes them unseen, and that what is taken back stays so."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.safety.consent import ConsentError, Grant, Office, Scope, Statement, Subject, Use, Verification
from agent.safety.consent.entries import Purpose
from agent.safety.consent.ledger import HEAD, NAME, TORN, Ledger
from agent.safety.consent.office import TOMBSTONES, read_tombstone
from agent.safety.consent.signing import NAME as KEY

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SPEAK = Use("speak", "voice", by_subject=True)


def grant(name: str = "consent_one", **changed: Any) -> Grant:
    given_: dict[str, Any] = {
        "id": name,
        "subject": Subject(kind="self", name="Ada Field"),
        "modalities": ("voice",),
        "purposes": ("speak", "export"),
        "statement": Statement(locale="en", template="1", code="apple river tiger candle"),
        "verification": Verification(method="typed"),
        "made_at": NOW,
        "valid_from": NOW,
        "valid_until": NOW + timedelta(days=365),
    }
    return Grant(**(given_ | changed))


def office(folder: Path, *grants: Grant) -> Office:
    kept = Office(folder)
    for one in grants:
        kept.give(one)
    return kept


def why(kept: Office, use: Use, consent: str = "consent_one", now: datetime = NOW) -> str:
    return kept.may(consent, use, now).why


# ---------------------------------------------------------------------- what is allowed
def test_what_was_agreed_is_allowed_and_nothing_else(tmp_path: Path) -> None:
    kept = office(tmp_path, grant())
    assert why(kept, Use("export", "voice")) == "allowed"
    assert why(kept, Use("export", "face")) == "modality"
    assert why(kept, Use("train", "voice")) == "purpose"
    assert why(kept, Use("export", "voice", commercial=True)) == "commercial"
    assert why(kept, Use("export", "voice", posthumous=True)) == "posthumous"
    assert why(kept, Use("export", "voice"), now=NOW - timedelta(seconds=1)) == "not_yet"
    assert why(kept, Use("export", "voice"), now=NOW + timedelta(days=365)) == "expired"
    assert why(kept, Use("export", "voice"), "consent_two") == "unknown"


def test_training_for_others_needs_more_than_training_for_oneself(tmp_path: Path) -> None:
    kept = office(
        tmp_path, grant(purposes=("train",)), grant("consent_two", purposes=("train",), scope=Scope(training=True))
    )
    others = Use("train", "voice", for_others=True)
    assert why(kept, Use("train", "voice")) == "allowed"
    assert (why(kept, others), why(kept, others, "consent_two")) == ("training", "allowed")


def test_the_dead_are_asked_in_their_lifetime_or_not_at_all(tmp_path: Path) -> None:
    def late(name: str, **subject: Any) -> Grant:
        person = Subject(kind="deceased", name="Ada Field", **subject)
        return grant(name, subject=person, scope=Scope(posthumous=True))

    kept = office(tmp_path, late("nothing"), late("directive", directive=True), late("authority", authority="a" * 64))
    use = Use("export", "voice")
    assert [why(kept, use, name) for name in ("nothing", "directive", "authority")] == [
        "deceased",
        "allowed",
        "allowed",
    ]


def test_a_minor_has_a_guardian_and_a_witness_a_name() -> None:
    with pytest.raises(ValueError, match="guardian"):
        Subject(kind="minor", name="Tom")
    with pytest.raises(ValueError, match="witness"):
        Verification(method="witness")
    with pytest.raises(ValueError, match="valid_until"):
        grant(valid_until=NOW)


# ---------------------------------------------------------------------- who speaks as themself
def test_neither_time_nor_damage_silences_the_person_themself(tmp_path: Path) -> None:
    kept = office(tmp_path, grant())
    sealed = kept.vault.seal("consent_one", "hello.wav", b"sound")
    assert why(kept, SPEAK, now=NOW + timedelta(days=4000)) == "allowed"
    (tmp_path / NAME).write_bytes(b"rubbish\n")
    kept = Office(tmp_path)
    assert kept.ledger.damage is not None
    assert why(kept, SPEAK) == "allowed"
    assert kept.vault.open("consent_one", "hello.wav", sealed) == b"sound"
    assert why(kept, Use("export", "voice")) == "damaged"
    assert why(kept, Use("speak", "voice")) == "damaged", "somebody else"
    assert why(kept, Use("train", "voice")) == "damaged"


def test_their_own_revocation_does_whatever_happens_to_the_ledger(tmp_path: Path) -> None:
    kept = office(tmp_path, grant())
    sealed = kept.vault.seal("consent_one", "hello.wav", b"sound")
    kept.revoke("consent_one", "apple river tiger candle", NOW)
    for _ in range(2):
        assert why(kept, SPEAK) == "revoked"
        with pytest.raises(ConsentError, match="taken back"):
            kept.vault.open("consent_one", "hello.wav", sealed)
        (tmp_path / NAME).write_bytes(b"rubbish\n")
        kept = Office(tmp_path)
    with pytest.raises(ConsentError):
        kept.revoke("consent_one", "again")


def test_the_proof_of_a_revocation_is_signed(tmp_path: Path) -> None:
    kept = office(tmp_path, grant())
    kept.revoke("consent_one", "apple river tiger candle", NOW)
    proof = kept.proof("consent_one")
    found = read_tombstone(proof)
    assert found is not None
    assert (found.consent, found.made_at) == ("consent_one", NOW)
    assert read_tombstone(proof.replace("apple", "paper")) is None
    with pytest.raises(ConsentError, match="already"):
        kept.give(grant())


def test_nobody_else_buries_a_consent(tmp_path: Path) -> None:
    theirs = office(tmp_path / "theirs", grant())
    theirs.revoke("consent_one", "apple river tiger candle", NOW)
    ours = office(tmp_path / "ours", grant(), grant("consent_two"))
    shutil.copytree(tmp_path / "theirs" / TOMBSTONES, tmp_path / "ours" / TOMBSTONES)
    again = Office(tmp_path / "ours")
    assert why(again, SPEAK) == "allowed"
    assert again.vault.holds("consent_one")
    ours.revoke("consent_two", "apple river tiger candle", NOW)
    tombstones = tmp_path / "ours" / TOMBSTONES
    shutil.copy(tombstones / "consent_two.json", tombstones / "consent_one.json")
    assert why(Office(tmp_path / "ours"), SPEAK) == "allowed"
    assert why(Office(tmp_path / "ours"), SPEAK, "consent_two") == "revoked"


def test_a_revocation_that_was_interrupted_is_finished_at_the_next_start(tmp_path: Path) -> None:
    kept = office(tmp_path / "a", grant())
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    kept.revoke("consent_one", "apple river tiger candle", NOW)
    shutil.copytree(tmp_path / "a" / TOMBSTONES, tmp_path / "b" / TOMBSTONES)  # and there the machine stopped
    again = Office(tmp_path / "b")
    assert why(again, SPEAK) == "revoked"
    assert not again.vault.holds("consent_one")
    assert "consent_one" in Ledger(tmp_path / "b").revocations


# ---------------------------------------------------------------------- the ledger
def test_it_reads_what_it_wrote(tmp_path: Path) -> None:
    kept = office(tmp_path, grant(), grant("consent_two"))
    kept.revoke("consent_two", "apple river tiger candle", NOW)
    again = Office(tmp_path)
    assert again.ledger.damage is None
    assert again.ledger.grants == {"consent_one": grant(), "consent_two": grant("consent_two")}
    assert set(again.ledger.revocations) == {"consent_two"}
    for contradiction in (grant(), grant("consent_two")):
        with pytest.raises(ConsentError, match="already"):
            again.give(contradiction)


def _three(tmp_path: Path) -> list[bytes]:
    office(tmp_path, grant(), grant("consent_two"), grant("consent_three"))
    return (tmp_path / NAME).read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], *lines[2:]], 2),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2),
        (lambda lines: [*lines, lines[3]], 5),
        (lambda lines: lines[:3], 0),
        (lambda lines: [lines[0], lines[1].replace(b"Ada", b"Eve"), *lines[2:]], 2),
        (lambda lines: [*lines[:3], lines[3].replace(b'"export"', b'"train"')], 4),
        (lambda lines: [*lines[:2], b"\n", *lines[2:]], 3),
        (lambda lines: [], 0),
    ],
)
def test_lines_that_are_changed_left_out_or_moved_are_found(tmp_path: Path, change: Any, line: int) -> None:
    lines = _three(tmp_path)
    (tmp_path / NAME).write_bytes(b"".join(change(lines)))
    kept = Office(tmp_path)
    assert kept.ledger.damage is not None
    assert kept.ledger.damage.line == line
    with pytest.raises(ConsentError, match="damaged"):
        kept.give(grant("consent_four"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_byte_of_it_can_be_changed_unseen(tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "ledger"
    if not folder.exists():
        _three(folder)
        (tmp_path / "whole").write_bytes((folder / NAME).read_bytes())
    whole = (tmp_path / "whole").read_bytes()
    at = data.draw(st.integers(0, len(whole) - 2))
    new = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[at]))
    (folder / NAME).write_bytes(whole[:at] + bytes([new]) + whole[at + 1 :])
    assert Ledger(folder).damage is not None


def test_a_ledger_signed_by_another_key_is_not_this_one(tmp_path: Path) -> None:
    _three(tmp_path / "ours")
    _three(tmp_path / "theirs")
    shutil.copy(tmp_path / "theirs" / NAME, tmp_path / "ours" / NAME)
    assert Ledger(tmp_path / "ours").damage is not None
    shutil.copy(tmp_path / "theirs" / HEAD, tmp_path / "ours" / HEAD)
    with pytest.raises(ConsentError, match="signing key"):
        Office(tmp_path / "ours").give(grant("consent_four"))


def test_a_line_that_was_being_written_when_the_machine_stopped_is_put_aside(tmp_path: Path) -> None:
    lines = _three(tmp_path)
    (tmp_path / NAME).write_bytes(b"".join(lines) + b'{"n":4,"prev')
    kept = Office(tmp_path)
    assert kept.ledger.damage is None
    assert (tmp_path / TORN).read_bytes() == b'{"n":4,"prev'
    kept.give(grant("consent_four"))
    assert len(Office(tmp_path).ledger.grants) == 4


def test_a_machine_that_stops_between_line_and_head_has_lost_nothing(tmp_path: Path) -> None:
    kept = office(tmp_path, grant())
    before = (tmp_path / HEAD).read_bytes()
    kept.give(grant("consent_two"))
    (tmp_path / HEAD).write_bytes(before)
    again = Office(tmp_path)
    assert again.ledger.damage is None
    assert len(again.ledger.grants) == 2


def test_without_its_key_it_is_read_but_not_added_to(tmp_path: Path) -> None:
    _three(tmp_path)
    (tmp_path / KEY).unlink()
    kept = Office(tmp_path)
    assert why(kept, Use("export", "voice")) == "allowed"
    with pytest.raises(ConsentError, match="backup"):
        kept.give(grant("consent_four"))


@pytest.mark.skipif(os.name == "nt", reason="permissions are not bits there")
def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    office(tmp_path / "kept", grant())
    files = [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]
    assert len(files) >= 4
    assert {path.stat().st_mode & 0o077 for path in files} == {0}
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0


# ---------------------------------------------------------------------- the vault
def test_what_is_sealed_opens_under_its_own_consent_and_name_only(tmp_path: Path) -> None:
    kept = office(tmp_path, grant(), grant("consent_two"))
    sealed = kept.vault.seal("consent_one", "hello.wav", b"sound")
    assert b"sound" not in sealed
    assert kept.vault.open("consent_one", "hello.wav", sealed) == b"sound"
    for consent, name, data in (
        ("consent_two", "hello.wav", sealed),
        ("consent_one", "other.wav", sealed),
        ("consent_one", "hello.wav", sealed[:-1]),
        ("consent_one", "hello.wav", b"sound"),
    ):
        with pytest.raises(ConsentError):
            kept.vault.open(consent, name, data)


@pytest.mark.parametrize("purpose", ["speak", "export", "train", "talking_avatar"])
def test_a_name_is_never_shown_by_accident(purpose: Purpose) -> None:
    assert "Ada" not in repr(grant(purposes=(purpose,)))
    assert "Ada" in json.dumps(grant().model_dump(mode="json"))
