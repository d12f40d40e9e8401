"""`response.create`: each of its fields is honoured or refused by name; several responses are given at once."""

import base64
import json
from typing import Any

import pytest

from agent.conversation import inputs as told
from agent.conversation.answering import MAX_BESIDE
from agent.llm import LimitReached, TextDelta, ToolCall
from agent.realtime import events as wire
from agent.realtime.session_config import SessionConfig
from tests.conversation.theatre import RATE, Says, Theatre

LOOK = {"type": "function", "name": "look", "parameters": {"type": "object"}}


def ask(theatre: Theatre, when: float, **response: Any) -> None:
    theatre.client(when, json.dumps({"type": "response.create", "event_id": f"at_{when}", "response": response}))


def message(text: str, role: str = "user", **fields: Any) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}], **fields}


def typed(theatre: Theatre, when: float, text: str, item_id: str) -> None:
    item = message(text, id=item_id)
    theatre.client(when, json.dumps({"type": "conversation.item.create", "item": item}))


def done(theatre: Theatre) -> list[dict[str, Any]]:
    return [event.response for _, event in theatre.events(wire.ResponseDone)]


def text_theatre(lines: str = "Yes.", **config: Any) -> Theatre:
    return Theatre([], lambda heard: lines, config=SessionConfig(output_modalities=["text"], **config))


# ---------------------------------------------------------------------- what it is made from
def test_input_takes_the_place_of_the_conversation() -> None:
    theatre = text_theatre()
    typed(theatre, 0.1, "a secret", "first")
    typed(theatre, 0.2, "a question", "second")
    reference = {"type": "item_reference", "id": "second"}
    call = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": "seen"}
    ask(theatre, 0.3, conversation="none", input=[message("be brief", "system"), reference, call, output])
    ask(theatre, 0.4, conversation="none", input=[])
    ask(theatre, 0.5, conversation="none")
    theatre.run(1.0)
    given, empty, default = [[(m.role, m.text) for m in prompt.messages] for _, prompt in theatre.prompts]
    assert given == [("system", "be brief"), ("user", "a question"), ("assistant", ""), ("tool", "seen")]
    assert theatre.prompts[0][1].messages[2].tool_calls == (ToolCall("c", "look", "{}"),)
    assert empty == []
    assert default == [("user", "a secret"), ("user", "a question")]
    assert [item.id for item in theatre.conversation._history] == ["first", "second"]


def test_what_is_asked_of_one_response_overrides_the_session_for_it_alone() -> None:
    theatre = text_theatre(instructions="Be kind.", tools=[LOOK])
    own = {**LOOK, "name": "touch"}
    ask(theatre, 0.1, instructions="", tools=[own], tool_choice={"type": "function", "name": "touch"})
    ask(theatre, 0.2, tool_choice="none", max_output_tokens=50)
    ask(theatre, 0.3, conversation=None, instructions=None, tools=None, tool_choice=None, max_output_tokens=None)
    theatre.client(0.4, json.dumps({"type": "response.create", "response": None}))
    theatre.run(1.0)
    first, second, third, fourth = [prompt for _, prompt in theatre.prompts]
    assert (first.instructions, first.tools) == ("", [own])
    assert first.tool_choice == {"type": "function", "name": "touch"}
    assert (second.instructions, list(second.tools), second.max_output_tokens) == ("Be kind.", [], 50)
    for plain in (third, fourth):
        assert (plain.instructions, plain.tools, plain.tool_choice) == ("Be kind.", [LOOK], "auto")
        assert plain.max_output_tokens is None


