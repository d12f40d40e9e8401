"""Is what the microphone hears our own reply coming back? Decided window by window, from the ledger's own sound.

A loudspeaker's echo is the reply, late and coloured by the room. First its lateness is looked for: the whitened
cross-correlation of microphone and reply (GCC-PHAT, Knapp and Carter 1976) over all delays that are possible. Once that
is known, a filter learns the room (a partitioned frequency-domain Kalman filter, Enzner and Vary 2006) and predicts the
echo; what it leaves over, band by band, is compared with what it left over of echoes before. Much more is somebody who
talks. Nothing here changes the sound: the recogniser hears what the microphone heard.

Pure and deterministic. It costs nothing while no reply sounds, and about half a millisecond a window while one does.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from agent.audio import TIMELINE_RATE, Pcm
from agent.audio.resample import Resampler
from agent.conversation.ledger import Ledger

RATE = 16_000
WINDOW = 512
"""Samples at RATE in a window: 32 ms."""
EARLIEST, LATEST = -0.38, 0.5
"""Seconds by which an echo may be later than the position that the ledger reports. It is earlier where a client that
is told of no hold has played on."""
AFTER = 0.5
"""Seconds after a reply in which its reverberation may still be heard."""
KEPT = 2 * RATE
"""Samples of the reply kept after they were heard."""
CANDIDATE = 0.1
"""Probability of speech from which on a window is worth a look."""

_Spectrum = NDArray[np.complex64]
_Floats = NDArray[np.float32]

# ---------------------------------------------------------------------- the delay
_PIECE = 2048
"""Samples of the microphone that are looked for in the reply: 128 ms."""
_RANGE = round((LATEST - EARLIEST) * RATE)
_SEARCH_FFT = 1 << (_PIECE + _RANGE - 1).bit_length()
_SEARCHED = slice(150 * _SEARCH_FFT // RATE, 6000 * _SEARCH_FFT // RATE)
"""Bins between 150 and 6000 Hz: a small loudspeaker has nothing below, a voice little above."""
FOUND = 9.5
"""A peak so many times above the correlation's RMS is an echo: another voice's reaches 10 in 1 of 100 windows."""
CERTAIN = 13.0
"""A peak that is believed at once. Two windows that agree are believed, too."""
FOUND_AGAIN = 6.5
"""A peak that is enough where one of these stood in the window before, too."""
_FAINT = 0.01
"""Places where the reply has less than this share of its loudest piece's power make no echo that counts."""
_SILENT = 1e-4
THERE = 5.0
"""A peak that is enough at the delay that is known."""
NEAR = 16
"""Samples within which two peaks are the same delay: 1 ms."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """How well a piece of the microphone fits the reply, by where in the reply it would begin; over its RMS."""

    likeness: _Floats

    def best(self) -> tuple[float, int]:
        """The highest peak, and where it stands."""
        at = int(np.argmax(self.likeness))
        return float(self.likeness[at]), at

    def near(self, at: int) -> float:
        """The highest peak near `at`."""
        around = self.likeness[max(0, at - NEAR) : max(0, at + NEAR + 1)]
        return float(around.max()) if len(around) else 0.0


def correlate(microphone: Pcm, reply: Pcm) -> Correlation:
    """The whitened cross-correlation of `microphone`, shape (_PIECE,), with `reply`, shape (_PIECE + _RANGE,)."""
    mic = np.fft.rfft(microphone, _SEARCH_FFT)[_SEARCHED]
    ours = np.fft.rfft(reply, _SEARCH_FFT)[_SEARCHED]
    cross = np.zeros(_SEARCH_FFT // 2 + 1, np.complex64)
    product = ours * mic.conj()
    cross[_SEARCHED] = product / (np.abs(product) + 1e-9)
    likeness = np.abs(np.fft.irfft(cross)[: _RANGE + 1]).astype(np.float32)
    # Where the reply is silent there is nothing to be like: such places would make every peak stand out.
    total = np.concatenate([np.zeros(1), np.cumsum(np.square(reply, dtype=np.float64))])
    power = total[_PIECE : _PIECE + _RANGE + 1] - total[: _RANGE + 1]
    loud = power >= max(_FAINT * float(power.max()), _SILENT)
    usual = np.sqrt(np.mean(likeness[loud] ** 2) + 1e-12) if loud.any() else np.float32(np.inf)
    return Correlation(likeness / usual)


# ---------------------------------------------------------------------- the room
_PARTS = 8
"""Partitions of one window each: the first 256 ms of the room's response."""
_FFT = 2 * WINDOW
_BINS = WINDOW + 1
LEAD = 80
"""Samples before the delay found that the filter covers, too: 5 ms."""
_KEPT = 0.9995
"""How much of the room's response stays from window to window."""
_PRIOR = np.float32(0.1) * np.exp(-np.arange(_PARTS, dtype=np.float32))[:, None]
"""Variance of the room's response a bin before anything was heard, by partition: -10 dB, less and less later on."""


