"""The embedded recogniser: pocketsphinx (BSD), English only, nothing to download. It is a demonstration recogniser.

Decoders live in worker processes. A stream gives words as they come; `refine` decodes the whole utterance again, in
another worker, knowing its level and channel from the beginning: about half the errors.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from agent.asr import RATE, Hypothesis, RecognizerError
from agent.asr.confidence import MIN_CONFIDENCE, Evidence, confidence
from agent.audio import Pcm
from agent.workers import Pool, RemoteError, Worker, WorkerCrashed, WorkerError

FACTORY = "agent.asr.pocketsphinx_worker:Decoder"
MAX_SECONDS = 300
"""The longest utterance: as much sound as a conversation takes ahead of time. The decoder's memory grows with it."""


class Pocketsphinx:
    """Shared by all conversations: `streams` decoders for who speaks now, and `refiners` for second looks.

    Each is a process of about 130 MB. Who speaks when all streams are taken is kept waiting, and heard all the same.
    """

    name = "pocketsphinx"
    languages: tuple[str, ...] = ("en",)
    min_confidence = MIN_CONFIDENCE

    def __init__(self, streams: int = 2, refiners: int = 1) -> None:
        self._streams = Pool(streams, FACTORY, name="pocketsphinx stream")
        self._refiners = Pool(refiners, FACTORY, name="pocketsphinx refiner")

    async def start(self) -> None:
        """Start all workers. Raises RecognizerError."""
        try:
            await asyncio.gather(self._streams.start(), self._refiners.start())
        except WorkerError as error:
            await self.stop()
            raise RecognizerError(f"{error}; `visavis doctor` checks the installation") from error

    async def listen(self) -> "PocketsphinxUtterance":
        """Begin an utterance. It takes a stream when the first sound comes."""
        return PocketsphinxUtterance(self._streams, self._refiners)

    async def stop(self) -> None:
        """End all workers. Idempotent."""
        await asyncio.gather(self._streams.stop(), self._refiners.stop())


class PocketsphinxUtterance:
    """One utterance. What was fed is kept until `close`, for refining and for a decoder that has to begin again."""

    def __init__(self, streams: Pool, refiners: Pool) -> None:
        self._streams = streams
        self._refiners = refiners
        self._worker: Worker | None = None
        self._fed: list[Pcm] = []
        self._samples = 0
        self._decoded = 0  # pieces of _fed that the stream has decoded
        self._now = Hypothesis("", 0.0)
        self._closed = False

    async def feed(self, pcm: Pcm) -> Hypothesis:
        """Take `pcm` (shape (n,), at RATE). While all streams are taken, this only keeps it.

        Raises RecognizerError beyond MAX_SECONDS of sound, or when the decoder died twice.
        """
        if self._closed:
            raise RecognizerError("this utterance is closed")
        if self._samples + len(pcm) > MAX_SECONDS * RATE:
            raise RecognizerError(f"an utterance is at most {MAX_SECONDS} s long")
        if len(pcm):
            self._fed.append(np.array(pcm, np.float32))
            self._samples += len(pcm)
        if self._worker is None:
            self._worker = self._streams.try_acquire()
        return self._now if self._worker is None else await self._catch_up(self._worker)

    async def refine(self) -> Hypothesis:
        """Decode all that was fed so far once more. Waits for a refiner, not for the stream. Raises RecognizerError."""
        if not self._fed:
            return self._now
        pcm = np.concatenate(self._fed)
        async with self._refiners.lent() as worker:
            return await _retried(lambda: worker.request("refine", pcm))

    async def current(self) -> Hypothesis:
        """What the stream believes now. Waits for a stream where the utterance had none yet. Raises RecognizerError."""
        if self._fed and not self._closed:
            if self._worker is None:
                self._worker = await self._streams.acquire()
            return await self._catch_up(self._worker, settle=True)
        return self._now

    async def close(self) -> None:
        """Give the stream back. Idempotent; never raises."""
        self._closed = True
        self._fed.clear()
        if self._worker is not None:
            self._streams.release(self._worker)
            self._worker = None

    async def _catch_up(self, worker: Worker, *, settle: bool = False) -> Hypothesis:
        """Let the stream decode what it has not; with `settle` also the beginning that it holds back."""

        async def feed_the_rest() -> Any:
            rest = [*self._fed[self._decoded :], np.zeros(0, np.float32)]
            upto, first = len(self._fed), self._decoded == 0
            answer = await worker.request("feed", np.concatenate(rest), first, settle)
            self._decoded = upto
            return answer

        held_back = settle and self._samples < RATE
        if held_back or self._decoded < len(self._fed):
            try:
                self._now = await _retried(feed_the_rest, self._begin_again)
            except asyncio.CancelledError:
                self._begin_again()  # some of it may have been decoded; nobody knows how much
                raise
        return self._now

    def _begin_again(self) -> None:
        self._decoded = 0


async def _retried(call: Callable[[], Awaitable[Any]], before_retry: Callable[[], None] = lambda: None) -> Hypothesis:
    """Run `call` once more if the decoder died under it, or since the call before: a new one is there in a second."""
    evidence: Evidence
    try:
        try:
            text, evidence = await call()
        except (WorkerCrashed, RemoteError) as error:
            if isinstance(error, RemoteError) and error.kind != "NotListening":
                raise
            before_retry()
            text, evidence = await call()
    except WorkerError as error:
        raise RecognizerError(str(error)) from error
    return Hypothesis(text, confidence(evidence))
