"""Engines that stand in for one another. The stubs say what a test tells them to."""

from collections.abc import AsyncIterator

import pytest

import agent.llm
from agent.llm import Delta, DialogueError, Message, Prompt, TextDelta, ToolCall
from agent.llm.chain import APOLOGY, REST_SECONDS, Chain
from agent.llm.grounded import GroundedAnswers
from agent.server import metrics

PROMPT = Prompt((Message("user", "hi"),))


class Stub:
    """Gives these deltas, and raises the errors among them."""

    def __init__(self, name: str, *deltas: Delta | Exception, start: DialogueError | None = None) -> None:
        self.name = name
        self.deltas = deltas
        self.asked = self.closed = 0
        self._start = start

    async def start(self) -> None:
        if self._start is not None:
            raise self._start

    async def reply(self, prompt: Prompt) -> AsyncIterator[Delta]:
        self.asked += 1
        try:
            for delta in self.deltas:
                if isinstance(delta, Exception):
                    raise delta
                yield delta
        finally:
            self.closed += 1

    async def stop(self) -> None: ...


DOWN = DialogueError("down")


async def told(chain: Chain, prompt: Prompt = PROMPT) -> tuple[str, DialogueError | None]:
    """What is said, and what it ends by."""
    said = ""
    try:
        async for delta in chain.reply(prompt):
            said += delta.text if isinstance(delta, TextDelta) else f"({type(delta).__name__})"
    except DialogueError as error:
        return said, error
    return said, None


async def test_the_first_that_works_answers() -> None:
    first, second = Stub("one", TextDelta("First.")), Stub("two", TextDelta("Second."))
    assert await told(Chain([first, second])) == ("First.", None)
    assert second.asked == 0


async def test_the_next_takes_over_in_the_same_reply() -> None:
    def counted(name: str, outcome: str) -> float:
        labels = {"stage": "llm", "engine": name, "outcome": outcome}
        return metrics.registry.get_sample_value("visavis_engine_uses_total", labels) or 0

    before = counted("one", "failed"), counted("two", "done")
    chain = Chain([Stub("one", DOWN), Stub("two", TextDelta("Second."))])
    assert await told(chain) == ("Second.", None)
    assert (counted("one", "failed"), counted("two", "done")) == (before[0] + 1, before[1] + 1)


async def test_what_failed_rests_and_is_then_asked_again() -> None:
    now = [100.0]
    first, second = Stub("one", DOWN), Stub("two", TextDelta("Second."))
    chain = Chain([first, second], lambda: now[0])
    for _ in range(3):
        assert await told(chain) == ("Second.", None)
    assert first.asked == 1
    first.deltas = (TextDelta("First."),)
    now[0] += REST_SECONDS
    assert await told(chain) == ("First.", None)


async def test_one_that_rests_is_asked_when_nothing_else_works() -> None:
    first, second = Stub("one", DOWN), Stub("two", TextDelta("Second."))
    chain = Chain([first, second], lambda: 0.0)
    await told(chain)
    first.deltas, second.deltas = (TextDelta("First."),), (DOWN,)
    assert await told(chain) == ("First.", None)


@pytest.mark.parametrize(("language", "apology"), [("en-GB", "en"), ("zh", "zh"), ("fr", "en")])
async def test_an_apology_is_said_only_where_nothing_works(language: str, apology: str) -> None:
    chain = Chain([Stub("one", DOWN), Stub("two", DialogueError("down too"))])
    said, error = await told(chain, Prompt(PROMPT.messages, language=language))
    assert said == APOLOGY[apology]
    assert str(error) == "down too"


@pytest.mark.parametrize(
    ("deltas", "said"),
    [
        ((TextDelta("We open at ten. On Mon"), DOWN), "We open at ten. On Mon"),
        ((TextDelta("We open"), DOWN), f"We open … {APOLOGY['en']}"),
        ((ToolCall("c", "look", "{}"), DOWN), f"(ToolCall){APOLOGY['en']}"),
    ],
)
async def test_nobody_takes_over_in_the_middle(deltas: tuple[Delta | Exception, ...], said: str) -> None:
    second = Stub("two", TextDelta("Second."))
    assert await told(Chain([Stub("one", *deltas), second])) == (said, DOWN)
    assert second.asked == 0


async def test_a_bug_in_one_is_a_failure_like_others_and_its_words_are_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    chain = Chain([Stub("one", KeyError("My name is Ada")), Stub("two", TextDelta("Second."))])
    assert await told(chain) == ("Second.", None)
    assert "one failed, which is a bug" in caplog.text
    assert "test_chain.py" in caplog.text
    assert "Ada" not in caplog.text


async def test_closing_the_reply_closes_the_engines() -> None:
    engine = Stub("one", TextDelta("First."), TextDelta("More."))
    reply = Chain([engine]).reply(PROMPT)
    assert await anext(reply) == TextDelta("First.")
    await reply.aclose()
    assert engine.closed == 1


async def test_it_starts_with_those_that_can(caplog: pytest.LogCaptureFixture) -> None:
    await Chain([Stub("one", start=DOWN), Stub("two")]).start()
    assert "down; until then, what is named after it answers" in caplog.text
    with pytest.raises(DialogueError, match="down; down too"):
        await Chain([Stub("one", start=DOWN), Stub("two", start=DialogueError("down too"))]).start()
    with pytest.raises(DialogueError, match="down"):
        await Chain([Stub("one", start=DOWN)]).start()


def test_a_prompt_fits_all_of_them() -> None:
    chain = agent.llm.load("openai", "grounded")
    assert isinstance(chain, Chain)
    assert (chain.name, chain.input_tokens) == ("openai, grounded", 8000)
    assert Chain([GroundedAnswers()]).input_tokens is None
    assert isinstance(agent.llm.load("grounded"), GroundedAnswers)
