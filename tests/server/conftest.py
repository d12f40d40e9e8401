"""A stand-in for the conversations, and the server around it: in memory for HTTP, on a real socket for the rest."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.websockets import WebSocket

from agent.config import Settings
from agent.server.app import create_app
from agent.server.auth import Auth
from tests.serving import serve


class StubHub:
    """Echoes text, and says how it was called."""

    def __init__(self) -> None:
        self.running = False
        self.calls: list[tuple[str | None, str | None]] = []
        self.fail_with: Exception | None = None
        self.ended = 0

    async def start(self) -> None:
        if self.fail_with is not None:
            raise self.fail_with
        self.running = True

    async def stop(self) -> None:
        self.running = False

    async def serve(self, websocket: WebSocket, *, model: str | None, viewer: str | None) -> None:
        self.calls.append((model, viewer))
        if self.fail_with is not None:
            raise self.fail_with
        async for text in websocket.iter_text():
            await websocket.send_text(text)
        self.ended += 1

    def admits_viewer(self, token: str) -> bool:
        return token == "a-viewer"

    def info(self) -> dict[str, Any]:
        return {"voices": ["stub"]}


@pytest.fixture
def hub() -> StubHub:
    return StubHub()


class Browser(httpx.AsyncClient):
    """An HTTP client of an app that runs in memory; `auth_` is the app's."""

    def __init__(self, settings: Settings, hub: StubHub, base_url: str) -> None:
        self.auth_ = Auth(settings.server.token.get_secret_value())
        self.app = create_app(settings, hub, self.auth_)
        super().__init__(transport=httpx.ASGITransport(self.app, client=("192.0.2.7", 5000)), base_url=base_url)


@pytest.fixture
def browsing(hub: StubHub) -> Callable[..., AbstractAsyncContextManager[Browser]]:
    """`async with browsing(token=…) as http`: with these server settings."""

    @asynccontextmanager
    async def open_browser(base_url: str = "http://localhost:8080", **server: Any) -> AsyncIterator[Browser]:
        browser = Browser(Settings(server=server), hub, base_url)
        async with browser, browser.app.router.lifespan_context(browser.app):
            yield browser

    return open_browser


@pytest.fixture
def serving(hub: StubHub) -> Callable[..., AbstractAsyncContextManager[str]]:
    """`async with serving(server={…}, limits={…}) as url`: the real server on a free port of loopback, whatever its
    settings say; gives the address that this machine's own browser would open."""

    return lambda **settings: serve(hub, **settings)
