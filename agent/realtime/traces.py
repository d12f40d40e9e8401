"""Each turn of a conversation as one OpenTelemetry trace: where the time between a question and its answer went.

Spans are made from what the core was told and asked for, once a turn is over. They carry times, counts and random ids:
never a text and never a sound. OpenTelemetry is imported only where an endpoint is configured.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.asr import RATE
from agent.audio import TIMELINE_RATE
from agent.config import ConfigError, Settings
from agent.conversation import effects as asked
from agent.conversation import inputs as told
from agent.conversation.turns import WINDOW_MS
from agent.realtime import events as wire

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
INSTALL = "pip install 'visavis[traces]'"
CLOSE_SECONDS = 0.5

Attributes = dict[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class _Span:
    """A stage from `start` to `end`, in seconds of the conversation's clock."""

    name: str
    start: float
    end: float
    attributes: Attributes = field(default_factory=dict)


@dataclass(slots=True)
class _Turn:
    """What is known of one turn so far."""

    start: float
    kind: str
    utterance: int = 0
    spans: list[_Span] = field(default_factory=list)
    attributes: Attributes = field(default_factory=dict)
    latest: float = 0.0
    committed: float | None = None
    response_id: str = ""
    item_id: str = ""
    first_sent: float | None = None
    started: float | None = None
    """When the reply's sound began to play by the pacer's clock."""
    heard: bool = False
    done: bool = False

    def add(self, name: str, start: float | None, end: float | None, **attributes: str | float | bool) -> None:
        """A stage, if both its ends are known."""
        if start is not None and end is not None:
            self.spans.append(_Span(name, start, max(start, end), dict(attributes)))
            self.latest = max(self.latest, end)


@dataclass(slots=True)
class _Making:
    """A reply in the making: when its text and its first sentence's speech were asked for, and first came."""

    generation: int
    asked_text: float | None = None
    first_text: float | None = None
    asked_speech: float | None = None
    first_speech: float | None = None


