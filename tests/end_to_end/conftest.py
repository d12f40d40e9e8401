"""The real server with its real engines, and a real browser before it."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from agent.server import pages
from scripts.bench.browser import PAGE, closing, launch, open_page, put_camera, put_microphone, served
from scripts.bench.synthesis import flite_installed, speak
from tests.end_to_end.visitor import Visitor

SPEAKING_VOICE = "slt" if flite_installed() else "en-us"
"""The synthetic visitor's."""
WATCH = Path(__file__).parent / "watch.js"
VIEW = {"width": 480, "height": 480}


@pytest.fixture(scope="package")
def address() -> Iterator[str]:
    """Where the server is."""
    if not (pages.WEB_FOLDER / "index.html").is_file():
        pytest.fail("the browser app is not built: cd avatar/web && npm ci && npm run build")
    with served() as url:
        yield url


@pytest.fixture(scope="package")
def microphone() -> Iterator[Path]:
    """The file that microphones hear from the moment a page begins to listen; `hear` puts sound into it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "microphone.wav"
        put_microphone(path, speak("hello", SPEAKING_VOICE, 16_000)[:0], 16_000)
        yield path


@pytest.fixture(scope="package")
def camera() -> Iterator[Path]:
    """The file that cameras show from the moment a page begins to look."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "camera.y4m"
        put_camera(path, np.full((10, 240, 320, 3), 128, np.uint8))
        yield path


# For the package alone: while it runs, Playwright keeps an event loop in this thread, where no other could run.
@pytest.fixture(scope="package")
def chromium(microphone: Path, camera: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright, microphone, camera)
        except Error as error:
            pytest.skip(f"there is no browser here ({str(error).splitlines()[0]}): apt-get install chromium")
        with closing(browser):
            yield browser


@pytest.fixture
def say(microphone: Path) -> Callable[[str], None]:
    """Let the next page that begins to listen hear these words in a synthetic voice."""
    return lambda text: put_microphone(microphone, speak(text, SPEAKING_VOICE, 16_000), 16_000)


@pytest.fixture
def forgiven() -> list[str]:
    """What may be complained of in the console of this test's pages: it contains one of these."""
    return []


@pytest.fixture
def visit(chromium: Browser, address: str, forgiven: list[str]) -> Iterator[Callable[..., Visitor]]:
    """`visit()` opens the app as a new visitor, once it has a connection and a face. At the end nothing may have been
    complained of in any console, and the content security policy not violated.

    `allowed`: whether the microphone and the camera are. `at`: another address. `path`: another page. `ready`: False
    does not wait.
    """
    complaints: list[str] = []
    contexts = []

    def listen(page: Page) -> None:
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def open_(*, allowed: bool = True, at: str = address, path: str = PAGE, ready: bool = True, **options: object):
        context = chromium.new_context(**{"viewport": VIEW, **options})  # type: ignore[arg-type]
        contexts.append(context)
        if allowed:
            context.grant_permissions(["microphone", "camera"], origin=at)
        page = context.new_page()
        page.add_init_script(path=WATCH)
        listen(page)
        if ready:
            open_page(page, at, path)
        else:
            page.goto(at + path)
        return Visitor(page)

    yield open_
    for context in contexts:
        context.close()
    unexpected = [text for text in complaints if not any(part in text for part in forgiven)]
    assert not unexpected, f"the browser complained: {unexpected}"
