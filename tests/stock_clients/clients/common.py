"""What the Python clients' scripts share: a microphone, a loudspeaker, and results as lines of JSON.

Standard library only: these scripts run in the clients' own environments.
"""

import asyncio
import json
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RATE = 24_000
"""16-bit mono everywhere."""
CHUNK_MS = 40
PATIENCE = 30.0
"""Seconds for anything to happen."""
BARGE_IN_AFTER = 1.5
"""Seconds of the reply heard before it is interrupted."""

TOOL = {
    "name": "look_up_exhibit",
    "description": "Tells in which room an exhibit is.",
    "parameters": {
        "type": "object",
        "properties": {"exhibit": {"type": "string"}},
        "required": ["exhibit"],
        "additionalProperties": False,
    },
}
TOOL_RESULT = "room twelve"


@dataclass
class Arguments:
    """What the test tells a script."""

    url: str
    """http://127.0.0.1:PORT"""
    question: bytes
    interruption: bytes

    @property
    def websocket(self) -> str:
        return self.url.replace("http", "ws", 1)


def arguments() -> Arguments:
    url, speech = sys.argv[1:3]
    return Arguments(url, Path(speech, "question.pcm").read_bytes(), Path(speech, "interruption.pcm").read_bytes())


def report(scenario: str, **found: Any) -> None:
    """One line for the test to judge."""
    print(json.dumps({"scenario": scenario, **found}), flush=True)


class Microphone:
    """Sends sound in real time without a pause, as an open microphone does: silence, and speech where asked."""

    def __init__(self, send: Callable[[bytes], Awaitable[Any]]) -> None:
        self._send = send
        self._waiting = b""

    def say(self, speech: bytes) -> None:
        self._waiting += speech

    async def run(self) -> None:
        """Until cancelled, by absolute deadlines."""
        size = RATE * CHUNK_MS // 1000 * 2
        began, sent = time.monotonic(), 0
        while True:
            chunk, self._waiting = self._waiting[:size], self._waiting[size:]
            await self._send(chunk.ljust(size, b"\0"))
            sent += CHUNK_MS
            await asyncio.sleep(max(0.0, began + sent / 1000 - time.monotonic()))


class Loudspeaker:
    """Plays what it is given, in real time from when it came, and knows how much of each item came out."""

    def __init__(self) -> None:
        self._received: dict[str, float] = {}
        self._played: dict[str, float] = {}
        self._item = ""
        self._ends = 0.0
        self.gaps = 0.0
        """Seconds in which an item had begun, was not stopped, and had nothing to play."""

    def play(self, item: str, pcm: bytes) -> None:
        """More of `item`; what is left of another item is dropped."""
        now = time.monotonic()
        if item != self._item:
            self.stop()
            self._item = item
        elif self._ends < now:
            self.gaps += now - self._ends
        seconds = len(pcm) / 2 / RATE
        self._received[item] = self._received.get(item, 0.0) + seconds
        self._ends = max(self._ends, now) + seconds

    def stop(self) -> None:
        """Drop what has not come out."""
        if self._item:
            self._played[self._item] = self._position()
        self._item, self._ends = "", 0.0

    def _position(self) -> float:
        return self._received[self._item] - max(0.0, self._ends - time.monotonic())

    def played(self, item: str) -> float:
        """Seconds of `item` that came out."""
        return self._position() if item and item == self._item else self._played.get(item, 0.0)

    def received(self, item: str) -> float:
        return self._received.get(item, 0.0)

    @property
    def silent(self) -> bool:
        return time.monotonic() >= self._ends


async def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> None:
    """Wait for `condition`. Raises TimeoutError naming `what`."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError(f"in {seconds} s there was no {what}")
        await asyncio.sleep(0.01)


Scenario = Callable[[Arguments], Awaitable[None]]


async def perform(typed: tuple[Scenario, ...], spoken: tuple[Scenario, ...]) -> None:
    """The typed scenarios at once; then the spoken ones, which need the machine's time, one by one. One that fails
    leaves the others theirs."""
    told = arguments()
    await asyncio.gather(*(_perform(scenario, told) for scenario in typed))
    for scenario in spoken:
        await _perform(scenario, told)


async def _perform(scenario: Scenario, told: Arguments) -> None:
    try:
        async with asyncio.timeout(2 * PATIENCE):
            await scenario(told)
    except Exception as error:
        traceback.print_exc()
        report(scenario.__name__, failed=f"{type(error).__name__}: {error}")
