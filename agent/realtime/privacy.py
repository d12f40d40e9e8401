"""A recording without what a visitor, or the owner, said or wrote: lengths and times stay, words and sound go.

Letters become x, X or 字 and digits 0; spaces and punctuation stay, since sentences are told by them. Cutting and
joining texts does the same before and after, so a core replaying the copy does the same too, unless it heeds the words.
What stays tells how long words and pauses are and whether they sounded finished, and nothing else of them.
"""

import hashlib
import math
import re
import secrets
import string
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from agent.audio.codecs import CodecError, from_base64, to_base64
from agent.conversation.context import ConversationSettings
from agent.realtime.recording import Recording, header_to_json, new_file, write
from agent.realtime.recording_codec import ARRAY, DIGEST, KIND, Blobs, RecordingError, decode, encode

_KEPT = frozenset(
    {KIND, "event", "type", "object", "role", "status", "kind", "state", "stage", "code", "reason", "eagerness"}
    | {"format", "tool_choice", "truncation", "conversation", "authority", "max_output_tokens", "completion", "claim"}
    | {"tune", "delay", "tracing", "modalities", "output_modalities", "include", "created", "recorded_by", "param"}
    | {"expression"}
)
"""Fields whose strings are chosen from the protocol's words, or are ours."""
_KEPT_WHOLE = frozenset({"voices", "known_voices", "hears", "turns", "turn_detection", "engines", "capabilities"})
_CLIENTS_OWN = frozenset({"metadata", "parameters", "variables"})
"""Fields that hold an object of the client's making: no key in it means what it means elsewhere."""
_TOOL = frozenset({"type", "name"})
"""Keys of a tool, and of the choice of one, that the protocol knows; the others may be the client's own."""
_WORD_SOURCES = frozenset({"engine", "aligned", "estimated"})
_OURS = re.compile(r"(?:sess|conv|item|resp|event|call|id)_(?:[0-9a-f]{24}|unrecorded\d{1,4})", re.ASCII)
_LANGUAGE = re.compile(
    r"((?:[a-z]{2,3})(?:-(?:hans|hant|latn|cyrl)(?=-|$))?(?:-(?:[a-z]{2}|\d{3})(?=-|$))?)((?:-.*)?)", re.I | re.A | re.S
)
"""A language tag (BCP 47) of language, script and region; and what else a client may have put there."""
_CJK = 0x2E80
_SALT = secrets.token_bytes(16)


@dataclass(frozen=True, slots=True)
class Masking:
    """Masks words in JSON of inputs, effects or settings, and takes digests out. Doing it twice changes nothing.

    voices: names that stay. Any other voice is what a client asked for.
    """

    voices: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: ConversationSettings) -> "Masking":
        """For what was recorded with these settings."""
        return cls(settings.known_voices | frozenset(settings.voices.values()))

    def __call__(self, value: Any, key: str = "") -> Any:
        """`value`, which stood in the field `key`, without personal data."""
        if key in _CLIENTS_OWN:
            return opaque(value)
        if isinstance(value, str):
            return self._string(value, key)
        if isinstance(value, list):
            return [_tool(one) if key == "tools" else self(one, key) for one in value]
        if isinstance(value, dict):
            return _tool(value) if key == "tool_choice" else self._object(value)
        return value

    def _object(self, value: dict[str, Any]) -> dict[str, Any]:
        if DIGEST in value:
            return {DIGEST: [value[DIGEST][0], ""]}
        return {name: one if name in _KEPT_WHOLE or name == ARRAY else self(one, name) for name, one in value.items()}

    def _string(self, value: str, key: str) -> str:
        if key in _KEPT or (key == "source" and value in _WORD_SOURCES) or (key == "voice" and value in self.voices):
            return value
        if key in ("id", "ids") or key.endswith("_id"):
            return value if value in ("", "root") or _OURS.fullmatch(value) else _other_id(value)
        if key == "message":  # may name an id, whose length is not kept
            return ""
        if key == "audio":
            return _silence(value)
        tag = _LANGUAGE.fullmatch(value) if key == "language" else None
        if tag is not None:
            return tag[1] + mask(tag[2])
        return mask(value)


