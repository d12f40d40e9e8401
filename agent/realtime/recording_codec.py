"""Inputs and settings of a conversation as JSON and back, by their types; arrays go into bytes beside it.

Reading builds nothing but the types that are asked for: no name in a file ever chooses code to run.
"""

import dataclasses
import hashlib
import types
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, TypeAdapter, ValidationError

from agent.conversation.effects import Effect, Send

DTYPES = ("<f4", "<f8", "<i2", "|u1")
MAX_ARRAY_BYTES = 64 * 2**20
KIND = "is"
"""The key that names a dataclass."""
ARRAY = "@"
"""The key of an array: [where in the bytes, dtype, shape]."""
DIGEST = "~"
"""The key that stands for something long in an effect: [its length, its digest]."""

_LONG = {"AudioDelta": ("delta",), "FaceDelta": ("data",), "StageFace": ("data",)}
"""Fields of events that hold sound or frames."""


class RecordingError(ValueError):
    """A recording cannot be read or written; the message says why, in one line."""


class Blobs:
    """The bytes beside one line."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)

    def put(self, array: NDArray[Any]) -> list[Any]:
        """Add an array; returns what finds it. Bytes of equal weight lie together: they pack better so."""
        array = np.ascontiguousarray(array)
        dtype = array.dtype.newbyteorder("<") if array.dtype.itemsize > 1 else array.dtype
        if dtype.str not in DTYPES:
            raise RecordingError(f"arrays of {dtype} cannot be recorded")
        planes = array.astype(dtype, copy=False).reshape(-1).view(np.uint8).reshape(-1, dtype.itemsize).T
        at = len(self.data)
        self.data += planes.tobytes()
        return [at, dtype.str, list(array.shape)]

    def get(self, place: Any) -> NDArray[Any]:
        """The array that `put` described so. Raises RecordingError."""
        match place:
            case [int(at), str(kind), [*shape]] if kind in DTYPES and all(
                type(n) is int and 0 <= n <= MAX_ARRAY_BYTES for n in shape
            ):
                dtype = np.dtype(kind)
                count = 1
                for n in shape:
                    count *= n
                end = at + count * dtype.itemsize
                if 0 <= at <= end <= len(self.data) and end - at <= MAX_ARRAY_BYTES:
                    planes = np.frombuffer(bytes(self.data[at:end]), np.uint8).reshape(dtype.itemsize, -1)
                    return np.ascontiguousarray(planes.T).reshape(-1).view(dtype).reshape(shape).copy()
        raise RecordingError("an array lies outside its bytes")


def encode(value: Any, blobs: Blobs) -> Any:  # noqa: PLR0911 -- one case a kind of value
    """`value` as JSON. Raises RecordingError for what has no place in a recording."""
    match value:
        case None | bool() | str():
            return value
        case Enum():
            return encode(value.value, blobs)
        case int() | np.integer():
            return int(value)
        case float() | np.floating():
            return float(value)
        case np.ndarray():
            return {ARRAY: blobs.put(value)}
        case BaseModel():
            return value.model_dump(mode="json", exclude_unset=True)
        case Mapping():
            return {str(key): encode(one, blobs) for key, one in value.items()}
        case set() | frozenset():
            return sorted(encode(one, blobs) for one in value)
        case list() | tuple():
            return [encode(one, blobs) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
        return {KIND: type(value).__name__} | {
            name: encode(one, blobs) for name, one in fields.items() if not _is_function(one)
        }
    raise RecordingError(f"a {type(value).__name__} cannot be recorded")


def _is_function(value: object) -> bool:
    return isinstance(value, types.FunctionType | types.MethodType | types.BuiltinFunctionType)


def decode(hint: Any, value: Any, blobs: Blobs) -> Any:  # noqa: PLR0911 -- one case a kind of type
    """What `encode` made of something of type `hint`. Raises RecordingError."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _decode_union(arguments, value, blobs)
    if origin is Literal:
        if value in arguments:
            return value
    elif origin is np.ndarray:
        if isinstance(value, dict) and ARRAY in value:
            return blobs.get(value[ARRAY])
    elif origin is not None:
        return _decode_container(origin, arguments, value, blobs)
    elif dataclasses.is_dataclass(hint):
        return _decode_dataclass(hint, value, blobs)
    elif isinstance(hint, type) and issubclass(hint, BaseModel):
        return _validate(hint, value)
    elif isinstance(hint, type) and issubclass(hint, Enum):
        return next((one for one in hint if one.value == value), None) or _wrong(hint)
    elif hint is float and type(value) in (int, float):
        return float(value)
    elif hint is Any or (hint in (str, int, bool) and type(value) is hint):
        return value
    return _wrong(hint)


