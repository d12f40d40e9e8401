"""Do the lips move with the voice? A reply recorded in a real browser: mouth pixels against sound.

    python -m scripts.bench.sync [--runs N] [--json FILE]

What is compared is the recording's pixels and its sound with the face and the sound that the server sent, by
correlation; the app's own clocks have no part in it. Two calibrations: frames are put where Chromium's trace says they
were seen, and beeps tell how far the recorded sound is from the loudspeaker. Faces moved by a known time on their way
in say whether the rig finds what is there. Exit code 1 when a gate fails.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table
from scipy.ndimage import median_filter
from scipy.signal import correlate

from agent.audio import TIMELINE_RATE
from agent.audio.resample import resample
from avatar.blendshapes import FPS, INDEX
from scripts.bench.browser import closing, launch, served
from scripts.bench.sync_rig import BEEP_HZ, BEEP_SECONDS, Floats, Recording, record

RESULTS = Path(__file__).parent / "results" / "sync.json"
QUESTIONS = ("what are your opening hours", "what can you do", "how do I get to the museum")
SHIFTS = (0, 6, 0, -6, 0)
"""Frames of 1/60 s by which the face is moved later, run by run."""
GATE_MS = 25.0
RIG_GATE_MS = 25.0
LEAST_FIT = 0.6
"""Below this the mouth does not explain the pixels, and the lag says nothing: chance alone comes to 0.35."""
LEAST_LIKENESS = 0.5
LEAST_PIECES = 6
QUIET = 0.3
"""A piece softer than this part of the whole is a pause, and cannot be told from others."""
LEAST_PICTURES = 40
DIRECTIONS = 6
OUTSIDE = (np.nan, np.nan)
"""Beyond the known, for np.interp."""

# Parts of the picture, as parts of its height and width: the nose, which moves with the head alone, and the mouth.
NOSE = (0.40, 0.485, 0.45, 0.56)
MOUTH = (0.48, 0.62, 0.42, 0.59)
REACH = 12
"""Pixels that the head may move."""
SHAPES = (
    "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLowerDownLeft", "mouthUpperUpLeft", "mouthPressLeft",
)  # fmt: skip
LAGS = np.arange(-400.0, 401.0, 5.0)


class UnusableError(RuntimeError):
    """The recording cannot be judged; the message says why."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one recorded reply, in ms; + means that the picture is late."""

    question: str
    injected: float
    offset: float
    """Of the mouth seen against the sound heard."""
    recorded_offset: float
    """The same by the recording's own stamps, before calibration."""
    rig_bias: float
    """What the recording's stamps make of a picture and a sound that are seen and heard together."""
    fit: float
    """How well mouth and pixels go together at that offset: 0 to 1."""
    frame_error_mean: float
    frame_error_p95: float
    """Of each frame: when it was seen, against when the sample that the app drew it for was heard."""
    app_skew_mean: float
    """What the app believes."""
    frame_ms: float
    """Between two frames drawn."""
    seen_after: float
    """From a frame's drawing until it is seen."""
    beep_jitter: float
    stalls: int
    """How often the sound ran dry."""
    level: int


def judge(recording: Recording, question: str, injected: float) -> Figures:
    """Raises UnusableError."""
    heard = beep_stamps(recording) - recording.beeps
    sound_bias = float(np.median(heard))
    stamps, positions = speech_stamps(recording)
    seen = recording.seen[recording.numbers]
    mouths = mouth_pixels(recording.pictures)
    offset, fit = best_lag(np.interp(seen + sound_bias, stamps, positions, *OUTSIDE), mouths, recording.weights)
    by_recorder = np.interp(recording.picture_stamps, stamps, positions, *OUTSIDE)
    recorded_offset, _ = best_lag(by_recorder, mouths, recording.weights)
    errors = frame_errors(recording, stamps - sound_bias, positions)
    skew = [(entry["drawn"] - entry["expected"]) / (TIMELINE_RATE / 1000) for entry in recording.log]
    return Figures(
        question,
        injected,
        offset,
        recorded_offset,
        float(np.nanmedian(recording.picture_stamps - seen)) - sound_bias,
        fit,
        float(errors.mean()),
        float(np.percentile(np.abs(errors), 95)),
        float(np.mean(skew)),
        float(np.median(np.diff(recording.drawn))),
        float(np.nanmedian(recording.seen - recording.drawn)),
        float(np.ptp(heard)),
        recording.stalls,
        recording.level,
    )


