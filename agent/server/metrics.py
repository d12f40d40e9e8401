"""What the server measures, for Prometheus at `/metrics`.

Plain functions over one registry of our own. Nothing here ever carries a text, a sound or an id, and no label can take
more than a bounded number of values.
"""

import asyncio
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

Stage = Literal["endpoint", "asr", "llm_first_text", "tts_first_audio", "first_sent", "first_heard", "hold", "decide"]
State = Literal["idle", "listening", "thinking", "speaking"]

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
MOST_LABELS: Final = 64
"""Distinct values one label may take; what comes after counts as "other"."""

registry = CollectorRegistry()

_stages = Histogram(
    "visavis_stage_seconds",
    "How long the stages of a reply, and the two of an interruption (hold, decide), took.",
    ["stage"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.7, 1.0, 1.5, 2.5, 5.0, 10.0),
    registry=registry,
)
_sessions = Gauge("visavis_sessions", "Conversations now, by what they are doing.", ["state"], registry=registry)
_skew = Histogram(
    "visavis_ledger_skew_seconds",
    "What a client reported as heard, minus what the pacer's clock says.",
    buckets=(-1.0, -0.5, -0.25, -0.1, -0.05, -0.02, 0.0, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0),
    registry=registry,
)
_late = Counter(
    "visavis_late_truncations",
    "Truncations that corrected what was heard of a reply after the next one had been begun.",
    registry=registry,
)
_lag = Histogram(
    "visavis_loop_lag_seconds",
    "How much later than asked the event loop woke.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0),
    registry=registry,
)
_drops = Counter("visavis_queue_drops", "What a full queue threw away.", ["queue"], registry=registry)
_errors = Counter("visavis_errors", "Errors by the code the client was given.", ["code"], registry=registry)
_engines = Counter(
    "visavis_engine_uses",
    "What the engines of a stage were asked for, by which it was and whether it did it: of those that stand in for one "
    "another, one that failed is followed by another.",
    ["stage", "engine", "outcome"],
    registry=registry,
)
_sockets = Gauge("visavis_sockets", "Open websockets.", ["role"], registry=registry)
_refused = Counter("visavis_refused", "Requests turned away, by why.", ["reason"], registry=registry)


class _Bounded:
    """The first MOST_LABELS values a label took; every later one is "other"."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        if value not in self._known:
            if len(self._known) >= MOST_LABELS:
                return "other"
            self._known.add(value)
        return value


_stage_label, _queue_label, _code_label, _reason_label, _engine_label = (_Bounded() for _ in range(5))


class SessionGauge:
    """One conversation's place in the count of sessions by state."""

    def __init__(self) -> None:
        self._state: State | None = "idle"
        _sessions.labels("idle").inc()

    def state(self, state: State) -> None:
        """The conversation is now in `state`."""
        if self._state is not None:
            _sessions.labels(self._state).dec()
            _sessions.labels(state).inc()
            self._state = state

    def ended(self) -> None:
        """The conversation is over; a second call does nothing."""
        if self._state is not None:
            _sessions.labels(self._state).dec()
            self._state = None


def session_started() -> SessionGauge:
    """Count a conversation; the caller tells the gauge its states and its end."""
    return SessionGauge()


def stage(name: Stage, seconds: float) -> None:
    """A stage of a reply took so long."""
    _stages.labels(_stage_label(name)).observe(seconds)


def skew(seconds: float) -> None:
    """A client's report of what was heard differs so much from the pacer's clock; positive: the client is ahead."""
    _skew.observe(seconds)


def corrected_late() -> None:
    """A truncation came when the next reply had been begun on what was believed before."""
    _late.inc()


def dropped(queue: str, count: int = 1) -> None:
    """`queue` was full and threw `count` away."""
    _drops.labels(_queue_label(queue)).inc(count)


def error(code: str) -> None:
    """A client was given an error with this code."""
    _errors.labels(_code_label(code)).inc()


def engine(stage: Literal["llm", "tts"], name: str, outcome: Literal["done", "failed"]) -> None:
    """An engine was asked for a reply, or for a sentence, and did it or failed."""
    _engines.labels(stage, _engine_label(name), outcome).inc()


def refused(reason: str) -> None:
    """A request was turned away."""
    _refused.labels(_reason_label(reason)).inc()


def socket_opened(role: Literal["player", "viewer"]) -> None:
    """A websocket was accepted."""
    _sockets.labels(role).inc()


def socket_closed(role: Literal["player", "viewer"]) -> None:
    """A websocket that was accepted has ended."""
    _sockets.labels(role).dec()


async def measure_loop_lag(interval: float = 0.1) -> None:
    """Measure, every `interval` seconds and until cancelled, how late the event loop is."""
    clock = asyncio.get_running_loop().time
    while True:
        asked = clock() + interval
        await asyncio.sleep(interval)
        _lag.observe(max(0.0, clock() - asked))


def render() -> bytes:
    """Everything in Prometheus' text format."""
    return generate_latest(registry)
