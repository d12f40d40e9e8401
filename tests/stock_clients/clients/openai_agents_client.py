"""The OpenAI Agents SDK's realtime session. It tracks what was played, truncates and calls tools by itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner
from agents.realtime.model_inputs import RealtimeModelSendRawMessage
from common import BARGE_IN_AFTER, TOOL, TOOL_RESULT, Arguments, Loudspeaker, Microphone, perform, report, until


class Application:
    """One session: it keeps the events, raw ones too, and plays what sounds until it is told of an interruption."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.loudspeaker = Loudspeaker()
        self.microphone = Microphone(session.send_audio)
        self.raw: list[dict[str, Any]] = []
        self.errors: list[Any] = []
        self.item = ""
        self.cut = ""

    async def read(self) -> None:
        async for event in self.session:
            match event.type:
                case "audio":
                    self.item = event.item_id
                    self.loudspeaker.play(self.item, event.audio.data)
                case "audio_interrupted" if not self.loudspeaker.silent:
                    self.loudspeaker.stop()
                    self.cut = event.item_id
                case "error":
                    self.errors.append(event.error)
                case "raw_model_event" if event.data.type == "raw_server_event":
                    self.raw.append(event.data.data)
                case "raw_model_event" if event.data.type == "exception":
                    self.errors.append(event.data.exception)

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.raw if event["type"] == kind]

    async def next(self, kind: str, count: int = 1) -> dict[str, Any]:
        await until(lambda: len(self.all(kind)) >= count, f"{kind} number {count}")
        return self.all(kind)[count - 1]

    def said(self, kind: str = "response.output_audio_transcript.delta") -> str:
        return "".join(event["delta"] for event in self.all(kind))

    def history(self, item_id: str) -> str:
        """What the SDK itself believes of an item."""
        item = next(item for item in self.session._history if item.item_id == item_id)
        return "".join(getattr(part, "transcript", None) or getattr(part, "text", "") or "" for part in item.content)


@asynccontextmanager
async def conversation(told: Arguments, tools: tuple[Any, ...] = (), **settings: Any) -> AsyncIterator[Application]:
    agent = RealtimeAgent(name="Guide", instructions="Answer visitors.", tools=list(tools))
    runner = RealtimeRunner(agent)
    model: Any = {
        "url": f"{told.websocket}/v1/realtime?model=visavis",
        "api_key": "unused",
        "initial_model_settings": settings,
    }
    session = await runner.run(model_config=model)
    application = Application(session)
    async with session:
        tasks = [asyncio.create_task(application.read()), asyncio.create_task(application.microphone.run())]
        try:
            await application.next("session.updated")
            yield application
        finally:
            for task in tasks:
                task.cancel()


TRANSCRIBED = "conversation.item.input_audio_transcription.completed"


async def talk(told: Arguments) -> None:
    async with conversation(told) as it:
        it.microphone.say(told.question)
        heard = await it.next(TRANSCRIBED)
        await it.next("response.done")
        await until(lambda: it.loudspeaker.silent, "end of the sound")
        report(
            "talk",
            heard=heard["transcript"],
            said=it.said(),
            final=it.history(it.item),
            audio_s=it.loudspeaker.received(it.item),
            errors=[str(error) for error in it.errors],
        )


async def barge_in(told: Arguments) -> None:
    async with conversation(told) as it:
        it.microphone.say(told.question)
        await until(lambda: it.loudspeaker.played(it.item) > BARGE_IN_AFTER, "sound")
        spoken = it.item
        began = it.loudspeaker.played(spoken)
        it.microphone.say(told.interruption)
        truncated = await it.next("conversation.item.truncated")
        gaps = it.loudspeaker.gaps
        await until(lambda: _retrieved(it, spoken), "answer to the SDK's own conversation.item.retrieve")
        heard = await it.next(TRANSCRIBED, 2)
        await it.next("response.output_audio.delta", len(it.all("response.output_audio.delta")) + 1)
        report(
            "barge_in",
            began_s=began,
            played_s=it.loudspeaker.played(spoken),
            gaps_s=gaps,
            truncated_s=truncated["audio_end_ms"] / 1000,
            remembered=_retrieved(it, spoken)["content"][0]["transcript"],
            status=it.all("response.done")[0]["response"]["status"],
            heard=heard["transcript"],
            said_next=it.all("response.output_audio_transcript.delta")[-1]["delta"],
            errors=[str(error) for error in it.errors],
        )


def _retrieved(it: Application, item_id: str) -> dict[str, Any]:
    answers = [event["item"] for event in it.all("conversation.item.retrieved") if event["item"]["id"] == item_id]
    return answers[-1] if answers else {}


async def tool(told: Arguments) -> None:
    called: list[dict[str, Any]] = []

    @function_tool(name_override=TOOL["name"], description_override=TOOL["description"])
    async def look_up(exhibit: str) -> str:
        called.append({"name": TOOL["name"], "arguments": {"exhibit": exhibit}})
        return TOOL_RESULT

    async with conversation(told, tools=(look_up,)) as it:
        await it.session.send_message("Where is the whale?")
        await it.next("response.done", 2)
        report(
            "tool",
            called=called[0],
            said=it.said(),
            audio_s=it.loudspeaker.received(it.item),
            errors=[str(error) for error in it.errors],
        )


async def text(told: Arguments) -> None:
    async with conversation(told, modalities=["text"]) as it:
        await it.session.send_message("When are you open?")
        done = await it.next("response.done")
        item = done["response"]["output"][0]
        await until(lambda: it.history(item["id"]), "text in the SDK's history")
        report(
            "text",
            said=it.said("response.output_text.delta"),
            final=it.history(item["id"]),
            audio=len(it.all("response.output_audio.delta")),
            errors=[str(error) for error in it.errors],
        )


async def bad_event(told: Arguments) -> None:
    async with conversation(told) as it:
        wrong: Any = {"type": "conversation.item.retrieve", "other_data": {"item_id": "no_such_item"}}
        await it.session.model.send_event(RealtimeModelSendRawMessage(message=wrong))
        # The SDK itself refuses to send what it does not know: past it, on its socket.
        await it.session.model._websocket.send(json.dumps({"type": "visavis.no_such_event"}))
        await it.session.model._websocket.send("{this is not JSON")
        await until(lambda: len(it.errors) >= 3, "errors")
        errors = [[error.type, error.code, error.event_id] for error in it.errors]
        await it.session.send_message("Hello.")
        await it.next("response.done")
        report("bad_event", errors=errors, said=it.said())


asyncio.run(perform(typed=(tool, text, bad_event), spoken=(talk, barge_in)))
