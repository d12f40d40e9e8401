"""From what the network heard to a mouth: its curves, with lips that really close, bite and rest."""

import numpy as np
from numpy.typing import NDArray

from avatar.lipsync.network import ROW
from avatar.lipsync.phones import CHANNEL, CHANNELS, VISEMES
from avatar.lipsync.sounds import SOUND, VISEME_OF

Rows = NDArray[np.float32]

_JAW, _CLOSE, _ROLL = CHANNEL["jawOpen"], CHANNEL["mouthClose"], CHANNEL["mouthRollLower"]
_VISEMES = np.array(VISEME_OF)
_FIRST_SOUND = len(CHANNELS)
_SEAL, _BITE, _HISS, _QUIET = (0.00, 1.10), (0.10, 0.90), (0.20, 1.00), (0.80, 1.00)
"""Below the first of each the network's certainty of a seal, a bite, a sibilant or silence does nothing; at the second
lips are shut or bitten, teeth are closed, the mouth is at rest. Steeper steps than these make lips snap."""
_LOW, _HIGH = np.array([_SEAL, _BITE, _HISS, _QUIET], np.float32).T
_BITE_ROLL, _CLENCHED_JAW = 0.5, 0.10
"""How far a bitten lip rolls in, and how far a jaw opens at most in a bite or a sibilant."""
_ROUND_BY_SOUND = 0.15
"""How much of the rounding is what the sounds being said would have: two guesses err less than one."""
_SURE = len(CHANNELS)


def _reader() -> Rows:
    """Shape (ROW, 14 + 4): from what is told the mouth's channels, and those four certainties by their steps."""
    out = np.zeros((ROW, _SURE + 4), np.float32)
    out[:_SURE, :_SURE] = np.eye(_SURE)
    for channel in (CHANNEL["mouthFunnel"], CHANNEL["mouthPucker"]):
        out[channel, channel] = 1 - _ROUND_BY_SOUND
        shape = [dict(VISEMES[viseme].weights).get(CHANNELS[channel], 0.0) for viseme in VISEME_OF]
        out[_FIRST_SOUND:-2, channel] = _ROUND_BY_SOUND * np.array(shape)
    out[ROW - 2, _SURE] = out[ROW - 1, _SURE + 1] = out[_FIRST_SOUND + SOUND["sil"], _SURE + 3] = 1
    out[_FIRST_SOUND + np.flatnonzero(np.isin(_VISEMES, ("SS", "CH", "IH_SH"))), _SURE + 2] = 1
    out[:, _SURE:] /= _HIGH - _LOW
    return out


_READER = _reader()
_BELOW = _LOW / (_HIGH - _LOW)
_PARTED = np.isin(np.array(CHANNELS), ("mouthUpperUp", "mouthLowerDown", "mouthFunnel")).astype(np.float32)
"""What parts the lips even while the jaw is cancelled by mouthClose."""


def audio_rows(told: Rows) -> Rows:
    """The mouth's channels from what is told of frames of 10 ms (see Heard), shape (n, 14 CHANNELS). Each row depends
    on its own frame alone."""
    read: Rows = told @ _READER
    sure = np.minimum(np.maximum(read[:, _SURE:] - _BELOW, 0), 1)
    sure *= sure * (3 - 2 * sure)
    sealed, bitten, hissed, resting = sure.T
    awake = 1 - resting
    rows: Rows = read[:, :_SURE] * awake[:, None]
    rows *= 1 - sealed[:, None] * _PARTED
    jaw, close, roll = rows[:, _JAW], rows[:, _CLOSE], rows[:, _ROLL]
    jaw -= np.maximum(jaw - _CLENCHED_JAW, 0) * (1 - (1 - bitten) * (1 - hissed))
    np.minimum(close, jaw, out=close)
    np.maximum(close, sealed * jaw, out=close)
    np.maximum(roll, _BITE_ROLL * bitten * awake, out=roll)
    return rows


class Smoother:
    """A weighted mean over the latest rows that waits for nothing: the same row is so much late. What came before the
    first row is taken to have been like it."""

    def __init__(self, *weights: float) -> None:
        """The weights of the rows from the oldest to the newest."""
        self._weights = (np.array(weights) / sum(weights)).astype(np.float32).tolist()
        self._past: Rows | None = None

    def push(self, rows: Rows) -> Rows:
        """The next rows, shape (n, width), smoothed."""
        if len(rows) == 0:
            return rows
        before = len(self._weights) - 1
        past = np.repeat(rows[:1], before, axis=0) if self._past is None else self._past
        whole = np.concatenate([past, rows])
        self._past = whole[-before:]
        out = self._weights[0] * whole[: len(rows)]
        for i, weight in enumerate(self._weights[1:], start=1):
            out += weight * whole[i : i + len(rows)]
        return np.asarray(out, np.float32)


class AudioMouth:
    """The mouth of a stream of sound alone, without the tremor of what the network tells from frame to frame: what
    `push` returns is late by ROWS_LATE rows."""

    def __init__(self) -> None:
        self._smoother = Smoother(1, 1, 1, 1)

    def push(self, told: Rows) -> Rows:
        """From what is told of the next frames, shape (n, ROW), the mouth's channels, shape (n, 14)."""
        return self._smoother.push(audio_rows(told))


ROWS_LATE = 1.5


def likeliest_sounds(sounds: Rows) -> NDArray[np.intp]:
    """For probabilities of shape (n, len(SOUNDS)) the sound that stands for each frame's likeliest viseme class."""
    return np.asarray(_STANDS_FOR[(sounds @ _TO_CLASS).argmax(axis=1)])


_CLASSES = list(dict.fromkeys(VISEME_OF))
_TO_CLASS = np.array([[viseme == name for name in _CLASSES] for viseme in VISEME_OF], np.float32)
_STANDS_FOR = np.array([VISEME_OF.index(name) for name in _CLASSES])
