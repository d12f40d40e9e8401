"""Worker processes: calls, streams, cancellation, crashes, and an end without orphans."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from agent import worker_main
from agent.workers import Pool, RemoteError, Worker, WorkerCrashed, WorkerError

FACTORY = f"{__name__}:Target"


class Target:
    """What the tests run in the process."""

    def __init__(self, start: int = 0, broken: bool = False) -> None:
        if broken:
            raise FileNotFoundError("no model in /nowhere; run `visavis pull`")
        self.total = start
        self.finished = "nothing"

    def add(self, number: int) -> int:
        self.total += number
        return self.total

    def double(self, values: np.ndarray) -> np.ndarray:
        return values * 2

    def count(self, upto: int) -> Iterator[int]:
        yield from range(upto)

    def count_by_callback(self, upto: int) -> str:
        for number in range(upto):
            worker_main.emit(number)
        return "counted"

    def fail(self) -> None:
        raise ValueError("voice 'zorp' is not known")

    def work(self) -> None:
        self.finished = "no"
        while not worker_main.cancelled():
            time.sleep(0.001)
        self.finished = "cancelled"

    def how_it_finished(self) -> str:
        return self.finished

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)

    def hold_the_gil(self, seconds: float) -> None:
        ctypes.PyDLL(None).usleep(int(seconds * 1e6))

    def chatter(self) -> str:
        print("a library that prints")
        os.write(1, b"even past Python")
        return os.environ["OMP_NUM_THREADS"]


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker(FACTORY, 10, name="test")
    await worker.start()
    yield worker
    await worker.stop()


async def test_calls_keep_state_and_order(worker: Worker) -> None:
    assert await asyncio.gather(*(worker.request("add", n) for n in (1, 2, 3))) == [11, 13, 16]
    values = np.arange(16_000, dtype=np.float32)
    np.testing.assert_array_equal(await worker.request("double", values), values * 2)


async def test_streams_of_a_generator_and_of_a_callback(worker: Worker) -> None:
    assert [n async for n in worker.stream("count", 100)] == list(range(100))
    assert [n async for n in worker.stream("count_by_callback", 5)] == list(range(5))


async def test_a_slow_reader_holds_the_worker_back_and_loses_nothing(worker: Worker) -> None:
    seen = []
    async for number in worker.stream("count", 3000):
        seen.append(number)
        if number == 5:
            await asyncio.sleep(0.05)
    assert seen == list(range(3000))


async def test_an_exception_arrives_with_its_kind_and_the_worker_lives_on(worker: Worker) -> None:
    pid = worker.pid
    with pytest.raises(RemoteError, match="voice 'zorp' is not known") as caught:
        await worker.request("fail")
    assert caught.value.kind == "ValueError"
    assert await worker.request("add", 0) == 10
    assert worker.pid == pid


async def test_cancelling_the_caller_stops_the_method(worker: Worker) -> None:
    pid = worker.pid
    task = asyncio.create_task(worker.request("work"))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await worker.request("how_it_finished") == "cancelled"
    assert worker.pid == pid


async def test_closing_a_stream_early_stops_it(worker: Worker) -> None:
    async with aclosing(worker.stream("count", 10**9)) as numbers:
        async for number in numbers:
            if number == 3:
                break
    assert await worker.request("add", 5) == 15


async def test_a_call_cancelled_while_it_waits_never_runs(worker: Worker) -> None:
    running = asyncio.create_task(worker.request("work"))
    await asyncio.sleep(0.05)
    waiting = asyncio.create_task(worker.request("add", 1))
    await asyncio.sleep(0)
    waiting.cancel()
    running.cancel()
    await asyncio.gather(running, waiting, return_exceptions=True)
    assert await worker.request("add", 0) == 10


async def test_a_crash_fails_the_call_and_the_next_one_works(worker: Worker) -> None:
    first = worker.pid
    with pytest.raises(WorkerCrashed, match=r"test: the process died \((SIGTERM|exit code)"):
        await worker.request("die")
    assert await worker.request("add", 1) == 11, "a fresh object, not the old total"
    assert worker.pid != first


async def test_a_stuck_call_is_killed_after_its_cancellation(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.workers.CANCEL_SECONDS", 0.05)
    task = asyncio.create_task(worker.request("hold_the_gil", 60.0))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await worker.request("add", 1) == 11


async def test_too_many_waiting_calls_are_refused(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.workers.MAX_WAITING", 2)
    tasks = [asyncio.create_task(worker.request("work")) for _ in range(3)]
    await asyncio.sleep(0.02)
    with pytest.raises(WorkerError, match="2 calls are waiting already"):
        await worker.request("add", 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_a_library_prints_does_not_break_the_pipe(worker: Worker) -> None:
    assert await worker.request("chatter") == "1"


async def test_a_factory_that_fails_is_reported() -> None:
    worker = Worker(FACTORY, name="speech", broken=True)
    with pytest.raises(WorkerError, match="speech: cannot start: no model in /nowhere; run `visavis pull`"):
        await worker.start()
    assert worker.pid is None
    await worker.stop()


async def test_stopping_fails_the_calls_under_way() -> None:
    worker = Worker(FACTORY)
    await worker.start()
    task = asyncio.create_task(worker.request("work"))
    await asyncio.sleep(0.02)
    await worker.stop()
    with pytest.raises(WorkerError, match="stopped"):
        await task
    with pytest.raises(WorkerError, match="stopped"):
        await worker.request("add", 1)


async def test_a_pool_lends_each_worker_once() -> None:
    pool = Pool(2, FACTORY)
    await pool.start()
    try:
        async with pool.lent() as one, pool.lent() as two:
            assert one is not two
            third = asyncio.create_task(pool.request("add", 7))
            await asyncio.sleep(0.02)
            assert not third.done()
        assert await third == 7
        assert pool.idle() == 2
    finally:
        await pool.stop()


def test_workers_end_when_the_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(f"""
            import asyncio, sys
            sys.path[:] = {sys.path!r}
            from agent.workers import Worker
            async def main():
                worker = Worker({FACTORY!r})
                await worker.start()
                print(worker.pid, flush=True)
                await worker.request("work")
            asyncio.run(main())  # with no __main__ guard: the worker must not run this file again
        """)
    )
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert _lives(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while _lives(child):
        assert time.monotonic() < deadline, "the worker outlived its parent"
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")  # a dead process that nobody has reaped yet does not live
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
