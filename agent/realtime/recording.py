"""Recordings: every input of one conversation's core with its time and the ids it drew, and what the core answered.

A file is gzip over records. A record is a line of JSON and, where the line says `"bytes": n`, n bytes after it: the
line's arrays. The first line is the header, then comes one line an input, then one that says how it ended. A file that
breaks off is good up to where it does.
"""

import gzip
import json
import os
import queue
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.config import ConfigError
from agent.conversation.context import ConversationSettings
from agent.conversation.effects import Effect
from agent.conversation.inputs import Input
from agent.realtime.recording_codec import Blobs, RecordingError, decode, encode, outline

FORMAT = "visavis recording"
VERSION = 1
SUFFIX = ".visavis.gz"
NOTE = (
    "This file holds the voice and the words of a conversation: personal data. "
    "`visavis replay FILE --without-personal-data OUT` writes a copy without them."
)
MAX_WAITING = 4096
"""Records that wait for the disk; beyond it the recording ends, and says so."""
MAX_LINE = 32 * 2**20
MAX_BYTES = 64 * 2**20
"""Bytes of arrays beside one line."""
FLUSH_SECONDS = 2.0
"""A crash loses at most so much."""


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


class Writer:
    """Writes records in a thread of its own, so that neither packing nor the disk stops a conversation."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._file = os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY, 0o600), "wb")
        self._most = max_bytes
        self._records: queue.Queue[Callable[[Blobs], Any] | None] = queue.Queue(MAX_WAITING)
        self._end = ""
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def put(self, make: Callable[[Blobs], Any]) -> None:
        """Write what `make` makes, later. When the disk is far behind the recording ends."""
        if self._end:
            return
        try:
            self._records.put_nowait(make)
        except queue.Full:
            self._end = "the disk was too slow"

    def close(self, seconds: float = 0.5) -> None:
        """Write what waits, and end. Waits at most `seconds`: it is called on the event loop."""
        self._end = self._end or "over"
        with suppress(queue.Full):
            self._records.put_nowait(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        flushed = time.monotonic()
        with self._file as raw, gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=5, mtime=0) as packed:
            try:
                while (make := self._records.get()) is not None:
                    write(packed, make)
                    if time.monotonic() - flushed > FLUSH_SECONDS:
                        packed.flush()
                        flushed = time.monotonic()
                    if raw.tell() > self._most:
                        self._end = "as large as it may be (recording.megabytes)"
                        break
                    if self._end and self._records.empty():
                        break
                write(packed, lambda _: {"end": self._end})
            except (OSError, RecordingError) as error:
                self._end = str(error)


_BINARY = getattr(os, "O_BINARY", 0)


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
        number = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | _BINARY, 0o600)
        with os.fdopen(number, "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed:
            yield packed
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Make the folder if it is not there. Raises ConfigError when nothing can be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(f"recording.folder: {folder}: {error.strerror or error}") from None


class Recorder:
    """Watches one conversation, which must be given the settings that `begin` returns."""

    def __init__(self, folder: Path, max_bytes: int, engines: dict[str, str] | None = None) -> None:
        self._folder = folder
        self._most = max_bytes
        self._engines = engines or {}
        self._ids: list[str] = []
        self._writer: Writer | None = None
        self.path: Path | None = None

    def begin(self, settings: ConversationSettings) -> ConversationSettings:
        """The settings for the conversation, which note each id that it draws."""
        draw = settings.new_id

        def new_id(prefix: str) -> str:
            self._ids.append(draw(prefix))
            return self._ids[-1]

        return replace(settings, new_id=new_id)

    def began(self, settings: ConversationSettings, start: float, seed: int) -> None:
        """The conversation was made. Raises RecordingError when no file can be made."""
        created = datetime.now(UTC)
        ids = self._take_ids()
        name = f"{created:%Y%m%d-%H%M%S}-{ids[0].rpartition('_')[2][-8:] if ids else 'x'}{SUFFIX}"
        self.path = self._folder / name
        header = Header(
            settings, start, seed, ids, True, created.isoformat(timespec="seconds"), tuple(self._engines.items()), _us()
        )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._writer = Writer(self.path, self._most)
        except OSError as error:
            raise RecordingError(f"{self.path}: cannot be written: {error.strerror or error}") from None
        self._writer.put(lambda blobs: header_to_json(header, blobs))

    def saw(self, event: Input, now: float, effects: list[Effect]) -> None:
        """The conversation was told `event` at `now`, and asked for `effects`."""
        ids = self._take_ids()
        if self._writer is not None:
            self._writer.put(
                lambda blobs: {
                    "at": now,
                    "input": encode(event, blobs),
                    "ids": ids,
                    "effects": [outline(effect) for effect in effects],
                }
            )

    def close(self) -> None:
        """The conversation is over."""
        if self._writer is not None:
            self._writer.close()

    def _take_ids(self) -> tuple[str, ...]:
        ids = tuple(self._ids)
        self._ids.clear()
        return ids


def header_to_json(header: Header, blobs: Blobs) -> dict[str, Any]:
    """The first line."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "personal_data": header.personal_data,
        "note": NOTE if header.personal_data else "Voice and words were left out; lengths and times are as they were.",
        "header": encode(header, blobs),
    }


def _us() -> str:
    from agent.server.app import VERSION as us  # noqa: PLC0415 -- the server imports this module

    return us


# ---------------------------------------------------------------------- reading
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
            return decode(Header, line, blobs)
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
