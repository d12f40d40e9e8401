"""Sound as servers stream it: bare 16-bit samples, or a WAV whose length nobody knew when it began."""

import struct

import numpy as np

from agent.audio import Pcm

_LONGEST_HEADER = 64 * 2**10
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


class SoundFormatError(ValueError):
    """It is no sound that is known here; the message says why."""


class SoundReader:
    """Bytes in, in pieces of any size; mono samples out. `rate` is the given one until a WAV's header says another."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._waiting = b""
        self._begun = False
        self._kind, self._channels = "<i2", 1
        self._left: int | None = None
        """Bytes of a WAV's data still to come, where it says."""

    def push(self, data: bytes) -> Pcm:
        """More of it; returns samples of shape (n,) at `rate`. Raises SoundFormatError."""
        data = self._waiting + data
        self._waiting = b""
        if not self._begun:
            begun = self._begin(data)
            if begun is None:
                self._waiting = data
                return np.zeros(0, np.float32)
            data, self._begun = begun, True
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        size = np.dtype(self._kind).itemsize * self._channels
        whole = len(data) // size * size
        data, self._waiting = data[:whole], data[whole:]
        if self._left is not None:
            self._left += len(self._waiting)  # it comes round again
        samples = np.frombuffer(data, self._kind).reshape(-1, self._channels).astype(np.float32)
        if self._kind == "<i2":
            samples /= np.float32(32768)
        mono: Pcm = samples.mean(axis=1, dtype=np.float32)
        return np.clip(np.nan_to_num(mono, posinf=0.0, neginf=0.0), -1.0, 1.0)

    def _begin(self, data: bytes) -> bytes | None:
        """What follows the header, if there is one; None while that is not known."""
        if len(data) < 4:
            return None
        if data[:3] == b"ID3" or data[:4] in (b"OggS", b"fLaC"):
            raise SoundFormatError("sends compressed sound, where pcm or wav was asked for")
        return self._header(data) if data[:4] == b"RIFF" else data

    def _header(self, data: bytes) -> bytes | None:
        at, known = 12, False
        while at + 8 <= len(data):
            name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
            at += 8
            if name == b"data":
                if not known:
                    raise SoundFormatError("sends a WAV without a format")
                self._left = size if 0 < size < 0x7FFFFFFF else None
                return data[at:]
            if at + size > _LONGEST_HEADER:
                raise SoundFormatError("sends a WAV with a header that is too long")
            if at + size > len(data):
                return None
            if name == b"fmt ":
                self._format(data[at : at + size])
                known = True
            at += size + size % 2
        return None

    def _format(self, fmt: bytes) -> None:
        if len(fmt) < 16:
            raise SoundFormatError("sends a WAV with a broken header")
        kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", fmt)
        if kind == _EXTENSIBLE and len(fmt) >= 26:
            kind = struct.unpack_from("<H", fmt, 24)[0]
        found = {(_PCM, 16): "<i2", (_FLOAT, 32): "<f4"}.get((kind, bits))
        if found is None or channels not in (1, 2) or not 8000 <= rate <= 96_000:
            raise SoundFormatError(f"sends a WAV of {channels} × {bits} bits at {rate} Hz, which is not known here")
        self._kind, self._channels, self.rate = found, channels, rate
