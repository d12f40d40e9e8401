"""`visavis consent`: what was agreed, whether its ledger is whole, agreeing by keyboard, and taking it back."""

import json
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Literal, get_args

import typer
from rich.console import Console
from rich.table import Table

from agent.cli.common import UsageError, notes
from agent.paths import data_folder
from agent.safety.consent import Grant, Office, Statement, Subject, Verification
from agent.safety.consent.entries import Modality, Purpose
from agent.safety.consent.statement import TEMPLATE, Locale, compose, draw

_WHAT: dict[str, tuple[Modality, ...]] = {"voice": ("voice",), "face": ("face",), "both": ("voice", "face")}


def office(folder: Path | None) -> Office:
    return Office(folder or data_folder() / "consent")


def listing(folder: Path | None, *, as_json: bool) -> None:
    """The consents there are."""
    kept = office(folder)
    rows = [_row(kept, grant) for grant in kept.ledger.grants.values()]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    if not rows:
        notes.print("There are none yet.")
        return
    table = Table("id", "who", "what", "for", "until", "status")
    for row in rows:
        table.add_row(*(", ".join(value) if isinstance(value, list) else value for value in row.values()))
    Console(highlight=False).print(table)


def _row(kept: Office, grant: Grant) -> dict[str, Any]:
    ended = grant.valid_until is not None and datetime.now(UTC) >= grant.valid_until
    return {
        "id": grant.id,
        "who": grant.subject.name,
        "what": list(grant.modalities),
        "for": list(grant.purposes),
        "until": f"{grant.valid_until:%Y-%m-%d}" if grant.valid_until else "taken back",
        "status": "taken back" if kept.is_revoked(grant.id) else "ended" if ended else "holds",
    }


def give(
    folder: Path | None,
    name: str,
    about: tuple[Literal["voice", "face", "both"], list[str]],
    until: datetime | None,
    locale: Locale,
) -> None:
    """Ask for the code, and write the consent down. `about`: what of the person, and for what."""
    modalities, purposes = _WHAT[about[0]], tuple(dict.fromkeys(_purpose(one) for one in about[1]))
    asked = compose(locale, name, (modalities, purposes), until.date() if until else None, draw(locale))
    notes.print(asked.text)
    if not _typed("Type the code to agree" if locale == "en" else "输入口令表示同意", asked.code):
        raise UsageError("that is not the code: nothing was agreed")
    now = datetime.now(UTC)
    grant = Grant(
        id=f"consent_{now:%Y%m%d_%H%M%S_%f}",
        subject=Subject(kind="self", name=name),
        modalities=modalities,
        purposes=purposes,
        statement=Statement(locale=locale, template=TEMPLATE, code=" ".join(asked.code)),
        verification=Verification(method="typed"),
        made_at=now,
        valid_from=now,
        valid_until=datetime.combine(until, time(), UTC) if until else None,
    )
    office(folder).give(grant)
    print(grant.id)


def _purpose(given: str) -> Purpose:
    known: tuple[Purpose, ...] = get_args(Purpose)
    for purpose in known:
        if purpose == given:
            return purpose
    raise UsageError(f"--for {given}: it is one of {', '.join(known)}")


def _typed(prompt: str, code: tuple[str, ...]) -> bool:
    given = typer.prompt(prompt, err=True)
    for mark in ",，、。.":
        given = given.replace(mark, " ")
    return tuple(given.lower().split()) == code


def verify(folder: Path | None) -> bool:
    """Whether the ledger is whole; says where it is not."""
    kept = office(folder)
    if kept.ledger.damage is not None:
        print(f"{kept.ledger.path}: {kept.ledger.damage}")
        return False
    print(f"{kept.ledger.path}: whole: {len(kept.ledger.grants)} given, {len(kept.ledger.revocations)} taken back")
    return True


def revoke(folder: Path | None, consent: str) -> None:
    """Ask for a code, and take the consent back."""
    kept = office(folder)
    grant = kept.ledger.grants.get(consent)
    if grant is None:
        raise UsageError(f"there is no consent {consent}; visavis consent list shows what there is")
    code = draw("zh" if grant.statement.locale.startswith("zh") else "en")
    notes.print("What is kept here under it is lost for good. Copies that were exported are out of reach.")
    notes.print(f"The code: {', '.join(code)}")
    if not _typed("Type the code to take it back", code):
        raise UsageError("that is not the code: nothing was taken back")
    kept.revoke(consent, " ".join(code))
    print(kept.proof(consent))
