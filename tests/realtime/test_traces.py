"""Traces: one a turn, with the stages it went through at their true times, and nothing that was said."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agent.config import ConfigError, Settings
from agent.conversation import inputs as told
from agent.realtime import traces
from tests.conversation.theatre import Loudspeaker, Says, Theatre
from tests.realtime.test_hub import FACE, server

EPOCH = 1000.0


class TracedTheatre(Theatre):
    """A theatre whose turns are traced."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self.out = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.out))
        self.traces = traces.TurnTraces(provider.get_tracer("test"), "sess_1", EPOCH)
        super().__init__(*args, **more)

    def tell(self, event: told.Input) -> None:
        effects = self.conversation.receive(event, self.now)
        self.traces.saw(event, self.now, effects)
        for effect in effects:
            self._perform(effect)

    def turns(self) -> list[dict[str, ReadableSpan]]:
        """The spans of each trace by name, in the order in which the turns ended."""
        self.traces.close()
        found: dict[int, dict[str, ReadableSpan]] = {}
        for span in self.out.get_finished_spans():
            assert span.context is not None
            found.setdefault(span.context.trace_id, {})[span.name] = span
        return list(found.values())


def seconds(span: ReadableSpan) -> tuple[float, float]:
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time / 1e9 - EPOCH, span.end_time / 1e9 - EPOCH


STAGES = ("capture", "vad", "endpoint", "asr", "llm first token", "tts first audio", "first sent", "first heard")


def test_a_spoken_turn_is_one_trace_with_its_stages_at_their_times() -> None:
    theatre = TracedTheatre([Says(0.5, 2.0)]).run(8.0)
    (turn,) = theatre.turns()
    assert set(turn) == {"turn", *STAGES}
    root = turn["turn"]
    assert root.parent is None
    assert all(turn[name].parent == root.context for name in STAGES)
    begun, ended = seconds(turn["capture"])
    assert 0.1 < begun < 0.5
    assert 2.0 < ended < 2.6
    assert seconds(turn["endpoint"])[0] == pytest.approx(2.0, abs=0.05)
    assert seconds(turn["endpoint"])[1] == ended == seconds(turn["asr"])[0]
    first_sound = next(at for at, name in ((at, type(e).__name__) for at, e in theatre.sent) if name == "AudioDelta")
    assert seconds(turn["first sent"]) == pytest.approx((ended, first_sound), abs=1e-6)
    assert seconds(turn["first heard"])[1] == pytest.approx(first_sound + 0.05, abs=0.01)
    assert turn["llm first token"].attributes == {"speculative": True}
    assert seconds(root)[0] == begun
    assert root.attributes is not None
    assert root.attributes["visavis.response.status"] == "completed"


def test_an_interruption_is_in_the_turn_that_interrupts() -> None:
    theatre = TracedTheatre([Says(0.5, 1.5), Says(3.0, 4.5, "no wait I meant something else")]).run(9.0)
    first, second = theatre.turns()
    assert "barge-in" not in first
    assert first["turn"].attributes is not None
    assert second["barge-in"].attributes == {"outcome": "stopped"}
    held, decided = seconds(second["barge-in"])
    assert 3.0 < held < 3.1
    assert held < decided < 3.8


def test_a_cough_is_in_the_turn_that_it_disturbed() -> None:
    theatre = TracedTheatre([Says(0.5, 1.5), Says(3.0, 3.1, "", 0.1)]).run(9.0)
    (turn,) = theatre.turns()
    assert turn["barge-in"].attributes == {"outcome": "resumed"}


def test_for_a_client_that_reports_nothing_the_pacer_says_what_was_first_heard() -> None:
    theatre = TracedTheatre([Says(0.5, 1.5)], loudspeaker=Loudspeaker(reports=False)).run(8.0)
    (turn,) = theatre.turns()
    assert set(turn) == {"turn", *STAGES}
    assert turn["first heard"].attributes == {"by": "pacer"}
    assert seconds(turn["first heard"])[1] == seconds(turn["first sent"])[1]


