"""What we send, field by field.

Server events are written with exactly the fields that were set: stock clients differ in what they make of a null
(zod refuses it in parts and items, pipecat demands it in `response.status_details`), so a field that is absent was
left unset and one that is null was set to None.
"""

import json
import secrets
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Json = dict[str, Any]


def new_id(prefix: str) -> str:
    """An unguessable id such as "item_8f…": `prefix`, an underscore and 96 random bits."""
    return f"{prefix}_{secrets.token_hex(12)}"


class ServerEvent(BaseModel):
    """Set fields are written, unset ones are not; `type` and `event_id` always are."""

    model_config = ConfigDict(frozen=True)

    def to_json(self) -> str:
        """The event as it goes out, with a fresh event_id."""
        body = self.model_dump(exclude_unset=True)
        return json.dumps({"event_id": new_id("event"), "type": NAMES[type(self)], **body}, ensure_ascii=False)


class Error(ServerEvent):
    error: Json


class SessionCreated(ServerEvent):
    session: Json


class SessionUpdated(ServerEvent):
    session: Json


class ConversationCreated(ServerEvent):
    conversation: Json


class ItemAdded(ServerEvent):
    previous_item_id: str | None
    item: Json


class ItemDone(ServerEvent):
    previous_item_id: str | None
    item: Json


class ItemRetrieved(ServerEvent):
    item: Json


class ItemDeleted(ServerEvent):
    item_id: str


class ItemTruncated(ServerEvent):
    item_id: str
    content_index: int
    audio_end_ms: int


class TranscriptionDelta(ServerEvent):
    item_id: str
    content_index: int
    delta: str = Field(repr=False)


class TranscriptionCompleted(ServerEvent):
    item_id: str
    content_index: int
    transcript: str = Field(repr=False)
    usage: Json


class TranscriptionFailed(ServerEvent):
    item_id: str
    content_index: int
    error: Json


class AudioCommitted(ServerEvent):
    item_id: str
    previous_item_id: str | None


class AudioCleared(ServerEvent):
    pass


class SpeechStarted(ServerEvent):
    item_id: str
    audio_start_ms: int


class SpeechStopped(ServerEvent):
    item_id: str
    audio_end_ms: int


class TimeoutTriggered(ServerEvent):
    item_id: str
    audio_start_ms: int
    audio_end_ms: int


class ResponseCreated(ServerEvent):
    response: Json


class ResponseDone(ServerEvent):
    response: Json


class OutputItemAdded(ServerEvent):
    response_id: str
    output_index: int
    item: Json


class OutputItemDone(ServerEvent):
    response_id: str
    output_index: int
    item: Json


class _OfPart(ServerEvent):
    response_id: str
    item_id: str
    output_index: int
    content_index: int


class PartAdded(_OfPart):
    part: Json


class PartDone(_OfPart):
    part: Json


class TextDelta(_OfPart):
    delta: str = Field(repr=False)


class TextDone(_OfPart):
    text: str = Field(repr=False)


class AudioDelta(_OfPart):
    delta: str = Field(repr=False)


class AudioDone(_OfPart):
    pass


class TranscriptDelta(_OfPart):
    delta: str = Field(repr=False)


class TranscriptDone(_OfPart):
    transcript: str = Field(repr=False)


class ArgumentsDelta(ServerEvent):
    response_id: str
    item_id: str
    output_index: int
    call_id: str
    delta: str


class ArgumentsDone(ServerEvent):
    response_id: str
    item_id: str
    output_index: int
    call_id: str
    name: str
    arguments: str


class FaceDelta(_OfPart):
    start_sample: int
    fps: int
    count: int
    data: str


class FaceDone(_OfPart):
    end_sample: int


ClientRole = Literal["player", "viewer"]


class VisavisSession(ServerEvent):
    session_id: str
    role: ClientRole
    authority: Literal["player", "pacer"]
    stage_rate: int
    stage_now: int
    voice: str
    language: str
    capabilities: Json
    resume_token: str = ""
    resume_within_s: float = 0.0


class ResumeToken(ServerEvent):
    resume_token: str
    resume_within_s: float


class Resumed(ServerEvent):
    items: list[Json] = Field(repr=False)
    heard: list[Json]


class State(ServerEvent):
    state: Literal["idle", "listening", "thinking", "speaking"]
    stage_sample: int


