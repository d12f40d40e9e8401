"""What waits to leave on one socket: bounded, in order, and never waited for longer than a dead socket deserves."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

MAX_MESSAGES = 4096
MAX_CHARACTERS = 16 * 1024 * 1024


class Outbox:
    """Messages to one client. Nothing is dropped: a client that does not read is disconnected instead."""

    def __init__(self, send: Callable[[str], Awaitable[None]], seconds: float) -> None:
        self._send = send
        self._seconds = seconds
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._more = asyncio.Event()
        self._overflown = False

    def put(self, message: str) -> None:
        """Leave a message to be sent."""
        if self._overflown:
            return
        self._waiting.append(message)
        self._characters += len(message)
        self._overflown = len(self._waiting) > MAX_MESSAGES or self._characters > MAX_CHARACTERS
        self._more.set()

    async def run(self) -> None:
        """Send until cancelled. Raises TimeoutError when the socket does not take a message in time, and
        OverflowError when too much waits."""
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                if self._overflown:
                    raise OverflowError("the client does not read what it is sent")
                message = self._waiting.popleft()
                self._characters -= len(message)
                async with asyncio.timeout(self._seconds):
                    await self._send(message)
