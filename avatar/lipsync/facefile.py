"""Face files (visavis-face/1): a face track as JSON lines, one header and then one object a frame.

    {"format": "visavis-face/1", "fps": 60, "names": [52 names], "lookahead_ms": 0, "source": "timed"}
    {"t": 0.0, "w": [52 × 0…1], "head": [yaw, pitch, roll], "gaze": [yaw, pitch], "viseme": "PP"}

Angles are in radians as in FaceTrack; t is in seconds, a whole number of frames from 0; numbers have 4 decimals.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from avatar.blendshapes import FPS, NAMES, SAMPLES_PER_FRAME, FaceTrack
from avatar.lipsync.phones import OCULUS
from avatar.lipsync.track import Source
from avatar.lipsync.visemes import nearest_visemes

FORMAT = "visavis-face/1"
_LONGEST_LINE = 4096
_MOST_FRAMES = 4 * 3600 * FPS
_SOURCES = get_args(Source)
_TURN = (-math.pi, math.pi)


class FaceFileError(ValueError):
    """A face file cannot be read; the message names the file, the line and the cause."""


@dataclass(frozen=True, slots=True)
class FaceFile:
    """A face file's content. visemes: one of the 15 Oculus names for each frame."""

    track: FaceTrack
    visemes: tuple[str, ...]
    lookahead_ms: int
    source: Source


def face_lines(
    track: FaceTrack, *, source: Source, lookahead_ms: int = 0, visemes: Sequence[str] | None = None
) -> Iterator[str]:
    """The file's lines, without line ends. `visemes`: what is said at each frame where that is known; else the nearest
    viseme to the frame's shapes. Raises ValueError when there are not as many as frames."""
    named = nearest_visemes(track.weights) if visemes is None else list(visemes)
    if len(named) != len(track):
        raise ValueError(f"{len(named)} visemes for {len(track)} frames")
    header = {"format": FORMAT, "fps": FPS, "names": NAMES, "lookahead_ms": lookahead_ms, "source": source}
    yield json.dumps(header)
    first = track.start_sample // SAMPLES_PER_FRAME
    weights = np.clip(track.weights, 0.0, 1.0).round(4).astype(np.float64).round(4).tolist()
    head = track.head.astype(np.float64).round(4).tolist()
    gaze = track.gaze.astype(np.float64).round(4).tolist()
    for i, viseme in enumerate(named):
        t = round((first + i) / FPS, 4)
        yield json.dumps({"t": t, "w": weights[i], "head": head[i], "gaze": gaze[i], "viseme": viseme})


def write_face(
    path: Path, track: FaceTrack, *, source: Source, lookahead_ms: int = 0, visemes: Sequence[str] | None = None
) -> None:
    """Write a face file; see `face_lines`. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for line in face_lines(track, source=source, lookahead_ms=lookahead_ms, visemes=visemes):
            file.write(line + "\n")


def read_face(path: Path) -> FaceFile:
    """Read and check a face file. Raises FaceFileError naming file, line and cause, and OSError."""
    with path.open("r", encoding="utf-8", errors="replace") as file:
        lines = enumerate(iter(lambda: file.readline(_LONGEST_LINE + 1), ""), start=1)
        try:
            header = _header(*next(lines, (1, "")))
            rows = [_frame(number, line) for number, line in lines if line.strip()]
            start = _start(rows)
        except _BadLineError as bad:
            raise FaceFileError(f"{path}: {bad}") from None
    weights = np.array([row["w"] for row in rows], np.float32).reshape(-1, 52)
    head = np.array([row["head"] for row in rows], np.float32).reshape(-1, 3)
    gaze = np.array([row["gaze"] for row in rows], np.float32).reshape(-1, 2)
    visemes = tuple(row["viseme"] for row in rows)
    return FaceFile(FaceTrack(start, weights, head, gaze), visemes, header["lookahead_ms"], header["source"])


class _BadLineError(Exception):
    def __init__(self, number: int, cause: str) -> None:
        super().__init__(f"line {number}: {cause}")


def _object(number: int, line: str) -> dict[str, Any]:
    if len(line) > _LONGEST_LINE:
        raise _BadLineError(number, f"longer than {_LONGEST_LINE} characters")
    if number > _MOST_FRAMES:
        raise _BadLineError(number, f"more than {_MOST_FRAMES} frames")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise _BadLineError(number, "not JSON") from None
    if not isinstance(value, dict):
        raise _BadLineError(number, "not a JSON object")
    return value


def _header(number: int, line: str) -> dict[str, Any]:
    header = _object(number, line)
    if header.get("format") != FORMAT:
        raise _BadLineError(number, f"format is {header.get('format')!r}, not {FORMAT!r}")
    if header.get("fps") != FPS:
        raise _BadLineError(number, f"fps is {header.get('fps')!r}, not {FPS}")
    if header.get("names") != list(NAMES):
        raise _BadLineError(number, "names are not the 52 ARKit names in Apple's order")
    lookahead = header.get("lookahead_ms")
    if not isinstance(lookahead, int) or isinstance(lookahead, bool) or lookahead < 0:
        raise _BadLineError(number, "lookahead_ms is not a whole number of milliseconds")
    if header.get("source") not in _SOURCES:
        raise _BadLineError(number, f"source is {header.get('source')!r}, not one of {', '.join(_SOURCES)}")
    return header


def _frame(number: int, line: str) -> dict[str, Any]:
    frame = _object(number, line)
    _numbers(number, frame, "w", 52, (0.0, 1.0))
    _numbers(number, frame, "head", 3, _TURN)
    _numbers(number, frame, "gaze", 2, _TURN)
    if frame.get("viseme") not in OCULUS:
        raise _BadLineError(number, f"viseme is {frame.get('viseme')!r}, not one of the 15")
    if not _is_number(frame.get("t")) or not 0 <= frame["t"] <= _MOST_FRAMES / FPS:
        raise _BadLineError(number, "t is not a number of seconds")
    return {**frame, "number": number}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(number: int, frame: dict[str, Any], field: str, count: int, span: tuple[float, float]) -> None:
    low, high = span
    values = frame.get(field)
    if not isinstance(values, list) or len(values) != count or not all(map(_is_number, values)):
        raise _BadLineError(number, f"{field} is not a list of {count} numbers")
    if not all(low <= value <= high for value in values):
        raise _BadLineError(number, f"{field} has a value outside {low:.4g}…{high:.4g}")


def _start(rows: Sequence[dict[str, Any]]) -> int:
    """The first frame's sample; frames must follow one another without a gap."""
    first = round(rows[0]["t"] * FPS) if rows else 0
    for i, row in enumerate(rows):
        if abs(row["t"] * FPS - (first + i)) > 0.01:
            raise _BadLineError(row["number"], f"t is {row['t']}, not the next frame's {(first + i) / FPS:.4f}")
    return first * SAMPLES_PER_FRAME