class RoomFilter:
    """Predicts the echo, and learns from what was heard instead."""

    def __init__(self) -> None:
        self._response = np.zeros((_PARTS, _BINS), np.complex64)
        self._variance: _Floats = np.broadcast_to(_PRIOR, (_PARTS, _BINS)).astype(np.float32)
        self._noise: _Floats = np.full(_BINS, 1e-3, np.float32)
        self._reply: _Spectrum = np.zeros((_PARTS, _BINS), np.complex64)

    def reload(self, blocks: Pcm) -> None:
        """The delay has changed: the reply as it would have come before, shape ((_PARTS + 1) * WINDOW,)."""
        pieces = [blocks[k * WINDOW : k * WINDOW + _FFT] for k in reversed(range(_PARTS))]
        self._reply = np.fft.rfft(np.stack(pieces)).astype(np.complex64)

    def doubt(self) -> None:
        """The delay has changed by a sample more or less than was found: be ready to learn anew."""
        size = self._response.real**2 + self._response.imag**2
        self._variance = np.maximum(self._variance, size + _PRIOR * np.float32(0.3))

    def step(self, microphone: Pcm, reply: Pcm) -> tuple[Pcm, Pcm]:
        """One window, shape (WINDOW,), and the reply of this window and the one before, shape (_FFT,). Returns the echo
        as it was predicted and what is left of the microphone without it."""
        self._reply = np.roll(self._reply, 1, axis=0)
        self._reply[0] = np.fft.rfft(reply)
        predicted = np.fft.irfft(np.sum(self._reply * self._response, axis=0))[WINDOW:].astype(np.float32)
        left = microphone - predicted
        self._learn(left)
        return predicted, left

    def _learn(self, left: Pcm) -> None:
        padded = np.zeros(_FFT, np.float32)
        padded[WINDOW:] = left
        error = np.fft.rfft(padded).astype(np.complex64)
        power = self._reply.real**2 + self._reply.imag**2
        expected = np.sum(power * self._variance, axis=0) * np.float32(0.5)
        self._noise += np.float32(0.3) * (error.real**2 + error.imag**2 - self._noise)
        gain = self._variance / (expected + self._noise + np.float32(1e-6))
        change = np.fft.irfft(gain * self._reply.conj() * error)
        change[:, WINDOW:] = 0
        self._response += np.fft.rfft(change).astype(np.complex64)
        self._variance *= 1 - np.float32(0.5) * gain * power
        size = self._response.real**2 + self._response.imag**2
        self._variance *= np.float32(_KEPT)
        self._variance += np.float32(1 - _KEPT) * (size + _PRIOR * np.float32(0.1))


_EDGES = np.unique(np.round(np.geomspace(200, 6000, 21) / RATE * _FFT).astype(int))
_TAPER = np.hanning(WINDOW).astype(np.float32)


def bands(sound: Pcm) -> _Floats:
    """Power in 20 bands from 200 to 6000 Hz, of sound of shape (WINDOW,)."""
    spectrum = np.fft.rfft(sound * _TAPER, _FFT)
    power = spectrum.real**2 + spectrum.imag**2
    return np.add.reduceat(power, _EDGES)[:-1].astype(np.float32)


YOUNG = 8
"""Windows of a reply that the filter must have learned from before it is asked; until then the delay's peak tells."""
GROWN = 24
"""Windows after which it is as good as it gets."""
ENOUGH = 4.0
"""dB by which, over the bands, more must be left than an echo leaves, on average over two windows."""
PLENTY = 7.0
"""dB that are enough in one window."""
FADING = 2.0
"""The same before the filter is asked: what fades as fast as a room does is the end of what was heard before."""
_UNSURE = 3.0
"""dB more while nothing has been learned."""
LASTING = 2.0
"""dB that are enough where they last, on average over about eight windows."""
_EIGHTH = 0.125
STILL = 2
"""Windows without a sound of the reply, as it comes to the microphone, after which only the room's fading is left."""
_SLOWLY = np.float32(0.05)
"""How fast it is learned what an echo leaves, a window."""
_DECAY = np.float32(0.55)
"""How much of an echo's power is left a window later: a room of 0.75 s."""
LATE_HOLD = 0.12
"""Seconds that a reply sounds on after it was held, at most: the order has to reach the client."""
FLOOR = 1e-3
"""Power in a band that is not worth a look."""
SOUNDING = 0.05
"""Energy of a window of the reply that the filter learns from."""
AUDIBLE = 3e-3
"""A sample of the reply that can be heard: -50 dB of full scale."""
BEGINNING = 0.5
"""Seconds from a reply's first sound within which its echo begins. It takes some windows of it to find the delay."""
AWAITED = 8
"""Windows of voice at a reply's beginning that are taken for the echo while its delay is looked for."""


