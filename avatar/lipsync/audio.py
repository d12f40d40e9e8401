"""From what the network heard to a mouth: its curves, with lips that really close, bite and rest."""

import numpy as np
from numpy.typing import NDArray

from avatar.lipsync.network import Heard
from avatar.lipsync.phones import CHANNEL
from avatar.lipsync.sounds import SOUND, SOUNDS, VISEME_OF

Rows = NDArray[np.float32]

_JAW, _CLOSE, _ROLL = CHANNEL["jawOpen"], CHANNEL["mouthClose"], CHANNEL["mouthRollLower"]
_PARTING = np.array([CHANNEL[name] for name in ("mouthUpperUp", "mouthLowerDown", "mouthFunnel")])
_VISEMES = np.array(VISEME_OF)
_SIBILANT = np.isin(_VISEMES, ("SS", "CH", "IH_SH"))
_SEAL = (0.30, 0.60)
"""Below the first the network's certainty of a seal does nothing, above the second the lips are shut."""
_BITE = (0.25, 0.55)
_BITE_ROLL, _BITE_JAW = 0.5, 0.10
_SIBILANT_JAW = 0.10
_QUIET = (0.65, 0.95)
"""Between these probabilities of silence the mouth comes to rest."""


def _between(value: Rows, limits: tuple[float, float]) -> Rows:
    """0 below the limits, 1 above, a smooth step between."""
    x = np.clip((value - limits[0]) / (limits[1] - limits[0]), 0, 1)
    return np.asarray(x * x * (3 - 2 * x), np.float32)


def audio_rows(heard: Heard) -> Rows:
    """The mouth's channels for each frame of 10 ms, shape (n, 14 CHANNELS). Each row depends on its own frame alone."""
    rows = heard.channels.copy()
    sealed, bitten = _between(heard.seal, _SEAL), _between(heard.bite, _BITE)
    hissed = _between(heard.sounds[:, _SIBILANT].sum(axis=1), (0.4, 0.8))
    jaw = rows[:, _JAW]
    for amount, limit in ((bitten, _BITE_JAW), (hissed, _SIBILANT_JAW)):
        jaw = np.minimum(jaw, limit + (1 - amount) * np.maximum(jaw - limit, 0))
    rows[:, _JAW] = jaw
    rows[:, _CLOSE] = np.maximum(np.minimum(rows[:, _CLOSE], jaw), sealed * jaw)
    rows[:, _PARTING] *= (1 - sealed)[:, None]
    rows[:, _ROLL] = np.maximum(rows[:, _ROLL], _BITE_ROLL * bitten)
    rows *= (1 - _between(heard.sounds[:, SOUND["sil"]], _QUIET))[:, None]
    return rows


def visemes_heard(heard: Heard) -> NDArray[np.intp]:
    """For each frame the sound, an index into SOUNDS, that stands for the likeliest viseme."""
    return np.asarray(_LIKELIEST[(heard.sounds @ _TO_VISEME).argmax(axis=1)])


_NAMES = list(dict.fromkeys(VISEME_OF))
_TO_VISEME = np.array([[float(viseme == name) for name in _NAMES] for viseme in VISEME_OF], np.float32)
_LIKELIEST = np.array([VISEME_OF.index(name) for name in _NAMES])
assert len(_TO_VISEME) == len(SOUNDS)
