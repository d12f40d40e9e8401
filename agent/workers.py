"""Worker processes for engines that hold the GIL, are not re-entrant, or must stay outside our process.

A worker is a fresh interpreter (no fork: the same on every system) that builds one object by an importable factory and
runs its methods, one at a time. Nothing here blocks the event loop. A worker dies with its parent, because its
standard input closes; it ignores Ctrl-C, which is the parent's business.

    worker = Worker("package.module:Factory", 16_000)
    await worker.start()
    result = await worker.request("method", 1, 2)
    async with aclosing(worker.stream("generator_method")) as items:
        async for item in items: ...

On Windows this needs the default (proactor) event loop.
"""

import asyncio
import contextlib
import itertools
import os
import pickle
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from agent.worker_main import LENGTH, pack

START_SECONDS = 60.0
STOP_SECONDS = 2.0
CANCEL_SECONDS = 5.0
"""A cancelled call that has not come back by then is stuck: its process is killed and replaced."""
MAX_WAITING = 64
"""Calls that may wait for one worker; more is an error, not a longer queue."""
ITEMS_AHEAD = 16
"""Items of a stream that the parent holds. Beyond them the pipe fills and the worker waits for the reader."""

SINGLE_THREAD = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
} | {"OMP_WAIT_POLICY": "PASSIVE"}


class WorkerError(RuntimeError):
    """The worker could not do it; the message is one line."""


class WorkerCrashed(WorkerError):
    """The worker's process died during the call. A new one is on its way: calling again once is reasonable."""


