"""OpenAI's own client talks to our server, whose answers come from a scripted chat server, and whose voice from a
scripted speech server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from openai import AsyncOpenAI

import agent.llm
import agent.tts
from agent.config import ChatServer, Settings, SpeechServer
from agent.realtime.hub import Hub
from agent.realtime.runner import Engines
from tests.realtime.stubs import StubRecognizer, StubSynthesizer
from tests.scripted_http import Connection, Request, Script, ScriptedServer, scripted_server
from tests.serving import serve

LOOK = {"type": "function", "name": "look", "description": "Look at a thing.", "parameters": {"type": "object"}}


def piece(text: str = "", reason: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text, **delta}, "finish_reason": reason}]}


def says(*events: object) -> Script:
    async def script(_: Request, connection: Connection) -> None:
        await connection.head()
        await connection.events(*events, "[DONE]")
        await connection.end()

    return script


@pytest.fixture
async def chat() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


@asynccontextmanager
async def talking(engines: Engines, **session: Any) -> AsyncIterator[Any]:
    """A stock client's connection to a server with these engines."""
    async with serve(Hub(Settings(), engines)) as url:
        client = AsyncOpenAI(api_key="none", base_url=f"{url}/v1", websocket_base_url=f"{url}/v1".replace("http", "ws"))
        async with asyncio.timeout(60), client.realtime.connect(model="visavis") as connection:
            await connection.session.update(session={"type": "realtime", **session})
            yield connection


def engines(chat: ScriptedServer, *names: str, synthesizer: Any = None) -> Engines:
    server = ChatServer(base_url=chat.base_url, model="m", warm_up=False, knowledge=False, retries=0)
    dialogue = agent.llm.load(*names or ("openai",), openai=server)
    return Engines(StubRecognizer(), dialogue, synthesizer or StubSynthesizer())


async def ask(connection: Any, text: str) -> None:
    content = [{"type": "input_text", "text": text}]
    await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
    await connection.response.create()


async def until(connection: Any, kind: str) -> tuple[Any, list[Any]]:
    """The next event of this type, and those before it."""
    before: list[Any] = []
    async for event in connection:
        if event.type == kind:
            return event, before
        before.append(event)
    raise AssertionError(f"no {kind}")


async def test_a_tool_is_called_and_its_result_is_used(chat: ScriptedServer) -> None:
    call = [{"index": 0, "id": "c1", "function": {"name": "look", "arguments": '{"at": "whale"}'}}]
    chat.answer(
        says(piece(tool_calls=call), piece(reason="tool_calls")), says(piece("It is [nod] big."), piece(reason="stop"))
    )
    async with talking(engines(chat), tools=[LOOK]) as connection:
        await ask(connection, "How big is the whale?")
        made, _ = await until(connection, "response.function_call_arguments.done")
        assert (made.name, json.loads(made.arguments)) == ("look", {"at": "whale"})
        await until(connection, "response.done")
        output = {"type": "function_call_output", "call_id": made.call_id, "output": "30 metres"}
        await connection.conversation.item.create(item=output)
        await connection.response.create()
        done, _ = await until(connection, "response.done")
    assert done.response.output[0].content[0].transcript == "It is big."
    first, second = (request.json() for request in chat.requests)
    assert first["tools"][0]["function"]["name"] == "look"
    asked, called, result = second["messages"][1:]
    assert asked["content"] == "How big is the whale?"
    assert called["tool_calls"][0]["id"] == "c1"
    assert result == {"role": "tool", "tool_call_id": "c1", "content": "30 metres"}


@pytest.mark.parametrize("sentences", [0, 2, 100])
async def test_cancelling_a_response_closes_the_connection_behind_it(chat: ScriptedServer, sentences: int) -> None:
    """While it waits for the first word, while words come, and while the voice is behind by many sentences."""

    async def endless(_: Request, connection: Connection) -> None:
        await connection.head()
        await connection.events(*[piece("Here is one more sentence. ")] * sentences)
        await connection.gone.wait()

    chat.answer(endless)
    async with talking(engines(chat)) as connection:
        await ask(connection, "Tell me everything.")
        await (until(connection, "response.output_audio.delta") if sentences else chat.asked.wait())
        await connection.response.cancel()
        done, _ = await until(connection, "response.done")
        assert done.response.status == "cancelled"
        await chat.connections[0].gone.wait()
        chat.answer(says(piece("Yes."), piece(reason="stop")))
        await ask(connection, "Are you there?")
        done, _ = await until(connection, "response.done")
    assert done.response.output[0].content[0].transcript == "Yes."


async def test_the_documents_answer_where_the_server_cannot(chat: ScriptedServer) -> None:
    async def fails(_: Request, connection: Connection) -> None:
        await connection.json({"error": "down"}, 500)

    chat.answer(fails)
    async with talking(engines(chat, "openai", "grounded"), output_modalities=["text"]) as connection:
        await ask(connection, "What are your opening hours?")
        done, _ = await until(connection, "response.done")
    assert done.response.status == "completed"
    assert "10:00 to 18:00" in done.response.output[0].content[0].text


async def test_where_nothing_works_it_says_sorry_and_the_response_has_failed(chat: ScriptedServer) -> None:
    chat.answer(says())
    async with talking(engines(chat)) as connection:
        await ask(connection, "What are your opening hours?")
        done, _ = await until(connection, "response.done")
    assert done.response.status == "failed"
    assert done.response.output[0].content[0].transcript.startswith("I'm sorry, I can't answer")


async def test_a_reply_that_breaks_off_ends_at_a_whole_sentence(chat: ScriptedServer) -> None:
    async def drops(_: Request, connection: Connection) -> None:
        await connection.head()
        await connection.events(piece("We open at ten. On Mondays we"))
        connection.drop()

    chat.answer(drops)
    async with talking(engines(chat)) as connection:
        await ask(connection, "What are your opening hours?")
        done, _ = await until(connection, "response.done")
    assert done.response.status == "failed"
    assert done.response.output[0].content[0].transcript == "We open at ten. "


async def test_a_voice_that_streams_tells_of_each_word_before_it_is_said(chat: ScriptedServer) -> None:
    async def hums(_: Request, connection: Connection) -> None:
        pcm = 0.2 * np.sin(np.arange(48_000) * 0.05)
        await connection.head(content_type="audio/pcm")
        for at in range(0, 48_000, 4800):
            await connection.chunk((pcm[at : at + 4800] * 32767).astype("<i2").tobytes())
        await connection.end()

    chat.answer(says(piece("The museum opens at ten, and closes at six."), piece(reason="stop")))
    async with scripted_server() as speech:
        speech.answer(hums)
        server = SpeechServer(base_url=speech.base_url, voices=("ada:en",), first_seconds=60)
        synthesizer = agent.tts.load("openai_speech", openai_speech=server, workers=1)
        async with talking(
            engines(chat, synthesizer=synthesizer), avatar={"format": "arkit52", "fps": 60}
        ) as connection:
            await ask(connection, "When?")
            done, events = await until(connection, "response.done")
    assert done.response.status == "completed"
    sent, words = 0, []
    for event in events:
        if event.type == "response.output_audio.delta":
            sent += len(event.delta) * 3 // 4 // 2
        elif event.type == "visavis.words":
            words += event.words
            assert all(word["start_sample"] >= sent - 4 for word in event.words)
    said = done.response.output[0].content[0].transcript
    assert [said[word["start_char"] : word["end_char"]] for word in words] == said.replace(",", "").rstrip(".").split()
