"""What we send is what the official client types say; what a client sends is read defensively."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.conversation import inputs as told
from agent.llm import ToolCall
from agent.realtime import events as wire
from agent.realtime.session_config import SessionConfig, SessionUpdate
from tests.conversation.theatre import Says, Theatre
from tests.official import SERVER, validate


def rich_conversation() -> Theatre:
    """Speech, a barge-in, typing, an edit, errors, push-to-talk fields: most of what is ever sent."""
    theatre = Theatre([Says(0.5, 1.5, "what is this"), Says(3.4, 4.4, "and that"), Says(6.0, 6.12)], face=True)
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "typed"}], "id": "typed"}
    for when, message in [
        (0.1, {"type": "session.update", "session": {"type": "realtime", "instructions": "Be kind."}}),
        (0.2, {"type": "input_audio_buffer.clear"}),
        (0.3, {"type": "response.cancel", "event_id": "oops"}),
        (11.0, {"type": "conversation.item.create", "item": item}),
        (11.1, {"type": "response.create", "response": {"output_modalities": ["text"], "metadata": {"a": "b"}}}),
        (11.5, {"type": "conversation.item.retrieve", "item_id": "typed"}),
        (11.6, {"type": "conversation.item.delete", "item_id": "typed"}),
    ]:
        theatre.client(when, json.dumps(message))
    theatre.run(14.0)
    spoken = theatre.events(wire.AudioDelta)[0][1].item_id
    truncate = {"type": "conversation.item.truncate", "item_id": spoken, "content_index": 0, "audio_end_ms": 400}
    theatre.client(14.0, json.dumps(truncate))
    return theatre.run(14.5)


class HardOfHearing(Theatre):
    """Its recogniser gives up on the first turn."""

    def tell(self, event: told.Input) -> None:
        broken = isinstance(event, told.Recognized) and event.turn == 1
        super().tell(told.RecognitionFailed(1, "it broke") if broken else event)


def idle_conversation() -> Theatre:
    """A recogniser that gives up, a tool call, a reply that is too long, and a visitor who says nothing more."""
    vad = {"type": "server_vad", "idle_timeout_ms": 1000}
    theatre = HardOfHearing([Says(0.5, 1.5)], lambda heard: "One two three four." if heard else "")
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
    for when, event in [
        (0.1, {"type": "session.update", "session": {"audio": {"input": {"turn_detection": vad}}}}),
        (8.0, {"type": "response.create", "response": {"max_output_tokens": 2, "input": [message]}}),
        (10.0, {"type": "response.create", "response": {"input": [], "conversation": "none"}}),
    ]:
        theatre.client(when, json.dumps(event))
    call = ToolCall("call_1", "look", "{}")
    theatre.at(10.001, lambda: theatre.tell(told.Thought(len(theatre.prompts) + 1, call)))
    return theatre.run(14.0)


NOT_OURS = {
    "conversation.item.created",  # of the beta: some clients die of it
    "conversation.item.input_audio_transcription.segment",  # of diarising models
    "input_audio_buffer.dtmf_event_received", "output_audio_buffer.started", "output_audio_buffer.stopped",
    "output_audio_buffer.cleared",  # of WebRTC and SIP
    "rate_limits.updated",  # there are none
    "mcp_list_tools.in_progress", "mcp_list_tools.completed", "mcp_list_tools.failed",
    "response.mcp_call_arguments.delta", "response.mcp_call_arguments.done", "response.mcp_call.in_progress",
    "response.mcp_call.completed", "response.mcp_call.failed",  # tools are called by the client
}  # fmt: skip
"""Events of the protocol that do not apply."""


def test_every_standard_event_is_as_the_official_types_say() -> None:
    seen = set()
    for _, event in (*rich_conversation().sent, *idle_conversation().sent):
        if type(event) in wire.EXTENSION:
            continue
        body = json.loads(event.to_json())
        validate(body)
        seen.add(body["type"])
    standard = {name for kind, name in wire.NAMES.items() if kind not in wire.EXTENSION}
    assert seen == standard
    assert standard | NOT_OURS == SERVER.keys()
    assert not standard & NOT_OURS


def nulls(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in nulls(inner, f"{path}.{key}")]
    if isinstance(value, list):
        return [found for inner in value for found in nulls(inner, f"{path}[]")]
    return [path] if value is None else []


def test_parts_and_items_have_no_nulls_and_responses_have_their_details() -> None:
    """zod refuses a null in parts and items; pipecat needs the key response.status_details."""
    for _, event in (*rich_conversation().sent, *idle_conversation().sent):
        body = json.loads(event.to_json())
        for key in ("part", "item"):
            assert not nulls(body.get(key)) or key not in body
        if "response" in body:
            assert "status_details" in body["response"]
            assert not nulls(body["response"]["output"])


def test_extension_events_are_known_as_such() -> None:
    ours = {kind for kind in wire.NAMES if kind in wire.EXTENSION}
    assert {wire.FaceDelta, wire.FaceDone, wire.StageFace, wire.Partial, wire.Timings} <= ours
    assert wire.AudioDelta not in ours


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        ("{", "invalid_json", None),
        ("[]", "invalid_json", None),
        ('{"event_id": "a"}', "invalid_value", "type"),
        ('{"type": "nothing.like_it"}', "invalid_value", "type"),
        ('{"type": "input_audio_buffer.append"}', "missing_required_parameter", "audio"),
        ('{"type": "input_audio_buffer.append", "audio": "%%"}', "invalid_value", "audio"),
        ('{"type": "input_audio_buffer.append", "audio": 7}', "invalid_value", "audio"),
        (
            '{"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": -1}',
            "invalid_value",
            "audio_end_ms",
        ),
        (
            '{"type": "session.update", "session": {"audio": {"output": {"speed": 99}}}}',
            "invalid_value",
            "session.audio.output.speed",
        ),
    ],
)
def test_a_bad_message_gets_an_error_that_names_the_field(message: str, code: str, param: str | None) -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.parse(message)
    assert (caught.value.code, caught.value.param) == (code, param)
    validate(json.loads(caught.value.to_event().to_json()))


def test_an_error_carries_the_clients_event_id() -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.parse('{"type": "nothing", "event_id": "mine"}')
    assert caught.value.to_event().error["event_id"] == "mine"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
types = st.sampled_from(
    [
        "session.update",
        "conversation.item.create",
        "response.create",
        "visavis.playout",
        "visavis.input_gap",
        "input_audio_buffer.append",
    ]
)


@given(
    kind=types,
    body=st.dictionaries(st.sampled_from(["session", "item", "response", "audio", "samples", "x"]), json_values),
)
def test_nothing_a_client_sends_is_anything_but_an_event_or_a_typed_error(kind: str, body: dict[str, Any]) -> None:
    with contextlib.suppress(wire.WireError):
        assert wire.parse(json.dumps({"type": kind, **body})).type == kind


def test_updates_are_merged_part_by_part() -> None:
    config = SessionConfig().merged(SessionUpdate.model_validate({"instructions": "A"}))
    config = config.merged(SessionUpdate.model_validate({"audio": {"output": {"voice": "x"}}}))
    config = config.merged(SessionUpdate.model_validate({"audio": {"input": {"turn_detection": None}}}))
    assert (config.instructions, config.audio.output.voice, config.audio.input.turn_detection) == ("A", "x", None)
    vad = {"audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 700}}}}
    config = config.merged(SessionUpdate.model_validate(vad))
    assert config.audio.input.turn_detection is not None
    assert config.audio.input.turn_detection.interrupt_response is True