class StageFace(ServerEvent):
    start_sample: int
    fps: int
    count: int
    data: str
    stage_now: int


class Words(ServerEvent):
    response_id: str
    item_id: str
    content_index: int
    words: list[Json]


class Anchor(ServerEvent):
    item_id: str
    content_index: int
    stage_sample: int
    item_sample: int
    playing: bool


class Hold(ServerEvent):
    item_id: str
    content_index: int


class Resume(ServerEvent):
    item_id: str
    content_index: int


class Stop(ServerEvent):
    item_id: str
    content_index: int


class Partial(ServerEvent):
    item_id: str
    text: str = Field(repr=False)


class Cited(ServerEvent):
    response_id: str
    item_id: str
    title: str
    source: str
    passage: str = Field(repr=False)


class Timings(ServerEvent):
    response_id: str
    ms: dict[str, float]


class Debug(ServerEvent):
    stage_now: int
    state: str
    item: Json | None = Field(repr=False)
    turns: list[Json]
    interruption: Json | None


class Invited(ServerEvent):
    viewer_token: str
    path: str
    expires_in_s: int


class Authority(ServerEvent):
    authority: Literal["player", "pacer"]


class Notice(ServerEvent):
    code: str
    message: str


class MirrorBegan(ServerEvent):
    stage_rate: int
    stage_now: int
    fps: int
    lookahead_ms: int


class MirrorFrames(ServerEvent):
    start_sample: int
    fps: int
    count: int
    data: str
    heard_samples: int


NAMES: dict[type[ServerEvent], str] = {
    Error: "error",
    SessionCreated: "session.created",
    SessionUpdated: "session.updated",
    ConversationCreated: "conversation.created",
    ItemAdded: "conversation.item.added",
    ItemDone: "conversation.item.done",
    ItemRetrieved: "conversation.item.retrieved",
    ItemDeleted: "conversation.item.deleted",
    ItemTruncated: "conversation.item.truncated",
    TranscriptionDelta: "conversation.item.input_audio_transcription.delta",
    TranscriptionCompleted: "conversation.item.input_audio_transcription.completed",
    TranscriptionFailed: "conversation.item.input_audio_transcription.failed",
    AudioCommitted: "input_audio_buffer.committed",
    AudioCleared: "input_audio_buffer.cleared",
    SpeechStarted: "input_audio_buffer.speech_started",
    SpeechStopped: "input_audio_buffer.speech_stopped",
    TimeoutTriggered: "input_audio_buffer.timeout_triggered",
    ResponseCreated: "response.created",
    ResponseDone: "response.done",
    OutputItemAdded: "response.output_item.added",
    OutputItemDone: "response.output_item.done",
    PartAdded: "response.content_part.added",
    PartDone: "response.content_part.done",
    TextDelta: "response.output_text.delta",
    TextDone: "response.output_text.done",
    AudioDelta: "response.output_audio.delta",
    AudioDone: "response.output_audio.done",
    TranscriptDelta: "response.output_audio_transcript.delta",
    TranscriptDone: "response.output_audio_transcript.done",
    ArgumentsDelta: "response.function_call_arguments.delta",
    ArgumentsDone: "response.function_call_arguments.done",
    FaceDelta: "response.output_face.delta",
    FaceDone: "response.output_face.done",
    VisavisSession: "visavis.session",
    ResumeToken: "visavis.resume_token",
    Resumed: "visavis.resumed",
    State: "visavis.state",
    StageFace: "visavis.stage_face.delta",
    Words: "visavis.words",
    Anchor: "visavis.anchor",
    Hold: "visavis.hold",
    Resume: "visavis.resume",
    Stop: "visavis.stop",
    Partial: "visavis.partial",
    Cited: "visavis.citation",
    Timings: "visavis.timings",
    Debug: "visavis.debug",
    Invited: "visavis.invite",
    Authority: "visavis.authority",
    Notice: "visavis.notice",
    MirrorBegan: "visavis.mirror",
    MirrorFrames: "visavis.mirror_face.delta",
}
EXTENSION: frozenset[type[ServerEvent]] = frozenset(
    kind for kind, name in NAMES.items() if name.startswith("visavis.") or name.startswith("response.output_face.")
)
"""Events that only a client that asked for the face may see."""
