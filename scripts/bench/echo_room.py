"""A room with an open loudspeaker, for scripts.bench.echo: our reply comes back into the microphone, and somebody may
talk over it. The loop is closed: a hold silences the loudspeaker, and with it the echo.

Everything is made from a seed: the loudspeaker's clipping, the room's response, the way's delay, the noise, the errors
of the client's reports. The probabilities are silero's on the mixture; the turn detector and the ledger are the real
ones; the recogniser is a stub.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from agent.audio import TIMELINE_RATE, Pcm
from agent.audio.resample import resample
from agent.conversation.interruption import Claim
from agent.conversation.ledger import Ledger
from agent.conversation.prosody import Prosody
from agent.conversation.turns import Evidence, TurnDetector, TurnEvent, TurnSettings
from agent.vad import RATE, WINDOW, VoiceDetector
from scripts.bench.synthesis import speak

SECONDS = WINDOW / RATE
NETWORK = 0.03
"""Seconds from a decision to the client's loudspeaker falling silent."""
HEADPHONES = -13.0
"""dB of the echo that noise and user are measured against where there is none."""
BEFORE = 16
"""Windows of quiet before the reply."""
WORD = 0.45
"""Seconds after which a recogniser knows the first word."""
LEVEL = 0.07
"""RMS of a reply: -23 dB of full scale."""


@dataclass(frozen=True, slots=True)
class Room:
    """One trial's circumstances. Levels in dB, times in seconds.

    echo: of the echo against the reply; None: headphones. delay: from the reported position to the microphone, before
    the error `skew` of the report. reverb: RT60. direct: direct sound against reverberation. clip: of the reply's
    peak, where the loudspeaker clips. noise: against the echo. user: against the echo, None: nobody talks.
    """

    seed: int
    reply_voice: str
    reply_text: str
    user_voice: str
    user_text: str
    echo: float | None
    delay: float
    skew: float
    reverb: float
    direct: float
    clip: float
    noise: float
    user: float | None
    user_at: float
    reports: bool


@dataclass(slots=True)
class Outcome:
    """What came of a trial, in seconds of the microphone's clock. `spoke`: when the user's voice began; `over`: when
    the reply would have ended."""

    holds: list[float] = field(default_factory=list)
    resumed: list[float] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    spoke: float | None = None
    ended: float | None = None
    over: float = 0.0
    gated: int = 0
    utterances: int = 0


