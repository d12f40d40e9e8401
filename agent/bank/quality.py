"""Is a recording good enough to build a voice from? Judged by its sound alone, never by how somebody speaks.

Levels are in dB of full scale. Thresholds follow what voice-building services and speech corpora ask for; `gold` is
what a studio reaches, `kept` what a quiet room does. Where something is amiss it is said what to do about it; after
MOST_RETRIES a take is kept all the same, and marked.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.audio import Pcm

FRAME_S = 0.01
MOST_RETRIES = 2
CLIPPED = 0.999
CLIPPED_SAMPLES = 3
"""So many samples as loud as that are no chance."""
ROOM_GREEN, ROOM_AMBER = -60.0, -50.0
EDGE_S = (0.1, 0.2)
"""Quiet before and after the words."""
TOUCHING_S = 0.03
"""Words that begin or end so near the edge are cut off."""
DROPPED_S = 0.02
"""Exact zeros within speech that last so long were lost on the way."""
_ACTIVE_OVER_NOISE, _ACTIVE_UNDER_PEAK = 10.0, 32.0
_HUMS = (50.0, 60.0)
_HUM_OVER = 15.0
"""dB by which a mains tone and its first harmonics stand over what is beside them."""
_SILENCE = -100.0
_QUIET_FRAMES = 8


class Verdict(Enum):
    """What becomes of a take."""

    GOLD = "gold"
    KEPT = "kept"
    MARKED = "marked"
    """Kept, although something is amiss: a cleaned copy may be made of it."""
    RETRY = "retry"


Advice = Literal[
    "nothing_heard", "clipped", "too_loud", "too_quiet", "noisy", "cut_at_start", "cut_at_end", "dropout",
    "slower_than_usual", "faster_than_usual",
]  # fmt: skip
_RETRIED: frozenset[Advice] = frozenset(
    ("nothing_heard", "clipped", "too_loud", "too_quiet", "noisy", "cut_at_start", "cut_at_end", "dropout")
)


@dataclass(frozen=True, slots=True)
class Room:
    """The room without a voice. `hum`: the mains frequency heard in it, in Hz."""

    level: float
    hum: float | None

    @property
    def light(self) -> Literal["green", "amber", "red"]:
        return "green" if self.level <= ROOM_GREEN else "amber" if self.level <= ROOM_AMBER else "red"


@dataclass(frozen=True, slots=True)
class Take:
    """What was found in one. `start` and `end`: seconds between which there is speech; `level`: RMS of that alone."""

    verdict: Verdict
    advice: tuple[Advice, ...]
    peak: float
    level: float
    snr: float
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Of speech, from its first to its last."""
        return self.end - self.start


def judge_room(tone: Pcm, rate: int) -> Room:
    """Some seconds of the room without a voice, shape (n,). What happened once, a chair or a door, does not count."""
    levels = _levels(tone, rate)
    if len(levels) == 0:
        return Room(_SILENCE, None)
    return Room(round(float(np.percentile(levels, 70)), 1), _hum(tone, rate))


def judge_take(
    pcm: Pcm, rate: int, room: Room | None = None, *, attempt: int = 1, pace: float | None = None, expected: float = 0.0
) -> Take:
    """One take, shape (n,), in [-1, 1]. `pace`: the speaker's usual seconds for each expected one, `expected`: how long
    such a sentence usually takes; both only advise. Raises ValueError for sound that is no numbers."""
    if not np.all(np.isfinite(pcm)):
        raise ValueError("the sound holds values that are no numbers")
    levels = _levels(pcm, rate)
    noise = _noise(levels, room)
    active = _active(levels, noise)
    if active is None:
        return Take(_verdict(("nothing_heard",), attempt, gold=False), ("nothing_heard",), _db(pcm), _SILENCE, 0, 0, 0)
    first, last, voiced = active
    level = 10 * float(np.log10(np.mean(10 ** (levels[voiced] / 10))))
    peak, snr = 20 * float(np.log10(max(1e-5, np.abs(pcm).max()))), level - noise
    start, end = first * FRAME_S, (last + 1) * FRAME_S
    cut_at_start, cut_at_end = start < TOUCHING_S, len(pcm) / rate - end < TOUCHING_S
    quiet_known = room is not None or not (cut_at_start or cut_at_end)
    advice = [
        *_too_loud_or_quiet(pcm, level),
        *(("noisy",) if snr < 20 and quiet_known else ()),
        *(("cut_at_start",) if cut_at_start else ()),
        *(("cut_at_end",) if cut_at_end else ()),
        *(("dropout",) if _dropped(pcm[round(start * rate) : round(end * rate)], rate) else ()),
        *_pace(end - start, pace, expected),
    ]
    gold = -6 <= peak <= -3 and -23 <= level <= -18 and snr >= 35
    verdict = _verdict(tuple(advice), attempt, gold=gold)
    if verdict is Verdict.KEPT and (snr < 25 or peak > -1):
        verdict = Verdict.MARKED
    return Take(verdict, tuple(advice), round(peak, 1), round(level, 1), round(snr, 1), start, end)


