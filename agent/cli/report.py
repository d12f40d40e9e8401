"""`visavis doctor`: the report as tables or as JSON."""

import json

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent.config import Settings
from agent.doctor import EngineCheck, Report, Status, examine

STAGES = {"vad": "voice detection", "asr": "hearing", "llm": "answering", "tts": "speaking"}
COLOURS: dict[Status, str] = {"ready": "green", "missing": "red", "note": "yellow"}


def run(settings: Settings, *, as_json: bool) -> int:
    """Print the report on standard output; the exit code."""
    report = examine(settings)
    if as_json:
        print(json.dumps(report.to_json(), indent=2))
    else:
        _print(report)
    return 0 if report.can_run else 1


def _print(report: Report) -> None:
    console = Console(highlight=False)
    engines = Table("stage", "engine", "status", "needs", "cost", title="Engines", title_justify="left")
    for engine in report.engines:
        engines.add_row(
            STAGES[engine.stage],
            f"[bold]{engine.name}[/]" if engine.chosen else engine.name,
            _status(engine),
            engine.needs + (f" ({engine.megabytes:.3g} MB)" if engine.megabytes else ""),
            engine.cost,
        )
    console.print(engines)
    checks = Table("what", "status", "detail", title="The rest", title_justify="left")
    for check in report.checks:
        checks.add_row(check.name, _coloured(check.status, check.status), escape(check.detail))
    console.print(checks)
    commands = [(item.name, item.get) for item in report.engines if item.get]
    commands += [(item.name, item.get) for item in report.checks if item.get]
    for name, command in commands:
        console.print(f"{name}: [bold]{escape(command)}[/]", soft_wrap=True)
    if report.can_run:
        console.print("[green]Visavis can run: visavis serve[/]")
    else:
        console.print("[red]Visavis cannot run with these settings until what is missing above is there.[/]")


def _status(engine: EngineCheck) -> str:
    status: Status = "note" if engine.status == "missing" and not engine.chosen else engine.status
    return _coloured(status, engine.detail)


def _coloured(status: Status, text: str) -> str:
    return f"[{COLOURS[status]}]{escape(text)}[/]"
