"""Three short videos of what the engine makes: English, Mandarin, and a human's recording.

    python -m scripts.bench.videos [--head NAME] [--level N] [--fps N] [--only en|zh|human] [--out FOLDER]

The frames are the engine's own: of a synthetic voice those of `visavis say`, of the recording those of `visavis face`.
They are drawn one after the other by the real page under Chromium, so a slow machine drops none, and go with their
sound into an MP4. Nothing is judged here: the videos, and a contact sheet of each with a picture every fifth of a
second, are for eyes. The recording (a reading of Austen from the folder of speech that tests use) is not ours to hand
on: its video stays out of the repository.
"""

import argparse
import asyncio
import base64
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page, sync_playwright

from agent import offline
from agent.audio import TIMELINE_RATE, Pcm, files
from agent.config import Settings
from avatar.blendshapes import FPS, SAMPLES_PER_FRAME, FaceTrack
from scripts.bench.browser import ROOT, closing, launch, open_page, served, wait_for

OUT = ROOT / "build" / "videos"
SCRIPT = Path(__file__).with_suffix(".js")
SIZE = 560
TEXTS = {
    "en": "[warm] Good morning, and welcome! My name is Mira. Maybe we can find a place for both of you by the "
    "big window. Five fresh fish, or a bowl of soup?",
    "zh": "[warm] 早上好，欢迎光临！我叫米拉。妈妈爸爸都在门口排队买票，我们慢慢说，不用着急。",
}
RECORDING, WORDS = "austen_0880.wav", "he was not an ill disposed young man"
SHEET_EVERY, SHEET_COLUMNS = 0.2, 10
SHEET_PART = (slice(int(0.22 * SIZE), int(0.66 * SIZE)), slice(int(0.28 * SIZE), int(0.72 * SIZE)))
"""Of each picture: the face."""
LARGEST = 2_000_000
Picture = NDArray[np.uint8]


class NothingToShowError(RuntimeError):
    """The video cannot be made here; the message says why."""


def speech(name: str) -> tuple[Pcm, FaceTrack]:
    """Sound and frames of the video called `name`, on one timeline. Raises NothingToShowError."""
    if name == "human":
        made = asyncio.run(offline.face_of(files.read(recording(), TIMELINE_RATE), WORDS))
    else:
        settings = Settings.model_validate({"language": name})
        made = asyncio.run(offline.say(settings, TEXTS[name], lambda _: None))
    print(f"{name}: {made.seconds:.1f} s, lips from {made.source}")
    return made.pcm, made.face


def recording() -> Path:
    """The recording, in VISAVIS_TEST_SPEECH or in a shared/speech beside the checkout. Raises NothingToShowError."""
    named = os.environ.get("VISAVIS_TEST_SPEECH")
    folder = Path(named) if named else ROOT.parent / "shared" / "speech"
    path = folder / RECORDING
    if not path.is_file():
        raise NothingToShowError(f"human: there is no {path}; VISAVIS_TEST_SPEECH names the folder that has it")
    return path


def pictures(page: Page, track: FaceTrack, fps: int) -> Iterator[Picture]:
    """What the page draws of every frame that a video of `fps` shows: each of shape (SIZE, SIZE, 3)."""
    records = track.to_bytes()
    size = len(records) // len(track)
    for frame in range(0, len(track), FPS // fps):
        record = base64.b64encode(records[frame * size : (frame + 1) * size]).decode()
        jpeg = base64.b64decode(page.evaluate(f"videos.shoot({record!r})"))
        with av.open(io.BytesIO(jpeg)) as file:
            yield next(file.decode(video=0)).to_ndarray(format="rgb24")


def write(path: Path, drawn: list[Picture], pcm: Pcm, fps: int) -> None:
    """An MP4 of the pictures and their sound, which begin together."""
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=fps, options={"crf": "23", "preset": "slow"})
        video.width = video.height = SIZE
        video.pix_fmt = "yuv420p"
        sound = file.add_stream("aac", rate=TIMELINE_RATE, layout="mono")
        sound.bit_rate = 80_000
        for picture in drawn:
            file.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        file.mux(video.encode())
        samples = np.ascontiguousarray(pcm, np.float32)[None]
        frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        frame.sample_rate = TIMELINE_RATE
        file.mux(sound.encode(frame))
        file.mux(sound.encode())


def write_sheet(path: Path, drawn: list[Picture], fps: int) -> None:
    """A PNG of the face every SHEET_EVERY seconds, row by row."""
    cells = [picture[SHEET_PART] for picture in drawn[:: round(SHEET_EVERY * fps)]]
    cells += [np.zeros_like(cells[0])] * (-len(cells) % SHEET_COLUMNS)
    rows = [np.concatenate(cells[at : at + SHEET_COLUMNS], axis=1) for at in range(0, len(cells), SHEET_COLUMNS)]
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.concatenate(rows)), "rgb24")
    with av.open(str(path), "w", format="image2") as file:
        stream = file.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "rgb24"
        file.mux(stream.encode(frame))
        file.mux(stream.encode())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--head", default="auto")
    parser.add_argument("--level", type=int, default=1, help="of quality, 0 the best")
    parser.add_argument("--fps", type=int, default=30, choices=(20, 30, 60))
    parser.add_argument("--only", choices=("en", "zh", "human"))
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    os.environ["VISAVIS_AVATAR__HEAD"] = options.head
    options.out.mkdir(parents=True, exist_ok=True)
    spoken = {}
    for name in [options.only] if options.only else ["en", "zh", "human"]:
        try:
            spoken[name] = speech(name)
        except NothingToShowError as reason:
            print(reason)
    with served() as address, sync_playwright() as playwright, closing(launch(playwright)) as browser:
        page = browser.new_page(viewport={"width": SIZE, "height": SIZE})
        page.add_init_script(path=SCRIPT)
        open_page(page, address, f"/?level={options.level}")
        wait_for(page, "videos.ready()")
        for name, (pcm, track) in spoken.items():
            drawn = list(pictures(page, track, options.fps))
            path = options.out / f"{name}.mp4"
            write(path, drawn, pcm[: len(track) * SAMPLES_PER_FRAME], options.fps)
            write_sheet(path.with_suffix(".png"), drawn, options.fps)
            print(f"{path}: {len(drawn)} pictures, {path.stat().st_size / 1e6:.2f} MB")
            if path.stat().st_size > LARGEST:
                print(f"{path} is larger than {LARGEST / 1e6:.0f} MB")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
