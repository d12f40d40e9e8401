"""The ASGI app: its routes, and its life from the engines' warm-up to their end."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from agent.config import ConfigError, Settings
from agent.server import metrics, pages
from agent.server.auth import Auth, TooManyAttempts
from agent.server.guard import Guard, too_many_attempts
from agent.server.limits import Places, TooManyConversations
from avatar.behaviour.repertoire import read_changes, with_changes
from avatar.behaviour.style import Style

logger = logging.getLogger(__name__)

try:
    VERSION = version("visavis")
except PackageNotFoundError:  # run from a checkout that was never installed
    VERSION = "0"

STOP_SECONDS = 0.7
"""How long the conversations and engines may take to end."""
MOST_LOGIN_BYTES = 4096


class Hub(Protocol):
    """All conversations of this server."""

    async def start(self) -> None:
        """Load and warm the engines."""

    async def stop(self) -> None:
        """End every conversation and free the engines."""

    async def serve(self, websocket: WebSocket, *, model: str | None, viewer: str | None) -> None:
        """Hold a conversation, or follow one, over an accepted socket; returns when it has ended. May raise
        TooManyConversations."""

    async def resume(self, websocket: WebSocket, token: str) -> None:
        """Go on with a conversation whose client lost its connection; its place was kept."""

    def admits_viewer(self, token: str) -> bool:
        """Whether `token` lets somebody follow a conversation now."""

    def info(self) -> dict[str, Any]:
        """Voices, languages, engines and hints, for the page."""


class App:
    """The endpoints, and what they share."""

    def __init__(self, settings: Settings, hub: Hub, auth: Auth) -> None:
        self.settings = settings
        self.hub = hub
        self.auth = auth
        self.web = pages.WebApp(pages.WEB_FOLDER)
        self.heads = pages.Heads(pages.HEADS_FOLDER)
        self._check_head()
        self._repertoire = with_changes(read_changes(settings.avatar.behaviour))
        self._places = Places(settings.limits.sessions, settings.limits.followers)
        self._ready = False

    def _check_head(self) -> None:
        """Raises ConfigError where the settings name a head that is not there. Without any, the page says so."""
        wanted, names = self.settings.avatar.head, [head["name"] for head in self.heads.listing()]
        if names and wanted not in ("auto", *names):
            raise ConfigError(f"avatar.head: there is no head {wanted}; there are: {', '.join(names)}")

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """The engines run while the app does."""
        lag = asyncio.create_task(metrics.measure_loop_lag())
        try:
            await self.hub.start()
            self._ready = True
            yield
        finally:
            self._ready = False
            lag.cancel()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self.hub.stop()
            except TimeoutError:
                logger.warning("the engines did not end within %.1f s and were left behind", STOP_SECONDS)

    async def realtime(self, websocket: WebSocket) -> None:
        """A conversation. The guard has let the client in; here it gets a place, or is told that there is none."""
        query = websocket.query_params
        viewer, resume = query.get("viewer"), query.get("resume")

        async def converse() -> None:
            if resume is not None:
                await self.hub.resume(websocket, resume)
                return
            with self._places.take(viewer is not None):
                await self.hub.serve(websocket, model=query.get("model"), viewer=viewer)

        await self._over(websocket, converse)

    async def mirror(self, websocket: WebSocket) -> None:
        """A face that mimics the visitor. It takes the place of a conversation."""
        from agent.realtime.mirror import Mirror  # noqa: PLC0415 -- loads the lips' engine

        limits, style = self.settings.limits, Style(self.settings.avatar.liveliness)

        async def mimic() -> None:
            with self._places.take(viewer=False):
                mirror = Mirror(
                    websocket,
                    style,
                    self._repertoire,
                    input_seconds=limits.input_seconds,
                    send_seconds=limits.send_seconds,
                )
                await mirror.run()

        await self._over(websocket, mimic)

    async def _over(self, websocket: WebSocket, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` over a socket that the guard has let in, and close it with the reason where that fails."""
        await websocket.accept("realtime" if "realtime" in websocket.scope["subprotocols"] else None)
        code, reason = 1000, ""
        try:
            await work()
        except WebSocketDisconnect:
            return
        except TooManyConversations as full:
            code, reason = 1013, str(full)
        except Exception:
            logger.exception("a conversation failed")
            metrics.error("server_error")
            code, reason = 1011, "The server failed. Please connect again."
        if websocket.application_state is WebSocketState.CONNECTED:
            with suppress(WebSocketDisconnect, RuntimeError):
                await websocket.close(code, reason)

    async def info(self, _: Request) -> Response:
        """What the page can offer."""
        chosen = {"head": self.settings.avatar.head, "voice": self.settings.voice.name}
        about = {**self.hub.info(), "heads": self.heads.listing(), **chosen}
        return JSONResponse(about, headers={"Cache-Control": "no-store"})

    async def health(self, _: Request) -> Response:
        """For a watchdog."""
        status = {"status": "ok" if self._ready else "starting", "version": VERSION, "engines_ready": self._ready}
        return JSONResponse(status, status_code=200 if self._ready else 503, headers={"Cache-Control": "no-store"})

    async def metrics(self, _: Request) -> Response:
        """For Prometheus."""
        return Response(metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE, "Cache-Control": "no-store"})

    async def login(self, request: Request) -> Response:
        """By the link that the start printed, or by the token typed into the page."""
        if not self.auth.required:
            return RedirectResponse("/", status_code=303)
        try:
            if request.method == "POST":
                return await self._log_in_by_token(request)
            code = request.query_params.get("code")
            if code is None:
                return pages.login_page()
            if self.auth.log_in_by_code(request, code):
                return self._let_in(request, pages.welcome_page())
            problem = (
                "This link has been used or is too old. Enter the token, or start the server again for a new link."
            )
            return pages.login_page(403, problem)
        except TooManyAttempts:
            return too_many_attempts()

    async def _log_in_by_token(self, request: Request) -> Response:
        try:
            token = json.loads(await _body(request, MOST_LOGIN_BYTES))["token"]
        except (ValueError, KeyError, TypeError, RecursionError):
            token = None
        if not isinstance(token, str):
            return PlainTextResponse('The body must be JSON such as {"token": "…"}.\n', status_code=400)
        if not self.auth.log_in_by_token(request, token):
            return PlainTextResponse("That is not the token.\n", status_code=403)
        return self._let_in(request, Response(status_code=204))

    def _let_in(self, request: HTTPConnection, response: Response) -> Response:
        self.auth.start_session(request, response)
        return response

    async def login_script(self, _: Request) -> Response:
        """The login page's only script."""
        return Response(pages.LOGIN_SCRIPT, media_type="text/javascript", headers={"Cache-Control": "no-cache"})

    async def logout(self, request: Request) -> Response:
        """Forget this browser."""
        response = Response(status_code=204)
        self.auth.end_session(request, response)
        return response


