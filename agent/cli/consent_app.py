"""The commands of `visavis consent`, and their options. What they do lives in consent.py."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from agent.cli.common import FAILED, plain_errors

app = typer.Typer(no_args_is_help=True, help="Whose voice and face may be used here, for what, and until when.")
FolderOption = Annotated[
    Path | None, typer.Option("--folder", metavar="FOLDER", help="Where consents are kept. [dim]default: your own[/]")
]


@app.command("list", epilog="Example: visavis consent list")
def list_(
    folder: FolderOption = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
) -> None:
    """The consents there are."""
    with plain_errors():
        from agent.cli import consent  # noqa: PLC0415 -- loads cryptography

        consent.listing(folder, as_json=as_json)


@app.command(epilog='Example: visavis consent give --name "Ada Field" --for speak --for train')
def give(
    *,
    name: Annotated[str, typer.Option(help="Who you are.")],
    purposes: Annotated[list[str], typer.Option("--for", metavar="WHAT", help="speak, talking_avatar, export, train.")],
    what: Annotated[Literal["voice", "face", "both"], typer.Option(help="What of you.")] = "both",
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day on which it does not hold.")
    ] = None,
    language: Annotated[Literal["en", "zh"], typer.Option(help="Of the words.")] = "en",
    folder: FolderOption = None,
) -> None:
    """Agree to a use of your own voice or face, by typing a code."""
    with plain_errors():
        from agent.cli import consent  # noqa: PLC0415 -- loads cryptography

        consent.give(folder, name, (what, purposes), until, language)


@app.command(epilog="Example: visavis consent verify")
def verify(folder: FolderOption = None) -> None:
    """Whether the ledger is whole. Exit code 1 if it is not."""
    with plain_errors():
        from agent.cli import consent  # noqa: PLC0415 -- loads cryptography

        if not consent.verify(folder):
            raise typer.Exit(FAILED)


@app.command(epilog="Example: visavis consent revoke consent_20261122_101500_000000 > proof.json")
def revoke(
    consent_id: Annotated[str, typer.Argument(metavar="CONSENT", help="`visavis consent list` shows them.")],
    folder: FolderOption = None,
) -> None:
    """Take a consent back for good: what it covers here can never be opened again. Prints the signed proof."""
    with plain_errors():
        from agent.cli import consent  # noqa: PLC0415 -- loads cryptography

        consent.revoke(folder, consent_id)
