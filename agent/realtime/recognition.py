"""One utterance being recognised: what it is fed, in order, and what comes of it."""

import asyncio
from collections.abc import Callable

import numpy as np

from agent.asr import RATE, Recognizer, RecognizerError, Utterance
from agent.asr.steady import Steady
from agent.audio import Pcm
from agent.conversation.inputs import Input, RecognitionFailed, Recognized

REFINE = None
MAX_WAITING = 300 * RATE // 512
"""Pieces that may wait for the recogniser: an utterance of the longest kind."""


class Recognition:
    """Runs one utterance of a recogniser. `tell` gets Recognized and RecognitionFailed."""

    def __init__(self, recognizer: Recognizer, turn: int, tell: Callable[[Input], None]) -> None:
        self._recognizer = recognizer
        self._turn = turn
        self._tell = tell
        self._orders: asyncio.Queue[Pcm | None] = asyncio.Queue(MAX_WAITING + 8)
        self._fed = 0
        self._steady = Steady(RATE)
        self._task = asyncio.create_task(self._run())

    def feed(self, pcm: Pcm) -> None:
        """More sound, shape (n,) at 16 kHz."""
        self._put(pcm)

    def refine(self) -> None:
        """Decode all that was fed once more."""
        self._put(REFINE)

    def close(self) -> None:
        """Not wanted any more."""
        self._task.cancel()

    def _put(self, order: Pcm | None) -> None:
        try:
            self._orders.put_nowait(order)
        except asyncio.QueueFull:
            self._tell(RecognitionFailed(self._turn, "the recogniser is far behind the speaker"))

    async def _run(self) -> None:
        utterance: Utterance | None = None
        try:
            utterance = await self._recognizer.listen()
            async with asyncio.TaskGroup() as refining:
                while True:
                    await self._next(utterance, refining)
        except* RecognizerError as errors:
            self._tell(RecognitionFailed(self._turn, str(errors.exceptions[0])))
        finally:
            if utterance is not None:
                await utterance.close()

    async def _next(self, utterance: Utterance, refining: asyncio.TaskGroup) -> None:
        """Feed all that waits at once: a recogniser that fell behind catches up."""
        pieces: list[Pcm] = []
        order = await self._orders.get()
        while order is not REFINE:
            pieces.append(order)
            if self._orders.empty():
                break
            order = self._orders.get_nowait()
        sound = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        for start in range(0, len(sound), RATE):
            piece = sound[start : start + RATE]
            hypothesis = await utterance.feed(piece)
            self._fed += len(piece)
            steady = self._steady.characters(hypothesis.text, self._fed)
            self._tell(Recognized(self._turn, hypothesis, self._fed, refined=False, steady=steady))
        if order is REFINE:
            refining.create_task(self._refine(utterance, self._fed))

    async def _refine(self, utterance: Utterance, samples: int) -> None:
        hypothesis = await utterance.refine()
        self._tell(Recognized(self._turn, hypothesis, samples, refined=True))