def response(room: Room, rng: np.random.Generator) -> Pcm:
    """The way from the loudspeaker to the microphone at 16 kHz: a direct sound, and noise that decays exponentially by
    60 dB in `reverb` seconds (Polack 1988) from 2 ms after it, of unit energy."""
    length = int(room.reverb * RATE)
    tail = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / (room.reverb * RATE))
    tail[: RATE // 500] = 0
    tail /= np.sqrt(np.sum(tail**2))
    tail[0] = 10 ** (room.direct / 20)
    return (tail / np.sqrt(np.sum(tail**2))).astype(np.float32)


def at_level(pcm: Pcm, rms: float) -> Pcm:
    """The same speech so loud; quiet 35 dB below its loudest 20 ms does not count."""
    frames = pcm[: len(pcm) // 320 * 320].reshape(-1, 320)
    power = np.mean(frames**2, axis=1)
    loud = power[power > power.max() * 10**-3.5]
    return (pcm * (rms / np.sqrt(np.mean(loud)))).astype(np.float32)


class Loudspeaker:
    """A client that plays what it was sent of the reply from sample 0 at time 0 on, and can be frozen."""

    def __init__(self, reply: Pcm, clip: float) -> None:
        peak = float(np.max(np.abs(reply)))
        self._played = resample(np.clip(reply, -clip * peak, clip * peak), TIMELINE_RATE, RATE)
        self.position = 0
        """Samples at 16 kHz that were played."""
        self.playing = True
        self.sent = 0
        """Samples at 16 kHz that have come."""

    def play(self) -> Pcm:
        """The next window."""
        out = np.zeros(WINDOW, np.float32)
        if self.playing:
            piece = self._played[self.position : min(self.position + WINDOW, self.sent)]
            out[: len(piece)] = piece
            self.position += len(piece)
        return out

    def fade(self) -> Pcm:
        """The 8 ms that follow, faded: what is heard of a freeze."""
        out = np.zeros(WINDOW, np.float32)
        piece = self._played[self.position : self.position + RATE // 125]
        out[: len(piece)] = piece * np.linspace(1, 0, len(piece), dtype=np.float32)
        return out


class Way:
    """Sound from the loudspeaker to the microphone: delayed, and answered by the room."""

    def __init__(self, room_response: Pcm, delay: int) -> None:
        self._size = 1 << (len(room_response) + WINDOW).bit_length()
        self._response = np.fft.rfft(room_response, self._size)
        self._coming = np.zeros(self._size + delay + WINDOW, np.float64)
        self._delay = delay

    def carry(self, window: Pcm) -> Pcm:
        """What arrives while `window` is played."""
        arriving = np.fft.irfft(np.fft.rfft(window, self._size) * self._response, self._size)
        self._coming[self._delay : self._delay + self._size] += arriving
        out = self._coming[:WINDOW].astype(np.float32)
        self._coming[:-WINDOW] = self._coming[WINDOW:]
        self._coming[-WINDOW:] = 0
        return out


Listener = Callable[[Pcm, float, Ledger | None, float], bool]
"""Whether a window, of this probability, is nothing but the ledger's echo at this time."""


def play(room: Room, detector: VoiceDetector, gate: Listener | None, settings: TurnSettings | None = None) -> Outcome:
    """Let one reply sound in one room. Without a gate every window counts as the detector says."""
    return _Trial(room, detector, gate, settings or TurnSettings()).run()


class _Trial:
    def __init__(self, room: Room, detector: VoiceDetector, gate: Listener | None, settings: TurnSettings) -> None:
        rng = np.random.default_rng(room.seed)
        reply = at_level(speak(room.reply_text, room.reply_voice, TIMELINE_RATE), LEVEL)
        gain = 10 ** ((HEADPHONES if room.echo is None else room.echo) / 20)
        answer = response(room, rng) * np.float32(0.0 if room.echo is None else gain)
        self._room, self._rng, self._detector, self._gate = room, rng, detector, gate
        self._way = Way(answer, int(room.delay * RATE))
        self._speaker = Loudspeaker(reply, room.clip)
        self._ledger = Ledger("item")
        self._ledger.append(reply, (), (), None)
        self._ledger.complete = True
        self._turns, self._prosody = TurnDetector(settings), Prosody()
        self._windows = BEFORE + int((len(reply) / TIMELINE_RATE + 4.0) / SECONDS)
        noise = rng.standard_normal(self._windows * WINDOW) * LEVEL * gain * 10 ** (room.noise / 20)
        self._around = noise.astype(np.float32)
        self._outcome = Outcome(over=BEFORE * SECONDS + len(reply) / TIMELINE_RATE)
        if room.user is not None:
            self._add_user(room, room.user, LEVEL * gain)
        self._orders: deque[tuple[float, bool]] = deque()
        self._cut = False

    def _add_user(self, room: Room, level: float, echo_level: float) -> None:
        voice = at_level(speak(room.user_text, room.user_voice, RATE), echo_level * 10 ** (level / 20))
        loud = np.flatnonzero(np.abs(voice) > 0.1 * np.max(np.abs(voice)))
        voice = voice[max(0, loud[0] - 160) : loud[-1] + 160]
        start = int((BEFORE * SECONDS + room.user_at) * RATE)
        voice = voice[: max(0, len(self._around) - start)]
        self._around[start : start + len(voice)] += voice
        self._outcome.spoke, self._outcome.ended = start / RATE, (start + len(voice)) / RATE

    def run(self) -> Outcome:
        self._detector.reset()
        for k in range(self._windows):
            now = (k + 1) * SECONDS
            self._tell_ledger(k - BEFORE, now)
            played = self._played(k, now)
            around = self._around[k * WINDOW : (k + 1) * WINDOW]
            self._hear(np.clip(self._way.carry(played) + around, -1, 1), k >= BEFORE, now)
            if self._cut and (self._outcome.spoke is None or now >= self._outcome.spoke):
                break
        return self._outcome

    def _played(self, k: int, now: float) -> Pcm:
        """What leaves the loudspeaker in this window; orders take their time to reach it."""
        self._speaker.sent = self._ledger.sent * RATE // TIMELINE_RATE
        played = self._speaker.play() if k >= BEFORE else np.zeros(WINDOW, np.float32)
        while self._orders and self._orders[0][0] <= now:
            playing = self._orders.popleft()[1]
            if self._speaker.playing and not playing:
                played = self._speaker.fade()
            self._speaker.playing = playing
        return played

    def _tell_ledger(self, window: int, now: float) -> None:
        """The pacer runs, and every 0.2 s the client says where it is: in error by `skew`, and by up to 10 ms more."""
        ledger = self._ledger
        if window < 0 or self._cut:
            return
        if window == 0:
            ledger.start(now - SECONDS, 0)
        ledger.take(ledger.pacer.due(now))
        if self._room.reports and window % 6 == 5:
            error = self._room.skew + self._rng.uniform(-0.01, 0.01)
            heard = int(self._speaker.position * TIMELINE_RATE / RATE + error * TIMELINE_RATE)
            ledger.report(now, heard, self._speaker.playing)

    def _hear(self, microphone: Pcm, begun: bool, now: float) -> None:
        outcome, ledger = self._outcome, self._ledger
        probability = self._detector.probability(microphone)
        echo = self._gate is not None and self._gate(microphone, probability, ledger if begun else None, now)
        probability = 0.0 if echo else probability
        outcome.gated += echo
        tonal, _ = self._prosody.hear(microphone, probability)
        sounding = begun and not self._cut and not ledger.finished(now)
        words = _stub_words(self._turns, outcome, now)
        event = self._turns.feed(Evidence(probability, sounding, tonal, echo, words))
        outcome.utterances += event in (TurnEvent.ONSET, TurnEvent.STARTED)
        match event:
            case TurnEvent.ONSET:
                outcome.holds.append(now)
                ledger.hold(now)
                if self._room.reports:  # others are told of no hold, and play on what they have
                    self._orders.append((now + NETWORK, False))
            case TurnEvent.REJECTED:
                outcome.resumed.append(now)
                ledger.start(now, 0)
                if self._room.reports:
                    self._orders.append((now + NETWORK, True))
            case TurnEvent.STARTED:
                outcome.started.append(now)
                ledger.cut(now)
                self._cut = True
                self._orders.append((now + NETWORK, False))


def _stub_words(turns: TurnDetector, outcome: Outcome, now: float) -> Claim:
    """A stub for the recogniser: it knows the user's first word `WORD` after it began, and hears no word in an echo."""
    known = outcome.spoke is not None and now >= outcome.spoke + WORD and turns.undecided
    return Claim.FLOOR if known else Claim.NONE