def trimmed(pcm: Pcm, rate: int, take: Take) -> Pcm:
    """The take with EDGE_S[1] seconds of its own quiet around the speech, where it has them, and EDGE_S[0] at least:
    what is missing is filled with zeros."""
    if take.end <= take.start:
        return pcm
    most, least = round(EDGE_S[1] * rate), round(EDGE_S[0] * rate)
    start, end = round(take.start * rate), min(len(pcm), round(take.end * rate))
    before, after = min(most, start), min(most, len(pcm) - end)
    kept = pcm[start - before : end + after]
    return np.pad(kept, (max(0, least - before), max(0, least - after)))


# ---------------------------------------------------------------------- what is amiss
def _verdict(advice: tuple[Advice, ...], attempt: int, *, gold: bool) -> Verdict:
    if _RETRIED.intersection(advice):
        return Verdict.RETRY if attempt <= MOST_RETRIES else Verdict.MARKED
    return Verdict.GOLD if gold else Verdict.KEPT


def _too_loud_or_quiet(pcm: Pcm, level: float) -> tuple[Advice, ...]:
    if np.count_nonzero(np.abs(pcm) >= CLIPPED) >= CLIPPED_SAMPLES:
        return ("clipped",)
    return ("too_loud",) if level > -16 else ("too_quiet",) if level < -28 else ()


def _pace(seconds: float, pace: float | None, expected: float) -> tuple[Advice, ...]:
    if pace is None or expected <= 0:
        return ()
    ratio = seconds / expected / pace
    return ("slower_than_usual",) if ratio > 1.25 else ("faster_than_usual",) if ratio < 0.75 else ()


def _dropped(speech: Pcm, rate: int) -> bool:
    """Whether some of it is exactly zero for DROPPED_S: no microphone is as still as that."""
    still = np.flatnonzero(np.diff(np.concatenate(([0.0], np.asarray(speech == 0, np.float64), [0.0]))))
    runs = np.diff(still)[::2]
    return bool(np.any(runs >= DROPPED_S * rate))


# ---------------------------------------------------------------------- what is measured
def _levels(pcm: Pcm, rate: int) -> NDArray[np.float64]:
    """dB of each FRAME_S, less the mean of a fiftieth of a second around each sample: a rumble is no noise that
    matters."""
    size, reach = round(FRAME_S * rate), rate // 100
    whole = pcm[: len(pcm) // size * size].astype(np.float64)
    if len(whole) == 0:
        return np.zeros(0)
    total = np.cumsum(np.pad(whole, (reach + 1, reach), mode="edge"))
    mean = (total[2 * reach + 1 :] - total[: -2 * reach - 1]) / (2 * reach + 1)
    frames = (whole - mean).reshape(-1, size)
    return np.asarray(10 * np.log10(np.mean(frames**2, axis=1) + 1e-10))


def _noise(levels: NDArray[np.float64], room: Room | None) -> float:
    """The quietest 80 ms of the take, or the room where the take has no quiet. Dips within words are shorter."""
    own = _SILENCE
    if len(levels) >= _QUIET_FRAMES:
        power = np.convolve(10 ** (levels / 10), np.full(_QUIET_FRAMES, 1 / _QUIET_FRAMES), "valid")
        own = 10 * float(np.log10(power.min()))
    return max(_SILENCE, min(own, room.level) if room is not None else own)


def _active(levels: NDArray[np.float64], noise: float) -> tuple[int, int, NDArray[np.intp]] | None:
    """The first and the last frame of speech, and all of it; None where nothing stands out of the noise."""
    if len(levels) == 0:
        return None
    loudest = float(np.percentile(levels, 99))
    threshold = max(noise + _ACTIVE_OVER_NOISE, loudest - _ACTIVE_UNDER_PEAK)
    voiced = np.flatnonzero(levels >= threshold)
    if len(voiced) < 10 or loudest < noise + _ACTIVE_OVER_NOISE:  # 0.1 s: a click is no speech
        return None
    return int(voiced[0]), int(voiced[-1]), voiced


def _db(pcm: Pcm) -> float:
    return round(20 * float(np.log10(max(1e-5, np.abs(pcm).max(initial=0)))), 1)


def _hum(tone: Pcm, rate: int) -> float | None:
    """50 or 60 Hz, where that and its first harmonics stand out of what is beside them."""
    if len(tone) < rate:
        return None
    power = np.abs(np.fft.rfft(tone * np.hanning(len(tone)))) ** 2
    width = rate / len(tone)
    for mains in _HUMS:
        over = [_stands_out(power, mains * k / width, 3 / width) for k in (1, 2, 3)]
        if sum(value >= _HUM_OVER for value in over) >= 2:
            return mains
    return None


def _stands_out(power: NDArray[np.float64], at: float, reach: float) -> float:
    """dB by which the peak near bin `at` stands over the median of 8 Hz beside it."""
    near = power[max(1, int(at - reach / 2)) : int(at + reach / 2) + 2]
    around = power[max(1, int(at - 3 * reach)) : int(at + 3 * reach) + 2]
    if len(near) == 0 or len(around) == 0:
        return 0.0
    return 10 * float(np.log10((near.max() + 1e-12) / (np.median(around) + 1e-12)))
