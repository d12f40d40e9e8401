"""Audio inside is float32 mono numpy in [-1, 1] at a stated rate; this package converts at the edges."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pcm: TypeAlias = NDArray[np.float32]
"""Shape (samples,), float32, mono, nominally in [-1, 1]. The rate is stated by whoever passes it."""

TIMELINE_RATE = 24_000
"""Samples a second on every ledger and on the stage clock, whatever rate an engine or the wire has."""
