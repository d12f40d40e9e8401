"""A dialogue engine that fails in the middle: whole sentences are said, a half one is not."""

import json

import pytest

from agent.conversation import inputs as told
from agent.llm import TextDelta
from agent.realtime import events as wire
from agent.tts.sentences import is_whole
from tests.conversation.theatre import Theatre


@pytest.mark.parametrize("text", ["We open at ten. ", "Really?", "“Yes.”", "是的。", "Well …", "(No!) "])
def test_sentences_are_whole(text: str) -> None:
    assert is_whole(text)


@pytest.mark.parametrize("text", ["We open at", "", "  ", "是的", "Well,", "(so"])
def test_pieces_are_not(text: str) -> None:
    assert not is_whole(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("We open at ten. On Mondays we", "We open at ten. "),
        ("I am sorry, I cannot answer.", "I am sorry, I cannot answer."),
    ],
)
def test_what_was_said_is_kept(text: str, said: str) -> None:
    theatre = Theatre([], lambda heard: "")
    theatre.client(0.1, json.dumps({"type": "response.create"}))
    theatre.run(0.1)
    theatre.tell(told.Thought(1, TextDelta(text)))
    theatre.tell(told.ThoughtEnded(1, "the server went away"))
    theatre.run(8.0)
    ((_, done),) = theatre.events(wire.ResponseDone)
    assert done.response["status"] == "failed"
    assert done.response["status_details"]["error"]["code"] == "dialogue_failed"
    assert done.response["output"][0]["content"][0]["transcript"] == said
