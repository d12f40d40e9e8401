"""How long a sound file is by its own word, which may be more than what is there."""

import os
import struct
from pathlib import Path

import av

_STATING = frozenset({"aiff", "au", "caf", "flac", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2"})
"""Formats, as FFmpeg names them, whose header states the length. Of others it is an estimate, which proves nothing."""
_XING = (b"Xing", b"Info")
"""An MP3 of which one of these stands near the beginning states its number of frames there."""
_HEAD_BYTES = 65_536
_MOST_CHUNKS = 64
_UNKNOWN = (0, 0xFFFFFFFF)
"""What programs that wrote to a pipe left for the size of a WAV's data."""


def stated_seconds(path: Path, container: av.container.InputContainer, found: float) -> float | None:
    """The length in seconds that the header of the file at `path`, open as `container`, states; None where it states
    none. `found`: the seconds that were in it. Raises OSError."""
    name = container.format.name
    if name == "wav":
        return found * _wav_share(path)
    if name in _STATING or (name == "mp3" and any(mark in _head(path) for mark in _XING)):
        return container.duration / av.time_base if container.duration else None
    return None


def _wav_share(path: Path) -> float:
    """The bytes of sound that a WAV's header states over those that are there. FFmpeg trusts the size of the file more
    than the header, so the header is read here."""
    size = path.stat().st_size
    with path.open("rb") as file:
        riff, _, wave = struct.unpack("<4sI4s", file.read(12).ljust(12))
        if (riff, wave) != (b"RIFF", b"WAVE"):
            return 1.0
        for _ in range(_MOST_CHUNKS):
            head = file.read(8)
            if len(head) < 8:
                return 1.0
            kind, stated = struct.unpack("<4sI", head)
            if kind == b"data":
                there = size - file.tell()
                return stated / there if stated not in _UNKNOWN and there > 0 else 1.0
            file.seek(stated + stated % 2, os.SEEK_CUR)
    return 1.0


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)
