"""Who asks for the floor, or for a slower voice, gets it: by meaning, in English, and in Chinese by injected words."""

import json
from functools import reduce
from typing import Any

import pytest

from agent.conversation import effects as asked
from agent.conversation.floor import FASTEST, SLOWEST, STEP, paced, slowed
from agent.conversation.interruption import Claim, claim
from agent.realtime import events as wire
from tests.conversation.theatre import Says, Theatre


@pytest.mark.parametrize(
    "text",
    [
        "slower",
        "Slower, please.",
        "could you speak more slowly please",
        "can you say that again a little slower",
        "please slow down",
        "slow down a bit please",
        "you're talking too fast",
        "not so fast",
        "慢一点",
        "请说慢一点。",
        "您能说慢一点吗？",
        "你说得太快了",
        "Can you slow down a bit?",
        "could you please speak more slowly",
        "hey Mira, would you please speak slower, thanks",
        "Stop. Could you speak more slowly?",
        "麻烦说慢一点好吗",
    ],
)
def test_slower_is_understood(text: str) -> None:
    assert slowed(text) == STEP


@pytest.mark.parametrize(
    "text",
    ["is there a slower train", "how fast is the lift", "the slow movement", "慢车几点开", "最快的路线是哪条", ""],
)
def test_what_only_has_the_word_in_it_changes_nothing(text: str) -> None:
    assert slowed(text) == 1.0


def test_each_time_it_is_slower_within_bounds_and_faster_takes_it_back() -> None:
    def after(*said: str) -> float:
        return reduce(lambda pace, text: paced(pace, slowed(text)), said, 1.0)

    assert after("slower", "where is the cafe", "再慢一点") == pytest.approx(STEP**2)
    assert after("slower", "faster please") == pytest.approx(1.0)
    assert after(*["slower"] * 20) == SLOWEST
    assert after(*["快一点"] * 20) == FASTEST


class Watching(Theatre):
    """Notes how fast each sentence was to be spoken."""

    def __init__(self, script: list[Says], **more: Any) -> None:
        self.speeds: list[float] = []
        super().__init__(script, **more)

    def _perform(self, effect: asked.Effect) -> None:
        if isinstance(effect, asked.Speak):
            self.speeds.append(effect.speed)
        super()._perform(effect)


@pytest.mark.parametrize("words", ["could you speak more slowly", "请 说 慢 一 点"])
def test_the_voice_is_slower_from_that_answer_on(words: str) -> None:
    theatre = Watching([Says(0.5, 1.5), Says(8.0, 9.0, words), Says(16.0, 17.0)]).run(22.0)
    assert theatre.speeds[0] == 1.0
    assert theatre.speeds[-1] == pytest.approx(STEP)
    later = [speed for speed in theatre.speeds if speed != 1.0]
    assert len(later) == 4, "two sentences of each answer after it was asked for"


def test_it_stays_slower_when_the_asking_is_long_forgotten() -> None:
    theatre = Watching([Says(0.5, 1.5, "speak slower please")], settings={"input_tokens": 60})
    for k in range(4):
        content = [{"type": "input_text", "text": f"question {k} " + "x" * 100}]
        item = {"type": "message", "role": "user", "content": content}
        theatre.client(8.0 + 8 * k, json.dumps({"type": "conversation.item.create", "item": item}))
        theatre.client(8.1 + 8 * k, '{"type": "response.create"}')
    theatre.run(40.0)
    assert not any("slower" in message.text for message in theatre.prompts[-1][1].messages)
    assert theatre.speeds[-1] == pytest.approx(STEP)


def test_it_is_slower_too_when_it_was_said_on_top_of_a_question() -> None:
    theatre = Watching([Says(0.5, 1.5), Says(2.1, 3.1, "slower please")]).run(9.0)
    assert theatre.speeds[-1] == pytest.approx(STEP)


def test_who_writes_it_is_heeded() -> None:
    theatre = Watching([])
    content = [{"type": "input_text", "text": "Speak slower, please."}]
    item = {"type": "message", "role": "user", "content": content}
    theatre.client(1.0, json.dumps({"type": "conversation.item.create", "item": item}))
    theatre.client(1.1, '{"type": "response.create"}')
    theatre.run(3.0)
    assert theatre.speeds[-1] == pytest.approx(STEP)


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("no problem", Claim.BACKCHANNEL),
        ("oh no", Claim.BACKCHANNEL),
        ("actually that's great", Claim.BACKCHANNEL),
        ("that's interesting", Claim.BACKCHANNEL),
        ("没问题", Claim.BACKCHANNEL),
        ("actually", Claim.NONE),
        ("that's", Claim.NONE),
        ("no", Claim.STOP),
        ("no wait", Claim.STOP),
        ("actually, what about Sundays", Claim.STOP),
        ("no that's wrong", Claim.STOP),
        ("oh no stop", Claim.STOP),
        ("that's not what I asked", Claim.FLOOR),
    ],
)
def test_a_remark_is_no_claim_to_the_floor_by_its_first_word(text: str, claims: Claim) -> None:
    assert claim(text) is claims


@pytest.mark.parametrize("words", ["wait", "stop", "等一下", "别说了"])
def test_who_says_it_over_a_reply_has_the_floor_at_once(words: str) -> None:
    theatre = Theatre([Says(0.5, 1.5), Says(3.4, 3.9, words)]).run(8.0)
    assert theatre.events(wire.ResponseDone)[0][1].response["status"] == "cancelled"
    assert theatre.events(wire.Stop)[0][0] < 3.9 + 0.1


def test_it_greets_when_it_is_asked_to_and_only_then() -> None:
    theatre = Theatre([])
    theatre.client(0.5, '{"type": "visavis.greet"}')
    theatre.client(4.0, '{"type": "visavis.greet"}')
    assert [text for _, text in theatre.run(8.0).messages()] == ["Hello, I am an AI."]
