"""How far behind whoever speaks is the mirror? Measured in a real browser whose microphone plays a file.

    python -m scripts.bench.mirror [--runs N] [--json FILE]

Two measures, in ms from when a sound left the browser's microphone until its mouth is seen (frames' drawing and
presentation included, by the page's own measure of it):

* by clock: of each frame drawn, how far the sample whose mouth it shows lies behind the one being spoken;
* by likeness: the lag at which the jaws as drawn, at the times they were drawn, are most like the jaws that the same
  sound makes without any hurry. The frames' sample numbers have no part in it. Lips that may not hear further ahead are
  some 20 ms later than those that may, which is in here and not in the clock's figures.

Beside them, what is left without the picture: how far frames are behind when they arrive in the page. Not included is
what a real device takes to hand its sound to the browser. The browser draws without a GPU here: the frame time that is
given with the figures is part of them. Nothing fails: `--gate` makes a median above 150 ms do.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.table import Table

from agent.audio import TIMELINE_RATE, Pcm
from agent.audio.codecs import from_base64, pcm16_to_float
from avatar.blendshapes import INDEX
from avatar.lipsync import BUFFERED, Lips
from avatar.lipsync.heard import hear
from scripts.bench.browser import closing, launch, open_page, put_microphone, served, wait_for
from scripts.bench.synthesis import flite_installed, speak

Floats = NDArray[np.float64]
RESULTS = Path(__file__).parent / "results" / "mirror.json"
PAGE = "/mirror?light&rawmic"
VIEW = {"width": 480, "height": 480}
TEXTS = (
    "Papa bought my mother a big apple pie, and we ate all of it by the warm fire.",
    "Where are you going tomorrow morning? I would love to come along, if you have room for me.",
)
GATE_MS = 150.0
EASED_MS = 400
LAGS = np.arange(0.0, 400.0, 2.0)
SETTLING_SECONDS = 6.0
"""The browser compiles shaders and caches while its first frames are drawn."""
SPOKEN = """(() => {
    const { WebSocket } = window;
    window.spoken = [];
    window.WebSocket = class extends WebSocket {
        send(text) {
            const { type, audio } = JSON.parse(text);
            if (type === "input_audio_buffer.append") window.spoken.push({ audio, at: performance.now() });
            super.send(text);
        }
    };
})()"""


def record(browser: Browser, address: str, microphone: Path, text: str, voice: str) -> dict[str, Any]:
    """What the page drew, and what it sent when, while it heard `text`."""
    speech = speak(text, voice, 16_000)
    put_microphone(microphone, speech, 16_000, before=SETTLING_SECONDS, after=2.0)
    context = browser.new_context(viewport=VIEW, permissions=["microphone"])  # type: ignore[arg-type]
    try:
        page = context.new_page()
        page.add_init_script(SPOKEN)
        open_page(page, address, PAGE)
        page.click("#start")
        whole = (SETTLING_SECONDS + len(speech) / 16_000 + 1) * TIMELINE_RATE
        wait_for(page, f"(visavis.drawn.at(-1)?.drawn ?? 0) > {whole}")
        names = {"presentation": "presentationMs", "frame": "frameIntervalMs", "software": "software"}
        about = ", ".join(f"{key}: visavis.{name}" for key, name in {"arrived": "arrivedMs", **names}.items())
        recorded: dict[str, Any] = page.evaluate(f"({{ drawn: visavis.drawn, spoken: window.spoken, {about} }})")
        return recorded
    finally:
        context.close()


def judge(recorded: dict[str, Any]) -> dict[str, Any]:
    """The figures of one recording, in ms."""
    from_sample = (SETTLING_SECONDS - 0.5) * TIMELINE_RATE
    drawn = [entry for entry in recorded["drawn"] if entry["spoken"] > from_sample]
    late = np.array([entry["spoken"] - entry["drawn"] for entry in drawn]) / TIMELINE_RATE * 1000
    by_likeness, likeness = lag(recorded, drawn)
    return {
        "by_clock": {"median": float(np.median(late)), "p95": float(np.percentile(late, 95))},
        "by_likeness": by_likeness,
        "likeness": likeness,
        "arrived": {
            "median": float(np.median(recorded["arrived"])),
            "p95": float(np.percentile(recorded["arrived"], 95)),
        },
        "frame_ms": recorded["frame"],
        "seen_after_ms": recorded["presentation"],
        "software": recorded["software"],
        "frames": len(drawn),
    }


def lag(recorded: dict[str, Any], drawn: list[dict[str, float]]) -> tuple[float, float]:
    """The lag in ms at which the drawn jaws are most like those of the sound, and their correlation there."""
    packets: list[Pcm] = [pcm16_to_float(from_base64(packet["audio"])) for packet in recorded["spoken"]]
    jaws = asyncio.run(hear(Lips(lookahead=BUFFERED), np.concatenate(packets))).weights[:, INDEX["jawOpen"]]
    ends = np.cumsum([len(packet) for packet in packets])
    arrived = np.array([packet["at"] for packet in recorded["spoken"]])
    # A packet comes when its last sample was spoken, or later: the least late of them tells when the first was spoken.
    began = float((arrived - ends / TIMELINE_RATE * 1000).min())
    times = began + np.arange(len(jaws)) * 400 / TIMELINE_RATE * 1000
    seen_at = np.array([entry["now"] for entry in drawn]) + recorded["presentation"]
    shown = np.array([entry["jawOpen"] for entry in drawn])
    likeness = [float(np.corrcoef(shown, np.interp(seen_at - each, times, jaws))[0, 1]) for each in LAGS]
    best = int(np.argmax(likeness))
    return float(LAGS[best]), likeness[best]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--json", type=Path, default=RESULTS)
    parser.add_argument("--gate", action="store_true")
    options = parser.parse_args()
    voice = "slt" if flite_installed() else "en-us"
    recordings = []
    with tempfile.TemporaryDirectory() as folder, served() as address, sync_playwright() as playwright:
        microphone = Path(folder) / "microphone.wav"
        put_microphone(microphone, np.zeros(1600, np.float32), 16_000)
        with closing(launch(playwright, microphone)) as browser:
            for run in range(options.runs):
                text = TEXTS[run % len(TEXTS)]
                recordings.append(record(browser, address, microphone, text, voice))
    runs = [judge(recorded) for recorded in recordings]
    summary = {
        "median_ms": float(np.median([run["by_clock"]["median"] for run in runs])),
        "p95_ms": float(np.median([run["by_clock"]["p95"] for run in runs])),
        "by_likeness_ms": float(np.median([run["by_likeness"] for run in runs])),
        "arrived_median_ms": float(np.median([run["arrived"]["median"] for run in runs])),
        "arrived_p95_ms": float(np.median([run["arrived"]["p95"] for run in runs])),
        "frame_ms": float(np.median([run["frame_ms"] for run in runs])),
        "seen_after_ms": float(np.median([run["seen_after_ms"] for run in runs])),
    }
    table = Table(
        "", "median", "p95", "by likeness", "r", "arrived", "frame", "seen after", title="The mirror is behind by, ms"
    )
    for name, run in enumerate(runs, start=1):
        figures = (*run["by_clock"].values(), run["by_likeness"])
        rest = (run["arrived"]["median"], run["frame_ms"], run["seen_after_ms"])
        cells = [*(f"{x:.0f}" for x in figures), f"{run['likeness']:.3f}", *(f"{x:.0f}" for x in rest)]
        table.add_row(str(name), *cells)
    Console().print(table, summary)
    options.json.write_text(json.dumps({"voice": voice, **summary, "runs": runs}, indent=1) + "\n")
    return 1 if options.gate and max(summary["median_ms"], summary["by_likeness_ms"]) > GATE_MS else 0


if __name__ == "__main__":
    sys.exit(main())
