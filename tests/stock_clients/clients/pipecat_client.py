"""Pipecat's OpenAIRealtimeLLMService in a pipeline. It tracks what was played, truncates and calls tools by itself."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from common import BARGE_IN_AFTER, RATE, TOOL, TOOL_RESULT, Arguments, Microphone, perform, report, until
from loguru import logger
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMRunFrame,
    LLMTextFrame,
    OutputAudioRawFrame,
    StartFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.observers.base_observer import BaseObserver, FramePushed
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.llm_service import FunctionCallParams
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

UNDERRUN_S = 0.1


class Speaker(BaseOutputTransport):
    """An output transport that takes sound as fast as a loudspeaker plays it."""

    def __init__(self) -> None:
        super().__init__(TransportParams(audio_out_enabled=True, audio_out_10ms_chunks=2))
        self.played = 0.0
        self.gaps = 0.0
        self._free = 0.0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        seconds = len(frame.audio) / 2 / RATE
        now = time.monotonic()
        # A device has a buffer: a chunk that comes a little late is no gap.
        if now - self._free > UNDERRUN_S:
            self.gaps += now - self._free if self._free else 0.0
            self._free = now
        self._free += seconds
        await asyncio.sleep(max(0.0, self._free - time.monotonic()))
        self.played += seconds
        return True


class Notes(BaseObserver):
    """What the service pushed into the pipeline, and interruptions."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []

    async def on_push_frame(self, data: FramePushed) -> None:
        if isinstance(data.source, OpenAIRealtimeLLMService) or isinstance(data.frame, InterruptionFrame):
            self.frames.append(data.frame)

    def all(self, kind: type[Frame]) -> list[Any]:
        return [frame for frame in self.frames if isinstance(frame, kind)]


class Application:
    def __init__(self, told: Arguments, context: LLMContext, **session: Any) -> None:
        settings = OpenAIRealtimeLLMService.Settings(
            model="visavis", session_properties=events.SessionProperties(**session)
        )
        self.llm = OpenAIRealtimeLLMService(
            api_key="unused", base_url=f"{told.websocket}/v1/realtime", settings=settings
        )
        self.speaker = Speaker()
        self.notes = Notes()
        self.items: list[Any] = []
        self.sent: list[Any] = []
        self._note_what_is_sent()
        self.llm.event_handler("on_conversation_item_created")(self._item)
        pair = LLMContextAggregatorPair(context)
        self.worker = PipelineWorker(
            Pipeline([pair.user(), self.llm, self.speaker, pair.assistant()]),
            params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
            observers=[self.notes],
            idle_timeout_secs=None,
        )
        self.microphone = Microphone(lambda pcm: self.worker.queue_frame(InputAudioRawFrame(pcm, RATE, 1)))

    def _note_what_is_sent(self) -> None:
        send = self.llm.send_client_event

        async def noting(event: Any) -> None:
            self.sent.append(event)
            await send(event)

        self.llm.send_client_event = noting

    async def _item(self, service: Any, item_id: str, item: Any) -> None:
        self.items.append(item)

    def heard(self) -> list[str]:
        return [frame.text for frame in self.notes.all(TranscriptionFrame)]

    def said(self) -> list[str]:
        return [frame.text for frame in self.notes.all(TTSTextFrame)]

    def received(self) -> float:
        return sum(len(frame.audio) / 2 / RATE for frame in self.notes.all(TTSAudioRawFrame))

    def errors(self) -> list[str]:
        return [frame.error for frame in self.notes.all(ErrorFrame)]

    def done(self) -> int:
        """Responses that have ended: the service itself notes whether one is under way."""
        return sum(item.role == "assistant" for item in self.items) if not self.llm._response_active else 0


@asynccontextmanager
async def conversation(
    told: Arguments, *, ask: str = "", tools: tuple[FunctionSchema, ...] = (), **session: Any
) -> AsyncIterator[Application]:
    context = LLMContext([{"role": "user", "content": ask}] if ask else [], ToolsSchema(list(tools)))
    it = Application(told, context, **session)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(it.worker)
    running = asyncio.create_task(runner.run())
    await until(lambda: it.llm._api_session_ready, "session.updated")
    listening = asyncio.create_task(it.microphone.run())
    try:
        yield it
    finally:
        listening.cancel()
        await it.worker.cancel()
        await running


