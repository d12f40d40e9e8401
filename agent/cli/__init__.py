"""The command `visavis`. Commands import what they need when they run, so that --help is quick."""

from agent.cli.app import app


def main() -> None:
    """The entry point of the installed command."""
    app(prog_name="visavis")


__all__ = ["app", "main"]
