"""What a client's microphone sends: decoded, brought to the detector's rate, and judged window by window.

Sound may come faster than real time; what waits is bounded, and nothing of it is dropped.
"""

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np

from agent.audio import TIMELINE_RATE, Pcm
from agent.audio.codecs import SAMPLE_BYTES, WIRE_RATES, WireDecoder, WireFormat
from agent.realtime.events import WireError
from agent.vad import RATE, WINDOW, VoiceDetector

WINDOWS_AT_ONCE = 8
"""Windows judged before the event loop may do something else: about 1 ms."""

MAX_MARKS = 64


class Microphone:
    """One client's incoming sound, and what must happen at a place in it (a commit, a clear)."""

    def __init__(self, detector: VoiceDetector, on_window: Callable[[Pcm, float], None], seconds: float) -> None:
        self._detector = detector
        self._on_window = on_window
        self._bound = seconds
        self._queue: deque[tuple[WireFormat, bytes] | float | Callable[[], None]] = deque()
        """Coded sound, seconds of silence, and what to do at that place."""
        self._waiting = 0.0
        self._marks = 0
        self._more = asyncio.Event()
        self._format: WireFormat = "audio/pcm"
        self._decoder = WireDecoder(self._format, RATE)
        self._rest: Pcm = np.zeros(0, np.float32)

    def append(self, data: bytes, wire_format: WireFormat) -> None:
        """More sound, coded as the session says. Raises WireError when it is no whole number of samples or when more
        waits than is allowed."""
        if len(data) % SAMPLE_BYTES[wire_format]:
            raise WireError("invalid_value", "audio: 16-bit sound has an even number of bytes.", param="audio")
        self._take(_seconds(data, wire_format), "audio")
        self._queue.append((wire_format, data))

    def skip(self, samples: int) -> None:
        """So many 24 kHz samples were lost on their way: silence stands for them: time goes on. Raises WireError."""
        seconds = samples / TIMELINE_RATE
        self._take(seconds, "samples")
        self._queue.append(seconds)

    def _take(self, seconds: float, param: str) -> None:
        if self._waiting + seconds > self._bound:
            raise WireError(
                "input_audio_buffer_full",
                f"More than {self._bound:.0f} s of sound would wait to be heard: this piece was not taken.",
                param=param,
            )
        self._waiting += seconds
        self._more.set()

    def mark(self, action: Callable[[], None]) -> None:
        """Do this when all that was appended before has been heard, to the last sample. Raises WireError."""
        if self._marks >= MAX_MARKS:
            raise WireError("too_many_commits", "Too many commits wait for their sound to be heard.")
        self._marks += 1
        self._queue.append(action)
        self._more.set()

    @property
    def marked(self) -> bool:
        """Whether something waits for its place in the sound."""
        return self._marks > 0

    async def run(self) -> None:
        """Hear until cancelled."""
        while True:
            await self._more.wait()
            self._more.clear()
            while self._queue:
                entry = self._queue.popleft()
                if isinstance(entry, tuple):
                    await self._decode(*entry)
                elif isinstance(entry, float):
                    await self._silence(entry)
                else:
                    await self._complete_window()
                    self._marks -= 1
                    entry()

    async def _decode(self, wire_format: WireFormat, data: bytes) -> None:
        """A second at a time: a piece may hold minutes."""
        if wire_format != self._format:
            await self._complete_window()
            self._format, self._decoder = wire_format, WireDecoder(wire_format, RATE)
        step = WIRE_RATES[wire_format] * SAMPLE_BYTES[wire_format]
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            await self._hear(self._decoder.decode_bytes(piece))
            self._waiting -= _seconds(piece, wire_format)

    async def _hear(self, pcm: Pcm) -> None:
        pending = np.concatenate([self._rest, pcm])
        whole = len(pending) // WINDOW * WINDOW
        self._rest = pending[whole:]
        for count, start in enumerate(range(0, whole, WINDOW)):
            window = pending[start : start + WINDOW]
            self._on_window(window, self._detector.probability(window))
            if count % WINDOWS_AT_ONCE == WINDOWS_AT_ONCE - 1:
                await asyncio.sleep(0)

    async def _silence(self, seconds: float) -> None:
        await self._hear(self._decoder.flush())
        await self._hear(np.zeros(round(seconds * RATE), np.float32))
        self._waiting -= seconds

    async def _complete_window(self) -> None:
        """Bring what is left of a window to its end with silence, so that a commit loses nothing."""
        await self._hear(self._decoder.flush())
        if len(self._rest):
            await self._hear(np.zeros(WINDOW - len(self._rest), np.float32))


def _seconds(data: bytes, wire_format: WireFormat) -> float:
    return len(data) / SAMPLE_BYTES[wire_format] / WIRE_RATES[wire_format]
