"""The history that prompts are made of is bounded in tokens, as `truncation` says."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.conversation import tokens
from agent.conversation.bounds import Bounds, cost, joined, total
from agent.llm import Message, ToolCall
from agent.realtime import events as wire
from agent.realtime.privacy import mask
from agent.realtime.session_config import RetentionRatio, SessionConfig
from tests.conversation.theatre import Theatre

texts = st.text(alphabet="abc ,.é你好好吗。😀7", max_size=40)


@given(text=texts)
def test_tokens_do_not_depend_on_what_the_words_are(text: str) -> None:
    """A recording without its words is replayed to the same ends."""
    assert tokens.estimate(mask(text)) == tokens.estimate(text)
    assert [len(tokens.cut(mask(text), n)) for n in range(9)] == [len(tokens.cut(text, n)) for n in range(9)]


@given(text=texts, n=st.integers(0, 12))
def test_a_cut_text_is_a_beginning_of_it_that_fits(text: str, n: int) -> None:
    kept = tokens.cut(text, n)
    assert text.startswith(kept)
    assert tokens.estimate(kept) <= n
    assert kept == text or tokens.estimate(text) > n


def test_words_are_not_cut_in_two() -> None:
    assert tokens.cut("Seven wonderful machines", 5) == "Seven wonderful"
    assert tokens.cut("你好吗今天", 3) == "你好吗"


messages = st.lists(
    st.one_of(
        st.none(),
        st.builds(Message, st.sampled_from(["user", "assistant", "system"]), texts),
        st.just(Message("assistant", "", tool_calls=(ToolCall("c", "look", "{}"),))),
        st.builds(lambda text: Message("tool", text, tool_call_id="c"), texts),
    ),
    max_size=12,
)


@given(messages=messages, room=st.integers(0, 120), ratio=st.none() | st.floats(0, 1))
def test_what_is_kept_fits_and_is_the_newest(messages: list[Message | None], room: int, ratio: float | None) -> None:
    truncation: Any = "auto" if ratio is None else RetentionRatio(type="retention_ratio", retention_ratio=ratio)
    first = Bounds(room, truncation).first_of(messages)
    kept = [message for message in messages[first:] if message is not None]
    every = [message for message in messages if message is not None]
    if total(every) <= room:
        assert first == 0
    else:
        assert len(kept) >= 1
        assert len(kept) == 1 or total(kept) <= room * (1 if ratio is None else ratio)
        assert len(kept) == 1 or kept[0].role != "tool"


def test_what_went_on_is_one_message_and_what_is_written_stands_for_itself() -> None:
    spoken, more = Message("user", "where is", spoken=True), Message("user", "the cafe", spoken=True)
    written = Message("user", "can I bring my dog")
    assert joined(spoken, None, more) == (Message("user", "where is the cafe", spoken=True),)
    assert joined(spoken, written, more) == (spoken, written, more)
    assert joined(written, written) == (written, written)


def typed(theatre: Theatre, when: float, text: str, role: str = "user") -> None:
    item = {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}
    theatre.client(when, json.dumps({"type": "conversation.item.create", "item": item}))


def conversation(truncation: Any, *, turns: int = 6) -> Theatre:
    """Six questions of 16 tokens each, answered in text by 4 tokens and 4 of message."""
    config = SessionConfig(output_modalities=["text"], truncation=truncation)
    theatre = Theatre([], lambda heard: "Yes, it is so...", config=config, settings={"input_tokens": 60})
    for k in range(turns):
        typed(theatre, k + 0.1, f"question {k} " + "x" * 37)
        theatre.client(k + 0.2, json.dumps({"type": "response.create", "event_id": f"ask_{k}"}))
    return theatre.run(turns + 1.0)


def asked(theatre: Theatre) -> list[list[str]]:
    """The numbers of the questions in each prompt."""
    return [[m.text.split()[1] for m in prompt.messages if m.role == "user"] for _, prompt in theatre.prompts]


def test_auto_lets_the_oldest_go() -> None:
    assert cost(Message("user", "question 0 " + "x" * 37)) == 16
    assert asked(conversation("auto")) == [["0"], ["0", "1"], ["1", "2"], ["2", "3"], ["3", "4"], ["4", "5"]]


def test_a_retention_ratio_drops_more_and_less_often() -> None:
    ratio = {"type": "retention_ratio", "retention_ratio": 0.4}
    assert asked(conversation(ratio)) == [["0"], ["0", "1"], ["2"], ["2", "3"], ["4"], ["4", "5"]]


def test_a_clients_own_limit_counts_where_it_is_lower() -> None:
    limits = {"post_instructions": 30}
    ratio = {"type": "retention_ratio", "retention_ratio": 1.0, "token_limits": limits}
    assert asked(conversation(ratio))[-1] == ["5"]
    ratio["token_limits"] = {"post_instructions": 1_000_000}
    assert asked(conversation(ratio))[-1] == ["4", "5"]


def test_disabled_refuses_and_deleting_items_helps() -> None:
    theatre = conversation("disabled", turns=3)
    (error,) = [event.error for _, event in theatre.events(wire.Error)]
    assert (error["code"], error["param"], error["event_id"]) == (
        "context_length_exceeded",
        "session.truncation",
        "ask_2",
    )
    assert len(theatre.events(wire.ResponseCreated)) == 2
    oldest = theatre.events(wire.ItemAdded)[0][1].item["id"]
    theatre.client(4.0, json.dumps({"type": "conversation.item.delete", "item_id": oldest}))
    theatre.client(4.1, json.dumps({"type": "response.create"}))
    theatre.run(5.0)
    assert len(theatre.events(wire.ResponseDone)) == 3


def test_instructions_take_room_and_what_is_forgotten_can_still_be_retrieved() -> None:
    theatre = conversation("auto", turns=2)
    update = {"type": "session.update", "session": {"instructions": "Be kind. " * 12}}
    theatre.client(3.0, json.dumps(update))
    theatre.client(3.1, json.dumps({"type": "response.create"}))
    oldest = theatre.events(wire.ItemAdded)[0][1].item["id"]
    theatre.client(3.5, json.dumps({"type": "conversation.item.retrieve", "item_id": oldest}))
    theatre.run(4.0)
    assert asked(theatre)[-1] == ["1"]
    assert theatre.events(wire.ItemRetrieved)[0][1].item["content"][0]["text"].startswith("question 0")


def test_instructions_never_forget_the_conversation() -> None:
    theatre = conversation("auto", turns=2)
    long = "You are kind. " * 10
    for at, event in (
        (3.0, {"type": "session.update", "session": {"instructions": long}}),
        (3.1, {"type": "response.create", "response": {"instructions": long}}),
        (3.2, {"type": "response.create", "response": {"tools": [{"type": "function", "name": "look" * 40}]}}),
        (3.3, {"type": "response.create"}),
    ):
        theatre.client(at, json.dumps(event | {"event_id": str(at)}))
    theatre.run(5.0)
    errors = [event.error for _, event in theatre.events(wire.Error)]
    assert [(one["code"], one["param"], one["event_id"]) for one in errors] == [
        ("context_length_exceeded", "session.instructions", "3.0"),
        ("context_length_exceeded", "response.instructions", "3.1"),
        ("context_length_exceeded", "response.tools", "3.2"),
    ]
    assert theatre.conversation.session_to_wire()["instructions"] == ""
    assert asked(theatre) == [["0"], ["0", "1"], ["0", "1"]]


@pytest.mark.parametrize("truncation", ["never", {"type": "retention_ratio"}, {"type": "x", "retention_ratio": 0.5}])
def test_a_truncation_that_is_none_is_refused_by_name(truncation: Any) -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.parse(json.dumps({"type": "session.update", "session": {"truncation": truncation}}))
    assert str(caught.value.param).startswith("session.truncation")