def test_the_response_says_how_it_is_given() -> None:
    theatre = Theatre([], settings={"known_voices": frozenset({"stub", "other"})})
    output = {"format": {"type": "audio/pcmu"}, "voice": {"id": "other"}}
    ask(theatre, 0.1, audio={"output": output}, metadata={"topic": "greeting"}, max_output_tokens=500)
    theatre.run(6.0)
    created, finished = theatre.events(wire.ResponseCreated)[0][1].response, done(theatre)[0]
    for response in (created, finished):
        assert response["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "other"}
        assert response["metadata"] == {"topic": "greeting"}
        assert response["max_output_tokens"] == 500
        assert response["output_modalities"] == ["audio"]
        assert response["conversation_id"].startswith("conv_")
    sound = sum(len(base64.b64decode(event.delta)) for _, event in theatre.events(wire.AudioDelta))
    produced = next(item.ledger for item in theatre.conversation._history if item.ledger is not None).produced
    assert abs(sound - produced / RATE * 8000) <= 2


@pytest.mark.parametrize(
    ("response", "param"),
    [
        ({"conversation": "conv_7"}, "response.conversation"),
        ({"output_modalities": []}, "response.output_modalities"),
        ({"output_modalities": ["smell"]}, "response.output_modalities.0"),
        ({"max_output_tokens": 0}, "response.max_output_tokens"),
        ({"max_output_tokens": "many"}, "response.max_output_tokens"),
        ({"metadata": {"k": "v" * 513}}, "response.metadata.k"),
        ({"metadata": {str(k): "" for k in range(17)}}, "response.metadata"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "response.tools.0"),
        ({"tools": [{"type": "function"}]}, "response.tools.0"),
        ({"tool_choice": "sometimes"}, "response.tool_choice"),
        ({"tool_choice": {"type": "function", "name": "look"}}, "response.tool_choice.name"),
        ({"tool_choice": {"type": "mcp", "server_label": "x"}}, "response.tool_choice"),
        ({"audio": {"output": {"format": {"type": "audio/mp3"}}}}, "response.audio.output.format"),
        ({"audio": {"output": {"voice": 7}}}, "response.audio.output.voice"),
        ({"input": [{"type": "item_reference", "id": "nothing"}]}, "response.input.0.id"),
        ({"input": [{"type": "item_reference"}]}, "response.input.0.id"),
        ({"input": [message("a"), {"type": "message", "content": []}]}, "response.input.1.role"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "response.input.0.output"),
        ({"input": "hello"}, "response.input"),
        ({"instructions": 7}, "response.instructions"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(response: dict[str, Any], param: str) -> None:
    theatre = text_theatre()
    event = {"type": "response.create", "event_id": "mine", "response": response}
    try:
        theatre.tell(told.FromClient(wire.parse(json.dumps(event))))
        (error,) = [sent.error for _, sent in theatre.events(wire.Error)]
    except wire.WireError as refused:
        error = refused.to_event().error
    assert (error["param"], error["event_id"], error["type"]) == (param, "mine", "invalid_request_error")
    assert not theatre.events(wire.ResponseCreated)


# ---------------------------------------------------------------------- several at once
def test_out_of_band_responses_are_given_beside_the_one_to_the_conversation() -> None:
    theatre = Theatre([Says(0.5, 1.5)])
    for k in range(3):
        ask(theatre, 2.5, conversation="none", metadata={"k": str(k)}, output_modalities=["text"], input=[message("a")])
    ask(theatre, 2.6, conversation="none", metadata={"k": "aloud"})
    theatre.run(9.0)
    responses = done(theatre)
    assert [response["status"] for response in responses] == ["completed"] * 5
    beside = [response for response in responses if response["metadata"]]
    assert sorted(response["metadata"]["k"] for response in beside) == ["0", "1", "2", "aloud"]
    assert all(response["conversation_id"] is None for response in beside)
    (main,) = [response for response in responses if not response["metadata"]]
    order = [event.response["id"] for _, event in theatre.events(wire.ResponseDone)]
    assert order.index(main["id"]) >= 3
    assert [m[0] for m in theatre.messages()] == ["user", "assistant"]
    added = {event.item["id"] for _, event in theatre.events(wire.ItemAdded)}
    assert not added & {item["id"] for response in beside for item in response["output"]}
    for response in responses:
        assert response["output"][0]["status"] == "completed"


def test_a_voice_interrupts_what_is_said_to_the_conversation_and_nothing_beside_it() -> None:
    theatre = Theatre([Says(0.5, 1.5), Says(3.4, 4.6, "stop that now please")])
    ask(theatre, 2.6, conversation="none", metadata={"k": "beside"})
    theatre.run(9.0)
    statuses = {bool(response["metadata"]): response["status"] for response in done(theatre)[:2]}
    assert statuses[False] == "cancelled"
    beside = next(response for response in done(theatre) if response["metadata"])
    assert beside["status"] == "completed"
    assert beside["output"][0]["content"][0]["transcript"].rstrip().endswith("ten.")


def test_each_response_is_cancelled_by_its_id() -> None:
    theatre = Theatre([Says(0.5, 1.5)])
    ask(theatre, 2.6, conversation="none", metadata={"k": "beside"})
    theatre.run(3.0)
    (beside,) = [e.response["id"] for _, e in theatre.events(wire.ResponseCreated) if e.response["metadata"]]
    theatre.client(3.1, json.dumps({"type": "response.cancel", "response_id": beside}))
    theatre.client(3.2, json.dumps({"type": "response.cancel", "response_id": beside, "event_id": "again"}))
    theatre.client(3.3, json.dumps({"type": "response.cancel", "response_id": "resp_unknown"}))
    theatre.run(9.0)
    assert [(r["status"], bool(r["metadata"])) for r in done(theatre)] == [("cancelled", True), ("completed", False)]
    errors = [event.error for _, event in theatre.events(wire.Error)]
    assert [error["code"] for error in errors] == ["response_cancel_not_active"] * 2
    assert errors[0]["event_id"] == "again"
    assert errors[0]["param"] == "response_id"


def test_there_is_a_limit_to_how_many() -> None:
    theatre = Theatre([], lambda heard: "")
    for _ in range(MAX_BESIDE + 1):
        theatre.tell(told.FromClient(wire.parse('{"type": "response.create", "response": {"conversation": "none"}}')))
    assert [event.error["code"] for _, event in theatre.events(wire.Error)] == ["too_many_responses"]
    theatre.run(1.0)
    assert len(done(theatre)) == MAX_BESIDE


def test_who_leaves_is_answered_nothing_more() -> None:
    theatre = Theatre([Says(0.5, 1.5)])
    ask(theatre, 2.6, conversation="none")
    theatre.run(3.0)
    theatre.tell(told.PlayerLeft())
    assert [response["status"] for response in done(theatre)] == ["cancelled"] * 2


# ---------------------------------------------------------------------- max_output_tokens
@pytest.mark.parametrize("modality", ["text", "audio"])
def test_a_reply_ends_at_its_limit_and_says_so(modality: str) -> None:
    theatre = Theatre([], lambda heard: "One two three four five. Six seven eight nine ten.")
    ask(theatre, 0.1, max_output_tokens=5, output_modalities=[modality])
    theatre.run(8.0)
    (response,) = done(theatre)
    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    (item,) = response["output"]
    assert item["status"] == "incomplete"
    said = item["content"][0]["text" if modality == "text" else "transcript"]
    assert said == "One two three four"
    assert response["usage"]["output_tokens"] == 5
    kinds: dict[str, tuple[type[wire.ServerEvent], type[wire.ServerEvent]]] = {
        "text": (wire.TextDelta, wire.TextDone),
        "audio": (wire.TranscriptDelta, wire.TranscriptDone),
    }
    delta, whole = kinds[modality]
    assert "".join(event.delta for _, event in theatre.events(delta)).strip() == said
    (end,) = [event for _, event in theatre.events(whole)]
    assert (end.text if modality == "text" else end.transcript).strip() == said


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_the_limit_holds_however_the_text_comes(size: int) -> None:
    theatre = Theatre([], lambda heard: "")
    ask(theatre, 0.1, max_output_tokens=5, output_modalities=["text"])
    theatre.run(0.1)
    text = "One two three four five. Six."
    for start in range(0, len(text), size):
        theatre.tell(told.Thought(1, TextDelta(text[start : start + size])))
    theatre.run(1.0)
    (response,) = done(theatre)
    said = response["output"][0]["content"][0]["text"]
    assert response["status"] == "incomplete"
    assert text.startswith(said)
    assert 12 <= len(said) <= 20


def test_the_sessions_limit_counts_and_inf_is_none() -> None:
    theatre = text_theatre("One two three four five.", max_output_tokens=3)
    ask(theatre, 0.1)
    ask(theatre, 0.2, max_output_tokens="inf")
    theatre.run(1.0)
    assert [response["status"] for response in done(theatre)] == ["incomplete", "completed"]


@pytest.mark.parametrize("delta", [ToolCall("c", "look", '{"at": "the whale in the hall"}'), LimitReached()])
def test_tool_calls_and_the_engines_own_count_end_it_too(delta: Any) -> None:
    theatre = Theatre([], lambda heard: "")
    ask(theatre, 0.1, max_output_tokens=4)
    theatre.run(0.1)
    theatre.tell(told.Thought(1, delta))
    theatre.run(1.0)
    (response,) = done(theatre)
    assert (response["status"], response["output"]) == ("incomplete", [])
