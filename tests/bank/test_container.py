"""`.voicebank` files: nothing is lost on the way, and nothing hostile comes in by them."""

import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from shutil import which

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.bank import container
from agent.bank.container import export, import_, verify
from agent.bank.store import Bank, BankError
from agent.safety.consent import Office
from tests.bank.test_store import NOW, RATE, SOUND, about, take
from tests.safety.test_consent import grant


@pytest.fixture(autouse=True)
def quick_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scrypt as it is takes a third of a second a time."""
    real = container.Scrypt
    monkeypatch.setattr(container, "Scrypt", lambda **given_: real(**(given_ | {"n": 2**4})))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path / "consent")
    office.give(grant())
    return office


@pytest.fixture
def file(tmp_path: Path, office: Office) -> Path:
    """An export of two prompts, three takes and a room."""
    bank = Bank.begin(tmp_path / "bank", office, about())
    bank.keep(take("one", text="Good | morning."), SOUND)
    bank.keep(take("two", verdict="gold"), -SOUND)
    bank.keep(take("three", "p2", text="今天天气很好。", rate=44_100), SOUND / 2)
    bank.keep_room(SOUND / 1000, RATE, "monday")
    path = tmp_path / "ada.voicebank"
    assert export(bank, office, path, now=NOW) == 3
    return path


def test_what_goes_out_comes_in(tmp_path: Path, office: Office, file: Path) -> None:
    office.give(grant("consent_two"))
    found = import_(file, tmp_path / "copy", office, "consent_two")
    before = Bank(tmp_path / "bank", office)
    assert list(found) == list(before)
    assert found.about == before.about.model_copy(update={"consent": "consent_two"})
    for one in before:
        assert np.array_equal(found.sound(one.id)[0], before.sound(one.id)[0])
        assert found.sound(one.id)[1] == before.sound(one.id)[1]
    assert found.rooms()["monday"][1] == RATE
    office.revoke("consent_one", "apple river tiger candle")
    assert found.sound("one")[1] == RATE, "it is sealed by its own consent"


def test_other_programs_can_read_it(tmp_path: Path, file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path / "out")
    rows = [line.split("|") for line in (tmp_path / "out" / "metadata.csv").read_text("utf-8").splitlines()]
    assert rows == [["two", "Good morning.", "Good morning."], ["three", "今天天气很好。", "今天天气很好。"]]
    assert {path.name for path in (tmp_path / "out" / "wavs").iterdir()} == {"one.wav", "two.wav", "three.wav"}
    if which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--quiet", "checksums.sha256"], cwd=tmp_path / "out", check=True)
    held = b"".join(path.read_bytes() for path in (tmp_path / "out" / "consent").iterdir())
    assert b"consent_one" in held
    key = (tmp_path / "consent" / "keys" / "consent_one.key").read_bytes()
    signing = (tmp_path / "consent" / "signing-key.pem").read_bytes()
    everything = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert key not in everything
    assert signing not in everything


def test_with_a_password_nothing_of_it_can_be_read_without(tmp_path: Path, office: Office, file: Path) -> None:
    locked = tmp_path / "locked.voicebank"
    export(Bank(tmp_path / "bank", office), office, locked, "open sesame", NOW)
    assert b"Good" not in locked.read_bytes()
    assert verify(locked, "open sesame").takes == verify(file).takes
    for wrong, said in (("", "give its password"), ("open Sesame", "password is wrong")):
        with pytest.raises(BankError, match=said):
            verify(locked, wrong)
    locked.write_bytes(locked.read_bytes()[:-5])
    with pytest.raises(BankError, match="damaged"):
        verify(locked, "open sesame")


def test_without_consent_nothing_goes_out(tmp_path: Path, office: Office) -> None:
    office.give(grant("consent_two", purposes=("speak",)))
    bank = Bank.begin(tmp_path / "bank", office, about(consent="consent_two"))
    with pytest.raises(BankError, match="other purposes"):
        export(bank, office, tmp_path / "out.voicebank", now=NOW)
    assert not list(tmp_path.glob("*.voicebank*"))
    with pytest.raises(BankError, match="no such consent"):
        import_exported(tmp_path, office)


def import_exported(tmp_path: Path, office: Office) -> None:
    office.give(grant("consent_three"))
    bank = Bank.begin(tmp_path / "third", office, about(consent="consent_three"))
    export(bank, office, tmp_path / "three.voicebank", now=NOW)
    import_(tmp_path / "three.voicebank", tmp_path / "copy", office, "consent_four")


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None], *, sums: bool = True) -> None:
    """The same file with its contents changed, and the checksums right again."""
    with zipfile.ZipFile(file) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    change(held)
    if sums:
        held.pop("checksums.sha256", None)
        lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in held.items()]
        held["checksums.sha256"] = "".join(lines).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    file.write_bytes(out.getvalue())


def manifest(held: dict[str, bytes], **changed: object) -> None:
    held["manifest.json"] = json.dumps(json.loads(held["manifest.json"]) | changed).encode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda held: held.update({"../evil": b"x"}), "does not belong"),
        (lambda held: held.update({"wavs/../../evil.wav": b"x"}), "does not belong"),
        (lambda held: held.update({"/etc/passwd": b"x"}), "does not belong"),
        (lambda held: held.update({"setup.py": b"x"}), "does not belong"),
        (lambda held: held.pop("wavs/two.wav"), "two.wav is missing"),
        (lambda held: held.update({"wavs/two.wav": b"RIFFrubbish"}), "two.wav: it is no WAV"),
        (lambda held: held.pop("manifest.json"), "manifest.json"),
        (lambda held: held.update({"manifest.json": b"[" * 100_000}), "damaged"),
        (lambda held: held.update({"manifest.json": b"[]"}), "damaged"),
        (lambda held: manifest(held, version=2), "another version"),
        (lambda held: manifest(held, bank={}), "damaged"),
        (lambda held: manifest(held, takes=[{"id": "../x"}]), "damaged"),
        (lambda held: manifest(held, takes=json.loads(held["manifest.json"])["takes"] * 2), "twice"),
    ],
)
def test_hostile_and_broken_files_are_refused_by_name(
    tmp_path: Path, office: Office, file: Path, change: Callable[[dict[str, bytes]], None], said: str
) -> None:
    rewritten(file, change)
    with pytest.raises(BankError, match=said):
        import_(file, tmp_path / "copy", office, "consent_one")
    assert not (tmp_path / "copy").exists()
    assert not list(tmp_path.rglob("*evil*"))


def test_a_file_that_swells_is_not_unpacked(file: Path) -> None:
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("wavs/bomb.wav", bytes(50_000_000))
    with pytest.raises(BankError, match="too large"):
        verify(file)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_byte_of_the_sound_or_text_is_changed_unseen(file: Path, data: st.DataObject) -> None:
    whole = file.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    file.write_bytes(whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :])
    try:
        found = verify(file)
    except BankError:
        found = None
    finally:
        file.write_bytes(whole)
    assert found is None or found == verify(file)


def test_what_is_there_is_not_written_over(tmp_path: Path, office: Office, file: Path) -> None:
    with pytest.raises(BankError, match="not empty"):
        import_(file, tmp_path / "bank", office, "consent_one")
    assert len(Bank(tmp_path / "bank", office)) == 3
    for path in (tmp_path / "nothing.voicebank", tmp_path):
        with pytest.raises(BankError):
            verify(path)
