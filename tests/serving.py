"""The real server on a free loopback port, around any hub."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agent.config import Settings
from agent.server.app import Hub
from agent.server.serve import Running, bind


@asynccontextmanager
async def serve(hub: Hub, **settings: Any) -> AsyncIterator[str]:
    """Serve `hub`; yields the address that this machine's own browser would open. It listens on loopback whatever
    `settings` say."""
    parsed = Settings(**{**settings, "server": {"port": 0, **settings.get("server", {})}})
    loopback = parsed.server.model_copy(update={"host": "127.0.0.1"})
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    with bind(loopback) as listener:
        running = Running(parsed, listener, ready.set_result, hub)
        task = asyncio.create_task(running.serve())
        await asyncio.wait({ready, task}, return_when=asyncio.FIRST_COMPLETED)
        try:
            if ready.done():
                yield ready.result()
        finally:
            running.stop()
            await task
