"""Who may come in when a token is set: login links, browser sessions, and the token itself."""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import HTTPConnection
from starlette.responses import Response

from agent.server.limits import Attempts

LINK_SECONDS = 600
"""How long a login link stays good."""
MOST_LINKS = 16
SESSION_SECONDS = 7 * 24 * 3600
MOST_SESSIONS = 256
KEY_PROTOCOL = "openai-insecure-api-key."
"""How a browser, which cannot set headers on a websocket, gives its key."""


class TooManyAttempts(Exception):
    """This address guessed wrong too often lately."""


class _Secrets:
    """Random secrets that are good for some time. Only their digests are kept, and looked up by digest: how long that
    takes says nothing about a secret. The oldest make room for new ones."""

    def __init__(self, seconds: float, most: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def new(self, size: int) -> str:
        secret = secrets.token_urlsafe(size)
        self._until[_digest(secret)] = self._clock() + self._seconds
        if len(self._until) > self._most:
            self._until.popitem(last=False)
        return secret

    def holds(self, secret: str) -> bool:
        return self._clock() < self._until.get(_digest(secret), 0.0)

    def forget(self, secret: str) -> bool:
        """Whether it was still good."""
        return self._clock() < self._until.pop(_digest(secret), 0.0)


class Auth:
    """The token and what stands for it. With no token everybody is let in, which is for loopback alone."""

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._token = _digest(token) if token else None
        self._links = _Secrets(LINK_SECONDS, MOST_LINKS, clock)
        self._sessions = _Secrets(SESSION_SECONDS, MOST_SESSIONS, clock)
        self._attempts = Attempts(clock=clock)

    @property
    def required(self) -> bool:
        """Whether a token is set."""
        return self._token is not None

    def new_link_code(self) -> str:
        """A code of 128 bits for a login link: good once, and for LINK_SECONDS."""
        return self._links.new(16)

    def admits(self, connection: HTTPConnection) -> bool:
        """Whether the request brings the token or a session. Raises TooManyAttempts."""
        if not self.required:
            return True
        if any(self._sessions.holds(cookie) for cookie in _session_cookies(connection)):
            return True
        key = _bearer(connection) or _key_protocol(connection)
        return key is not None and self._try(connection, self._is_token(key))

    def log_in_by_code(self, connection: HTTPConnection, code: str) -> bool:
        """Whether `code` was good; it no longer is. Raises TooManyAttempts."""
        return self._try(connection, lambda: self._links.forget(code))

    def log_in_by_token(self, connection: HTTPConnection, token: str) -> bool:
        """Whether `token` is the token. Raises TooManyAttempts."""
        return self._try(connection, self._is_token(token.encode("utf-8", "surrogatepass")))

    def start_session(self, connection: HTTPConnection, response: Response) -> None:
        """Let the browser in from now on."""
        response.set_cookie(
            _cookie_name(connection),
            self._sessions.new(32),
            max_age=SESSION_SECONDS,
            secure=_is_secure(connection),
            httponly=True,
            samesite="strict",
        )

    def end_session(self, connection: HTTPConnection, response: Response) -> None:
        """Let the browser in no longer."""
        for cookie in _session_cookies(connection):
            self._sessions.forget(cookie)
        response.delete_cookie(
            _cookie_name(connection), secure=_is_secure(connection), httponly=True, samesite="strict"
        )

    def _is_token(self, given: bytes) -> Callable[[], bool]:
        return lambda: self._token is not None and hmac.compare_digest(hashlib.sha256(given).digest(), self._token)

    def _try(self, connection: HTTPConnection, matches: Callable[[], bool]) -> bool:
        address = connection.client.host if connection.client else ""
        if self._attempts.spent(address):
            raise TooManyAttempts
        if matches():
            return True
        self._attempts.count(address)
        return False


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _is_secure(connection: HTTPConnection) -> bool:
    return connection.url.scheme in ("https", "wss")


def _cookie_name(connection: HTTPConnection) -> str:
    # A browser takes a cookie called __Host-… only over TLS and never from a neighbouring subdomain.
    return "__Host-visavis" if _is_secure(connection) else "visavis"


def _session_cookies(connection: HTTPConnection) -> list[str]:
    cookie = connection.cookies.get(_cookie_name(connection))
    return [cookie] if cookie else []


def _bearer(connection: HTTPConnection) -> bytes | None:
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    return key.strip().encode("latin-1") if scheme.lower() == "bearer" else None


def _key_protocol(connection: HTTPConnection) -> bytes | None:
    for protocol in connection.scope.get("subprotocols", ()):
        if protocol.startswith(KEY_PROTOCOL):
            return str(protocol).removeprefix(KEY_PROTOCOL).encode("latin-1", "replace")
    return None