class RemoteError(WorkerError):
    """The called method raised. `kind` is the name of the exception's type; the message is its message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(slots=True)
class _Call:
    """A call under way. `messages` conveys ("item" | "done", value) or an exception."""

    number: int
    messages: asyncio.Queue[tuple[str, Any] | WorkerError] = field(default_factory=lambda: asyncio.Queue(ITEMS_AHEAD))
    abandoned: bool = False


class Worker:
    """One worker process, restarted when it dies.

    `factory` is "module:name"; it is called in the process with the arguments given here, and should warm the object
    up. Calls run one at a time, in the order they were made. Belongs to the event loop it was started on.
    """

    def __init__(self, factory: str, *args: Any, name: str = "", **kwargs: Any) -> None:
        self.name = name or factory
        self._setup = (factory, args, kwargs)
        self._process: Process | None = None
        self._call: _Call | None = None
        self._turn = asyncio.Lock()  # held from sending a call until the process has answered it, even if abandoned
        self._starting = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._waiting = 0
        self._stopped = False

    @property
    def pid(self) -> int | None:
        """The process's id while there is one."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process and wait until its object is built. Raises WorkerError if that fails."""
        async with self._starting:
            self._stopped = False
            if self._process is None:
                await self._launch()

    async def stop(self) -> None:
        """End the process; calls under way fail. Idempotent."""
        self._stopped = True
        async with self._starting:
            if (process := self._process) is not None:
                await _end(process)
        for task in tuple(self._tasks):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def request(self, method: str, *args: Any) -> Any:
        """Call `method` and return its result. Cancelling the caller cancels the call.

        Raises RemoteError when the method raised, WorkerCrashed when the process died, else WorkerError.
        """
        async with aclosing(self._exchange(method, args)) as messages:
            async for kind, value in messages:
                if kind == "done":
                    return value
        raise WorkerError(f"{self.name}: {method} ended without a result")

    async def stream(self, method: str, *args: Any) -> AsyncGenerator[Any, None]:
        """Call `method` and yield its items as they come. Closing the iterator cancels the call. Raises as request."""
        async with aclosing(self._exchange(method, args)) as messages:
            async for kind, value in messages:
                if kind == "item":
                    yield value

    async def _exchange(self, method: str, args: tuple[Any, ...]) -> AsyncGenerator[tuple[str, Any], None]:
        if self._waiting >= MAX_WAITING:
            raise WorkerError(f"{self.name}: {MAX_WAITING} calls are waiting already")
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        call = _Call(next(self._numbers))
        try:
            process = await self._alive()
            _write(process, (call.number, method, args))
            self._call = call
        except BaseException:
            self._turn.release()
            raise
        finished = False
        try:
            while not finished:
                message = await call.messages.get()
                finished = isinstance(message, WorkerError) or message[0] == "done"
                if isinstance(message, WorkerError):
                    raise message
                yield message
        finally:
            if not finished:
                self._abandon(call, process)

    def _abandon(self, call: _Call, process: Process) -> None:
        call.abandoned = True
        while not call.messages.empty():  # also frees the reader, if it waits to put one more
            call.messages.get_nowait()
        if self._call is not call:
            return
        _write(process, ("cancel", call.number))

        def kill_if_stuck() -> None:
            if self._call is call and process.returncode is None:
                process.kill()

        asyncio.get_running_loop().call_later(CANCEL_SECONDS, kill_if_stuck)

    async def _alive(self) -> Process:
        async with self._starting:
            if self._stopped:
                raise WorkerError(f"{self.name}: stopped")
            return self._process or await self._launch()

    async def _launch(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-c", "from agent.worker_main import main; main()"),
            stdin=PIPE,
            stdout=PIPE,
            env=os.environ | SINGLE_THREAD | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
            limit=1 << 20,
            start_new_session=True,  # so that Ctrl-C in the terminal does not hit it before it can ignore it
        )
        try:
            _write(process, self._setup)
            async with asyncio.timeout(START_SECONDS):
                message = await _receive(process)
        except TimeoutError:
            await _end(process)
            raise WorkerError(f"{self.name}: not ready after {START_SECONDS:.0f} s") from None
        except EOFError:
            raise WorkerError(f"{self.name}: died while starting ({await _ending(process)})") from None
        except BaseException:
            await _end(process)
            raise
        if message[0] == "error":
            await _end(process)
            raise WorkerError(f"{self.name}: cannot start: {message[3]}")
        self._process = process
        self._background(self._read(process))
        return process

    async def _read(self, process: Process) -> None:
        """Convey what the process says to the call under way; at its end fail that call and start another process."""
        while True:
            try:
                kind, number, *rest = await _receive(process)
            except EOFError:
                break
            call = self._call
            assert call is not None
            assert call.number == number, "the process answers one call at a time"
            if kind != "item":
                self._call = None
                self._turn.release()
            if not call.abandoned:
                await call.messages.put(_remote_error(*rest) if kind == "error" else (kind, rest[0]))
        reason = "stopped" if self._stopped else f"the process died ({await _ending(process)})"
        self._process = None
        if (call := self._call) is not None:
            self._call = None
            self._turn.release()
            if not call.abandoned:
                await call.messages.put((WorkerError if self._stopped else WorkerCrashed)(f"{self.name}: {reason}"))
        if not self._stopped:
            self._background(self._restart())

    async def _restart(self) -> None:
        # One attempt ahead of need; if it fails, the next call tries again and reports why.
        with contextlib.suppress(WorkerError):
            await self._alive()

    def _background(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Pool:
    """`size` workers of one kind, lent one at a time."""

    def __init__(self, size: int, factory: str, *args: Any, name: str = "", **kwargs: Any) -> None:
        self.workers = tuple(Worker(factory, *args, name=name, **kwargs) for _ in range(size))
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()  # the last used one has the warmest caches
        for worker in reversed(self.workers):
            self._idle.put_nowait(worker)

    async def start(self) -> None:
        """Start all workers. Raises WorkerError, with none left running, if one fails."""
        try:
            async with asyncio.TaskGroup() as group:
                for worker in self.workers:
                    group.create_task(worker.start())
        except ExceptionGroup as errors:
            await self.stop()
            raise errors.exceptions[0] from None

    async def stop(self) -> None:
        """End all workers. Idempotent."""
        await asyncio.gather(*(worker.stop() for worker in self.workers))

    def idle(self) -> int:
        """How many workers are lent to nobody."""
        return self._idle.qsize()

    async def acquire(self) -> Worker:
        """Borrow a worker, waiting for one, first come first served. Give it back by `release`."""
        return await self._idle.get()

    def try_acquire(self) -> Worker | None:
        """Borrow a worker if one is idle now."""
        try:
            return self._idle.get_nowait()
        except asyncio.QueueEmpty:
            return None

    def release(self, worker: Worker) -> None:
        """Give back a worker that `acquire` lent."""
        self._idle.put_nowait(worker)

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Worker]:
        """Borrow a worker for the length of a `with`."""
        worker = await self.acquire()
        try:
            yield worker
        finally:
            self.release(worker)

    async def request(self, method: str, *args: Any) -> Any:
        """`Worker.request` on whichever worker is idle first."""
        async with self.lent() as worker:
            return await worker.request(method, *args)

    async def stream(self, method: str, *args: Any) -> AsyncGenerator[Any, None]:
        """`Worker.stream` on whichever worker is idle first."""
        async with self.lent() as worker, aclosing(worker.stream(method, *args)) as items:
            async for item in items:
                yield item


def _write(process: Process, message: Any) -> None:
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):  # a dead process is noticed, and reported, by the reader
        process.stdin.write(pack(message))  # no drain: one call is under way at a time, and that bounds the buffer


async def _receive(process: Process) -> Any:
    """One message from the process. Raises EOFError (IncompleteReadError is one) when there are no more."""
    assert process.stdout is not None
    try:
        (size,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
        return pickle.loads(await process.stdout.readexactly(size))
    except ConnectionError as error:
        raise EOFError from error


async def _end(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _ending(process: Process) -> str:
    code = await process.wait()
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def _remote_error(kind: str, message: str, where: str) -> RemoteError:
    error = RemoteError(kind, message)
    error.add_note(f"in the worker process:\n{where}")
    return error