@pytest.mark.parametrize("reports", [True, False])
def test_a_turn_is_told_once_its_reply_is_over(reports: bool) -> None:
    theatre = TracedTheatre([Says(0.5, 1.5)], loudspeaker=Loudspeaker(reports=reports))
    sounding: list[int] = []
    theatre.at(4.0, lambda: sounding.append(len(theatre.out.get_finished_spans())))
    theatre.run(9.0)
    assert sounding == [0]
    assert {span.name for span in theatre.out.get_finished_spans()} == {"turn", *STAGES}


def test_a_written_reply_is_over_with_its_response() -> None:
    theatre = TracedTheatre([])
    theatre.client(0.1, '{"type": "session.update", "session": {"output_modalities": ["text"]}}')
    theatre.client(1.0, '{"type": "response.create"}')
    theatre.run(2.0)
    assert {span.name for span in theatre.out.get_finished_spans()} == {"turn", "llm first token", "first sent"}


@pytest.mark.parametrize("modality", ["text", "audio"])
@pytest.mark.parametrize("at", [2.2, 2.35, 3.0])
def test_a_response_beside_the_conversation_is_in_no_turn(modality: str, at: float) -> None:
    plain = TracedTheatre([Says(0.5, 2.0)]).run(8.0)
    theatre = TracedTheatre([Says(0.5, 2.0)])
    response = {"conversation": "none", "output_modalities": [modality]}
    theatre.client(at, json.dumps({"type": "response.create", "response": response}))
    (turn,), (other,) = theatre.run(8.0).turns(), plain.turns()
    assert {name: seconds(span) for name, span in turn.items()} == {name: seconds(span) for name, span in other.items()}


def test_words_that_are_told_to_nobody_are_recognised_all_the_same() -> None:
    theatre = TracedTheatre([Says(0.5, 2.0)])
    theatre.client(0.1, '{"type": "session.update", "session": {"audio": {"input": {"transcription": null}}}}')
    (turn,) = theatre.run(8.0).turns()
    assert set(turn) == {"turn", *STAGES}


def test_a_typed_turn_has_neither_voice_nor_words_of_it() -> None:
    theatre = TracedTheatre([])
    theatre.client(1.0, '{"type": "response.create"}')
    (turn,) = theatre.run(6.0).turns()
    assert set(turn) == {"turn", "llm first token", "tts first audio", "first sent", "first heard"}


def test_spans_carry_nothing_that_was_said() -> None:
    theatre = TracedTheatre([Says(0.5, 1.5, "pomegranate")], lambda _: "A velociraptor. It runs.").run(8.0)
    theatre.turns()
    shown = "".join(span.to_json() for span in theatre.out.get_finished_spans())
    assert "pomegranate" not in shown
    assert "velociraptor" not in shown
    values = [value for span in theatre.out.get_finished_spans() for value in (span.attributes or {}).values()]
    assert max(len(str(value)) for value in values) < 40


# ---------------------------------------------------------------------- where they go
def test_without_an_endpoint_nothing_is_traced() -> None:
    assert traces.load(Settings(), {}.get) is None


def test_without_opentelemetry_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigError, match=r"visavis\[traces\]"):
        traces.load(Settings(traces={"endpoint": "http://127.0.0.1:1"}), {}.get)


async def test_turns_reach_an_otlp_collector() -> None:
    bodies: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    collector = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    try:
        endpoint = f"http://127.0.0.1:{collector.server_port}"
        async with server(traces={"endpoint": endpoint}) as join, join() as client:
            await client.send(**FACE)
            await client.ask("pomegranate")
            await client.until("response.done")
        for _ in range(100):
            if bodies:
                break
            await asyncio.sleep(0.05)
    finally:
        collector.shutdown()
    path, body = bodies[0]
    assert path == "/v1/traces"
    assert b"llm first token" in body
    assert b"pomegranate" not in body
