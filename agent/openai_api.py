"""Calls to a server that speaks OpenAI's HTTP API: how long it is waited for, and its failures in one line.

The lines name the address and what to do. What a server says about a visitor's request may repeat it, so its words are
only told of requests that hold nothing of a visitor's.
"""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from agent.config import RemoteServer

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")

INSTALL = "pip install 'visavis[openai]'"
_LONGEST_ERROR = 16 * 2**10
_LONGEST_DETAIL = 200
_LONGEST_WAIT = 30.0
_MOST_MODELS = 1000
_IDLE_CONNECTION = 60.0


class ApiError(RuntimeError):
    """The server could not be had, or refused. `passing`: another attempt may succeed, not before `wait` seconds.
    absent: it is there, but not what was asked for."""

    def __init__(self, message: str, *, passing: bool = False, wait: float = 0.0, absent: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
        self.wait = wait
        self.absent = absent


class TooSlow(ApiError):
    """It was waited for long enough."""


class Api:
    """One server. `name`: its table in `engines.options`. Lives on one event loop."""

    def __init__(self, server: RemoteServer, name: str) -> None:
        self.server = server
        self.name = name
        self._client: httpx2.AsyncClient | None = None

    def open(self) -> None:
        """Raises ApiError when the settings name no server, or what connects is not installed."""
        if not self.server.base_url:
            raise ApiError(
                f"{self._key('base_url')} is not set: name the server, such as http://127.0.0.1:11434/v1 (Ollama)"
            )
        try:
            import httpx2  # noqa: PLC0415 -- an extra
        except ModuleNotFoundError:
            raise ApiError(f"{self.name} needs the package httpx2: {INSTALL}") from None
        key = self.server.api_key.get_secret_value()
        if not key.isascii() or not key.isprintable():
            raise ApiError(f"{self._key('api_key')} has characters that no key has: copy it again")
        self._client = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx2.Timeout(None, connect=self.server.connect_seconds),
            # A turn may last a minute, and a new connection to a cloud costs a tenth of a second.
            limits=httpx2.Limits(max_connections=200, max_keepalive_connections=20, keepalive_expiry=_IDLE_CONNECTION),
            verify=self.server.base_url.startswith("https:"),
            trust_env=not self.server.is_loopback,  # no proxy stands between this machine and itself
        )

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def models(self) -> list[str]:
        """The models that the server names. Raises ApiError."""
        deadline = asyncio.get_running_loop().time() + self.server.connect_seconds + self.server.idle_seconds
        async with self.call("GET", "/models", None, deadline, private=False) as response:
            body = await self._read(response, 2**20, deadline)
        try:
            found = [str(model["id"]) for model in json.loads(body)["data"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ApiError(f"{self._where('/models')} answers in no form that is known: check the address") from None
        return found[:_MOST_MODELS]

    @asynccontextmanager
    async def call(
        self, method: str, path: str, body: Mapping[str, Any] | None, deadline: float, *, private: bool = True
    ) -> AsyncGenerator["httpx2.Response", None]:
        """The server's answer, once it has begun, before `deadline` on the loop's clock. Leaving the context closes the
        connection unless the answer was read to its end. private: the request holds a visitor's words. Raises
        ApiError, also for what `httpx2` raises inside."""
        if self._client is None:
            raise ApiError(f"{self.name} is not started")
        import httpx2  # noqa: PLC0415

        try:
            async with AsyncExitStack() as stack:
                content, headers = _as_json(body)
                opening = self._client.stream(method, self.server.base_url + path, content=content, headers=headers)
                response = await self._before(deadline, stack.enter_async_context(opening))
                if response.status_code != 200:
                    raise await self._refusal(response, path, deadline, private=private)
                yield response
        except httpx2.HTTPError as error:
            raise self._failure(error, path) from None

    async def _before(self, deadline: float, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout_at(deadline):
                return await work
        except TimeoutError:
            raise self.too_slow() from None

    def too_slow(self, what: str = "has not answered in time", key: str = "first_seconds") -> TooSlow:
        """What to raise where `key` was not enough."""
        return TooSlow(f"{self.server.base_url} {what}: see whether it is overloaded, or raise {self._key(key)}")

    async def pieces(self, source: AsyncIterator[T], first: float) -> AsyncGenerator[T, None]:
        """What `source` gives: the first before `first` on the loop's clock, each later one within idle_seconds."""
        loop, deadline = asyncio.get_running_loop(), first
        while True:
            try:
                piece = await self._before(deadline, anext(source))
            except StopAsyncIteration:
                return
            yield piece
            deadline = loop.time() + self.server.idle_seconds

    async def _read(self, response: "httpx2.Response", most: int, deadline: float) -> bytes:
        body = bytearray()
        async for piece in self.pieces(response.aiter_bytes(), deadline):
            body += piece
            if len(body) > most:
                raise ApiError(f"{self.server.base_url} sends more than is taken: check the address")
        return bytes(body)

    async def _refusal(self, response: "httpx2.Response", path: str, deadline: float, *, private: bool) -> ApiError:
        status, where = response.status_code, self._where(path)
        try:
            body = await self._read(response, _LONGEST_ERROR, deadline)
        except ApiError:
            body = b""
        said = self._detail(body, private=private)
        said = f"{status}{f', {said}' if said else ''}"
        if status in (401, 403):
            return ApiError(f"{where} refuses the key ({said}): set {self._key('api_key')}")
        if status in (404, 405):
            model = f", and that it has the model {self.server.model}" if self.server.model else ""
            return ApiError(f"{where} is not there ({said}): check {self._key('base_url')}{model}", absent=True)
        if status == 429:
            wait = _retry_after(response.headers.get("retry-after", ""))
            return ApiError(
                f"{where} is asked too much ({said}): wait, or see your plan there", passing=True, wait=wait
            )
        if status >= 500 or status in (408, 409, 425):
            return ApiError(f"{where} fails ({said}): see that server's log", passing=True)
        if 300 <= status < 400:
            return ApiError(f"{where} points elsewhere ({said}): set {self._key('base_url')} to the final address")
        return ApiError(f"{where} refuses the request ({said}): see [engines.options.{self.name}]")

    def _detail(self, body: bytes, *, private: bool) -> str:
        """The code of an error and, where it can repeat nothing private, the server's own words."""
        try:
            error = json.loads(body)
        except (ValueError, RecursionError):
            return ""
        error = error.get("error", error) if isinstance(error, dict) else error
        if isinstance(error, str):
            error = {"message": error}
        if not isinstance(error, dict):
            return ""
        code = error.get("code") or error.get("type")
        parts = [code] if isinstance(code, str) and code.replace("_", "").isalnum() else []
        if not private and isinstance(error.get("message"), str):
            parts.append(error["message"])
        detail = " ".join(": ".join(parts).split())
        key = self.server.api_key.get_secret_value()
        return (detail.replace(key, "…") if key else detail)[:_LONGEST_DETAIL]

    def _failure(self, error: "httpx2.HTTPError", path: str) -> ApiError:
        import httpx2  # noqa: PLC0415

        where = self._where(path)
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
            why = f" ({' '.join(str(error).split())[:_LONGEST_DETAIL]})" if str(error) else ""
            return ApiError(
                f"no server answers at {self.server.base_url}{why}: start it, or check {self._key('base_url')}",
                passing=True,
            )
        if isinstance(error, httpx2.SSEError):
            return ApiError(f"{where} does not stream as OpenAI's API does ({error}): check {self._key('base_url')}")
        if isinstance(error, httpx2.TimeoutException):
            return self.too_slow()
        if isinstance(error, httpx2.TransportError):
            return ApiError(f"{where} broke off its answer: see that server's log", passing=True)
        return ApiError(f"{where} sends what cannot be read ({type(error).__name__}): see that server's log")

    def _where(self, path: str) -> str:
        return self.server.base_url + path

    def _key(self, name: str) -> str:
        return f"engines.options.{self.name}.{name}"


class Retries:
    """How long to wait before the next attempt, if there may be one."""

    def __init__(self, server: RemoteServer, deadline: float) -> None:
        self._left = server.retries
        self._wait = server.retry_seconds
        self._deadline = deadline

    async def wait(self, error: ApiError) -> bool:
        """Wait before another attempt after `error`; whether there is to be one."""
        if not error.passing or not self._left:
            return False
        # The jitter keeps conversations that failed together from trying together.
        wait = max(error.wait, self._wait * random.uniform(1.0, 1.5))
        if asyncio.get_running_loop().time() + wait >= self._deadline:
            return False
        self._left, self._wait = self._left - 1, self._wait * 2
        await asyncio.sleep(wait)
        return True


def _as_json(body: Mapping[str, Any] | None) -> tuple[bytes | None, dict[str, str]]:
    """The body and its header. Halves of characters, which no UTF-8 has, become question marks."""
    if body is None:
        return None, {}
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"), {"Content-Type": "application/json"}


def _retry_after(value: str) -> float:
    """Seconds from the header; a date counts as none."""
    try:
        return min(max(0.0, float(value)), _LONGEST_WAIT)
    except ValueError:
        return 0.0
