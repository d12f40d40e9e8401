"""What every command shares: settings from the command line, and errors that are one line and an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from agent.config import Settings
from agent.config_sources import load

BAD_INPUT = 2
"""Exit code when what the user gave cannot be used."""
FAILED = 1
"""Exit code when an engine or the machine could not do it."""
INTERRUPTED = 130

notes = Console(stderr=True, highlight=False)
"""Progress and remarks; standard output is for results alone."""

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file. [dim]default: ./visavis.toml where there is one[/]"),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any setting, such as engines.tts=espeak. May be repeated."),
]


def fail(message: object, code: int) -> NoReturn:
    """Say why in one line on stderr and end."""
    line = " ".join(str(message).split()) or "it failed without saying why"
    print(f"visavis: {line}", file=sys.stderr)
    raise typer.Exit(code)


def warn(message: object) -> None:
    """Say in one line on stderr what is amiss, and go on."""
    print(f"visavis: {' '.join(str(message).split())}", file=sys.stderr)


class UsageError(ValueError):
    """What the user asked for cannot be done; the message is one line."""


EXIT_CODES = {
    "agent.audio.files.AudioFileError": BAD_INPUT,
    "agent.config.ConfigError": BAD_INPUT,
    "agent.cli.common.UsageError": BAD_INPUT,
    "agent.offline.CannotHearError": BAD_INPUT,
    "agent.offline.NothingToSayError": BAD_INPUT,
    "agent.offline.UnknownVoiceError": BAD_INPUT,
    "agent.knowledge.KnowledgeError": BAD_INPUT,
    "agent.realtime.recording_codec.RecordingError": BAD_INPUT,
    "agent.bank.store.BankError": BAD_INPUT,
    "agent.safety.consent.entries.ConsentError": BAD_INPUT,
    "avatar.behaviour.repertoire.RepertoireError": BAD_INPUT,
    "avatar.lipsync.network.LipModelError": FAILED,
    "avatar.lipsync.pronounce.PronunciationError": FAILED,
    "agent.server.serve.ServeError": FAILED,
    "agent.asr.RecognizerError": FAILED,
    "agent.llm.DialogueError": FAILED,
    "agent.tts.SynthesizerError": FAILED,
}
"""Failures whose message is for the user. By name, because importing them all would make every command slow, and
`visavis doctor` must run where some of those modules cannot."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Known failures become one line and an exit code; Ctrl-C becomes 130. A bug keeps its traceback."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in {"agent", "avatar"}:
            raise
        fail(f"the package {error.name} is not installed; `visavis doctor` says what is missing", FAILED)
    except Exception as error:
        cause: BaseException = error
        while isinstance(cause, BaseExceptionGroup):  # engines start together; the first that could not is told
            cause = cause.exceptions[0]
        for kind in type(cause).__mro__:
            code = EXIT_CODES.get(f"{kind.__module__}.{kind.__qualname__}")
            if code is not None:
                fail(cause, code)
        raise


def settings_from(config: Path | None, assignments: list[str] | None, **options: Any) -> Settings:
    """The settings with the command line's on top. `options` are named like keys, with __ for the dot:
    server__port=9000. None means not given. Raises ConfigError or UsageError."""
    overrides: dict[str, Any] = {}
    for assignment in assignments or []:
        key, equals, value = assignment.partition("=")
        if not equals or not all(key.split(".")):
            raise UsageError(f"--set {assignment}: write it as KEY=VALUE, such as engines.tts=espeak")
        _put(overrides, key.strip().split("."), value.strip())
    for name, value in options.items():
        if value is not None:
            _put(overrides, name.split("__"), value)
    return load(config, overrides)


def _put(table: dict[str, Any], keys: list[str], value: object) -> None:
    for key in keys[:-1]:
        inner = table.setdefault(key, {})
        if not isinstance(inner, dict):
            raise UsageError(f"--set {'.'.join(keys)}: {key} was already given a value")
        table = inner
    table[keys[-1]] = value
