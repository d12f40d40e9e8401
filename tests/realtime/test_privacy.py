"""A copy without personal data: nothing a client wrote, in whatever field, is in it; and it still replays."""

import base64
import gzip
import itertools
import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.conversation import inputs as told
from agent.llm import Citation, ToolCall
from agent.realtime import events as wire
from agent.realtime.client_events import AnyClientEvent
from agent.realtime.privacy import Masking, opaque, write_copy
from agent.realtime.recording import Recording
from agent.realtime.replay import replay
from tests.conversation.theatre import Says
from tests.realtime.test_recording import RecordedTheatre

PHONE = 4917655501234


class Planter:
    """Makes secrets, each another, in words that no mask leaves standing."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self._endings = itertools.product(string.ascii_lowercase, repeat=2)

    def __call__(self) -> str:
        self.made.append("weberknecht" + "".join(next(self._endings)))
        return self.made[-1]

    def object(self) -> dict[str, Any]:
        """One of a client's own, whose keys are those that mean something in the protocol."""
        kept = ("reason", "code", "status", "type", "kind", "voice", "language", "format", "voices", "turns", "engines")
        own: dict[str, Any] = {key: self() for key in kept}
        own[self()] = {self(): [self(), PHONE, 0.5, True, None], "turn_detection": {self(): self()}}
        own["~"], own["@"] = [self(), self()], [self()]
        return own


def message(secret: Planter, kind: str = "input_text", role: str = "user") -> dict[str, Any]:
    return {"type": "message", "id": secret(), "role": role, "content": [{"type": kind, "text": secret()}]}


def sent(secret: Planter) -> Iterator[dict[str, Any]]:
    """Every client event that reaches the core, with a secret wherever it takes a text."""
    tool = {"type": "function", "name": secret(), "description": secret(), "parameters": secret.object()}
    tool |= {secret(): secret(), "kind": secret()}
    transcription = {"model": secret(), "language": secret(), "prompt": secret(), "keywords": [secret()]}
    session = {
        "model": secret(),
        "instructions": secret(),
        "audio": {"input": {"transcription": transcription | {"languages": [secret()]}}},
        "tools": [tool],
        "tool_choice": {"type": "function", "name": tool["name"], "kind": secret()},
        "tracing": {"workflow_name": secret(), "group_id": secret(), "metadata": secret.object()},
        "prompt": {"id": secret(), "version": secret(), "variables": {secret(): secret(), "code": secret.object()}},
        "reasoning": {"effort": secret()},
    }
    yield {"type": "session.update", "session": session}
    yield {"type": "session.update", "session": {"audio": {"input": {"transcription": {"language": f"en-{secret()}"}}}}}
    voice = {"audio": {"output": {"voice": {"id": secret()}}}, "tools": [], "tool_choice": "auto"}
    yield {"type": "session.update", "session": voice}
    first = message(secret)
    spoken = {"type": "input_audio", "audio": base64.b64encode(b"+/ the sound of a voice!").decode()}
    yield {"type": "conversation.item.create", "item": {"id": secret(), "role": "user", "content": [spoken]}}
    for item in (first, message(secret, "output_text", "assistant"), message(secret, role="system")):
        yield {"type": "conversation.item.create", "item": item}
    call = {"id": secret(), "call_id": secret()}
    named = {"type": "function_call", "name": secret(), "arguments": json.dumps(secret.object())}
    yield {"type": "conversation.item.create", "item": call | named}
    yield {"type": "conversation.item.create", "item": {"type": "function_call_output", **call, "output": secret()}}
    result = {"type": "function_call_output", "call_id": call["call_id"], "id": secret(), "output": secret()}
    yield {"type": "conversation.item.create", "item": result, "previous_item_id": first["id"]}
    yield {"type": "conversation.item.create", "item": message(secret), "previous_item_id": secret()}
    yield {"type": "conversation.item.retrieve", "item_id": first["id"]}
    yield {"type": "conversation.item.retrieve", "item_id": secret()}
    yield {"type": "conversation.item.delete", "item_id": secret()}
    yield {"type": "conversation.item.truncate", "item_id": secret(), "content_index": 0, "audio_end_ms": 1}
    metadata = {"reason": secret(), "code": secret(), "status": secret(), secret(): secret()}
    response = {
        "conversation": "none",
        "instructions": secret(),
        "input": [message(secret), {"type": "item_reference", "id": first["id"]}],
        "metadata": metadata,
        "tools": [tool],
        "audio": {"output": {"voice": secret()}},
    }
    yield {"type": "response.create", "response": response}
    yield {"type": "response.create", "response": {"tool_choice": {"type": "function", "name": secret()}}}
    yield {"type": "response.cancel", "response_id": secret()}
    yield {"type": "visavis.playout", "item_id": secret(), "heard_samples": 3, "playing": True}
    for kind in ("input_audio_buffer.commit", "input_audio_buffer.clear", "output_audio_buffer.clear"):
        yield {"type": kind}
    yield {"type": "visavis.greet"}
    yield {"type": "visavis.express", "expression": "nod"}
    yield {"type": "visavis.visitor", "yaw": 0.2, "pitch": 0.0}