class TurnTraces:
    """Watches one conversation. `epoch` is what to add to its clock to have seconds since 1970."""

    def __init__(self, tracer: "Tracer", session_id: str, epoch: float | None = None) -> None:
        self._tracer = tracer
        self._session_id = session_id
        self._epoch = time.time() - time.monotonic() if epoch is None else epoch
        self._voice: _Turn | None = None
        """The utterance being spoken, which may become a turn."""
        self._turn: _Turn | None = None
        self._making = _Making(0)
        self._making_before = self._making
        self._beside: set[int] = set()
        """Generations of the replies out of band: they are nobody's turn."""
        self._started = ("", 0.0)
        """The item that began to play last, and when by the pacer's clock."""
        self._held_at: float | None = None
        self._windows = 0

    def saw(self, event: told.Input, now: float, effects: list[asked.Effect]) -> None:
        """The conversation was told `event` at `now`, and asked for `effects`."""
        match event:
            case told.Window():
                self._windows += 1
            case told.Thought(generation) if generation == self._making.generation:
                self._making.first_text = self._making.first_text or now
            case told.Spoke(generation) if generation == self._making.generation:
                self._making.first_speech = self._making.first_speech or now
        for effect in effects:
            if isinstance(effect, asked.Send):
                self._sent(effect.event, now)
            else:
                self._asked(effect, now)
        if isinstance(event, told.FromClient) and isinstance(event.event, wire.Playout):
            self._heard(event.event, now)

    def close(self) -> None:
        """The conversation is over."""
        self._finish()

    # ------------------------------------------------------------------ what the core does
    def _asked(self, effect: asked.Effect, now: float) -> None:
        match effect:
            case asked.Listen(utterance):
                self._voice = _Turn(now, "spoken", utterance)
                self._voice.attributes["vad_at"] = now
            case asked.Feed(_, pcm) if self._voice is not None and not self._voice.latest:
                self._voice.start = self._voice.latest = now - len(pcm) / RATE
            case asked.Unlisten(utterance) if self._voice is not None and self._voice.utterance == utterance:
                self._voice = None
            case asked.Unlisten(utterance) if self._turn is not None and self._turn.utterance == utterance:
                self._turn.add("asr", self._turn.committed, now)  # its words are known, whether or not they are told
            case asked.Think(generation):
                self._making_before, self._making = self._making, _Making(generation, asked_text=now)
            case asked.Abandon(generation):
                self._beside.discard(generation)
            case asked.Speak(generation, index) if generation not in self._beside:
                if generation != self._making.generation:  # a text of our own: nothing was thought
                    self._making = _Making(generation)
                if index == 0:
                    self._making.asked_speech = now

    def _sent(self, event: wire.ServerEvent, now: float) -> None:  # noqa: PLR0912 -- one case an event
        match event:
            case wire.SpeechStarted() if self._voice is not None:
                self._voice.add("vad", _number(self._voice.attributes.pop("vad_at", None)), now)
            case wire.SpeechStopped(audio_end_ms=end) if self._voice is not None:
                silence = max(0.0, self._windows * WINDOW_MS - end) / 1000
                self._voice.add("endpoint", max(self._voice.start, now - silence), now)
            case wire.AudioCommitted():
                self._committed(now)
            case wire.ResponseCreated(response=response) if response["conversation_id"] is None:
                self._beside.add(self._making.generation)
                self._making = self._making_before
            case wire.ResponseCreated(response=response):
                self._response(str(response["id"]), now)
            case wire.AudioDelta(response_id=response_id, item_id=item_id):
                self._first_sent(response_id, item_id, now)
            case wire.TextDelta(response_id=response_id, item_id=item_id):
                self._first_sent(response_id, item_id, now)
            case wire.ResponseDone(response=response):
                self._response_done(str(response["id"]), str(response["status"]), now)
            case wire.Anchor(item_id=item_id, playing=True):
                if item_id != self._started[0]:
                    self._started = (item_id, now)
            case wire.Anchor(item_id=item_id) if self._held_at is None:
                self._silent(item_id)
            case wire.Hold():
                self._held_at = now
            case wire.Resume():
                self._decided(False, now)
            case wire.Stop(item_id=item_id):
                self._decided(True, now)
                self._silent(item_id)

    def _committed(self, now: float) -> None:
        self._finish()
        turn, self._voice = self._voice or _Turn(now, "spoken"), None
        turn.attributes.pop("vad_at", None)
        turn.committed = now
        turn.add("capture", turn.start, now)
        self._turn = turn

    def _response(self, response_id: str, now: float) -> None:
        if self._turn is None or self._turn.response_id:
            self._finish()
            self._turn = _Turn(now, "typed or prompted")
        self._turn.response_id = response_id

    def _first_sent(self, response_id: str, item_id: str, now: float) -> None:
        turn, making = self._turn, self._making
        if turn is None or turn.response_id != response_id or turn.first_sent is not None:
            return
        turn.first_sent, turn.item_id = now, item_id
        turn.started = self._started[1] if self._started[0] == item_id else None
        early = turn.committed is not None and making.asked_text is not None and making.asked_text < turn.committed
        turn.add("llm first token", making.asked_text, making.first_text, speculative=early)
        turn.add("tts first audio", making.asked_speech, making.first_speech, speculative=early)
        turn.add("first sent", turn.start if turn.committed is None else turn.committed, now)

    def _heard(self, report: wire.Playout, now: float) -> None:
        turn = self._turn
        if turn is None or turn.heard or turn.item_id != report.item_id or report.heard_samples <= 0:
            return
        turn.heard = True
        turn.add("first heard", turn.first_sent, now - report.heard_samples / TIMELINE_RATE, by="player")

    def _response_done(self, response_id: str, status: str, now: float) -> None:
        turn = self._turn
        if turn is None or turn.response_id != response_id:
            return
        turn.done, turn.latest = True, max(turn.latest, now)
        turn.attributes["visavis.response.status"] = status
        if turn.started is None:
            self._finish()

    def _silent(self, item_id: str) -> None:
        """`item_id` does not play, now or any more. When no more of it comes its turn is over."""
        turn = self._turn
        if turn is not None and turn.done and turn.item_id == item_id:
            self._finish()

    def _decided(self, stopped: bool, now: float) -> None:
        """A voice over the reply belongs to the turn that it begins, or, if it was none, to the one it disturbed."""
        held_at, self._held_at = self._held_at, None
        turn = self._voice if stopped and self._voice is not None else self._turn
        if turn is not None:
            turn.add("barge-in", held_at, now, outcome="stopped" if stopped else "resumed")

    # ------------------------------------------------------------------ out
    def _finish(self) -> None:
        """Give the turn's spans to OpenTelemetry."""
        turn, self._turn = self._turn, None
        if turn is None:
            return
        if not turn.heard:  # nobody reports: what the pacer's clock says counts
            turn.add("first heard", turn.first_sent, turn.started, by="pacer")
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415

        known: Attributes = {"visavis.session": self._session_id, "visavis.turn.kind": turn.kind}
        if turn.response_id:
            known["visavis.response"] = turn.response_id
        start = min([turn.start, *(span.start for span in turn.spans)])
        root = self._tracer.start_span("turn", start_time=self._ns(start), attributes=known | turn.attributes)
        inside = set_span_in_context(root)
        for stage in sorted(turn.spans, key=lambda span: span.start):
            span = self._tracer.start_span(
                stage.name, context=inside, start_time=self._ns(stage.start), attributes=stage.attributes
            )
            span.end(self._ns(stage.end))
        root.end(self._ns(max(turn.latest, start)))

    def _ns(self, at: float) -> int:
        return round((at + self._epoch) * 1e9)


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None


class Exporter:
    """Sends spans to the configured endpoint, from a thread of its own."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("visavis")

    def watch(self, session_id: str) -> TurnTraces:
        """What watches one conversation."""
        return TurnTraces(self._tracer, session_id)

    def close(self) -> None:
        """Send what waits, for half a second at most: an endpoint that is gone must not keep the server."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)


def load(settings: Settings, environment: Callable[[str], str | None] = os.environ.get) -> Exporter | None:
    """The exporter where an endpoint is configured: by `traces.endpoint`, or by OpenTelemetry's own variables. Raises
    ConfigError when it is and OpenTelemetry is not installed."""
    endpoint = settings.traces.endpoint
    if not endpoint and not any(environment(name) for name in ENDPOINT_VARIABLES):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ConfigError(f"traces.endpoint: OpenTelemetry is not installed: {INSTALL}") from None
    provider = TracerProvider(resource=Resource.create({"service.name": "visavis"}), shutdown_on_exit=False)
    url = f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    return Exporter(provider)
