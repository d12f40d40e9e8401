"""From what the network heard to a mouth: its curves, with lips that really close, bite and rest."""

import numpy as np
from numpy.typing import NDArray

from avatar.lipsync.network import ROW, Heard
from avatar.lipsync.phones import CHANNEL, CHANNELS, VISEMES
from avatar.lipsync.sounds import SOUND, VISEME_OF

Rows = NDArray[np.float32]

_JAW, _CLOSE, _ROLL = CHANNEL["jawOpen"], CHANNEL["mouthClose"], CHANNEL["mouthRollLower"]
_PARTING = np.array([CHANNEL[name] for name in ("mouthUpperUp", "mouthLowerDown", "mouthFunnel")])
_VISEMES = np.array(VISEME_OF)
_FIRST_SOUND = len(CHANNELS)
_SEAL, _BITE, _HISS, _QUIET = (0.00, 1.10), (0.10, 0.90), (0.20, 1.00), (0.80, 1.00)
"""Below the first of each the network's certainty of a seal, a bite, a sibilant or silence does nothing; at the second
lips are shut or bitten, teeth are closed, the mouth is at rest. Steeper steps than these make lips snap."""
_LOW, _HIGH = np.array([_SEAL, _BITE, _HISS, _QUIET], np.float32).T
_BITE_ROLL, _BITE_JAW, _SIBILANT_JAW = 0.5, 0.10, 0.10


def _chooser() -> Rows:
    """Shape (ROW, 4): takes those four certainties from what is told."""
    out = np.zeros((ROW, 4), np.float32)
    out[ROW - 2, 0] = out[ROW - 1, 1] = out[_FIRST_SOUND + SOUND["sil"], 3] = 1
    out[_FIRST_SOUND + np.flatnonzero(np.isin(_VISEMES, ("SS", "CH", "IH_SH"))), 2] = 1
    return out


_CHOOSER = _chooser()
_ROUND = [CHANNEL["mouthFunnel"], CHANNEL["mouthPucker"]]
_ROUND_OF = np.array([[dict(VISEMES[v].weights).get(CHANNELS[c], 0.0) for c in _ROUND] for v in VISEME_OF], np.float32)
_ROUND_BY_SOUND = 0.3
"""How much of the rounding is what the sounds being said would have: two guesses err less than one."""


def audio_rows(heard: Heard) -> Rows:
    """The mouth's channels for each frame of 10 ms, shape (n, 14 CHANNELS). Each row depends on its own frame alone."""
    sure = np.clip((heard.told @ _CHOOSER - _LOW) / (_HIGH - _LOW), 0, 1)
    sealed, bitten, hissed, resting = (sure * sure * (3 - 2 * sure)).T
    awake = 1 - resting
    rows = heard.channels * awake[:, None]
    rows[:, _ROUND] *= 1 - _ROUND_BY_SOUND
    rows[:, _ROUND] += _ROUND_BY_SOUND * awake[:, None] * (heard.sounds @ _ROUND_OF)
    jaw = rows[:, _JAW]
    for amount, limit in ((bitten, _BITE_JAW), (hissed, _SIBILANT_JAW)):
        jaw = np.minimum(jaw, limit + (1 - amount) * np.maximum(jaw - limit, 0))
    rows[:, _JAW] = jaw
    rows[:, _CLOSE] = np.maximum(np.minimum(rows[:, _CLOSE], jaw), sealed * jaw)
    rows[:, _PARTING] *= (1 - sealed)[:, None]
    rows[:, _ROLL] = np.maximum(rows[:, _ROLL], _BITE_ROLL * bitten * awake)
    return np.asarray(rows, np.float32)


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
    """The mouth of a stream of sound alone, without the tremor of what the network tells from frame to frame.

    Of what `push` returns, `told` is late by TOLD_LATE rows, and the channels by ROWS_LATE.
    """

    def __init__(self) -> None:
        self._told = Smoother(1, 2, 1)
        self._before = Smoother(1, 1)
        self._after = Smoother(1, 1, 1)

    def push(self, heard: Heard) -> tuple[Heard, Rows]:
        """What is told of the next frames, smoothed, and the mouth's channels for them, shape (n, 14)."""
        rows = self._after.push(audio_rows(Heard(heard.first, self._before.push(heard.told))))
        return Heard(heard.first, self._told.push(heard.told)), rows


TOLD_LATE, ROWS_LATE = 1, 1.5


def likeliest_sounds(sounds: Rows) -> NDArray[np.intp]:
    """For probabilities of shape (n, len(SOUNDS)) the sound that stands for each frame's likeliest viseme class."""
    return np.asarray(_STANDS_FOR[(sounds @ _TO_CLASS).argmax(axis=1)])


_CLASSES = list(dict.fromkeys(VISEME_OF))
_TO_CLASS = np.array([[viseme == name for name in _CLASSES] for viseme in VISEME_OF], np.float32)
_STANDS_FOR = np.array([VISEME_OF.index(name) for name in _CLASSES])
