"""When each sample of a spoken item should leave, and what has played by then for want of a better witness."""

from agent.audio import TIMELINE_RATE

LEAD = 0.3
"""Seconds of sound sent ahead of the clock. More makes stock clients slow to interrupt (they can't unhear what they
were sent): they play on for this and 0.03 s more. Less makes a network hiccup audible: outages of 0.03 s less than this
are not, and TCP's first repeat of a lost packet takes 0.2. Measured by scripts/bench/lead.py."""

PACKET = 960
"""Samples at 24 kHz in one packet after the lead: 40 ms."""

ROUNDING = 1e-3
"""Of a sample: so that at `time_of(sample)` that sample has come, whatever floating point makes of it."""


class Pacer:
    """A clock over one item's samples.

    It runs by absolute times, never by summed sleeps, so it does not drift; while it stands (starved or held) its
    position stands too.
    """

    def __init__(self, lead: float = LEAD) -> None:
        self._lead = round(lead * TIMELINE_RATE)
        self._time = 0.0
        self._sample = 0
        self.running = False

    def position(self, now: float) -> int:
        """The sample that plays now by this clock."""
        if not self.running:
            return self._sample
        return self._sample + int((now - self._time) * TIMELINE_RATE + ROUNDING)

    def run(self, now: float) -> None:
        """Start, or go on after standing."""
        if not self.running:
            self.running = True
            self._time = now

    def stand(self, now: float, sample: int | None = None) -> None:
        """Stand still here, or at `sample` where the caller knows better."""
        self._sample = self.position(now) if sample is None else sample
        self.running = False

    def due(self, now: float) -> int:
        """Samples [0, due) should have left by now."""
        return self.position(now) + self._lead

    def time_of(self, sample: int) -> float | None:
        """When `sample` plays by this clock; None while standing."""
        return self._time + (sample - self._sample) / TIMELINE_RATE if self.running else None

    def next_due(self, sent: int) -> float | None:
        """When the packet after `sent` is due; None while standing."""
        return self.time_of(sent + PACKET - self._lead)
