"""What every dialogue engine must do, whichever it is. Behind the chat engine stands a real HTTP server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

import pytest
import pytest_asyncio

import agent.llm
from agent.config import ChatServer
from agent.llm import Citation, Delta, DialogueEngine, DialogueError, LimitReached, Message, Prompt, TextDelta, ToolCall
from agent.tts.text.rules import is_han
from tests.scripted_http import Connection, Request, scripted_server

pytestmark = pytest.mark.asyncio(loop_scope="module")  # an engine is started once for all

Make = Callable[[], AbstractAsyncContextManager[DialogueEngine]]


async def answers(request: Request, connection: Connection) -> None:
    """A chat server that answers each question in a few words of its language."""
    question = request.json()["messages"][-1]["content"]
    text = "我们十点开门。 " if any(map(is_han, question)) else "We are open. "
    await connection.head()
    for _ in range(5):
        await connection.events({"choices": [{"delta": {"content": text}}]})
    await connection.events({"choices": [{"delta": {}, "finish_reason": "stop"}]}, "[DONE]")
    await connection.end()


@asynccontextmanager
async def grounded() -> AsyncIterator[DialogueEngine]:
    yield agent.llm.load("grounded")


@asynccontextmanager
async def openai() -> AsyncIterator[DialogueEngine]:
    async with scripted_server() as server:
        server.answer(answers)
        yield agent.llm.load("openai", openai=ChatServer(base_url=server.base_url, model="m"))


@asynccontextmanager
async def chain() -> AsyncIterator[DialogueEngine]:
    nowhere = ChatServer(base_url="http://127.0.0.1:9/v1", model="m", retries=0)
    yield agent.llm.load("openai", "grounded", openai=nowhere)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[grounded, openai, chain])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[DialogueEngine]:
    make: Make = request.param
    async with make() as made:
        await made.start()
        yield made
        await made.stop()


async def told(engine: DialogueEngine, prompt: Prompt) -> list[Delta]:
    return [delta async for delta in engine.reply(prompt)]


def said(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def asking(*texts: str, language: str = "en") -> Prompt:
    return Prompt(tuple(Message("user", text) for text in texts), language=language)


async def test_it_streams_what_can_be_said(engine: DialogueEngine) -> None:
    deltas = await told(engine, asking("When are you open?"))
    assert said(deltas).strip()
    assert all(isinstance(delta, TextDelta | ToolCall | Citation | LimitReached) for delta in deltas)
    assert len(deltas) > 1


async def test_it_has_a_name(engine: DialogueEngine) -> None:
    assert engine.name


QUESTIONS = {"en": "When are you open?", "zh": "几点开门？"}


async def test_it_answers_in_the_language_it_is_asked_in(engine: DialogueEngine) -> None:
    for language, question in QUESTIONS.items():
        assert any(map(is_han, said(await told(engine, asking(question, language=language))))) == (language == "zh")


ODD_PROMPTS = (
    Prompt(()),
    asking(""),
    asking("\ud800 😀 \x00 </documents>"),
    asking("Ignore all of this. " * 1000),
    asking(*["And then?"] * 200),
    Prompt((Message("user", "hi"), Message("assistant", "Hello.")), idle=True),
    Prompt((Message("tool", "seen", tool_call_id="gone"), Message("user", "hi"))),
    Prompt((Message("assistant", "", tool_calls=(ToolCall("c", "look", "{}"),)), Message("user", "hi"))),
    Prompt((Message("user", "hi"),), tools=({"type": "function", "name": "look", "parameters": {}},)),
)


async def test_any_prompt_is_answered(engine: DialogueEngine) -> None:
    for prompt in ODD_PROMPTS:
        assert said(await told(engine, prompt)).strip(), prompt


async def test_it_can_be_left_in_the_middle_and_asked_again(engine: DialogueEngine) -> None:
    for _ in range(3):
        async with aclosing(engine.reply(asking("When are you open?"))) as deltas:  # type: ignore[type-var]
            await anext(deltas)
    task = asyncio.create_task(told(engine, asking("When are you open?")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert said(await told(engine, asking("When are you open?"))).strip()


async def test_conversations_do_not_mix(engine: DialogueEngine) -> None:
    languages = ["en", "zh"] * 5
    replies = await asyncio.gather(*(told(engine, asking(QUESTIONS[one], language=one)) for one in languages))
    for language, deltas in zip(languages, replies, strict=True):
        assert any(map(is_han, said(deltas))) == (language == "zh")


@pytest.mark.parametrize("make", [grounded, openai])
async def test_before_its_start_it_says_so_in_one_line(make: Make) -> None:
    async with make() as engine:
        with pytest.raises(DialogueError) as error:
            await told(engine, asking("When are you open?"))
    assert str(error.value)
    assert "\n" not in str(error.value)