async def talk(told: Arguments) -> None:
    async with conversation(told) as it:
        it.microphone.say(told.question)
        await until(it.done, "end of a response")
        await until(lambda: it.speaker.played > it.received() - 0.05, "end of the sound")
        spoken = next(item for item in it.items if item.role == "assistant")
        final = await it.llm.retrieve_conversation_item(spoken.id)
        report(
            "talk",
            heard=it.heard()[0],
            said="".join(it.said()),
            final=final.content[0].transcript,
            audio_s=it.received(),
            errors=it.errors(),
        )


async def barge_in(told: Arguments) -> None:
    async with conversation(told) as it:
        it.microphone.say(told.question)
        await until(lambda: it.speaker.played > BARGE_IN_AFTER, "sound")
        spoken = next(item for item in it.items if item.role == "assistant")
        before = len(it.notes.all(InterruptionFrame))  # the question interrupted, too: nothing
        began = it.speaker.played
        it.microphone.say(told.interruption)
        await until(lambda: len(it.notes.all(InterruptionFrame)) > before, "interruption")
        await asyncio.sleep(0.1)  # the output transport drops what it has, and what it writes ends
        played, gaps = it.speaker.played, it.speaker.gaps
        await until(lambda: len(it.heard()) >= 2, "second transcription")
        await until(lambda: it.speaker.played > played, "second reply")
        truncates = [event for event in it.sent if event.type == "conversation.item.truncate"]
        remembered = await it.llm.retrieve_conversation_item(spoken.id)
        report(
            "barge_in",
            began_s=began,
            played_s=played,
            gaps_s=gaps,
            truncated_s=truncates[0].audio_end_ms / 1000,
            truncates=len(truncates),
            remembered=remembered.content[0].transcript,
            status={"incomplete": "cancelled"}.get(remembered.status),
            heard=it.heard()[1],
            said_next=it.said()[-1],
            errors=it.errors(),
        )


async def tool(told: Arguments) -> None:
    called: list[dict[str, Any]] = []

    async def look_up(call: FunctionCallParams) -> None:
        called.append({"name": call.function_name, "arguments": dict(call.arguments)})
        await call.result_callback(TOOL_RESULT)

    parameters = TOOL["parameters"]
    schema = FunctionSchema(TOOL["name"], TOOL["description"], parameters["properties"], parameters["required"])
    async with conversation(told, ask="Where is the whale?", tools=(schema,)) as it:
        it.llm.register_function(TOOL["name"], look_up)
        await it.worker.queue_frame(LLMRunFrame())
        await until(it.done, "end of a response that speaks")
        # Pipecat sends results as JSON: the quotes are its own.
        said = "".join(it.said()).replace('"', "")
        report("tool", called=called[0], said=said, audio_s=it.received(), errors=it.errors())


async def text(told: Arguments) -> None:
    async with conversation(told, ask="When are you open?", output_modalities=["text"]) as it:
        await it.worker.queue_frame(LLMRunFrame())
        await until(it.done, "end of a response")
        spoken = next(item for item in it.items if item.role == "assistant")
        final = await it.llm.retrieve_conversation_item(spoken.id)
        report(
            "text",
            said="".join(frame.text for frame in it.notes.all(LLMTextFrame)),
            final=final.content[0].text,
            audio=len(it.notes.all(TTSAudioRawFrame)),
            errors=it.errors(),
        )


async def bad_event(told: Arguments) -> None:
    """Pipecat takes an error for the end of the connection, but for those that it knows: these are those."""
    async with conversation(told, ask="Hello.") as it:
        refused = []
        try:
            await asyncio.wait_for(it.llm.retrieve_conversation_item("no_such_item"), 5)
        except Exception as error:
            refused.append(["invalid_request_error", str(error), None])
        await it.llm.send_client_event(events.ResponseCancelEvent())
        await it.worker.queue_frame(LLMRunFrame())
        await until(it.said, "words")
        await it.llm.send_client_event(events.ResponseCreateEvent())
        await until(it.done, "end of a response")
        report("bad_event", errors=refused, said="".join(it.said()), fatal=it.errors())


logger.remove()
logger.add(sys.stderr, level="WARNING")
asyncio.run(perform(typed=(tool, text, bad_event), spoken=(talk, barge_in)))