def _wrong(hint: Any) -> Any:
    raise RecordingError(f"a {getattr(hint, '__name__', hint)} was expected where something else stands")


def _decode_union(kinds: tuple[Any, ...], value: Any, blobs: Blobs) -> Any:
    if value is None and type(None) in kinds:
        return None
    name = value.get(KIND) if isinstance(value, dict) else None
    for kind in kinds:
        if dataclasses.is_dataclass(kind) and getattr(kind, "__name__", "") == name:
            return _decode_dataclass(kind, value, blobs)
    models = tuple(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    if models and isinstance(value, dict):
        return _validate(Union[models], value)  # noqa: UP007 -- made at run time
    for kind in kinds:
        if dataclasses.is_dataclass(kind) or kind in models or kind is type(None):
            continue
        try:
            return decode(kind, value, blobs)
        except RecordingError:
            continue
    return _wrong(" or ".join(getattr(kind, "__name__", str(kind)) for kind in kinds))


def _decode_container(origin: Any, arguments: tuple[Any, ...], value: Any, blobs: Blobs) -> Any:
    if isinstance(value, dict) and isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: decode(arguments[1], one, blobs) for key, one in value.items()}
    if isinstance(value, list) and isinstance(origin, type) and issubclass(origin, Sequence | frozenset | set):
        if origin is tuple and arguments[-1] is not Ellipsis:
            if len(value) != len(arguments):
                raise RecordingError("a tuple has another length than it should")
            return tuple(decode(kind, one, blobs) for kind, one in zip(arguments, value, strict=True))
        made = [decode(arguments[0], one, blobs) for one in value]
        return made if origin not in (tuple, frozenset, set) else origin(made)
    return _wrong(origin)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode_dataclass(kind: Any, value: Any, blobs: Blobs) -> Any:
    if not isinstance(value, dict) or value.get(KIND) != kind.__name__:
        return _wrong(kind)
    hints = _hints(kind)
    given = {name: one for name, one in value.items() if name != KIND}
    unknown = sorted(set(given) - set(hints))
    if unknown:
        raise RecordingError(f"{kind.__name__} has no {unknown[0]} here: it was recorded by another version")
    try:
        return kind(**{name: decode(hints[name], one, blobs) for name, one in given.items()})
    except (TypeError, ValueError) as error:
        raise error if isinstance(error, RecordingError) else RecordingError(f"{kind.__name__}: {error}") from None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _validate(kind: Any, value: Any) -> Any:
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise RecordingError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


# ---------------------------------------------------------------------- effects
def outline(effect: Effect) -> Any:
    """An effect as JSON, with length and digest in place of sound and frames: enough to tell two apart."""
    if isinstance(effect, Send):
        name = type(effect.event).__name__
        body = effect.event.model_dump(mode="json", exclude_unset=True)
        for field in _LONG.get(name, ()):
            body[field] = _digest(body[field].encode())
        return {KIND: "Send", "event": name, **body}
    return _outline(effect)


def _outline(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _digest(np.ascontiguousarray(value).tobytes())
    if isinstance(value, list | tuple):
        return [_outline(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _outline(one) for key, one in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _outline(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {KIND: type(value).__name__, **fields}
    return encode(value, Blobs())


def _digest(data: bytes) -> dict[str, Any]:
    return {DIGEST: [len(data), hashlib.blake2b(data, digest_size=8).hexdigest()]}
