"""The door: every request, websockets included, passes here before any route sees it."""

from collections.abc import Callable
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.config import Server
from agent.server import metrics, pages
from agent.server.addresses import AllowList
from agent.server.auth import Auth, TooManyAttempts

CSRF_HEADER = "X-Visavis-CSRF"
"""A page of another site can post a form to us with our cookie, but it cannot add a header of its own."""

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'wasm-unsafe-eval'",  # the head's mesh is unpacked by WebAssembly
            "worker-src 'self' blob:",
            "connect-src 'self' blob:",  # three.js fetches the textures inside a GLB from blob: addresses
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            "style-src 'self' 'unsafe-inline'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(self), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# What is in the wheel is no secret, a viewer's page brings its token with its websocket, and a watchdog has no token.
_OPEN_PATHS = frozenset({"/healthz", "/login", "/login.js", "/logout", "/stage", "/favicon.ico", "/favicon.svg"})
_OPEN_FOLDERS = ("/assets/", "/heads/")
# In place of these a stranger gets the login page.
_PAGES = frozenset({"/", "/mirror"})
# What a viewer token alone opens.
_VIEWER_PATHS = frozenset({"/v1/realtime", "/api/info"})


class Guard:
    """Checks host, origin, CSRF header and token, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, server: Server, auth: Auth, admits_viewer: Callable[[str], bool]) -> None:
        self._app = app
        self._allowed = AllowList(server)
        self._auth = auth
        self._admits_viewer = admits_viewer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        answer = self._refusal(connection) or self._app
        await answer(scope, receive, _with_security_headers(send))

    def _refusal(self, connection: HTTPConnection) -> Response | None:
        """What to answer instead of letting the request in; None lets it in."""
        return (
            self._wrong_host(connection)
            or self._wrong_origin(connection)
            or self._forged(connection)
            or self._stranger(connection)
        )

    def _wrong_host(self, connection: HTTPConnection) -> Response | None:
        host = connection.headers.get("host", "")
        arrived_at = connection.scope.get("server")
        if self._allowed.host(host, arrived_at[0] if arrived_at else None):
            return None
        metrics.refused("host")
        return PlainTextResponse(
            f"This server does not answer to the host {_shown(host)}. If it should, add the name to "
            "server.allowed_hosts in visavis.toml (or VISAVIS_SERVER__ALLOWED_HOSTS).\n",
            status_code=403,
        )

    def _wrong_origin(self, connection: HTTPConnection) -> Response | None:
        origin = connection.headers.get("origin")
        secure = connection.scope["scheme"] in ("https", "wss")
        # Programs send no Origin; browsers always do on what could harm.
        if origin is None or self._allowed.origin(origin, connection.headers["host"], secure):
            return None
        metrics.refused("origin")
        return PlainTextResponse(
            f"Pages from {_shown(origin)} may not connect to this server. If they should, add the origin to "
            "server.allowed_origins in visavis.toml (or VISAVIS_SERVER__ALLOWED_ORIGINS).\n",
            status_code=403,
        )

    def _forged(self, connection: HTTPConnection) -> Response | None:
        if connection.scope["type"] == "websocket" or connection.scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return None
        if connection.headers.get(CSRF_HEADER):
            return None
        metrics.refused("csrf")
        return PlainTextResponse(f"This request needs the header {CSRF_HEADER}: 1.\n", status_code=403)

    def _stranger(self, connection: HTTPConnection) -> Response | None:
        if not self._auth.required or self._is_open(connection):
            return None
        try:
            if self._auth.admits(connection):
                return None
        except TooManyAttempts:
            return too_many_attempts()
        metrics.refused("token")
        if connection.scope["path"] in _PAGES and "text/html" in connection.headers.get("accept", ""):
            return pages.login_page(status_code=401)
        return PlainTextResponse(
            "This server needs its token: log in at /login, or send it as Authorization: Bearer … "
            "or as the websocket subprotocol openai-insecure-api-key.…\n",
            status_code=401,
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _is_open(self, connection: HTTPConnection) -> bool:
        path, query = connection.scope["path"], connection.query_params
        if "debug" in query:
            return False
        if path in _OPEN_PATHS or path.startswith(_OPEN_FOLDERS):
            return True
        viewer = query.get("viewer")
        return path in _VIEWER_PATHS and bool(viewer) and self._admits_viewer(str(viewer))


def too_many_attempts() -> Response:
    """For an address that guessed wrong too often."""
    metrics.refused("attempts")
    return PlainTextResponse(
        "Too many wrong tokens from this address: please wait a minute.\n",
        status_code=429,
        headers={"Retry-After": "60"},
    )


def _shown(header: str) -> str:
    """A header's value as it may stand in a sentence: short, and printable."""
    return "".join(c if c.isprintable() else "?" for c in header[:80]) or "(none)"


def _with_security_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
