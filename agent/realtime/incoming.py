"""What a client writes, message by message."""

from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.realtime import events as wire
from agent.realtime.events import WireError


async def read(
    websocket: WebSocket, handle: Callable[[wire.AnyClientEvent], None], send: Callable[[wire.ServerEvent], None]
) -> None:
    """Read until the client leaves. A message that cannot be honoured gets an error; the connection lives. Raises
    WebSocketDisconnect."""
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        try:
            handle(wire.parse(message.get("text") or message.get("bytes") or ""))
        except WireError as error:
            send(error.to_event())