@dataclass(slots=True)
class Trace:
    """What the last window was judged by; for benches and tests."""

    peak: float = 0.0
    age: int = 0
    excess: float = 0.0
    echo: bool = False


class _Found(Enum):
    NOTHING = 0
    HERE = 1
    """The echo stands where it stood."""
    ELSEWHERE = 2
    """It stands at a new delay."""


class EchoGate:
    """One microphone's judge. `hear` every window, in order."""

    def __init__(self) -> None:
        self.trace = Trace()
        self._heard = 0
        """Samples of the microphone so far."""
        self._voice = False
        self._recent = np.zeros(_PIECE, np.float32)
        self._reference: Reference | None = None
        self._lag: int | None = None
        """Sample n of the microphone is the echo of the reply's sample n + lag."""
        self._maybe: int | None = None
        """Where the echo seemed to be in the window before."""
        self._awaited = 0
        """Windows of voice that may still be taken for the echo's beginning."""
        self._room = RoomFilter()
        self._age = 0
        self._left = np.ones(len(_EDGES) - 1, np.float32)
        """The share of an echo's power that the filter leaves, a band."""
        self._tail = np.zeros(len(_EDGES) - 1, np.float32)
        self._floor = np.full(len(_EDGES) - 1, FLOOR, np.float32)
        self._excess = 0.0
        self._still = 0
        """Windows since the reply sounded."""
        self._lasting = 0.0
        """The excess over about eight windows."""
        self._over = 0

    def hear(self, window: Pcm, probability: float, ledger: Ledger | None, now: float) -> bool:
        """Whether a window, shape (WINDOW,) at RATE, is nothing but our reply's echo. `ledger`: the item that plays at
        `now`; None after it was cut."""
        self._heard += WINDOW
        before, self._voice = self._voice, probability >= CANDIDATE
        self.trace = Trace()
        self._recent = np.concatenate([self._recent[WINDOW:], window])
        if ledger is None and self._reference is not None:
            ledger = self._reference.ledger
        if ledger is not None and ledger.sent:
            self._follow(ledger, now, before)
        if self._reference is None or self._heard >= self._over:
            return False
        if self._lag is not None:
            self.trace.echo = self._judge(window, probability, self._reference)
        elif probability >= CANDIDATE:
            found = self._track(self._reference)
            self.trace.echo = found is not _Found.NOTHING or self._begins(self._reference)
        return self.trace.echo

    def _begins(self, reference: "Reference") -> bool:
        """Whether a voice may be the beginning of an echo whose delay is not found yet."""
        if self._awaited == 0 or not reference.begins:
            return False
        self._awaited -= 1
        return True

    def _follow(self, ledger: Ledger, now: float, voice: bool) -> None:
        if self._reference is None or self._reference.ledger is not ledger:
            self._reference = Reference(ledger)
            self._lag = None
            self._awaited = 0 if voice else AWAITED  # who talks already is no echo
        if self._reference.extend(now):
            self._lag, self._awaited = None, AWAITED
        if not ledger.finished(now):
            self._over = self._heard + round(AFTER * RATE)

    def _track(self, reference: "Reference") -> _Found:
        """Look for the delay in what was heard last."""
        start = reference.position - round(LATEST * RATE) - _PIECE
        correlation = correlate(self._recent, reference.piece(start, _PIECE + _RANGE))
        first = start + _PIECE - self._heard  # the lag at the correlation's first place
        peak, at = correlation.best()
        self.trace.peak = peak
        again = self._maybe is not None and abs(first + at - self._maybe) <= NEAR
        self._maybe = first + at
        if self._lag is not None:
            there = correlation.near(self._lag - LEAD - first)
            if there >= THERE:
                self.trace.peak = there
                return _Found.HERE
        again = again and peak >= (FOUND_AGAIN if self._lag is None else CERTAIN)
        if again or (peak >= CERTAIN and self._lag is None):
            if self._lag is not None:  # what was learned belongs to another delay
                self._room, self._age = RoomFilter(), 0
            self._lock(first + at, reference)
        return _Found.ELSEWHERE if again or peak >= FOUND else _Found.NOTHING

    def _lock(self, lag: int, reference: "Reference") -> None:
        """The echo is so late from now on. What the filter knows of the room holds, only less surely."""
        self._lag, self._lasting = lag + LEAD, 0.0
        self._room.doubt()
        end = self._heard - WINDOW + self._lag
        self._room.reload(reference.piece(end - (_PARTS + 1) * WINDOW, (_PARTS + 1) * WINDOW))

    def _judge(self, window: Pcm, probability: float, reference: "Reference") -> bool:
        """Whether the window is no more than the echo that was to be expected."""
        assert self._lag is not None
        end = self._heard + self._lag
        ours = reference.piece(end - _FFT, _FFT)
        predicted, left = self._room.step(window, ours)
        heard, echo, rest = bands(window), bands(predicted), bands(left)
        if probability < CANDIDATE:
            self._floor += np.float32(0.1) * (np.minimum(heard, 4 * self._floor) - self._floor)
        expected = np.maximum(echo, _DECAY * self._tail)
        ratio = 10 * np.log10((rest + 1e-9) / (self._left * expected + 4 * self._floor))
        before, self._excess = self._excess, float(np.mean(np.clip(ratio, 0, 15)))
        self._still = 0 if np.sum(ours[WINDOW:] ** 2) >= SOUNDING else self._still + 1
        if self._still >= STILL:  # what is louder than a fading room and its noise needs no band of its own
            total = 10 * np.log10((heard.sum() + 1e-9) / (_DECAY * self._tail.sum() + 4 * self._floor.sum()))
            self._excess = max(self._excess, min(15.0, float(total)))
        if probability >= CANDIDATE and self._age >= GROWN:
            self._lasting += _EIGHTH * (min(self._excess, PLENTY) - self._lasting)
        self._age += float(np.sum(ours[WINDOW:] ** 2)) >= SOUNDING
        self.trace.excess, self.trace.age = self._excess, self._age
        is_echo = probability >= CANDIDATE and self._no_more(before, reference)
        self._tail = np.maximum(expected, heard) if is_echo and self._age < GROWN else expected
        if is_echo:
            share = np.clip(rest / (self._tail + 1e-6), 0.001, 2).astype(np.float32)
            self._left += _SLOWLY * (share - self._left)
        return is_echo

    def _no_more(self, before: float, reference: "Reference") -> bool:
        """Whether the excess, and that of the window before, is what an echo has."""
        young = self._age < YOUNG
        enough = FADING if young else ENOUGH + _UNSURE * max(0.0, 1 - self._age / GROWN)
        lasting = self._lasting >= LASTING and self._excess >= LASTING
        if self._excess < PLENTY + enough - ENOUGH and self._excess + before < 2 * enough and not lasting:
            return True
        found = self._track(reference)
        return found is _Found.ELSEWHERE or (found is _Found.HERE and young)