def beep_stamps(recording: Recording) -> Floats:
    """When each beep begins, on the recording's clock."""
    rate = recording.sound_rate
    tone = np.exp(2j * np.pi * BEEP_HZ * np.arange(round(BEEP_SECONDS * rate)) / rate)
    strength = np.abs(correlate(recording.sound, tone, "valid", method="fft")) / len(tone)
    found = []
    for _ in recording.beeps:
        peak = int(strength.argmax())
        found.append(peak)
        strength[max(0, peak - rate // 8) : peak + rate // 8] = 0
    return recording.sound_stamp + 1000 * np.sort(found) / rate


def speech_stamps(recording: Recording) -> tuple[Floats, Floats]:
    """Where the reply sounds in the recording, piece by piece, because the sound of an overloaded machine stands
    still at times: stamps on the recording's clock, and the positions in the reply that sound then, in ms."""
    rate = recording.sound_rate
    speech = resample(recording.speech, TIMELINE_RATE, rate)
    whole = int(correlate(recording.sound, speech, "full", method="fft").argmax()) - (len(speech) - 1)
    stamps, positions = [], []
    length = rate // 2
    for begin in range(0, len(speech) - length, length // 4):
        piece = speech[begin : begin + length]
        from_ = max(0, whole + begin - rate)
        around = recording.sound[from_ : whole + begin + length + rate]
        if len(around) < len(piece) or np.std(piece) < QUIET * np.std(speech):
            continue
        match = correlate(around, piece, "valid", method="fft")
        at = int(match.argmax())
        found = around[at : at + length]
        if match[at] < LEAST_LIKENESS * np.sqrt((piece @ piece) * (found @ found)):
            continue
        stamps.append(recording.sound_stamp + 1000 * (from_ + at + length / 2) / rate)
        positions.append(1000 * (begin + length / 2) / rate)
    drift = np.array(stamps) - positions
    alike = np.abs(drift - median_filter(drift, 5)) < 50  # a piece may be found in another like it
    onward = alike & (np.array(stamps) > np.maximum.accumulate([-np.inf, *np.where(alike, stamps, -np.inf)])[:-1])
    if onward.sum() < LEAST_PIECES:
        raise UnusableError(f"only {onward.sum()} pieces of the reply are in the recorded sound")
    return np.array(stamps)[onward], np.array(positions)[onward]


def mouth_pixels(pictures: np.ndarray) -> Floats:
    """The mouth's pixels along the directions in which they differ most: shape (n, DIRECTIONS), each of length 1. The
    mouth is followed as the nose moves."""
    height, width = pictures.shape[1:]
    top, bottom, left, right = _box(NOSE, height, width)
    nose = pictures[len(pictures) // 2, top:bottom, left:right].astype(np.float64)
    nose -= nose.mean()
    mouths = []
    for picture in pictures.astype(np.float64):
        around = picture[top - REACH : bottom + REACH, left - REACH : right + REACH]
        windows = sliding_window_view(around, nose.shape)
        windows = windows - windows.mean(axis=(2, 3), keepdims=True)
        likeness = (windows * nose).sum(axis=(2, 3)) / (np.sqrt((windows**2).sum(axis=(2, 3))) + 1)
        down, across = np.unravel_index(int(likeness.argmax()), likeness.shape)
        a, b, c, d = _box(MOUTH, height, width)
        dy, dx = int(down) - REACH, int(across) - REACH
        mouths.append(_blurred(picture[a + dy : b + dy, c + dx : d + dx]))
    return np.stack(mouths)


def _box(part: tuple[float, float, float, float], height: int, width: int) -> tuple[int, int, int, int]:
    top, bottom, left, right = part
    return int(top * height), int(bottom * height), int(left * width), int(right * width)


def _blurred(picture: Floats, cell: int = 4) -> Floats:
    rows, columns = (size // cell for size in picture.shape)
    cells: Floats = picture[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell).mean(axis=(1, 3))
    return cells.ravel()


def best_lag(positions: Floats, mouths: Floats, weights: Floats) -> tuple[float, float]:
    """How much later than the weights that explain it best a mouth comes, in ms, and how well they explain it.

    `mouths` (n, pixels) were seen when the reply stood at `positions` (n,), in ms. Of all mixtures of pixels and all
    mixtures of shapes, those that go together best are compared (the first canonical correlation, squared), since
    nobody need know what an open mouth looks like. Raises UnusableError.
    """
    inside = np.isfinite(positions)
    positions, mouths = positions[inside], mouths[inside]
    if len(positions) < LEAST_PICTURES:
        raise UnusableError(f"only {len(positions)} pictures of the reply were recorded")
    pixels = np.linalg.svd(mouths - mouths.mean(axis=0), full_matrices=False)[0][:, :DIRECTIONS]
    frames = np.arange(len(weights)) * 1000 / FPS
    shapes = weights[:, [INDEX[name] for name in SHAPES]]

    def explained(lag: float) -> float:
        mouth = np.stack([np.interp(positions - lag, frames, shape) for shape in shapes.T], axis=1)
        basis, strengths, _ = np.linalg.svd(mouth - mouth.mean(axis=0), full_matrices=False)
        basis = basis[:, strengths > 1e-3 * strengths[0]]
        return float(np.linalg.svd(basis.T @ pixels, compute_uv=False)[0] ** 2)

    fits = np.array([explained(lag) for lag in LAGS])
    best = int(fits.argmax())
    if fits[best] < LEAST_FIT:
        raise UnusableError(f"the mouth and its pixels go together by only {fits[best]:.2f}")
    near = slice(max(0, best - 8), best + 9)
    curve = np.polyfit(LAGS[near], fits[near], 2)
    lag = -curve[1] / (2 * curve[0]) if curve[0] < 0 else LAGS[best]
    return float(np.clip(lag, LAGS[near][0], LAGS[near][-1])), float(fits[best])


def frame_errors(recording: Recording, heard: Floats, positions: Floats) -> Floats:
    """Of each frame that the app drew for a sample: when it was seen, less when that sample was heard, in ms. The
    reply's `positions` (ms) were heard at `heard`."""
    drawn = np.array([(entry["now"], entry["drawn"]) for entry in recording.log if entry["drawn"] >= 0])
    # The app notes the beginning of its drawing, the rig its end.
    index = np.searchsorted(recording.drawn, drawn[:, 0])
    inside = index < len(recording.drawn)
    sounded = np.interp(drawn[inside, 1] / (TIMELINE_RATE / 1000), positions, heard, *OUTSIDE)
    errors = recording.seen[index[inside]] - sounded
    finite: Floats = errors[np.isfinite(errors)]
    return finite


def measure(runs: int) -> list[Figures]:
    """Record and judge `runs` replies; a recording that cannot be judged is made again."""
    console = Console(stderr=True)
    done: list[Figures] = []
    with served() as address, sync_playwright() as playwright, closing(launch(playwright)) as browser:
        tries = 0
        while len(done) < runs and tries < 2 * runs + 2:
            tries += 1
            shift, question = SHIFTS[len(done) % len(SHIFTS)], QUESTIONS[len(done) % len(QUESTIONS)]
            try:
                figures = judge(record(browser, address, question, shift), question, 1000 * shift / FPS)
            except UnusableError as error:
                console.print(f"once more: {error}")
                continue
            done.append(figures)
            console.print(f"{len(done)} of {runs}: {figures.offset:+.0f} ms for {figures.injected:+.0f} ms")
    if len(done) < runs:
        raise UnusableError(f"only {len(done)} of {tries} recordings could be judged: is the machine too busy?")
    return done


def summed_up(runs: list[Figures]) -> dict[str, float]:
    """Medians and means over the runs; what was injected is taken off."""
    own = np.array([run.offset - run.injected for run in runs])
    moved = [(run.injected, run.offset) for run in runs]
    slope = float(np.polyfit(*zip(*moved, strict=True), 1)[0]) if len({x for x, _ in moved}) > 1 else float("nan")
    return {
        "offset_mean": float(own.mean()),
        "offset_median": float(np.median(own)),
        "offset_p95": float(np.percentile(np.abs(own), 95)),
        "frame_error_p95": float(np.median([run.frame_error_p95 for run in runs])),
        "found_per_injected": slope,
        "rig_bias": float(np.median([run.rig_bias for run in runs])),
        "frame_ms": float(np.median([run.frame_ms for run in runs])),
        "seen_after": float(np.median([run.seen_after for run in runs])),
        "runs": len(runs),
    }


def passed(summary: dict[str, float]) -> dict[str, bool]:
    """The gates."""
    return {
        "offset_mean": abs(summary["offset_mean"]) <= GATE_MS,
        "found_per_injected": not abs(summary["found_per_injected"] - 1) > RIG_GATE_MS / 100,
    }


def _table(runs: list[Figures]) -> Table:
    table = Table(title="Picture against sound, ms (+: the picture is late)")
    columns = {
        "injected": "injected", "offset": "found", "recorded_offset": "before calibration", "rig_bias": "rig's bias",
        "fit": "fit", "frame_error_mean": "frames: mean", "frame_error_p95": "frames: p95", "app_skew_mean": "app says",
        "frame_ms": "frame time", "seen_after": "seen after",
    }  # fmt: skip
    for heading in columns.values():
        table.add_column(heading, justify="right")
    for run in runs:
        values = asdict(run)
        table.add_row(*(f"{values[name]:.2f}" if name == "fit" else f"{values[name]:+.0f}" for name in columns))
    return table


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=len(SHIFTS), help="replies to record (default %(default)s)")
    options.add_argument("--json", type=Path, default=RESULTS, help="where the figures go (default %(default)s)")
    chosen = options.parse_args()
    runs = measure(chosen.runs)
    summary = summed_up(runs)
    verdicts = passed(summary)
    console = Console()
    console.print(_table(runs))
    for name, value in summary.items():
        verdict = "" if name not in verdicts else " (passed)" if verdicts[name] else " (FAILED)"
        console.print(f"{name}: {value:.3g}{verdict}")
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    figures = {"summary": summary, "passed": verdicts, "runs": [asdict(run) for run in runs]}
    chosen.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
