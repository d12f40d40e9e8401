"""How the voice ends: the melody, loudness and length of the last half second, window by window.

Pitch is found by autocorrelation (Boersma 1993: the signal's autocorrelation divided by the window's own) at 8 kHz over
64 ms. It is rough, and good enough to tell a fall from a level tone and a voice from a cough.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum

import numpy as np

from agent.audio import Pcm

WINDOW = 512
"""Samples at 16 kHz in a window: 32 ms."""
WINDOW_S = 0.032
LOWEST, HIGHEST = 70.0, 400.0
"""Hz between which a voice's pitch is looked for."""
VOICED = 0.55
"""Harmonicity from which on a window counts as voiced: a vowel has 0.8 and more, breath and clatter less than 0.4."""
REMEMBERED = 18
"""Windows of voice looked back upon: 0.58 s."""

FADED = 25.0
"""dB below the loudest window: quieter ones at the end are no voice any more."""
SMALLEST_SPREAD = 1.5
"""Semitones: a flat voice's own wobble is not taken for a melody."""

_RATE = 8000
_SIZE = 512
_FFT = 1024
_SHORTEST, _LONGEST = int(_RATE / HIGHEST), int(_RATE / LOWEST)
_TAPER = np.hanning(_SIZE)
_OWN = np.fft.irfft(np.abs(np.fft.rfft(_TAPER, _FFT)) ** 2)[: _LONGEST + 2]
_QUIET = 1e-9


@dataclass(frozen=True, slots=True)
class Frame:
    """One window. `pitch` in semitones above 55 Hz, None where it is not voiced; `level` in dB of full scale."""

    level: float
    harmonicity: float
    pitch: float | None


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of what was said so far, against how this speaker speaks.

    height: the last pitch over the speaker's median, in standard deviations of his pitch. slope: semitones a second
    over the last voiced stretch. decay: dB by which the last windows are quieter than the phrase. length: seconds of
    the last voiced stretch.
    """

    height: float
    slope: float
    decay: float
    length: float


class Tune(Enum):
    """How the voice ended."""

    FALL = "fall"
    RISE = "rise"
    LEVEL = "level"
    UNKNOWN = "unknown"


FALLEN = 3.0
"""A voice that ends this low, faint and drawn out, in the units of `tune`, has come to an end. With the weights there,
four of five falling ends of synthetic sentences do, and one in seven of words cut out of their middle."""
RISEN = 10.0
"""Semitones a second upwards that make a rise."""
HEARD = 0.2
"""Probability of speech from which a window is looked at."""
SILENT = 0.5
"""Probability of speech below which a voice may have ended."""
FORGOTTEN = 20
"""Windows of quiet after which the voice's end is looked at no more."""


def tune(ending: Ending | None) -> Tune:
    """Whether the voice fell, rose or stayed level."""
    if ending is None:
        return Tune.UNKNOWN
    if ending.slope >= RISEN and ending.height > -0.8:
        return Tune.RISE
    finality = -ending.height + ending.decay / 8 + 2 * ending.length
    return Tune.FALL if finality >= FALLEN else Tune.LEVEL


class Prosody:
    """One microphone's voice. `hear` every window, in order: about 0.1 ms where somebody speaks."""

    def __init__(self) -> None:
        self._before = np.zeros(_SIZE // 2, np.float32)
        self._frames: deque[Frame] = deque(maxlen=REMEMBERED + 12)
        self._pitches: deque[float] = deque(maxlen=256)
        self._quiet = FORGOTTEN
        self._tune = Tune.UNKNOWN

    def hear(self, window: Pcm, probability: float) -> tuple[bool, Tune]:
        """One window, shape (512,) at 16 kHz, and the probability that it is speech: whether it has a pitch, and, once
        the voice has ended, how it did."""
        self._quiet = 0 if probability >= HEARD else self._quiet + 1
        if self._quiet > FORGOTTEN:
            self._frames.clear()
            return False, self._tune
        frame = self.feed(window)
        if probability >= SILENT:
            self._tune = Tune.UNKNOWN
        elif self._quiet < REMEMBERED // 2:
            self._tune = tune(self.ending())
        return frame.pitch is not None, self._tune

    def feed(self, window: Pcm) -> Frame:
        """One window, shape (512,) at 16 kHz."""
        half = 0.5 * (window[0::2] + window[1::2])
        frame = _frame(np.concatenate([self._before, half]), window)
        self._before = half
        self._frames.append(frame)
        if frame.pitch is not None:
            self._pitches.append(frame.pitch)
        return frame

    def ending(self) -> Ending | None:
        """How the voice ended, whatever quiet came after it; None when too little of it is known."""
        frames = list(self._frames)
        loudest = max((frame.level for frame in frames), default=0.0)
        while frames and frames[-1].level < loudest - FADED:
            frames.pop()
        frames = frames[-REMEMBERED:]
        stretch = _last_stretch(frames)
        if len(stretch) < 2 or len(self._pitches) < 6:
            return None
        pitches = np.array([frame.pitch for frame in stretch])
        recent = pitches[-6:]
        at = np.arange(len(recent)) * WINDOW_S
        levels = np.array([frame.level for frame in frames])
        spread = max(SMALLEST_SPREAD, float(np.std(self._pitches)))
        return Ending(
            height=float(np.mean(pitches[-2:]) - np.median(self._pitches)) / spread,
            slope=float(np.polyfit(at, recent, 1)[0]),
            decay=float(np.percentile(levels, 75) - np.mean(levels[-2:])),
            length=len(stretch) * WINDOW_S,
        )


def _last_stretch(frames: list[Frame]) -> list[Frame]:
    """The last run of voiced windows; one window between may be unvoiced, and the pitch may not leap."""
    stretch: list[Frame] = []
    missing = 0
    for frame in reversed(frames):
        if frame.pitch is None:
            missing += 1
            if stretch and missing > 1:
                break
            continue
        if stretch and stretch[-1].pitch is not None and abs(stretch[-1].pitch - frame.pitch) > 5:
            break
        missing = 0
        stretch.append(frame)
    return stretch[::-1]


def _frame(sound: Pcm, window: Pcm) -> Frame:
    power = float(np.dot(window, window)) / len(window)
    level = 10 * float(np.log10(power + _QUIET))
    spectrum = np.fft.rfft((sound - sound.mean()) * _TAPER, _FFT)
    likeness = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[: _LONGEST + 2]
    if likeness[0] < _QUIET:
        return Frame(level, 0.0, None)
    likeness = likeness / likeness[0] * (_OWN[0] / _OWN)
    inside = likeness[_SHORTEST : _LONGEST + 1]
    peaks = np.flatnonzero((inside >= likeness[_SHORTEST - 1 : _LONGEST]) & (inside >= likeness[_SHORTEST + 1 :]))
    if len(peaks) == 0:
        return Frame(level, 0.0, None)
    heights = inside[peaks]
    harmonicity = float(min(1.0, heights.max()))
    if harmonicity < VOICED:
        return Frame(level, max(0.0, harmonicity), None)
    # The first of nearly equal peaks: later ones are its multiples, an octave and more below.
    first = int(peaks[np.argmax(heights >= 0.9 * heights.max())]) + _SHORTEST
    left, middle, right = likeness[first - 1 : first + 2]
    curve = left - 2 * middle + right
    lag = first + (0.5 * (left - right) / curve if curve < 0 else 0.0)
    return Frame(level, harmonicity, 12 * float(np.log2(_RATE / lag / 55)))
