"""A real server and a real browser: what the end-to-end tests and the measurements in the page share."""

import contextlib
import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Error, Page, Playwright

from agent.audio import Pcm, files
from agent.audio.resample import resample

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")

ARGUMENTS = (
    "--no-sandbox",  # root in a container has none
    # Software OpenGL by Mesa, up to twice as fast as Chromium's own.
    "--use-gl=angle",
    "--use-angle=gl-egl",
    "--ignore-gpu-blocklist",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PAGE = "/?light&rawmic"
"""The page with the small head, and a microphone that the browser does not process."""
STARTING_SECONDS = 120.0
PATIENCE_SECONDS = 60.0
"""How long a busy machine may take for anything."""
MICROPHONE_RATE = 48_000


def find_browser() -> str | None:
    """The path of a Chromium: VISAVIS_BROWSER, or one that is installed. None leaves the choice to Playwright."""
    named = os.environ.get("VISAVIS_BROWSER")
    return next((path for path in map(shutil.which, [named] if named else NAMES) if path), None)


def launch(playwright: Playwright, microphone: Path | None = None, camera: Path | None = None) -> Browser:
    """Start a browser whose microphone plays the WAV file `microphone`, read anew each time a page begins to listen,
    and whose camera shows the Y4M file `camera` again and again.

    Raises playwright's Error where there is no browser.
    """
    arguments = [*ARGUMENTS]
    if microphone is not None:
        arguments.append("--use-fake-device-for-media-stream")
        arguments.append(f"--use-file-for-fake-audio-capture={microphone.resolve()}%noloop")
    if camera is not None:
        arguments.append(f"--use-file-for-fake-video-capture={camera.resolve()}")
    return playwright.chromium.launch(executable_path=find_browser(), headless=True, args=arguments)


def put_microphone(path: Path, pcm: Pcm, rate: int, *, before: float = 0.5, after: float = 1.0) -> None:
    """Let the microphone at `path` hear `pcm`, shape (n,) at `rate`, between so many seconds of silence. The browser
    swallows a little of the beginning."""
    sound = np.pad(pcm, (round(before * rate), round(after * rate)))
    files.write(path, np.clip(resample(sound, rate, MICROPHONE_RATE), -1, 1), MICROPHONE_RATE)


def put_camera(path: Path, pictures: NDArray[np.uint8], rate: int = 10) -> None:
    """Let the camera at `path` show these pictures, shape (n, height, width, 3) in RGB, so many a second."""
    height, width = pictures.shape[1:3]
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n" % (width, height, rate))
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
            file.write(b"FRAME\n" + frame.to_ndarray(format="yuv420p").tobytes())


@contextmanager
def served(*options: str, port: int = 0) -> Iterator[str]:
    """`visavis serve` in a process of its own, with its real engines; gives its address."""
    command = [sys.executable, "-m", "agent.cli", "serve", "--no-browser", "--port", str(port), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield _address(server)
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _address(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until and server.poll() is None:
        if select.select([server.stdout], [], [], 0.5)[0] and (
            found := re.match(r"https?://\S+", server.stdout.readline())
        ):
            return found[0]
    server.kill()
    raise RuntimeError(f"the server did not start within {STARTING_SECONDS:.0f} s")


def wait_for(page: Page, condition: str, *, seconds: float = PATIENCE_SECONDS, every: float = 0.1) -> Any:
    """The value of the JavaScript expression `condition` once it is truthy. Raises TimeoutError.

    (Playwright's own `wait_for_function` evaluates strings in the page, which the page's policy forbids.)
    """
    return until(lambda: page.evaluate(condition), condition, seconds=seconds, every=every)


def until(condition: Callable[[], T], what: str, *, seconds: float = PATIENCE_SECONDS, every: float = 0.1) -> T:
    """The value of `condition()` once it is truthy. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(every)
    return value


def open_page(page: Page, address: str, path: str = PAGE) -> Page:
    """Open the app and wait until it has a connection and a face."""
    page.goto(address + path)
    wait_for(page, "Boolean(window.visavis && visavis.ready && visavis.role)")
    return page


@contextmanager
def closing(browser: Browser) -> Iterator[Browser]:
    """Close the browser whatever happens; one that is gone already is no matter."""
    try:
        yield browser
    finally:
        with contextlib.suppress(Error):
            browser.close()
