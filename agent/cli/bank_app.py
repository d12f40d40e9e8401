"""The commands of `visavis bank`, and their options. What they do lives in bank.py."""

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.common import plain_errors

app = typer.Typer(no_args_is_help=True, help="Banked voices: moved, kept and checked.")
ConsentsOption = Annotated[
    Path | None, typer.Option("--consents", metavar="FOLDER", help="Where consents are kept. [dim]default: your own[/]")
]
LockOption = Annotated[bool, typer.Option("--password", help="Encrypted: the password is asked for.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE.voicebank")]


@app.command(epilog="Example: visavis bank verify ada.voicebank")
def verify(file: FileArgument, *, password: LockOption = False) -> None:
    """Whether a file is whole: every checksum and every sound."""
    with plain_errors():
        from agent.cli import bank  # noqa: PLC0415 -- loads cryptography

        bank.verify(file, password=password)


@app.command(epilog="Example: visavis bank export ./ada ada.voicebank --password")
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the voice is banked.")],
    file: FileArgument,
    consents: ConsentsOption = None,
    *,
    password: LockOption = False,
) -> None:
    """All of a banked voice in one file that other programs read, too."""
    with plain_errors():
        from agent.cli import bank  # noqa: PLC0415 -- loads cryptography

        bank.export_to(folder, file, consents, password=password)


@app.command(
    "import", epilog="Example: visavis bank import ada.voicebank ./ada --consent consent_20261122_101500_000000"
)
def import_(
    file: FileArgument,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder for it.")],
    consent: Annotated[str, typer.Option(help="Under which of this machine's consents.")],
    consents: ConsentsOption = None,
    *,
    password: LockOption = False,
) -> None:
    """Take a file's voice in: all of it, or none."""
    with plain_errors():
        from agent.cli import bank  # noqa: PLC0415 -- loads cryptography

        bank.import_from(file, folder, (consent, consents), password=password)
