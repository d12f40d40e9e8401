"""What a browser is sent: the built app, the heads, and the few pages that must work without either."""

import base64
import gzip
import hashlib
import html
import json
import re
from collections import OrderedDict
from importlib.resources import files
from pathlib import Path
from typing import Any

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

BUILD_COMMAND = "./scripts/run"
_LIGHT = "-light"
HEAD_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)

_package = Path(str(files("avatar")))
WEB_FOLDER = _package / "web" / "dist"
HEADS_FOLDER = _package.parent / "models" / "heads"

_TEXT = ("text/", "application/json", "application/wasm", "image/svg+xml")
_MOST_PACKED = 64


class WebApp(StaticFiles):
    """The browser app as the build left it, compressed once and kept so."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)
        self._folder = folder
        self._packed: OrderedDict[tuple[str, float], bytes] = OrderedDict()

    @property
    def is_built(self) -> bool:
        """Whether there is an app to serve."""
        return (self._folder / "index.html").is_file()

    async def page(self, request: Request) -> Response:
        """The app's one page, whatever the address."""
        return await self.get_response("index.html", request.scope)

    async def get_response(self, path: str, scope: Scope) -> Response:
        if not self.is_built:
            return missing_build_page()
        response = await super().get_response(path, scope)
        # The build puts a digest of the contents into the names under assets/, so those never change.
        hashed = path.replace("\\", "/").startswith("assets/")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        if response.headers.get("content-type", "").startswith(_TEXT) or isinstance(response, NotModifiedResponse):
            response.headers.add_vary_header("Accept-Encoding")
        if isinstance(response, FileResponse) and "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            return await self._gzipped(response)
        return response

    async def check_config(self) -> None:
        """The folder may come later: the page says how to build it."""

    async def _gzipped(self, response: FileResponse) -> Response:
        status = response.stat_result
        if status is None or status.st_size < 1024 or not response.headers["content-type"].startswith(_TEXT):
            return response
        key = (str(response.path), status.st_mtime)
        if key not in self._packed:
            # In a thread: compressing a megabyte on the event loop would be heard.
            self._packed[key] = await anyio.to_thread.run_sync(_pack, Path(response.path))
            if len(self._packed) > _MOST_PACKED:
                self._packed.popitem(last=False)
        body = self._packed[key]
        headers = dict(response.headers) | {"content-encoding": "gzip", "content-length": str(len(body))}
        headers.pop("accept-ranges", None)
        return Response(body, headers=headers)


def _pack(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), compresslevel=6, mtime=0)


class Heads(StaticFiles):
    """`NAME.glb` from the folder of heads, and nothing else that may lie there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)
        self._folder = folder

    async def get_response(self, path: str, scope: Scope) -> Response:
        name, dot, kind = path.partition(".")
        if f"{dot}{kind}" != ".glb" or not HEAD_NAME.fullmatch(name):
            raise HTTPException(404, "no such head")
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        if isinstance(response, FileResponse):
            response.headers["Content-Type"] = "model/gltf-binary"
        return response

    async def check_config(self) -> None:
        """Without heads the page draws none and says so."""

    def listing(self) -> list[dict[str, Any]]:
        """The heads there are, by name: `{name, title, url, bytes}`, `gender` where its card tells it, and `light` with
        the `url` and `bytes` of the variant for weak machines where there is one."""
        found = {path.stem: path for path in sorted(self._folder.glob("*.glb")) if HEAD_NAME.fullmatch(path.stem)}
        heads = []
        for name, path in found.items():
            if name.removesuffix(_LIGHT) in found and name.endswith(_LIGHT):
                continue
            head = {"name": name, "title": name, **_card(path), **_file(path)}
            if light := found.get(name + _LIGHT):
                head["light"] = _file(light)
            heads.append(head)
        return heads


def _file(path: Path) -> dict[str, Any]:
    return {"url": f"/heads/{path.name}", "bytes": path.stat().st_size}


def _card(path: Path) -> dict[str, str]:
    """The head's title and gender, as far as the card beside it tells them."""
    try:
        card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return {key: card[key] for key in ("title", "gender") if isinstance(card.get(key), str)}
    except (OSError, ValueError, AttributeError):
        return {}


_STYLE = (
    ":root{color-scheme:light dark;font:1.1rem/1.5 system-ui,sans-serif}"
    "body{max-width:30rem;margin:20vh auto;padding:0 1.5rem}"
    "input,button{font:inherit;padding:.4em .7em}input{width:100%;box-sizing:border-box;margin:.3em 0 .8em}"
)


def _page(title: str, body: str, status_code: int = 200, head: str = "") -> HTMLResponse:
    """A page that needs nothing of the app."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>{head}<h1>{html.escape(title)}</h1>{body}</html>\n",
        status_code=status_code,
        headers={
            "Content-Security-Policy": f"default-src 'none'; script-src 'self'; connect-src 'self'; "
            f"style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "Cache-Control": "no-store",
        },
    )


def missing_build_page() -> Response:
    """For an installation without the browser app."""
    return _page(
        "The page has not been built",
        f"<p>The server runs, but the browser app is missing. Stop it and start it with <code>{BUILD_COMMAND}</code>, "
        "or build it by hand: <code>cd avatar/web &amp;&amp; npm ci &amp;&amp; npm run build</code>.</p>",
        status_code=503,
    )


def login_page(status_code: int = 200, problem: str = "") -> Response:
    """Asks for the token."""
    return _page(
        "Visavis",
        '<form><label for="token">This server needs its token (VISAVIS_TOKEN):</label>'
        '<input id="token" type="password" autocomplete="current-password" required autofocus>'
        f'<button>Enter</button> <p id="problem" role="alert">{html.escape(problem)}</p></form>',
        status_code=status_code,
        head='<script src="/login.js" defer></script>',
    )


def welcome_page() -> Response:
    """After a login link: goes on to the app. No redirect: a browser that came from another site's link would not send
    its new SameSite=Strict cookie along with it."""
    return _page("Welcome", '<p><a href="/">Go on</a></p>', head='<meta http-equiv="refresh" content="0;url=/">')


LOGIN_SCRIPT = """\
const form = document.querySelector("form");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = document.getElementById("problem");
  try {
    const answer = await fetch("/login", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Visavis-CSRF": "1" },
      body: JSON.stringify({ token: document.getElementById("token").value }),
    });
    if (answer.ok) location.replace("/");
    else problem.textContent = await answer.text();
  } catch {
    problem.textContent = "The server does not answer.";
  }
});
"""
