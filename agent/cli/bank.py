"""`visavis bank`: what a file holds, and banked voices in and out of files."""

from pathlib import Path

import typer

from agent.bank import container
from agent.bank.store import Bank
from agent.cli.common import notes
from agent.cli.consent import office


def verify(file: Path, *, password: bool) -> None:
    """Say what the file holds."""
    found = container.verify(file, _asked(password))
    minutes = sum(take.seconds for take in found.takes) / 60
    print(f"{file}: whole: {found.about.name}, {len(found.takes)} takes, {minutes:.1f} minutes of speech")


def export_to(folder: Path, file: Path, consents: Path | None, *, password: bool) -> None:
    """Write the bank in `folder` to `file`."""
    kept = office(consents)
    with notes.status(f"Writing {file} …"):
        count = container.export(Bank(folder, kept), kept, file, _asked(password, again=True))
    print(f"{file}: {count} takes")


def import_from(file: Path, folder: Path, consent: tuple[str, Path | None], *, password: bool) -> None:
    """Read `file` into `folder`. `consent`: its id, and where consents are kept."""
    with notes.status(f"Reading {file} …"):
        bank = container.import_(file, folder, office(consent[1]), consent[0], _asked(password))
    print(f"{folder}: {len(bank)} takes")


def _asked(wanted: bool, *, again: bool = False) -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=again, err=True)) if wanted else ""
