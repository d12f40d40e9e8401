"""Recordings: every input of one conversation's core with its time and the ids it drew, and what the core answered.

A file is gzip over records. A record is a line of JSON and, where the line says `"bytes": n`, n bytes after it: the
line's arrays. The first line is the header, then comes one line an input, then one that says how it ended. A file that
breaks off is good up to where it does.
"""

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.conversation.context import ConversationSettings
from agent.conversation.inputs import Input
from agent.realtime.recording_codec import Blobs, RecordingError, decode, encode

FORMAT = "visavis recording"
VERSION = 1
SUFFIX = ".visavis.gz"
NOTE = (
    "This file holds the voice and the words of a conversation: personal data. "
    "`visavis replay FILE --without-personal-data OUT` writes a copy without them."
)
MAX_LINE = 32 * 2**20
MAX_BYTES = 64 * 2**20
"""Bytes of arrays beside one line."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a conversation began with. `start` is its first time, `seed` its behaviour's."""

    settings: ConversationSettings
    start: float
    seed: int
    ids: tuple[str, ...]
    personal_data: bool
    created: str = ""
    engines: tuple[tuple[str, str], ...] = ()
    recorded_by: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One input, when it came, the ids the core drew for it, and the outlines of what it asked for."""

    at: float
    event: Input
    ids: tuple[str, ...]
    effects: list[Any]


BINARY = getattr(os, "O_BINARY", 0)


def write(file: gzip.GzipFile, make: Callable[[Blobs], Any]) -> None:
    """Write one record. Raises OSError and RecordingError."""
    blobs = Blobs()
    line = make(blobs)
    if blobs.data:
        line["bytes"] = len(blobs.data)
    file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n")
    file.write(blobs.data)


@contextmanager
def new_file(path: Path) -> Iterator[gzip.GzipFile]:
    """A file to `write` records to, which is there only once all of it is. Raises OSError."""
    part = path.with_name(path.name + ".part")
    try:
        number = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | BINARY, 0o600)
        with os.fdopen(number, "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed:
            yield packed
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def header_to_json(header: Header, blobs: Blobs) -> dict[str, Any]:
    """The first line."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "personal_data": header.personal_data,
        "note": NOTE if header.personal_data else "Voice and words were left out; lengths and times are as they were.",
        "header": encode(header, blobs),
    }


class Recording:
    """A recording being read: the header at once, the records one by one. Raises RecordingError throughout."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.end = "the file breaks off here"
        """How it ended, once all was read."""
        try:
            self._file = gzip.open(path, "rb")  # noqa: SIM115 -- closed by `close`
        except OSError as error:
            raise RecordingError(f"{path}: {error.strerror or error}") from None
        try:
            read = self._next()
            if read is None or read[0].get("format") != FORMAT:
                raise RecordingError(f"{path}: it is no recording of a conversation")
            line, blobs = read
            if line.get("version") != VERSION:
                raise RecordingError(f"{path}: it is of version {line.get('version')!r}; this program reads {VERSION}")
            self.header: Header = self._header(line.get("header"), blobs)
        except RecordingError:
            self.close()
            raise

    def _header(self, line: object, blobs: Blobs) -> Header:
        try:
            header: Header = decode(Header, line, blobs)
            return header
        except RecordingError as error:
            raise RecordingError(f"{self.path}: {error}") from None

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Record]:
        number, last = 0, self.header.start
        while (read := self._next()) is not None:
            line, blobs = read
            if "end" in line:
                self.end = str(line["end"])
                return
            number += 1
            try:
                at, ids = decode(float, line.get("at"), blobs), decode(tuple[str, ...], line.get("ids"), blobs)
                effects = line.get("effects")
                if not (at >= last and isinstance(effects, list)):
                    raise RecordingError("its time goes back, or its effects are missing")
                last = at
                yield Record(at, decode(Input, line.get("input"), blobs), ids, effects)
            except RecordingError as error:
                raise RecordingError(f"{self.path}: input {number}: {error}") from None

    def _next(self) -> tuple[dict[str, Any], Blobs] | None:
        """The next record; None at the end, or where the file breaks off."""
        try:
            text = self._file.readline(MAX_LINE)
            if not text.endswith(b"\n"):
                if len(text) >= MAX_LINE:
                    raise RecordingError(f"{self.path}: a line is longer than {MAX_LINE} bytes")
                return None
            line = json.loads(text)
            if not isinstance(line, dict):
                raise RecordingError(f"{self.path}: a line is not an object")
            count = line.get("bytes", 0)
            if type(count) is not int or not 0 <= count <= MAX_BYTES:
                raise RecordingError(f"{self.path}: a record has {count!r} bytes of sound")
            data = self._file.read(count)
        except EOFError:
            return None
        except (gzip.BadGzipFile, zlib.error, ValueError, RecursionError, OSError) as error:
            if isinstance(error, RecordingError):
                raise
            raise RecordingError(f"{self.path}: it is damaged, or no recording of a conversation") from None
        return (line, Blobs(data)) if len(data) == count else None
