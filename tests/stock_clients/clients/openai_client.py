"""openai-python's own realtime connection. What is played and truncated is the application's part: this script's."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from common import BARGE_IN_AFTER, TOOL, TOOL_RESULT, Arguments, Loudspeaker, Microphone, perform, report, until
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection


class Application:
    """One conversation: it keeps what came, plays what sounds, and truncates where somebody speaks over it."""

    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.connection = connection
        self.loudspeaker = Loudspeaker()
        self.microphone = Microphone(self._send_sound)
        self.events: list[Any] = []
        self.item = ""
        self.cut = ""

    async def _send_sound(self, pcm: bytes) -> None:
        await self.connection.input_audio_buffer.append(audio=base64.b64encode(pcm).decode())

    async def read(self) -> None:
        async for event in self.connection:
            self.events.append(event)
            match event.type:
                case "response.output_audio.delta":
                    self.item = event.item_id
                    self.loudspeaker.play(self.item, base64.b64decode(event.delta))
                case "input_audio_buffer.speech_started" if self.replying:
                    self.loudspeaker.stop()
                    self.cut = self.item
                    await self.connection.conversation.item.truncate(
                        item_id=self.cut, content_index=0, audio_end_ms=int(self.loudspeaker.played(self.cut) * 1000)
                    )

    @property
    def replying(self) -> bool:
        """Whether a reply has begun and is not over: it may be silent for a moment."""
        begun = len(self.all("response.created"))
        return begun > 0 and (begun > len(self.all("response.done")) or not self.loudspeaker.silent)

    def all(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.type == kind]

    async def next(self, kind: str, count: int = 1) -> Any:
        await until(lambda: len(self.all(kind)) >= count, f"{kind} number {count}")
        return self.all(kind)[count - 1]

    def said(self, kind: str = "response.output_audio_transcript.delta") -> str:
        return "".join(event.delta for event in self.all(kind))

    async def ask(self, text: str) -> None:
        await self.connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        )
        await self.connection.response.create()


@asynccontextmanager
async def conversation(told: Arguments, **session: Any) -> AsyncIterator[Application]:
    client = AsyncOpenAI(api_key="unused", base_url=f"{told.url}/v1")
    async with client.realtime.connect(model="visavis") as connection:
        application = Application(connection)
        tasks = [asyncio.create_task(application.read()), asyncio.create_task(application.microphone.run())]
        try:
            await application.next("session.created")
            await connection.session.update(session={"type": "realtime", **session})  # type: ignore[typeddict-item]
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
        done = await it.next("response.done")
        await until(lambda: it.loudspeaker.silent, "end of the sound")
        report(
            "talk",
            heard=heard.transcript,
            said=it.said(),
            final=done.response.output[0].content[0].transcript,
            audio_s=it.loudspeaker.received(it.item),
            errors=[str(event.error) for event in it.all("error")],
        )


async def barge_in(told: Arguments) -> None:
    async with conversation(told) as it:
        it.microphone.say(told.question)
        await until(lambda: it.loudspeaker.played(it.item) > BARGE_IN_AFTER, "sound")
        began = it.loudspeaker.played(it.item)
        it.microphone.say(told.interruption)
        truncated = await it.next("conversation.item.truncated")
        gaps = it.loudspeaker.gaps
        await it.connection.conversation.item.retrieve(item_id=it.cut)
        remembered = await it.next("conversation.item.retrieved")
        heard = await it.next(TRANSCRIBED, 2)
        await it.next("response.output_audio.delta", len(it.all("response.output_audio.delta")) + 1)
        report(
            "barge_in",
            began_s=began,
            played_s=it.loudspeaker.played(it.cut),
            gaps_s=gaps,
            truncated_s=truncated.audio_end_ms / 1000,
            remembered=remembered.item.content[0].transcript,
            status=it.all("response.done")[0].response.status,
            heard=heard.transcript,
            said_next=it.all("response.output_audio_transcript.delta")[-1].delta,
            errors=[str(event.error) for event in it.all("error")],
        )


async def tool(told: Arguments) -> None:
    async with conversation(told, tools=[{"type": "function", **TOOL}], tool_choice="auto") as it:
        await it.ask("Where is the whale?")
        call = await it.next("response.function_call_arguments.done")
        await it.next("response.done")
        await it.connection.conversation.item.create(
            item={"type": "function_call_output", "call_id": call.call_id, "output": TOOL_RESULT}
        )
        await it.connection.response.create()
        await it.next("response.done", 2)
        called = {"name": call.name, "arguments": json.loads(call.arguments)}
        errors = [str(event.error) for event in it.all("error")]
        report("tool", called=called, said=it.said(), audio_s=it.loudspeaker.received(it.item), errors=errors)


async def text(told: Arguments) -> None:
    async with conversation(told, output_modalities=["text"]) as it:
        await it.ask("When are you open?")
        done = await it.next("response.done")
        report(
            "text",
            said=it.said("response.output_text.delta"),
            final=done.response.output[0].content[0].text,
            audio=len(it.all("response.output_audio.delta")),
            errors=[str(event.error) for event in it.all("error")],
        )


async def bad_event(told: Arguments) -> None:
    async with conversation(told) as it:
        await it.connection.send({"type": "visavis.no_such_event", "event_id": "bad_1"})  # type: ignore[arg-type]
        await it.connection.send({"type": "conversation.item.retrieve", "event_id": "bad_2"})  # type: ignore[typeddict-item]
        await it.connection._connection.send("{this is not JSON")
        await it.next("error", 3)
        errors = [[event.error.type, event.error.code, event.error.event_id] for event in it.all("error")]
        await it.ask("Hello.")
        await it.next("response.done")
        report("bad_event", errors=errors, said=it.said())


asyncio.run(perform(typed=(tool, text, bad_event), spoken=(talk, barge_in)))
