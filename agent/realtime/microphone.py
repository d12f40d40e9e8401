"""What a client's microphone sends: decoded, brought to the detector's rate, and judged window by window.

Sound may come faster than real time; what waits is bounded, and nothing of it is dropped.
"""

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np

from agent.audio import TIMELINE_RATE, Pcm, codecs
from agent.audio.resample import Resampler
from agent.realtime.events import WireError
from agent.vad import RATE, WINDOW, VoiceDetector

WINDOWS_AT_ONCE = 8
"""Windows judged before the event loop may do something else: about 1 ms."""


class Microphone:
    """One client's incoming sound, and what must happen at a place in it (a commit, a clear)."""

    def __init__(self, detector: VoiceDetector, on_window: Callable[[Pcm, float], None], seconds: float) -> None:
        self._detector = detector
        self._on_window = on_window
        self._bound = round(seconds * TIMELINE_RATE)
        self._queue: deque[Pcm | Callable[[], None]] = deque()
        self._waiting = 0
        self._more = asyncio.Event()
        self._resampler = Resampler(TIMELINE_RATE, RATE)
        self._rest: Pcm = np.zeros(0, np.float32)

    def append(self, data: bytes, audio_format: str) -> None:
        """More sound, coded as the session says. Raises WireError when it is no whole number of samples or when more
        waits than is allowed."""
        try:
            pcm = codecs.decode(data, audio_format)
        except ValueError as error:
            raise WireError("invalid_value", f"audio: {error}.", param="audio") from error
        if self._waiting + len(pcm) > self._bound:
            raise WireError(
                "input_audio_buffer_full",
                f"More than {self._bound // TIMELINE_RATE} s of sound is waiting to be heard; this piece was not taken.",
                param="audio",
            )
        self._waiting += len(pcm)
        self._queue.append(pcm)
        self._more.set()

    def mark(self, action: Callable[[], None]) -> None:
        """Do this when all that was appended before has been heard, to the last sample."""
        self._queue.append(action)
        self._more.set()

    async def run(self) -> None:
        """Hear until cancelled."""
        while True:
            await self._more.wait()
            self._more.clear()
            while self._queue:
                entry = self._queue.popleft()
                if isinstance(entry, np.ndarray):
                    self._waiting -= len(entry)
                    await self._hear(self._resampler.push(entry))
                else:
                    await self._complete_window()
                    entry()

    async def _hear(self, pcm: Pcm) -> None:
        pending = np.concatenate([self._rest, pcm])
        whole = len(pending) // WINDOW * WINDOW
        for count, start in enumerate(range(0, whole, WINDOW)):
            window = pending[start : start + WINDOW]
            self._on_window(window, self._detector.probability(window))
            if count % WINDOWS_AT_ONCE == WINDOWS_AT_ONCE - 1:
                await asyncio.sleep(0)
        self._rest = pending[whole:]

    async def _complete_window(self) -> None:
        """Bring what is left of a window to the end with silence, so that a commit loses nothing."""
        pending = np.concatenate([self._rest, self._resampler.flush()])
        self._resampler = Resampler(TIMELINE_RATE, RATE)
        self._rest = np.zeros(0, np.float32)
        if len(pending):
            await self._hear(np.pad(pending, (0, -len(pending) % WINDOW)))