async def _body(request: Request, most: int) -> bytes:
    """The whole body. Raises HTTPException 413 as soon as it is longer than `most` bytes."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HTTPException(413, f"the body may have at most {most} bytes")
    return body


def create_app(settings: Settings, hub: Hub | None = None, auth: Auth | None = None) -> Starlette:
    """The whole server as an ASGI app; its lifespan starts and stops the engines.

    `auth` is given by whoever wants to make login links for it; otherwise it is made from the settings.
    """
    if hub is None:
        from agent.realtime.hub import Hub as RealHub  # noqa: PLC0415 -- loads every engine's package

        hub = RealHub(settings)
    auth = auth or Auth(settings.server.token.get_secret_value())
    app = App(settings, hub, auth)
    return Starlette(
        lifespan=app.lifespan,
        middleware=[Middleware(Guard, server=settings.server, auth=auth, admits_viewer=hub.admits_viewer)],
        routes=[
            Route("/", app.web.page),
            Route("/stage", app.web.page),
            Route("/mirror", app.web.page),
            Route("/api/info", app.info),
            Route("/healthz", app.health),
            Route("/metrics", app.metrics),
            Route("/login", app.login, methods=["GET", "POST"]),
            Route("/login.js", app.login_script),
            Route("/logout", app.logout, methods=["POST"]),
            WebSocketRoute("/v1/realtime", app.realtime),
            WebSocketRoute("/v1/mirror", app.mirror),
            Mount("/heads", app.heads),
            Mount("/", app.web),
        ],
    )
