"""Sound on the wire: 16-bit little-endian PCM and G.711, as base64, to and from float32 at the timeline's rate."""

import base64
import binascii
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.audio import TIMELINE_RATE, Pcm
from agent.audio.resample import Resampler

WireFormat = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
"""As OpenAI Realtime names them: 24 kHz PCM16, and G.711 µ-law and A-law at 8 kHz."""

WIRE_RATES: dict[WireFormat, int] = {"audio/pcm": TIMELINE_RATE, "audio/pcmu": 8000, "audio/pcma": 8000}
SAMPLE_BYTES: dict[WireFormat, int] = {"audio/pcm": 2, "audio/pcmu": 1, "audio/pcma": 1}


class CodecError(ValueError):
    """Sound from the wire that is not what it is said to be; the message is one line."""


def pcm16_to_float(data: bytes) -> Pcm:
    """Little-endian int16 bytes → shape (len/2,) in [-1, 1). Raises CodecError on an odd number of bytes."""
    if len(data) % 2:
        raise CodecError(f"16-bit audio has an even number of bytes, not {len(data)}")
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)


def float_to_int16(pcm: Pcm) -> NDArray[np.int16]:
    """Rounded and clipped; the inverse of pcm16_to_float, bit for bit. NaN becomes 0."""
    scaled = np.nan_to_num(pcm, nan=0.0, posinf=1.0, neginf=-1.0) * np.float32(32768)
    values: NDArray[np.int16] = np.clip(np.rint(scaled), -32768, 32767).astype("<i2")
    return values


def float_to_pcm16(pcm: Pcm) -> bytes:
    return float_to_int16(pcm).tobytes()


def from_base64(text: str) -> bytes:
    """Raises CodecError where `text` is not standard base64 with its padding."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CodecError(f"not base64: {error}") from None


def to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@cache
def _mu_law_values() -> NDArray[np.int16]:
    """The 256 linear values of µ-law codes: ITU-T G.711 table 2, scaled from 14 to 16 bits."""
    code = ~np.arange(256, dtype=np.uint8)
    magnitude = ((((code & 0x0F).astype(np.int32) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


@cache
def _a_law_values() -> NDArray[np.int16]:
    """The 256 linear values of A-law codes: ITU-T G.711 table 1, scaled from 13 to 16 bits."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    segment = ((code & 0x70) >> 4).astype(np.int32)
    magnitude = ((code & 0x0F).astype(np.int32) << 4) + np.where(segment == 0, 8, 0x108)
    magnitude <<= np.maximum(segment - 1, 0)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


@cache
def _mu_law_codes() -> NDArray[np.uint8]:
    """The µ-law code of each int16, indexed by the value's bits as uint16: G.711's decision values, on 14 bits."""
    linear = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 2
    biased = np.minimum(np.abs(linear), 8159) + 33
    segment = np.floor(np.log2(biased)).astype(np.int32) - 5
    code = np.minimum((segment << 4) | ((biased >> (segment + 1)) & 0x0F), 0x7F)
    inverted: NDArray[np.uint8] = (code ^ np.where(linear < 0, 0x7F, 0xFF)).astype(np.uint8)
    return inverted


@cache
def _a_law_codes() -> NDArray[np.uint8]:
    """The A-law code of each int16, indexed by the value's bits as uint16: G.711's decision values, on 13 bits."""
    linear = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 3
    magnitude = np.where(linear < 0, -linear - 1, linear)
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 0)
    code = (segment << 4) | ((magnitude >> np.maximum(segment, 1)) & 0x0F)
    return (code ^ np.where(linear < 0, 0x55, 0xD5)).astype(np.uint8)


def mu_law_to_float(data: bytes) -> Pcm:
    """Shape (len,)."""
    return _mu_law_values()[np.frombuffer(data, np.uint8)].astype(np.float32) / np.float32(32768)


def float_to_mu_law(pcm: Pcm) -> bytes:
    return _mu_law_codes()[float_to_int16(pcm).view(np.uint16)].tobytes()


def a_law_to_float(data: bytes) -> Pcm:
    """Shape (len,)."""
    return _a_law_values()[np.frombuffer(data, np.uint8)].astype(np.float32) / np.float32(32768)


def float_to_a_law(pcm: Pcm) -> bytes:
    return _a_law_codes()[float_to_int16(pcm).view(np.uint16)].tobytes()


_DECODERS = {"audio/pcm": pcm16_to_float, "audio/pcmu": mu_law_to_float, "audio/pcma": a_law_to_float}
_ENCODERS = {"audio/pcm": float_to_pcm16, "audio/pcmu": float_to_mu_law, "audio/pcma": float_to_a_law}


class WireDecoder:
    """One incoming stream in `wire_format`: base64 pieces in, float32 at `rate` out, on one unbroken timeline."""

    def __init__(self, wire_format: WireFormat, rate: int = TIMELINE_RATE) -> None:
        self._decode = _DECODERS[wire_format]
        self._resampler = Resampler(WIRE_RATES[wire_format], rate)

    def decode(self, text: str) -> Pcm:
        """Shape (n,) at `rate`; some of it may come with the next piece. Raises CodecError, changing nothing."""
        return self.decode_bytes(from_base64(text))

    def decode_bytes(self, data: bytes) -> Pcm:
        """The same, of what was in the base64."""
        return self._resampler.process(self._decode(data))

    def flush(self) -> Pcm:
        """The rest, at the end of the stream."""
        return self._resampler.flush()


class WireEncoder:
    """One outgoing stream: float32 at `rate` in, base64 pieces in `wire_format` out."""

    def __init__(self, wire_format: WireFormat, rate: int = TIMELINE_RATE) -> None:
        self._encode = _ENCODERS[wire_format]
        self._resampler = Resampler(rate, WIRE_RATES[wire_format])

    def encode(self, pcm: Pcm) -> str:
        """`pcm` has shape (n,) at `rate`. May return "" where all of it is still held by the resampler."""
        return to_base64(self._encode(self._resampler.process(pcm)))

    def flush(self) -> str:
        """The rest, at the end of the stream."""
        return to_base64(self._encode(self._resampler.flush()))