NEVER_IN_THE_CORE = {"input_audio_buffer.append", "visavis.invite", "visavis.input_gap"}
"""Events that the connection answers for itself."""


def test_nothing_a_client_wrote_is_in_the_copy_and_it_still_replays(tmp_path: Path) -> None:
    secret = Planter()
    spoken, answered, cited = secret(), secret(), Citation(secret(), secret(), secret())
    theatre = RecordedTheatre(
        tmp_path, [Says(3.0, 4.5, f"what about {spoken}")], lambda _: f"The {answered} says: one."
    )
    events = [event | {"event_id": secret()} for event in sent(secret)]
    for number, event in enumerate(events):
        theatre.client(0.01 + number * 0.05, json.dumps(event))
    for delta in (ToolCall(secret(), secret(), secret()), cited):
        theatre.at(1.05, lambda delta=delta: theatre.tell(told.Thought(1, delta)))
    path, copy = theatre.run(9.0).file(), tmp_path / "copy.gz"
    with Recording(path) as recording:
        write_copy(recording, copy)
    whole, rest = gzip.decompress(path.read_bytes()), gzip.decompress(copy.read_bytes()).lower()
    assert [one for one in secret.made if one.encode() not in whole and one not in (cited.title,)] == []
    assert b"weberknecht" not in rest
    assert str(PHONE).encode() not in rest
    assert b"knecht" not in rest
    assert b'"audio":"' + b"a" * 32 + b'"' in rest, "24 bytes of silence"
    with Recording(copy) as recording:
        assert [step.difference for step in replay(recording) if step.difference] == []
    kinds = {kind.model_fields["type"].annotation.__args__[0] for kind in AnyClientEvent.__args__}  # type: ignore
    assert {event["type"] for event in events} == kinds - NEVER_IN_THE_CORE


def test_only_voices_that_there_are_and_language_tags_are_kept() -> None:
    masking = Masking(frozenset({"en-amy"}))
    given = {"voice": "en-amy", "audio": {"voice": "Grandma Weber"}, "language": "zh-Hans-CN"}
    assert masking(given) == {"voice": "en-amy", "audio": {"voice": "Xxxxxxx Xxxxx"}, "language": "zh-Hans-CN"}
    for tag in ("en", "en-GB", "es-419", ""):
        assert masking({"language": tag}) == {"language": tag}
    assert masking({"language": "en-weber"}) == {"language": "en-xxxxx"}
    assert masking({"language": "weber"}) == {"language": "xxxxx"}
    assert masking({"language": "my mum"}) == {"language": "xx xxx"}


def test_keys_stay_apart_and_as_long_as_they_were() -> None:
    given = {"ab": 1, "cd": -204, "名": 0.25, "字": [True], "-": None, "A1": "x", "B2": "Weber"}
    masked = opaque(given)
    assert len(json.dumps(masked)) == len(json.dumps(given))
    assert [len(key) for key in masked] == [len(key) for key in given]
    assert list(masked.values()) == [1, -111, 1.11, [True], None, "x", "Xxxxx"]
    assert opaque(masked) == masked


@pytest.mark.parametrize("given", ["weber_0123456789abcdef01234567", "item_unrecorded491765551234"])
def test_an_id_of_the_clients_is_taken_for_ours_by_nothing_but_our_own_form(given: str) -> None:
    assert Masking()({"item_id": given})["item_id"] != given
    ours = {"item_id": wire.new_id("item"), "id": wire.new_id("resp")}
    assert Masking()(ours) == ours
