"""`visavis serve`: starts the server and opens the browser where a person sits before one."""

import os
import sys
import threading
import webbrowser
from collections.abc import Callable

from agent.cli.common import notes
from agent.config import Settings


def run(settings: Settings, *, open_browser: bool) -> None:
    """Serve until Ctrl-C."""
    notes.print("Starting: loading and warming up the engines …")
    from agent.server.serve import run as serve  # noqa: PLC0415 -- brings every engine's package with it

    serve(settings, on_ready=_ready(open_browser and can_open_browser()))


def can_open_browser() -> bool:
    """Whether opening a browser makes sense: a person is at this machine's screen."""
    if os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        return False
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True


def _ready(open_browser: bool) -> Callable[[str], None]:
    def ready(url: str) -> None:
        notes.print("Ready. Ctrl-C ends it.")
        if open_browser:
            # Some systems' openers wait for the browser to close.
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    return ready
