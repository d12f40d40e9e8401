"""The nearest of the 15 Oculus visemes to a face, for whatever names mouth shapes rather than weighing them."""

import numpy as np
from numpy.typing import NDArray

from avatar.blendshapes import Frames
from avatar.lipsync.phones import ARKIT_CHANNEL, ARKIT_COLUMN, CHANNELS, VISEMES

_OCULUS = np.array([v.oculus for v in VISEMES.values()])


def _sealed(channels: NDArray[np.float64]) -> NDArray[np.float64]:
    """mouthClose says little by itself: what shows is how much of the jaw's opening it leaves."""
    out = channels.copy()
    jaw, close = CHANNELS.index("jawOpen"), CHANNELS.index("mouthClose")
    out[..., jaw] = np.maximum(out[..., jaw] - out[..., close], 0.0)
    out[..., close] = 0.0
    return out


_TEMPLATES = _sealed(np.array([[dict(v.weights).get(c, 0.0) for c in CHANNELS] for v in VISEMES.values()]))
_SPREAD = _TEMPLATES.std(axis=0) + 0.05
_FOLD = np.zeros((52, len(CHANNELS)))
_FOLD[ARKIT_COLUMN, ARKIT_CHANNEL] = 1.0
_FOLD /= np.maximum(_FOLD.sum(axis=0), 1)


def nearest_visemes(weights: Frames) -> list[str]:
    """`weights` has shape (n, 52); one name for each frame. Left and right are averaged; every channel counts in
    units of its spread over the table, so that a wide jaw does not drown a small lip."""
    shape = _sealed(np.asarray(weights, np.float64) @ _FOLD) / _SPREAD
    templates = _TEMPLATES / _SPREAD
    distance = ((shape**2).sum(1)[:, None] - 2 * shape @ templates.T) + (templates**2).sum(1)
    return [str(name) for name in _OCULUS[distance.argmin(axis=1)]]


def nearest_viseme(weights: Frames) -> str:
    """`weights` has shape (52,)."""
    return nearest_visemes(weights[None])[0]
