"""Records a page's picture and sound while it answers, with what is needed to put both on one clock.

Every frame drawn carries its number in the picture (sync_rig.js); Chromium's own trace says when each frame reached the
screen. Beeps through the page's output say how the recording's sound lies against the loudspeaker. Neither uses the
app's clocks.
"""

import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from agent.audio.codecs import pcm16_to_float
from scripts.bench.browser import open_page, wait_for

SCRIPT = Path(__file__).with_suffix(".js")
VIEW = 480
"""The picture is so many pixels wide and high."""
CELL, BITS = 16, 10
"""As in sync_rig.js: the row of cells that holds a frame's number."""
WIRE_FRAME = 62
BEEPS = 5
BEEP_HZ, BEEP_SECONDS = 3000.0, 0.03
SETTLING_SECONDS = 2.0
_TRACED = ["devtools.timeline", "blink.user_timing"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recording:
    """One reply, recorded. Times are in ms of the page's clock; the stamps are the recording's own."""

    pictures: NDArray[np.uint8]
    """(frames, height, width), grey."""
    picture_stamps: Floats
    numbers: NDArray[np.int64]
    """Of each recorded picture: which of the frames drawn it is."""
    drawn: Floats
    """When each frame was drawn."""
    seen: Floats
    """When each frame reached the screen, by Chromium's trace."""
    sound: Floats
    sound_rate: int
    sound_stamp: float
    """When the sound begins, on the recording's clock."""
    beeps: Floats
    """When each beep was at the loudspeaker."""
    weights: Floats
    """(frames, 52): the reply's face at 60 fps as the server sent it."""
    speech: Floats
    """The reply's sound at 24 kHz as the server sent it."""
    log: list[dict[str, Any]]
    """The app's own account of each frame: `visavis.skew`."""
    stalls: int
    level: int


def record(browser: Browser, address: str, question: str, shift_frames: int = 0) -> Recording:
    """Ask `question` and record the answer. Its face is moved `shift_frames` (60 a second) later on its way in."""
    context = browser.new_context(viewport={"width": VIEW, "height": VIEW})
    try:
        page = context.new_page()
        page.add_init_script(path=SCRIPT)
        open_page(page, address)
        _silence_greeting(page)
        page.wait_for_timeout(SETTLING_SECONDS * 1000)
        browser.start_tracing(page=page, categories=_TRACED)
        zero = page.evaluate("performance.mark('zero').startTime")
        page.evaluate(f"rig.shift = {400 * shift_frames}")
        page.evaluate("rig.start()")
        page.evaluate(f"rig.beep({BEEPS}, 300)")
        page.fill("#text", question)
        page.keyboard.press("Enter")
        wait_for(page, "visavis.audible?.playing")
        item = page.evaluate("visavis.audible.item")
        wait_for(page, "!visavis.audible.playing && visavis.state === 'idle'")
        page.evaluate(f"rig.beep({BEEPS}, 300)")
        raw = page.evaluate("rig.stop()")
        about = page.evaluate("({log: visavis.skew, stalls: visavis.underruns.length, level: visavis.level})")
        trace = json.loads(browser.stop_tracing())["traceEvents"]
    finally:
        context.close()
    drawn = np.array(raw["frames"])
    seen = _seen(trace, zero, drawn)
    return _decoded(raw, item, drawn, seen, about)


def _silence_greeting(page: Page) -> None:
    """A first word brings the sound, and its answer is cut off, so that nothing but what is asked for is recorded."""
    page.fill("#text", "hello")
    page.keyboard.press("Enter")
    wait_for(page, "Boolean(visavis.outputStream && visavis.audible?.playing)")
    page.keyboard.press("Escape")
    wait_for(page, "!visavis.audible.playing && visavis.state === 'idle'")
    page.fill("#text", "")


def _seen(trace: list[dict[str, Any]], zero: float, drawn: Floats) -> Floats:
    """When each drawn frame was presented: the animation frame in which it was drawn is the last that began before."""
    offset = next(e["ts"] for e in trace if e["name"] == "zero") / 1000 - zero
    began: dict[str, float] = {}
    presented: dict[str, float] = {}
    for event in trace:
        if event["name"] == "AnimationFrame" and event["ph"] == "b":
            began[event["args"]["id"]] = event["ts"] / 1000 - offset
        elif event["name"] == "AnimationFrame::Presentation":
            presented[event["args"]["id"]] = event["ts"] / 1000 - offset
    pairs = sorted((time, presented.get(name, np.nan)) for name, time in began.items())
    begins, presents = (np.array(column) for column in zip(*pairs, strict=True))
    index = np.searchsorted(begins, drawn) - 1
    return np.where(index >= 0, presents[index], np.nan)


def _decoded(raw: dict[str, Any], item: str, drawn: Floats, seen: Floats, about: dict[str, Any]) -> Recording:
    webm = base64.b64decode(raw["webm"])
    pictures, picture_stamps = _pictures(webm)
    numbers = _numbers(pictures)
    good = (numbers >= 0) & (numbers < len(drawn))
    sound, rate, sound_stamp = _sound(webm)
    wire = raw["wire"][item]
    records = b"".join(base64.b64decode(face["data"]) for face in wire["faces"])
    weights = np.frombuffer(records, np.uint8).reshape(-1, WIRE_FRAME)[:, :52] / 255
    speech = np.concatenate([pcm16_to_float(base64.b64decode(part)) for part in wire["sound"]])
    log = [entry for entry in about["log"] if entry["item"] == item]
    return Recording(
        pictures[good], picture_stamps[good], numbers[good], drawn, seen, sound, rate, sound_stamp,
        np.array(raw["beeps"]), weights, speech.astype(np.float64), log, about["stalls"], about["level"],
    )  # fmt: skip


def _pictures(webm: bytes) -> tuple[NDArray[np.uint8], Floats]:
    with av.open(io.BytesIO(webm)) as file:
        frames = [(frame.to_ndarray(format="gray"), float(frame.time or 0)) for frame in file.decode(video=0)]
    return np.stack([picture for picture, _ in frames]), 1000 * np.array([time for _, time in frames])


def _numbers(pictures: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The number in each picture's top row; −1 where there is none yet."""
    row = pictures[:, 2 : CELL - 2, : CELL * (BITS + 1)].astype(np.float64).mean(axis=1)
    cells = row.reshape(len(pictures), BITS + 1, CELL)[:, :, 4:-4].mean(axis=2) > 128
    values = (cells[:, :BITS] * (1 << np.arange(BITS))).sum(axis=1)
    return np.where(cells[:, BITS], values, -1)


def _sound(webm: bytes) -> tuple[Floats, int, float]:
    """Mono, without the gaps that a recorder makes up for with later stamps: what was lost is silent."""
    with av.open(io.BytesIO(webm)) as file:
        frames = list(file.decode(audio=0))
    rate, start = frames[0].sample_rate, float(frames[0].time or 0)
    length = max(round((float(f.time or 0) - start) * rate) + f.samples for f in frames)
    sound = np.zeros(length)
    end = 0
    for frame in frames:
        at = round((float(frame.time or 0) - start) * rate)
        # Stamps are rounded to milliseconds: small steps are no gaps.
        at = end if abs(at - end) < 0.005 * rate else at
        piece = frame.to_ndarray().mean(axis=0)[: max(0, length - at)]
        sound[at : at + len(piece)] = piece
        end = at + frame.samples
    return sound, rate, 1000 * start
