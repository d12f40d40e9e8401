"""Contact sheets: the mouth of every viseme and ten expressions, drawn by the page from frames that the engine makes.

    python -m scripts.bench.faces [--head NAME] [--level N] [--out FOLDER]

A real server, the real page under Chromium; only the frames of the stage are replaced on their way in, by one that
stands still. Nothing is judged here: the pictures are for eyes. The sheets are written to scripts/bench/results, each
picture of them to --out.
"""

import argparse
import base64
import html
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from playwright.sync_api import FloatRect, Page, sync_playwright

from agent.audio import TIMELINE_RATE
from agent.tts import Phone
from avatar.behaviour import Behaviour, lay_over
from avatar.blendshapes import INDEX, FaceTrack
from avatar.reply_face import ReplyFace
from scripts.bench.browser import ROOT, closing, launch, open_page, served, wait_for

OUT = ROOT / "build" / "faces"
RESULTS = Path(__file__).parent / "results"
SCRIPT = Path(__file__).with_suffix(".js")
PAGE = 900
FACE: FloatRect = {"x": 0.31 * PAGE, "y": 0.15 * PAGE, "width": 0.38 * PAGE, "height": 0.48 * PAGE}
"""What is kept of the page."""
COLUMNS = 5
SETTLING_SECONDS = 0.5
"""From when the page has worked a face out until it is seen."""
VISEMES = {
    "sil": "", "PP": "m", "FF": "f", "TH": "θ", "DD": "d", "kk": "k", "CH": "ʃ", "SS": "s", "nn": "n", "RR": "ɹ",
    "aa": "ɑː", "E": "ɛ", "I": "iː", "O": "ɔː", "U": "uː",
}  # fmt: skip
"""Of each of the 15 Oculus visemes a phone that stands for it."""
EXPRESSIONS = (
    "neutral", "warm", "happy", "surprised", "curious", "thoughtful", "puzzled", "concerned", "sorry", "serious",
)  # fmt: skip
GESTURES = ("big_smile", "raise_brows", "press_lips", "ponder", "wink", "slow_blink", "shrug", "nod", "bow", "shake")


def viseme(phone: str) -> FaceTrack:
    """One frame of `phone` said between two neutral vowels and held for long enough to be reached."""
    said = [Phone("ə", 0.1, 0.2), Phone(phone, 0.2, 0.4), Phone("ə", 0.4, 0.5)] if phone else []
    face = ReplyFace()
    face.add(said, np.zeros(TIMELINE_RATE, np.float32), 0, "")
    stage = Behaviour(1)
    stage.set_mood("speaking", 0)
    return lay_over(awake(stage.frames(10 * TIMELINE_RATE), 60), face.frames(TIMELINE_RATE).between(7200, 7600))


def awake(track: FaceTrack, first: int) -> FaceTrack:
    """The first frame from number `first` on in which the eyes are open and look at the visitor."""
    opened = track.weights[:, INDEX["eyeBlinkLeft"]] < 0.02
    looks = np.degrees(np.hypot(*(track.gaze + track.head[:, :2]).T)) < 4
    frame = first + int(np.argmax((opened & looks)[first:]))
    return track.between(frame * 400, frame * 400 + 400)


def expression(name: str) -> FaceTrack:
    """One frame of a listener who has felt it for three seconds, between two blinks, looking at the visitor."""
    behaviour = Behaviour(1)
    behaviour.set_mood("listening", 0)
    behaviour.express(name, 0)
    return awake(behaviour.frames(10 * TIMELINE_RATE), 180)


def gesture(name: str) -> FaceTrack:
    """The frame at which the gesture has moved the face the most."""
    plain, told = Behaviour(1), Behaviour(1)
    for behaviour in (plain, told):
        behaviour.set_mood("listening", 0)
        behaviour.frames(2 * TIMELINE_RATE)
    told.express(name, 2 * TIMELINE_RATE)
    rest, track = plain.frames(5 * TIMELINE_RATE), told.frames(5 * TIMELINE_RATE)
    moved = np.abs(track.weights - rest.weights).sum(axis=1) + 5 * np.abs(track.head - rest.head).sum(axis=1)
    frame = 120 + int(moved.argmax())
    return track.between(frame * 400, frame * 400 + 400)


def photograph(page: Page, track: FaceTrack) -> bytes:
    """A PNG of the page showing the one frame of `track`."""
    page.evaluate(f"window.faces.show({base64.b64encode(track.to_bytes()).decode()!r})")
    jaw, smile = INDEX["jawOpen"], INDEX["mouthSmileLeft"]
    wanted = np.rint(track.weights[0, [jaw, smile]] * 255) / 255
    wait_for(
        page,
        f"Math.abs(visavis.weights[{jaw}] - {wanted[0]}) + Math.abs(visavis.weights[{smile}] - {wanted[1]}) < 0.002",
    )
    page.wait_for_timeout(SETTLING_SECONDS * 1000)
    return page.screenshot(clip=FACE)


def sheet(page: Page, pictures: Iterable[tuple[str, bytes]]) -> bytes:
    """All pictures with their names, as one."""
    cells = "".join(
        f'<figure><img src="data:image/png;base64,{base64.b64encode(png).decode()}">'
        f"<figcaption>{html.escape(name)}</figcaption></figure>"
        for name, png in pictures
    )
    page.set_content(
        f"<style>body{{margin:8px;display:grid;grid-template-columns:repeat({COLUMNS},auto);gap:8px;width:max-content;"
        "font:20px sans-serif;text-align:center}figure{margin:0}</style>" + cells
    )
    return page.locator("body").screenshot(type="jpeg", quality=70)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--head", default="auto")
    parser.add_argument("--level", type=int, default=1, help="of quality, 0 the best")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--only", choices=("visemes", "expressions", "gestures"))
    options = parser.parse_args()
    os.environ["VISAVIS_AVATAR__HEAD"] = options.head
    options.out.mkdir(parents=True, exist_ok=True)
    sheets = {
        "visemes": {name: viseme(phone) for name, phone in VISEMES.items()},
        "expressions": {name: expression(name) for name in EXPRESSIONS},
        "gestures": {name: gesture(name) for name in GESTURES},
    }
    with (
        served() as address,
        sync_playwright() as playwright,
        closing(launch(playwright)) as browser,
    ):
        context = browser.new_context(viewport={"width": PAGE, "height": PAGE}, bypass_csp=True)
        page = context.new_page()
        page.add_init_script(path=SCRIPT)
        open_page(page, address, f"/?level={options.level}")
        page.add_style_tag(content="body > :not(canvas):not(.silhouette) { display: none !important }")
        table = browser.new_page(viewport={"width": int(COLUMNS * (FACE["width"] + 10)) + 16, "height": PAGE})
        for title, tracks in sheets.items():
            if options.only not in (None, title):
                continue
            pictures = {}
            for name, track in tracks.items():
                pictures[name] = photograph(page, track)
                (options.out / f"{title[:-1]}_{name}.png").write_bytes(pictures[name])
            path = RESULTS / f"{title}.jpg"
            path.write_bytes(sheet(table, pictures.items()))
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
