"""Log-mel features of 24 kHz sound, as a stream: what the lip network hears.

One frame every 10 ms over the last 25 ms: pre-emphasis .97, a Hann window, 40 triangular mel filters (O'Shaughnessy's
formula, 60 to 7600 Hz), the logarithm of the power. Nothing looks ahead, and nothing is normalised over time.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.audio import TIMELINE_RATE, Pcm

HOP: Final = TIMELINE_RATE // 100
"""Samples between frames."""
BANDS: Final = 40
_WINDOW: Final = TIMELINE_RATE // 40
_FFT: Final = 1024
_LOW, _HIGH = 60.0, 7600.0
_EMPHASIS = np.float32(0.97)
_FLOOR = np.float32(1e-6)

Features = NDArray[np.float32]
"""Shape (frames, BANDS)."""


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2595 * np.log10(1 + hertz / 700))


_FIRST, _LAST = _mel(np.array([_LOW, _HIGH]))
_EDGES: Final = 700 * (10 ** (np.linspace(_FIRST, _LAST, BANDS + 2) / 2595) - 1)
HERTZ: Final = _EDGES[1:-1]
"""The bands' centres."""


def band_of(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """The number of the band whose centre is at a frequency, with its fraction."""
    return np.asarray((_mel(hertz) - _FIRST) / (_LAST - _FIRST) * (BANDS + 1) - 1)


def _filters() -> NDArray[np.float32]:
    """Shape (frequencies, BANDS)."""
    edges = _EDGES
    at = np.fft.rfftfreq(_FFT, 1 / TIMELINE_RATE)[:, None]
    rising = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


_FILTERS: Final = _filters()
_TOP: Final = int(np.flatnonzero(_FILTERS.any(axis=1))[-1]) + 1
"""No filter reaches beyond this frequency's index."""
_USED: Final = np.ascontiguousarray(_FILTERS[:_TOP])
_HANN: Final = np.hanning(_WINDOW).astype(np.float32)
_AT_ONCE = 256
_PLACES: Final = np.arange(_AT_ONCE)[:, None] * HOP + np.arange(_WINDOW)
"""Where each of so many frames' samples are."""
SILENCE: Final = float(np.log(_FLOOR) / 4 + 1)
"""Every band's value in digital silence."""


class Leveller:
    """Gains for faint sound, as a listener who leans closer. Speech whose peaks reach −24 dBFS stays as it is.

    The loudest hop of late says how loud the voice is; what is fainter than −52 dBFS says nothing. The gain moves there
    within some 250 ms, so that the beginning of a normal voice is not taken for a faint one.

    quiet: for each hop of the last push, how many in a row, it included, were too faint to be speech.
    """

    def __init__(self) -> None:
        self._loudest = 0.0
        self._gain = 1.0
        self._sounded = 0
        """Hops that were not digital silence."""
        self._quiet = 10_000
        self.quiet: list[int] = []

    def push(self, peaks: NDArray[np.float32]) -> NDArray[np.float32]:
        """The gain of each hop from the hops' peaks, both of shape (n,)."""
        out = np.empty(len(peaks), np.float32)
        self.quiet = []
        for i, peak in enumerate(peaks.tolist()):
            self._loudest = max(peak, self._loudest * _FORGETS) if peak > _FAINTEST else self._loudest
            wanted = min(max(_LOUD_ENOUGH / self._loudest, 1.0), _MOST_GAIN) if self._loudest else 1.0
            self._gain += (wanted - self._gain) * _MOVES
            out[i] = self._gain
            self._sounded += peak > _NOTHING
            hush = _HUSH_AT_FIRST if self._sounded < _AT_FIRST else _HUSH
            self._quiet = 0 if peak > max(hush, self._loudest * _BELOW_VOICE) else self._quiet + 1
            self.quiet.append(self._quiet)
        return out


_LOUD_ENOUGH, _FAINTEST, _MOST_GAIN = 10 ** (-24 / 20), 10 ** (-52 / 20), 10 ** (20 / 20)
_FORGETS = 0.5 ** (1 / 1000)
"""The loudest hop is half forgotten after 10 s of sound."""
_MOVES = 0.04
_NOTHING, _HUSH, _HUSH_AT_FIRST, _BELOW_VOICE = 10 ** (-90 / 20), 10 ** (-66 / 20), 10 ** (-56 / 20), 10 ** (-45 / 20)
"""What is fainter than −66 dBFS, or than the voice by 45 dB, is no speech; nor what is fainter than −56 dBFS in the
first quarter of a second, when a room's hum that sets in is like a voice about to speak."""
_AT_FIRST = 25


class LogMel:
    """Frame i spans the sound until sample (i + 1)·HOP. The same however the sound is cut."""

    def __init__(self, leveller: Leveller | None = None) -> None:
        self._tail: Pcm = np.zeros(_WINDOW - HOP + 1, np.float32)
        """What comes before the next frame's new samples, and one more for the pre-emphasis."""
        self._leveller = leveller

    def push(self, pcm: Pcm) -> Features:
        """`pcm` has shape (n,) at 24 kHz; the frames that are now complete, perhaps none."""
        heard = np.concatenate([self._tail, np.asarray(pcm, np.float32)])
        before = _WINDOW - HOP + 1
        count = (len(heard) - before) // HOP
        if count <= 0:
            self._tail = heard
            return np.zeros((0, BANDS), np.float32)
        self._tail = heard[count * HOP :]
        emphasised = heard[1:] - _EMPHASIS * heard[:-1]
        parts = [_powers(emphasised[i * HOP :], min(_AT_ONCE, count - i)) for i in range(0, count, _AT_ONCE)]
        powers = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if self._leveller is not None:
            peaks = np.abs(heard[before : before + count * HOP]).reshape(count, HOP).max(axis=1)
            powers *= np.square(self._leveller.push(peaks))[:, None]
        return np.asarray(np.log(powers + _FLOOR) * 0.25 + 1, np.float32)


def _powers(emphasised: Pcm, count: int) -> Features:
    """The mel bands' powers of the first `count` frames."""
    spectrum = np.fft.rfft(emphasised[_PLACES[:count]] * _HANN, _FFT, axis=1)[:, :_TOP]
    return np.asarray((spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ _USED, np.float32)
