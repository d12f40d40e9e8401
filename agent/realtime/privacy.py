"""A recording without what a visitor, or the owner, said or wrote: lengths and times stay, words and sound go.

Letters become x, X or 字 and digits 0; spaces and punctuation stay, since sentences are told by them. Cutting and
joining texts does the same before and after, so a core replaying the copy does the same too, unless it heeds the words.
What stays tells how long words and pauses are and whether they sounded finished, and nothing else of them.
"""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from agent.realtime.recording import Recording, header_to_json, new_file, write
from agent.realtime.recording_codec import ARRAY, DIGEST, KIND, Blobs, RecordingError, decode, encode

_KEPT = frozenset(
    {KIND, "event", "type", "object", "role", "status", "voice", "kind", "language", "state", "stage", "code"}
    | {"reason", "eagerness", "format", "tool_choice", "truncation", "conversation", "authority", "max_output_tokens"}
    | {"completion", "claim", "tune", "delay", "tracing"}
    | {"modalities", "output_modalities", "include", "created", "recorded_by", "param", "expression"}
    | {"completion", "claim", "tune"}
)
"""Fields whose strings are chosen from the protocol's words, or are ours."""
_KEPT_WHOLE = frozenset({"voices", "known_voices", "hears", "turns", "turn_detection", "engines", "capabilities"})
_WORD_SOURCES = frozenset({"engine", "aligned", "estimated"})
_OURS = re.compile(r"[a-z]+_(?:[0-9a-f]{24}|unrecorded\d+)", re.ASCII)
_CJK = 0x2E80
_SALT = secrets.token_bytes(16)


def without_personal_data(value: Any, key: str = "") -> Any:
    """JSON of inputs, effects or settings with its words masked and digests gone. Doing it twice changes nothing."""
    if isinstance(value, str):
        return _string(value, key)
    if isinstance(value, list):
        return [without_personal_data(one, key) for one in value]
    if isinstance(value, dict):
        if DIGEST in value:
            return {DIGEST: [value[DIGEST][0], ""]}
        return {
            name: one if name in _KEPT_WHOLE or name == ARRAY else without_personal_data(one, name)
            for name, one in value.items()
        }
    return value


def _string(value: str, key: str) -> str:
    if key in _KEPT or (key == "source" and value in _WORD_SOURCES):
        return value
    if key in ("id", "ids") or key.endswith("_id"):
        return value if value in ("", "root") or _OURS.fullmatch(value) else _other_id(value)
    if key == "message":  # may name an id, whose length is not kept
        return ""
    return mask(value)


def _other_id(value: str) -> str:
    """A client's own id may say anything. The same one becomes the same one, so that references hold."""
    return f"id_{hashlib.blake2b(value.encode('utf-8', 'surrogatepass'), digest_size=12, key=_SALT).hexdigest()}"


def mask(text: str) -> str:
    """`text` with every letter, digit and symbol replaced, one for one."""
    return "".join(_character(c) for c in text)


def _character(c: str) -> str:
    category = unicodedata.category(c)
    if category[0] == "L":
        return "字" if ord(c) >= _CJK else "X" if category == "Lu" else "x"
    if category[0] == "N":
        return "0"
    return c if c.isascii() or category[0] in "PZ" else "*"


def write_copy(recording: Recording, path: Path) -> int:
    """Write a copy of `recording` without personal data; returns how many inputs it has. Raises RecordingError."""
    header = recording.header
    count = 0
    try:
        with ExitStack() as stack:
            stack.callback(recording.close)
            file = stack.enter_context(new_file(path))
            settings = without_personal_data(encode(replace(header, personal_data=False), Blobs()))
            write(file, lambda blobs: header_to_json(decode(type(header), settings, blobs), blobs))
            for line in _lines(recording):
                write(file, lambda blobs, line=line: _with_silence(line, blobs))  # type: ignore[misc]
                count += 1
            write(file, lambda _: {"end": mask_end(recording.end)})
    except OSError as error:
        raise RecordingError(f"{path}: cannot be written: {error.strerror or error}") from None
    return count


def mask_end(end: str) -> str:
    """How it ended; only our own words are let through."""
    return end if end.isascii() and len(end) < 100 else "over"


def _lines(recording: Recording) -> Iterator[dict[str, Any]]:
    for record in recording:
        blobs = Blobs()
        line = {
            "input": encode(record.event, blobs),
            "ids": list(record.ids),
            "effects": record.effects,
        }
        yield {"at": record.at, **without_personal_data(line)}


def _with_silence(line: dict[str, Any], blobs: Blobs) -> dict[str, Any]:
    """The line with zeros for its arrays: a mouth's frames tell words to whoever reads lips."""
    return {**line, "input": _silent(line["input"], blobs)}


def _silent(value: Any, blobs: Blobs) -> Any:
    if isinstance(value, dict):
        if ARRAY in value:
            _, dtype, shape = value[ARRAY]
            return {ARRAY: blobs.put(np.zeros(shape, np.dtype(dtype)))}
        return {key: _silent(one, blobs) for key, one in value.items()}
    return [_silent(one, blobs) for one in value] if isinstance(value, list) else value
