"""Every client event, each of its fields dropped and garbled: a typed error that names the field, or it is honoured;
and the conversation goes on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from agent.conversation import inputs as told
from agent.realtime import events as wire
from agent.realtime.privacy import Masking
from agent.realtime.session_config import SessionConfig
from tests.conversation.theatre import Theatre
from tests.official import CLIENT, validate

TOOL = {"type": "function", "name": "look", "description": "Looks.", "parameters": {"type": "object"}}
ITEM = {
    "id": "mine",
    "type": "message",
    "role": "user",
    "status": "completed",
    "content": [{"type": "input_text", "text": "hello"}],
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "session.update": {
        "session": {
            "type": "realtime",
            "instructions": "Be kind.",
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "noise_reduction": {"type": "near_field"},
                    "transcription": {"model": "whisper-1", "language": "en", "prompt": "a museum"},
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": 0.5,
                        "prefix_padding_ms": 300,
                        "silence_duration_ms": 500,
                        "idle_timeout_ms": 5000,
                        "create_response": True,
                        "interrupt_response": True,
                    },
                },
                "output": {"format": {"type": "audio/pcmu"}, "voice": "stub", "speed": 1.0},
            },
            "tools": [TOOL],
            "tool_choice": {"type": "function", "name": "look"},
            "max_output_tokens": 400,
            "truncation": {
                "type": "retention_ratio",
                "retention_ratio": 0.5,
                "token_limits": {"post_instructions": 4000},
            },
            "tracing": {"workflow_name": "visit"},
            "prompt": {"id": "pmpt_1"},
            "include": ["item.input_audio_transcription.logprobs"],
        }
    },
    "input_audio_buffer.append": {"audio": "AAAA"},
    "input_audio_buffer.commit": {},
    "input_audio_buffer.clear": {},
    "output_audio_buffer.clear": {},
    "conversation.item.create": {"item": ITEM, "previous_item_id": "root"},
    "conversation.item.retrieve": {"item_id": "there"},
    "conversation.item.delete": {"item_id": "there"},
    "conversation.item.truncate": {"item_id": "there", "content_index": 0, "audio_end_ms": 400},
    "response.create": {
        "response": {
            "conversation": "none",
            "instructions": "Be brief.",
            "output_modalities": ["text"],
            "input": [ITEM, {"type": "item_reference", "id": "there"}],
            "metadata": {"topic": "hello"},
            "max_output_tokens": 100,
            "tools": [TOOL],
            "tool_choice": "auto",
            "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "stub"}},
        }
    },
    "response.cancel": {"response_id": "resp_1"},
}
GARBAGE: list[Any] = [
    None,
    True,
    -1,
    7.5,
    10**30,
    "",
    "garbage",
    "\ud800",
    "x" * 1000,
    [],
    [[]],
    {},
    {"type": "?"},
    [7],
]
CODES = {
    "invalid_value", "missing_required_parameter", "unsupported_event", "unsupported_content_type",
    "item_create_duplicate_item_id", "item_not_found", "item_retrieve_invalid_item_id",
    "item_delete_invalid_item_id", "item_truncate_invalid_item_id", "response_cancel_not_active",
    "input_audio_buffer_commit_empty", "conversation_already_has_active_response", "too_many_responses",
}  # fmt: skip

BESIDE_THE_FIELD = {"item_create_duplicate_item_id", "too_many_responses", "unsupported_event", "item_not_found"}
"""What is wrong with a message whose fields are all right."""


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in an example."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from paths(one, (*path, key))


def changed(value: Any, path: tuple[Any, ...], *garbage: Any) -> Any:
    """A copy with what is at `path` replaced, or dropped."""
    copy = json.loads(json.dumps(value))
    here = copy
    for key in path[:-1]:
        here = here[key]
    if garbage:
        here[path[-1]] = garbage[0]
    else:
        del here[path[-1]]
    return copy


class Visit:
    """A conversation in which there is an item "there", and that must live through all that it is sent."""

    def __init__(self) -> None:
        self.theatre = Theatre([], lambda heard: "Yes.")
        self.send({"type": "conversation.item.create", "item": {**ITEM, "id": "there"}})

    def send(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        """What comes of it: events, every one as the official types say."""
        before = len(self.theatre.sent)
        try:
            self.theatre.tell(told.FromClient(wire.parse(json.dumps(message))))
        except wire.WireError as error:
            self.theatre.sent.append((self.theatre.now, error.to_event()))
        answers = [json.loads(e.to_json()) for _, e in self.theatre.sent[before:] if type(e) not in wire.EXTENSION]
        for answer in answers:
            validate(answer)
        return answers

    def lives(self) -> bool:
        self.send({"type": "response.cancel"})
        self.theatre.run(self.theatre.now + 1.0)
        self.send({"type": "session.update", "session": {"truncation": "auto", "tools": [], "tool_choice": "auto"}})
        answers = self.send({"type": "response.create", "response": {"output_modalities": ["text"]}})
        return any(answer["type"] == "response.created" for answer in answers)


def check_refusal(answers: list[dict[str, Any]], field: str) -> None:
    """If it was refused, then by a typed error about this field."""
    for answer in answers:
        if answer["type"] == "error":
            error = answer["error"]
            assert error["type"] == "invalid_request_error"
            assert error["code"] in CODES
            assert error["event_id"] == "mine_too"
            param = error.get("param", field)
            about_it = field.startswith(param) or param.startswith(field.rpartition(".")[0])
            assert about_it or error["code"] in BESIDE_THE_FIELD, (field, error)


def test_the_examples_are_all_there_is_and_are_understood() -> None:
    assert EXAMPLES.keys() == CLIENT.keys()
    for kind, example in EXAMPLES.items():
        if kind != "response.create":  # the official type of its input has no references
            CLIENT[kind].model_validate({"type": kind, **example})
        assert wire.parse(json.dumps({"type": kind, **example})).type == kind


@pytest.mark.parametrize("kind", CLIENT)
def test_fields_dropped(kind: str) -> None:
    visit = Visit()
    for path in paths(EXAMPLES[kind]):
        message = {"type": kind, "event_id": "mine_too", **changed(EXAMPLES[kind], path)}
        answers = visit.send(message)
        check_refusal(answers, ".".join(map(str, path)))
        if len(path) == 1 and CLIENT[kind].model_fields[path[0]].is_required():
            (answer,) = answers
            assert (answer["error"]["code"], answer["error"]["param"]) == ("missing_required_parameter", path[0])
    assert visit.lives()


@pytest.mark.parametrize("kind", CLIENT)
def test_fields_garbled(kind: str) -> None:
    for garbage in GARBAGE:
        visit = Visit()
        for path in paths(EXAMPLES[kind]):
            message = {"type": kind, "event_id": "mine_too", **changed(EXAMPLES[kind], path, garbage)}
            check_refusal(visit.send(message), ".".join(map(str, path)))
        assert visit.lives(), garbage


@pytest.mark.parametrize("kind", CLIENT)
def test_an_event_id_that_is_none_is_no_reason_to_die(kind: str) -> None:
    visit = Visit()
    for garbage in GARBAGE:
        visit.send({"type": kind, **EXAMPLES[kind], "event_id": garbage})
    assert visit.lives()


@pytest.mark.parametrize("kind", [*GARBAGE, "conversation.item.created", "session.created", "response.done"])
def test_unknown_types(kind: Any) -> None:
    visit = Visit()
    (answer,) = visit.send({"type": kind, "event_id": "mine_too"})
    assert (answer["error"]["type"], answer["error"]["param"]) == ("invalid_request_error", "type")
    assert answer["error"]["event_id"] == "mine_too"
    assert visit.lives()


def test_a_session_without_its_words_is_still_a_session() -> None:
    """As a recording without personal data has it."""
    fields = EXAMPLES["session.update"]["session"]
    for extra in ({}, {"tracing": "auto"}, {"audio": {"input": {"transcription": {"delay": "low"}}}}):
        config = SessionConfig.model_validate({**fields, **extra})
        SessionConfig.model_validate(Masking()(config.model_dump()))
