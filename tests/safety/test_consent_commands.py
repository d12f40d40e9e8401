"""`visavis consent`, as it is typed."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent.cli.app import app
from agent.safety.consent.ledger import NAME
from agent.safety.consent.office import read_tombstone


def run(folder: Path, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["consent", *arguments, "--folder", str(folder)], input=typed)


def agree(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("agent.cli.consent.draw", lambda locale: ("apple", "river", "tiger", "candle"))
    given = run(
        folder,
        "give",
        "--name",
        "Ada",
        "--for",
        "speak",
        "--until",
        "2099-01-01",
        typed="apple, river, tiger, candle\n",
    )
    assert given.exit_code == 0, given.output
    return given.stdout.split()[-1]


def test_giving_listing_and_taking_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    consent = agree(tmp_path, monkeypatch)
    (row,) = json.loads(run(tmp_path, "list", "--json").stdout)
    assert (row["id"], row["who"], row["status"], row["until"]) == (consent, "Ada", "holds", "2099-01-01")
    assert "Ada" in run(tmp_path, "list").stdout
    refused = run(tmp_path, "revoke", consent, typed="apple\n")
    assert refused.exit_code == 2
    assert "nothing was taken back" in refused.output
    taken = run(tmp_path, "revoke", consent, typed="apple river tiger candle\n")
    assert taken.exit_code == 0
    found = re.search(r"\{.*\}", taken.stdout)
    assert found is not None
    assert read_tombstone(found.group()) is not None
    assert json.loads(run(tmp_path, "list", "--json").stdout)[0]["status"] == "taken back"


def test_what_is_wrong_is_said_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(tmp_path, "give", "--name", "Ada", "--for", "fun").exit_code == 2
    assert "nothing was agreed" in run(tmp_path, "give", "--name", "Ada", "--for", "speak", typed="no\n").output
    assert run(tmp_path, "revoke", "nothing").exit_code == 2
    assert run(tmp_path, "verify").exit_code == 0
    agree(tmp_path, monkeypatch)
    (tmp_path / NAME).write_text((tmp_path / NAME).read_text().replace("Ada", "Eve"))
    damaged = run(tmp_path, "verify")
    assert damaged.exit_code == 1
    assert "line 2: it was changed after it was written" in damaged.output
