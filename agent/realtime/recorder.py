"""Records conversations: one file each, written by a thread of its own."""

import gzip
import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.config import ConfigError
from agent.conversation.context import ConversationSettings
from agent.conversation.effects import Effect
from agent.conversation.inputs import Input
from agent.realtime.recording import BINARY, SUFFIX, Header, header_to_json, write
from agent.realtime.recording_codec import Blobs, RecordingError, encode, outline

MAX_WAITING = 4096
"""Records that wait for the disk; beyond it the recording ends, and says so."""
FLUSH_SECONDS = 2.0
"""A crash loses at most so much."""


class Writer:
    """Writes records in a thread of its own, so that neither packing nor the disk stops a conversation."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._file = os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | BINARY, 0o600), "wb")
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


def _us() -> str:
    from agent.server.app import VERSION as us  # noqa: PLC0415 -- the server imports this module

    return us
