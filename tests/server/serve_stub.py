"""Runs the real server with the stand-in for the conversations, as a program: `serve_stub.py SETTINGS_JSON`."""

import asyncio
import json
import sys

from conftest import StubHub

from agent.config import Settings
from agent.server.serve import ServeError, run


class SlowHub(StubHub):
    """Warms up for ever."""

    async def start(self) -> None:
        print("warming", flush=True)
        await asyncio.sleep(3600)

    async def stop(self) -> None:
        print("stopped", flush=True)


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    hub = SlowHub() if settings.pop("slow", False) else StubHub()
    try:
        run(Settings(**settings), hub=hub)
    except ServeError as error:
        sys.exit(f"visavis: {error}")
    print("ended" if not hub.running else "engines still run", flush=True)
