"""livekit-plugins-openai in an AgentSession, without a room. It truncates, cancels and calls tools by itself."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from common import BARGE_IN_AFTER, RATE, TOOL, TOOL_RESULT, Arguments, Loudspeaker, Microphone, perform, report, until
from livekit import rtc
from livekit.agents import Agent, AgentSession, function_tool, utils
from livekit.agents.voice import io
from livekit.plugins import openai


class Ear(io.AudioInput):
    """What the microphone hears, for the session to take."""

    def __init__(self) -> None:
        super().__init__(label="microphone")
        self._frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()

    async def put(self, pcm: bytes) -> None:
        await self._frames.put(rtc.AudioFrame(pcm, RATE, 1, len(pcm) // 2))

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._frames.get()


class Mouth(io.AudioOutput):
    """A sink that plays each segment in real time and says what of it was played."""

    def __init__(self) -> None:
        capabilities = io.AudioOutputCapabilities(pause=False)
        super().__init__(label="loudspeaker", capabilities=capabilities, sample_rate=RATE)
        self.loudspeaker = Loudspeaker()
        self.finished: list[tuple[float, bool]] = []
        self._segments = 0
        self._open = False
        self._draining: asyncio.Task[None] | None = None

    @property
    def segment(self) -> str:
        return str(self._segments)

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if not self._open:
            self._open, self._segments = True, self._segments + 1
        self.loudspeaker.play(self.segment, bytes(frame.data))

    def flush(self) -> None:
        super().flush()
        if self._open and self._draining is None:
            self._draining = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        await until(lambda: self.loudspeaker.silent, "end of the segment")
        self._finish(interrupted=False)

    def clear_buffer(self) -> None:
        if self._open:
            if self._draining is not None:
                self._draining.cancel()
            self.loudspeaker.stop()
            self._finish(interrupted=True)

    def _finish(self, interrupted: bool) -> None:
        self._open, self._draining = False, None
        played = self.loudspeaker.played(self.segment)
        self.finished.append((played, interrupted))
        self.on_playback_finished(playback_position=played, interrupted=interrupted)


class Application:
    def __init__(self, told: Arguments, tools: list[Any], speaks: bool, **model: Any) -> None:
        realtime = openai.realtime.RealtimeModel(base_url=f"{told.url}/v1", api_key="unused", model="visavis", **model)
        self.session: AgentSession[None] = AgentSession(
            llm=realtime, vad=None, aec_warmup_duration=None, user_away_timeout=None
        )
        self.agent = Agent(instructions="Answer visitors.", tools=tools)
        self.ear, self.mouth = Ear(), Mouth()
        self.session.input.audio = self.ear
        if speaks:
            self.session.output.audio = self.mouth
        self.microphone = Microphone(self.ear.put)
        self.events: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.session.on("error", lambda event: self.errors.append(str(event.error)))

    @property
    def realtime(self) -> Any:
        return self.agent.realtime_llm_session

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    async def next(self, kind: str, count: int = 1) -> dict[str, Any]:
        await until(lambda: len(self.all(kind)) >= count, f"{kind} number {count}")
        return self.all(kind)[count - 1]

    def said(self, kind: str = "response.output_audio_transcript.delta") -> str:
        return "".join(event["delta"] for event in self.all(kind))

    def history(self) -> str:
        """What livekit itself believes that was said last."""
        spoken = [item for item in self.session.history.items if item.type == "message" and item.role == "assistant"]
        return spoken[-1].text_content or "" if spoken else ""


@asynccontextmanager
async def conversation(
    told: Arguments, *, tools: tuple[Any, ...] = (), speaks: bool = True, **model: Any
) -> AsyncIterator[Application]:
    async with utils.http_context.open():
        it = Application(told, list(tools), speaks, **model)
        await it.session.start(it.agent)
        it.realtime.on("openai_server_event_received", it.events.append)
        listening = asyncio.create_task(it.microphone.run())
        try:
            await it.next("session.updated")
            yield it
        finally:
            listening.cancel()
            await it.session.aclose()


TRANSCRIBED = "conversation.item.input_audio_transcription.completed"


async def talk(told: Arguments) -> None:
    async with conversation(told) as it:
        it.microphone.say(told.question)
        heard = await it.next(TRANSCRIBED)
        await it.next("response.done")
        await until(lambda: it.mouth.finished, "end of the sound")
        await until(it.history, "message in livekit's history")
        report(
            "talk",
            heard=heard["transcript"],
            said=it.said(),
            final=it.history().strip(),
            audio_s=it.mouth.loudspeaker.received("1"),
            errors=it.errors,
        )


async def barge_in(told: Arguments) -> None:
    async with conversation(told) as it:
        it.microphone.say(told.question)
        await until(lambda: it.mouth.loudspeaker.played("1") > BARGE_IN_AFTER, "sound")
        began = it.mouth.loudspeaker.played("1")
        it.microphone.say(told.interruption)
        truncated = await it.next("conversation.item.truncated")
        gaps = it.mouth.loudspeaker.gaps
        it.realtime.send_event({"type": "conversation.item.retrieve", "item_id": truncated["item_id"]})
        remembered = await it.next("conversation.item.retrieved")
        heard = await it.next(TRANSCRIBED, 2)
        await until(lambda: it.mouth.loudspeaker.played("2") > 0, "second reply")
        played, interrupted = it.mouth.finished[0]
        report(
            "barge_in",
            began_s=began,
            played_s=played,
            interrupted=interrupted,
            gaps_s=gaps,
            truncated_s=truncated["audio_end_ms"] / 1000,
            remembered=remembered["item"]["content"][0]["transcript"],
            status=it.all("response.done")[0]["response"]["status"],
            heard=heard["transcript"],
            said_next=it.all("response.output_audio_transcript.delta")[-1]["delta"],
            errors=it.errors,
        )


async def tool(told: Arguments) -> None:
    called: list[dict[str, Any]] = []

    @function_tool(name=TOOL["name"], description=TOOL["description"])
    async def look_up(exhibit: str) -> str:
        called.append({"name": TOOL["name"], "arguments": {"exhibit": exhibit}})
        return TOOL_RESULT

    async with conversation(told, tools=(look_up,)) as it:
        it.session.generate_reply(user_input="Where is the whale?")
        await it.next("response.done", 2)
        await until(lambda: it.mouth.finished, "end of the sound")
        report("tool", called=called[0], said=it.said(), audio_s=it.mouth.loudspeaker.received("1"), errors=it.errors)


async def text(told: Arguments) -> None:
    async with conversation(told, speaks=False, modalities=["text"]) as it:
        it.session.generate_reply(user_input="When are you open?")
        await it.next("response.done")
        await until(it.history, "message in livekit's history")
        report(
            "text",
            said=it.said("response.output_text.delta"),
            final=it.history().strip(),
            audio=len(it.all("response.output_audio.delta")),
            errors=it.errors,
        )


async def bad_event(told: Arguments) -> None:
    """livekit writes its own JSON: what is no JSON at all cannot be sent by it."""
    async with conversation(told) as it:
        it.realtime.send_event({"type": "visavis.no_such_event", "event_id": "bad_1"})
        it.realtime.send_event({"type": "conversation.item.retrieve", "event_id": "bad_2"})
        await it.next("error", 2)
        errors = [[e["error"]["type"], e["error"]["code"], e["error"].get("event_id")] for e in it.all("error")]
        it.session.generate_reply(user_input="Hello.")
        await it.next("response.done")
        report("bad_event", errors=errors, said=it.said())


logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
asyncio.run(perform(typed=(tool, text, bad_event), spoken=(talk, barge_in)))
