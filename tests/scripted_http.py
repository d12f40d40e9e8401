"""A real HTTP server on a free loopback port that does what a test tells it to, byte by byte."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass
class Connection:
    """What a script answers by. gone: set when the client has closed it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, data: bytes) -> None:
        """These bytes, in a packet of their own."""
        self.writer.write(data)
        await self.writer.drain()
        await asyncio.sleep(0)

    async def head(self, status: int = 200, content_type: str = "text/event-stream", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} -", f"Content-Type: {content_type}", "Transfer-Encoding: chunked"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def chunk(self, data: bytes) -> None:
        if data:
            await self.send(b"%x\r\n%s\r\n" % (len(data), data))

    async def end(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def events(self, *events: object, newline: str = "\n", pieces: int = 0) -> None:
        """Server-sent events, whole or cut up into `pieces` bytes each."""
        data = "".join(
            f"data: {event if isinstance(event, str) else json.dumps(event)}{newline * 2}" for event in events
        )
        for piece in cut(data.encode(), pieces):
            await self.chunk(piece)

    async def json(self, value: object, status: int = 200, **headers: str) -> None:
        await self.head(status, "application/json", **headers)
        await self.chunk(json.dumps(value).encode())
        await self.end()

    def drop(self) -> None:
        """Break off without an end."""
        self.writer.transport.abort()


def cut(data: bytes, size: int) -> Iterable[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)] if size else [data]


Script = Callable[[Request, Connection], Awaitable[None]]


class ScriptedServer:
    """`script` answers each request; what is asked beyond its list is answered by its last."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections: list[Connection] = []
        self.scripts: list[Script] = []
        self.base_url = ""
        self.asked = asyncio.Event()
        """Something was."""

    def answer(self, *scripts: Script) -> None:
        self.scripts = list(scripts)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while (request := await _read(reader)) is not None:
                connection = Connection(reader, writer)
                self.requests.append(request)
                self.connections.append(connection)
                self.asked.set()
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                await self._watched(script(request, connection), connection)
                if writer.is_closing():
                    break
        writer.close()

    async def _watched(self, script: Awaitable[None], connection: Connection) -> None:
        """Run a script until it is done, or the client has gone."""
        work = asyncio.ensure_future(script)
        gone = asyncio.ensure_future(_gone(connection))
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        for task in (work, gone):
            task.cancel()
        results = await asyncio.gather(work, gone, return_exceptions=True)
        if any(isinstance(result, ConnectionError) for result in results):
            connection.gone.set()


async def _gone(connection: Connection) -> None:
    """Until the client hangs up. It sends nothing more while it is being answered."""
    while not connection.reader.at_eof() and not connection.writer.is_closing():  # noqa: ASYNC110 -- a reader tells of no end
        await asyncio.sleep(0.002)
    connection.gone.set()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


@asynccontextmanager
async def scripted_server() -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield scripted
    finally:
        server.close()
        for connection in scripted.connections:
            connection.drop()
