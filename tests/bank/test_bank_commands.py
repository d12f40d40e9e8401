"""`visavis bank`, as it is typed."""

from pathlib import Path

from typer.testing import CliRunner, Result

from agent.bank.store import Bank
from agent.cli.app import app
from agent.safety.consent import Office
from tests.bank.test_store import SOUND, about, take
from tests.safety.test_consent import NOW, grant


def run(*arguments: object, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["bank", *map(str, arguments)], input=typed)


def test_out_of_one_folder_and_into_another(tmp_path: Path) -> None:
    office = Office(tmp_path / "consent")
    office.give(grant(valid_from=NOW.replace(year=2000), valid_until=None))
    bank = Bank.begin(tmp_path / "ada", office, about())
    bank.keep(take("one"), SOUND)
    consents = ("--consents", tmp_path / "consent")
    file = tmp_path / "ada.voicebank"
    out = run("export", tmp_path / "ada", file, *consents, "--password", typed="sesame\nsesame\n")
    assert out.exit_code == 0, out.output
    assert "1 takes" in out.stdout
    assert run("verify", file).exit_code == 2
    assert "give its password" in run("verify", file).output
    found = run("verify", file, "--password", typed="sesame\n")
    assert "whole: Ada, 1 takes" in found.stdout
    taken = run(
        "import", file, tmp_path / "copy", "--consent", "consent_one", *consents, "--password", typed="sesame\n"
    )
    assert taken.exit_code == 0, taken.output
    assert len(Bank(tmp_path / "copy", office)) == 1
    assert "there is no voice bank" in run("export", tmp_path / "nowhere", file, *consents).output
