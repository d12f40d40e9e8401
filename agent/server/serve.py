"""Runs the app on a socket of this machine until it is told to stop."""

import asyncio
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from agent.config import ConfigError, Server, Settings
from agent.server import tls
from agent.server.addresses import in_url, is_wildcard, machine_addresses
from agent.server.app import Hub, create_app
from agent.server.auth import LINK_SECONDS, Auth

GRACE_SECONDS = 1
"""How long open connections may take to close at the end."""
PING_SECONDS = 20.0
_OTHER_CONNECTIONS = 256


class ServeError(RuntimeError):
    """The server cannot be started; the message says why, and what mends it, in one line."""


def run(settings: Settings, *, on_ready: Callable[[str], None] | None = None, hub: Hub | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM. Once it answers, prints its addresses to standard output, one a line: with login
    links where a token is set. `on_ready` is then called, on the event loop, with an address for this machine's own
    browser.

    Raises ServeError when the address cannot be had, ConfigError for settings that name what is not there, and the
    engines' own errors when they cannot start.
    """
    listener = bind(settings.server)
    try:
        asyncio.run(Running(settings, listener, on_ready, hub).serve())
    except tls.CertificateError as error:
        owners = settings.server.tls_certificate is not None
        raise (ConfigError if owners else ServeError)(str(error)) from None
    finally:
        listener.close()


def bind(server: Server) -> socket.socket:
    """A listening socket. Raises ConfigError for an address that this machine does not have, else ServeError."""
    host = "::" if server.host == "" else server.host
    try:
        family, *_, address = socket.getaddrinfo(host, server.port, type=socket.SOCK_STREAM)[0]
        both = family == socket.AF_INET6 and is_wildcard(host) and socket.has_dualstack_ipv6()
        listener = socket.create_server((str(address[0]), server.port), family=family, backlog=512, dualstack_ipv6=both)
        # Connections inherit it. asyncio sets it only on sockets that name their protocol, which these do not, and
        # without it each small message waits for the client's next packet: 15 ms and more.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        foreign = isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
        raise (ConfigError if foreign else ServeError)(_why_not(server, error)) from None


def _why_not(server: Server, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"{server.host} is not a name this machine knows: use --host 127.0.0.1, or 0.0.0.0 for the network"
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {server.port} of {server.host} is taken by another program: stop it, or choose another port with "
            f"--port {server.port % 65535 + 1} (--port 0 takes any free one)"
        )
    if isinstance(error, PermissionError):
        return f"port {server.port} of {server.host} is not for this user: choose one above 1023, such as --port 8080"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{server.host} is not an address of this machine: use --host 127.0.0.1, or 0.0.0.0 for the network"
    return f"cannot listen on {server.host} port {server.port}: {error.strerror or error}"


def _is_news(record: logging.LogRecord) -> bool:
    """uvicorn takes a websocket that the guard refused with an HTTP answer for one that was left without any, and would
    say so for every stranger who knocks."""
    return not record.getMessage().startswith("ASGI callable returned without completing handshake")


class _Uvicorn(uvicorn.Server):
    """Says when it answers, and leaves signals alone: ours also end the warm-up, and let the engines end in peace."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started
        logging.getLogger("uvicorn.error").addFilter(_is_news)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Running:
    """One run of the server on a listening socket; see `run`."""

    def __init__(
        self, settings: Settings, listener: socket.socket, on_ready: Callable[[str], None] | None, hub: Hub | None
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._on_ready = on_ready
        self._auth = Auth(settings.server.token.get_secret_value())
        self._app: Starlette = create_app(settings, hub, self._auth)
        self._certificate = tls.certificate(settings.server) if settings.server.tls else None
        self._server = _Uvicorn(self._config(), self._announce)
        self._serving: asyncio.Task[None] | None = None
        self._stopping = False

    async def serve(self) -> None:
        """Serve until stopped."""
        self._serving = asyncio.create_task(self._serve())
        with self._signals(asyncio.get_running_loop()):
            try:
                await self._serving
            except asyncio.CancelledError:
                if not self._stopping:
                    raise

    def stop(self) -> None:
        """End gracefully; called again, at once."""
        self._server.force_exit = self._stopping
        self._stopping = self._server.should_exit = True
        if self._serving is not None and not self._server.started:
            self._serving.cancel()

    async def _serve(self) -> None:
        # The lifespan is entered here and not by uvicorn, so that an engine that cannot start raises its own error.
        async with self._app.router.lifespan_context(self._app):
            await self._server.serve(sockets=[self._listener])

    def _announce(self) -> None:
        for url in self._urls():
            print(url, flush=True)
        for remark in self._remarks():
            print(remark, file=sys.stderr, flush=True)
        if self._on_ready is not None:
            self._on_ready(self._url(_local_host(self._settings.server)))

    def _urls(self) -> list[str]:
        server = self._settings.server
        if not is_wildcard(server.host):
            return [self._url(server.host)]
        return [self._url(host) for host in [*machine_addresses()[:1], _local_host(server)]]

    def _url(self, host: str) -> str:
        scheme = "https" if self._settings.server.tls else "http"
        url = f"{scheme}://{in_url(host)}:{self._listener.getsockname()[1]}"
        return f"{url}/login?code={self._auth.new_link_code()}" if self._auth.required else url

    def _remarks(self) -> list[str]:
        server = self._settings.server
        remarks = []
        if self._auth.required:
            remarks.append(
                f"A login link works once and for {LINK_SECONDS // 60} minutes; after that /login asks for the token."
            )
        if self._certificate and not server.tls_certificate:
            shown = tls.fingerprint(self._certificate[0])
            remarks.append(f"The certificate is self-signed, so browsers warn. Its SHA-256: {shown}")
        if not server.tls and not server.is_loopback:
            remarks.append("Browsers on other machines give the microphone only to https: add --tls.")
        return remarks

    def _config(self) -> uvicorn.Config:
        limits = self._settings.limits
        certificate, key = self._certificate or (None, None)
        return uvicorn.Config(
            self._app,
            http="h11",
            ws="websockets-sansio",
            ws_max_size=limits.message_bytes,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            # Speech in base64 hardly shrinks, and packing it would cost every 20 ms of every conversation.
            ws_per_message_deflate=False,
            limit_concurrency=limits.sessions * (1 + limits.followers) + _OTHER_CONNECTIONS,
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,  # addresses carry login codes and viewer tokens
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )

    @contextmanager
    def _signals(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Ctrl-C and SIGTERM stop the server."""

        def stop(*_: int | FrameType | None) -> None:
            loop.call_soon_threadsafe(self.stop)

        try:
            before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # not the main thread, which alone has signals
            yield
            return
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _local_host(server: Server) -> str:
    """By which name this machine's own browser reaches the server."""
    return "127.0.0.1" if is_wildcard(server.host) else server.host