def _silence(sound: str) -> str:
    """As much sound, without any; what is no base64 stays none."""
    try:
        return to_base64(bytes(len(from_base64(sound))))
    except CodecError:
        return "?" if sound else ""


def opaque(value: Any) -> Any:
    """JSON of a client's own making with its keys, its words and its numbers masked; how long each is stays, since
    prompts are bounded by that."""
    match value:
        case str():
            return mask(value)
        case bool() | None:
            return value
        case int() | float():
            return _number(value)
        case list():
            return [opaque(one) for one in value]
        case dict():
            keys = _keys(value)
            return {keys[name]: opaque(one) for name, one in value.items()}
    return value


def _tool(value: Any) -> Any:
    """A tool, or the choice of one."""
    if not isinstance(value, dict):
        return opaque(value)
    keys = _keys(value)
    return {
        name if name in _TOOL else keys[name]: one if (name, one) == ("type", "function") else opaque(one)
        for name, one in value.items()
    }


def _keys(names: Iterable[str]) -> dict[str, str]:
    """What stands for the keys of one object: two never become the same."""
    masked: dict[str, str] = {}
    others: dict[str, Iterator[str]] = {}
    for name in names:
        pattern = mask(name)
        masked[name] = next(others.setdefault(pattern, _alike(pattern)), pattern)
    return masked


def _alike(pattern: str) -> Iterator[str]:
    """`pattern`, and then others that a mask makes the same of: counted up like a number, its last place first."""
    places = [at for at, char in enumerate(pattern) if char in _PLACES][-4:]
    for number in range(math.prod(len(_PLACES[pattern[at]]) for at in places)):
        characters, left = list(pattern), number
        for at in reversed(places):
            left, digit = divmod(left, len(_PLACES[pattern[at]]))
            characters[at] = _PLACES[pattern[at]][digit]
        yield "".join(characters)


_PLACES = {
    "x": "x" + string.ascii_lowercase.replace("x", ""),
    "X": "X" + string.ascii_uppercase.replace("X", ""),
    "0": string.digits,
    "字": "字" + "".join(map(chr, range(0x4E00, 0x4E40))),
}


def _number(value: float) -> int | float:
    """A number with as many digits, all of them 1."""
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    masked = "".join("1" if c.isdigit() else c for c in mantissa) + exponent + power
    return type(value)(masked)


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
    masking = Masking.of(header.settings)
    count = 0
    try:
        with ExitStack() as stack:
            stack.callback(recording.close)
            file = stack.enter_context(new_file(path))
            settings = masking(encode(replace(header, personal_data=False), Blobs()))
            write(file, lambda blobs: header_to_json(decode(type(header), settings, blobs), blobs))
            for line in _lines(recording, masking):
                write(file, lambda blobs, line=line: _with_silence(line, blobs))  # type: ignore[misc]
                count += 1
            write(file, lambda _: {"end": mask_end(recording.end)})
    except OSError as error:
        raise RecordingError(f"{path}: cannot be written: {error.strerror or error}") from None
    return count


def mask_end(end: str) -> str:
    """How it ended; only our own words are let through."""
    return end if end.isascii() and len(end) < 100 else "over"


def _lines(recording: Recording, masking: Masking) -> Iterator[dict[str, Any]]:
    for record in recording:
        blobs = Blobs()
        line = {
            "input": encode(record.event, blobs),
            "ids": list(record.ids),
            "effects": record.effects,
        }
        yield {"at": record.at, **masking(line)}


def _with_silence(line: dict[str, Any], blobs: Blobs) -> dict[str, Any]:
    """The line with zeros for its arrays: a mouth's frames tell words to whoever reads lips. A client's message has
    none, whatever its keys look like."""
    given = line["input"]
    return line if given[KIND] == "FromClient" else {**line, "input": _silent(given, blobs)}


def _silent(value: Any, blobs: Blobs) -> Any:
    if isinstance(value, dict):
        if ARRAY in value:
            _, dtype, shape = value[ARRAY]
            return {ARRAY: blobs.put(np.zeros(shape, np.dtype(dtype)))}
        return {key: _silent(one, blobs) for key, one in value.items()}
    return [_silent(one, blobs) for one in value] if isinstance(value, list) else value
