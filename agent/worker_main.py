"""The inside of a worker process: builds one object and runs its methods for the parent (see `agent.workers`).

It imports next to nothing, so that a worker is up as fast as the object it serves. Messages are pickles, each behind
its length, on the process's standard input and output; both ends are ours, so unpickling is safe here.
"""

import importlib
import os
import pickle
import queue
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Any, BinaryIO

LENGTH = struct.Struct("<I")

_cancelled: set[int] = set()
_current = 0
_out: BinaryIO
_out_lock = threading.Lock()


def cancelled() -> bool:
    """Whether the request being run is no longer wanted. Long methods ask between pieces of work and return early."""
    return _current in _cancelled


def emit(value: Any) -> None:
    """Send `value` as the next item of the request being run. For callbacks; a generator method just yields."""
    _send(("item", _current, value))


def pack(message: Any) -> bytes:
    body = pickle.dumps(message, protocol=5)
    return LENGTH.pack(len(body)) + body


def _send(message: tuple[Any, ...]) -> None:
    frame = pack(message)
    try:
        with _out_lock:
            _out.write(frame)
            _out.flush()
    except OSError:
        os._exit(0)  # nobody reads any more: the parent is gone


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        os._exit(0)  # the parent closed the pipe, or died: either way there is nobody left to work for
    return data


def _listen(stream: BinaryIO, calls: "queue.SimpleQueue[tuple[Any, ...]]") -> None:
    """Runs in a thread, so that a cancellation, or the parent's death, is noticed while a method runs."""
    while True:
        (size,) = LENGTH.unpack(_read_exactly(stream, LENGTH.size))
        message = pickle.loads(_read_exactly(stream, size))
        if message[0] == "cancel":
            _cancelled.add(message[1])
        else:
            calls.put(message)  # bounded by the parent, which has one call under way at a time


def _run(target: Any, method: str, args: tuple[Any, ...]) -> Any:
    """Run one call, send its items and return its result (of a generator, what it returns)."""
    result = getattr(target, method)(*args)
    if not isinstance(result, Iterator):
        return result
    while not cancelled():
        try:
            emit(next(result))
        except StopIteration as end:
            return end.value
    if (close := getattr(result, "close", None)) is not None:
        close()
    return None


def _failure(request: int, error: BaseException) -> tuple[Any, ...]:
    where = "".join(traceback.format_tb(error.__traceback__))
    return ("error", request, type(error).__name__, str(error) or type(error).__name__, where)


def _take_over_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes for ourselves: a library that prints must not break the framing, so its output goes to stderr."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return source, sink


def main() -> None:
    """Entry point of the process. The first message is (factory "module:name", arguments, keyword arguments)."""
    global _out, _current  # one process serves one object: its state is the module's
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    source, _out = _take_over_pipes()
    calls: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(source, calls), daemon=True).start()
    factory, args, kwargs = calls.get()
    try:
        module, _, name = factory.partition(":")
        target = getattr(importlib.import_module(module), name)(*args, **kwargs)
    except Exception as error:  # whatever it is, the parent reports it
        _send(_failure(0, error))
        sys.exit(1)
    _send(("ready", 0))
    while True:
        _current, method, arguments = calls.get()
        try:
            reply: tuple[Any, ...] = ("done", _current, _run(target, method, arguments))
        except Exception as error:  # the call failed, not the worker
            reply = _failure(_current, error)
        _cancelled.discard(_current)
        _send(reply)
