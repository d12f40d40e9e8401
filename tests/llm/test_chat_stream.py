"""Pieces of answers that no server should send, and text cut up anyhow."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.llm import LimitReached, TextDelta, ToolCall
from agent.llm.chat_stream import ChatReader, ChatStreamError
from agent.llm.reasoning import ReasoningFilter

PARTS = ["<think>", "</think>", "<THINK>", "<", "thi", "nk>", "a", " ", "\n", "</", "<thinking>", "</thinking>", "1<2"]


@given(st.lists(st.sampled_from(PARTS), max_size=12), st.lists(st.integers(1, 9), max_size=12))
def test_how_text_is_cut_up_changes_nothing(parts: list[str], sizes: list[int]) -> None:
    text = "".join(parts)
    whole = ReasoningFilter()
    expected = whole.push(text) + whole.flush()
    cut, given_out = ReasoningFilter(), ""
    for size in sizes:
        given_out += cut.push(text[:size])
        text = text[size:]
    assert given_out + cut.push(text) + cut.flush() == expected
    assert "<think>" not in expected.lower()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<think>a</think>b", "b"),
        ("<think>a <think> b</think>c", "c"),
        ("a<think>b</think> c", "ac"),
        ("a</think>b", "ab"),
        ("<think>never", ""),
        ("2 < 3 <thing>", "2 < 3 <thing>"),
        ("<thi", "<thi"),
    ],
)
def test_reasoning_is_left_out(text: str, said: str) -> None:
    reader = ReasoningFilter()
    assert reader.push(text) + reader.flush() == said


ODD = st.sampled_from([None, True, 0, 2, -1, "", "x", "{}", [], [1], {}, {"a": 1}])


def odd(**usual: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have some of these fields, each of which may be anything."""
    return st.fixed_dictionaries({}, optional={name: values | ODD for name, values in usual.items()})


CALL = odd(index=ODD, id=ODD, function=odd(name=ODD, arguments=ODD))
DELTA = odd(content=ODD, refusal=ODD, reasoning=ODD, tool_calls=st.lists(CALL, max_size=3))
CHOICE = st.fixed_dictionaries({"delta": DELTA}, optional={"finish_reason": ODD})
CHUNK = st.fixed_dictionaries({"choices": st.tuples(CHOICE)}) | odd(choices=st.tuples(odd(message=DELTA)), error=ODD)


@settings(max_examples=300)
@given(st.lists(CHUNK, min_size=1, max_size=2))
def test_whatever_comes_is_read_or_refused(chunks: list[Any]) -> None:
    reader = ChatReader()
    with suppress(ChatStreamError):
        for chunk in chunks:
            for delta in reader.read(json.dumps(chunk)):
                assert isinstance(delta, TextDelta | ToolCall | LimitReached)
                if isinstance(delta, ToolCall):
                    assert isinstance(json.loads(delta.arguments), dict)
                    assert delta.call_id
                    assert delta.name
        reader.end()


@given(st.text(max_size=20))
def test_what_is_no_json_is_refused(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        if text.strip() != "[DONE]":
            with pytest.raises(ChatStreamError, match="no JSON"):
                ChatReader().read(text)


def test_too_many_calls_and_too_long_ones_are_refused() -> None:
    def call(**fields: Any) -> str:
        return json.dumps({"choices": [{"delta": {"tool_calls": [fields]}}]})

    def read(*events: str) -> None:
        reader = ChatReader()
        for event in events:
            reader.read(event)

    with pytest.raises(ChatStreamError, match="too many tools"):
        read(*(call(index=index, id=f"c{index}", function={"name": "f"}) for index in range(33)))
    with pytest.raises(ChatStreamError, match="with too much"):
        read(*[call(index=0, function={"name": "f", "arguments": "x" * 5000})] * 21)
    with pytest.raises(ChatStreamError, match="more than an answer may have"):
        read(*[json.dumps({"choices": [{"delta": {"reasoning": "x" * 500_000}}]})] * 34)
