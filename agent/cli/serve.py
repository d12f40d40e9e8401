"""`visavis serve`: binds, starts the server, says where it is, and opens the browser."""

import asyncio
import os
import socket
import sys
import threading
import webbrowser
from typing import Any

import uvicorn

from agent.cli.common import FAILED, UsageError, fail, notes
from agent.config import Server, Settings


class _Server(uvicorn.Server):
    """Says where it is once it really answers there."""

    def __init__(self, config: uvicorn.Config, url: str, open_browser: bool) -> None:
        super().__init__(config)
        self._url = url
        self._open_browser = open_browser

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        notes.print(f"Visavis is at [bold]{self._url}[/] (Ctrl-C ends it)", soft_wrap=True)
        if self._open_browser:
            # Some systems' openers wait for the browser to close.
            threading.Thread(target=webbrowser.open, args=(self._url,), daemon=True).start()


def run(settings: Settings, *, open_browser: bool) -> None:
    """Serve until Ctrl-C. Raises UsageError when the address cannot be had, KeyboardInterrupt on Ctrl-C."""
    listening = bind(settings.server)
    port = listening.getsockname()[1]
    settings = settings.model_copy(update={"server": settings.server.model_copy(update={"port": port})})
    with listening:
        from agent.server.app import create_app  # noqa: PLC0415 -- brings every engine with it

        notes.print("Starting: loading and warming up the engines …")
        config = uvicorn.Config(
            create_app(settings),
            ws="websockets-sansio",
            ws_max_size=settings.limits.message_bytes,
            log_level="warning",
            access_log=False,  # addresses may carry tokens
            server_header=False,
            timeout_graceful_shutdown=3,
            **_tls(settings.server),
        )
        server = _Server(config, page_url(settings.server), open_browser and can_open_browser())
        asyncio.run(server.serve(sockets=[listening]))
    if not server.started:
        fail("the server could not start; `visavis doctor` says what is missing", FAILED)


def bind(server: Server) -> socket.socket:
    """A listening socket at the server's address. Raises UsageError saying why there is none."""
    try:
        family, _, _, _, address = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), int(address[1])), family=family, backlog=2048)
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(
            f"cannot listen on {server.host} port {server.port}: {why}. --port 0 takes any free port"
        ) from None


def page_url(server: Server) -> str:
    """Where this machine's browser finds the page."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(server.host, server.host)
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{'https' if server.tls else 'http'}://{host}:{server.port}"


def can_open_browser() -> bool:
    """Whether opening a browser makes sense: a person is at this machine's screen."""
    if os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        return False
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True


def _tls(server: Server) -> dict[str, Any]:
    if not server.tls:
        return {}
    if server.tls_certificate and server.tls_key:
        for path in (server.tls_certificate, server.tls_key):
            if not path.is_file():
                raise UsageError(f"{path}: no such file (server.tls_certificate and server.tls_key name PEM files)")
        return {"ssl_certfile": server.tls_certificate, "ssl_keyfile": server.tls_key}
    from agent.cli.certificate import self_signed  # noqa: PLC0415

    certificate, key = self_signed(server.host, *server.allowed_hosts)
    notes.print(f"HTTPS with a self-signed certificate ({certificate}): the browser will ask once whether to trust it")
    return {"ssl_certfile": certificate, "ssl_keyfile": key}