class Reference:
    """The last seconds of a reply's sound, at the microphone's rate."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.position = 0
        """The sample that leaves the loudspeaker now, as far as is known."""
        self._stream = Resampler(TIMELINE_RATE, RATE)
        self._taken = 0
        self._ended = False
        self._first = 0
        self._sound = np.zeros(0, np.float32)
        self._limit: int | None = None
        self._held = False
        self._began: int | None = None
        """The first sample that could be heard, or where it played on after it was held."""

    @property
    def begins(self) -> bool:
        """Whether it has not sounded for long enough that its echo must have come."""
        return self._began is None or self.position - self._began < BEGINNING * RATE

    def extend(self, now: float) -> bool:
        """Take what was sent since, and let go of what is long over. Whether it has just begun to play on, so that the
        delay must be found anew."""
        ledger = self.ledger
        self.position = ledger.heard(now) * RATE // TIMELINE_RATE
        done = ledger.complete and ledger.sent >= ledger.produced
        if not self._ended and (self._taken < ledger.sent or done):
            new = ledger.sound(self._taken, ledger.sent)
            self._taken, self._ended = ledger.sent, done
            self._sound = np.concatenate([self._sound, self._stream.process(new)])
            if self._began is None and (loud := np.flatnonzero(np.abs(self._sound) > AUDIBLE)).size:
                self._began = self._first + int(loud[0])
            if done:
                self._sound = np.concatenate([self._sound, self._stream.flush()])
            over = max(0, min(self.position - self._first - KEPT, len(self._sound)))
            self._first, self._sound = self._first + over, self._sound[over:]
        return self._stand()

    def _stand(self) -> bool:
        """Where the reply is held, what lies beyond does not sound; a client that is told of no hold plays all that it
        has. Whether it plays on now."""
        before, self._held = self._held, not self.ledger.pacer.running and self._began is not None
        if not self._held:
            self._limit = None
        elif self._limit is None and self.ledger.reported:
            self._limit = self.position + round(LATE_HOLD * RATE)
        if before and not self._held:
            self._began = self.position
            return True
        return False

    def piece(self, start: int, count: int) -> Pcm:
        """Samples [start, start + count), zeros where there are none."""
        out = np.zeros(count, np.float32)
        there = self._first + len(self._sound)
        begin, end = max(start, self._first), min(start + count, there if self._limit is None else self._limit, there)
        if begin < end:
            out[begin - start : end - start] = self._sound[begin - self._first : end - self._first]
        return out
