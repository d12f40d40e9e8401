"""WAV as it is archived: mono, 24 bits, whatever the rate."""

import io
import wave

import numpy as np

from agent.audio import Pcm

_WIDTH = 3


def write(pcm: Pcm, rate: int) -> bytes:
    """A whole file: shape (n,) in [-1, 1] as 24-bit PCM."""
    values = np.clip(np.rint(pcm.astype(np.float64) * 2**23), -(2**23), 2**23 - 1).astype("<i4")
    data = values.view(np.uint8).reshape(-1, 4)[:, :_WIDTH].tobytes()
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(_WIDTH)
        out.setframerate(rate)
        out.writeframes(data)
    return file.getvalue()


def read(data: bytes) -> tuple[Pcm, int]:
    """What `write` wrote: shape (n,), and its rate in Hz. Raises ValueError for anything else."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, _WIDTH):
                raise ValueError("it is not mono with 24 bits")
            rate, raw = file.getframerate(), file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"it is no WAV file: {error}") from None
    whole = np.zeros((len(raw) // _WIDTH, 4), np.uint8)
    whole[:, 1:] = np.frombuffer(raw[: len(whole) * _WIDTH], np.uint8).reshape(-1, _WIDTH)
    values = whole.view("<i4")[:, 0] >> 8
    return (values / np.float32(2**23)).astype(np.float32), rate
