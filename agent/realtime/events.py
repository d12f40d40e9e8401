"""OpenAI Realtime GA events, typed: what a client may send, read defensively, and what we send, field by field.

Server events are written with exactly the fields that were set: stock clients differ in what they make of a null
(zod refuses it in parts and items, pipecat demands it in `response.status_details`), so a field that is absent was
left unset and one that is null was set to None.
"""

import base64
import binascii
import json
import secrets
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from agent.realtime.session_config import SessionUpdate

Json = dict[str, Any]

MAX_AUDIO_BYTES = 15 * 1024 * 1024
"""The protocol's bound on one appended piece of audio, base64-decoded."""
MAX_TEXT = 100_000


class WireError(Exception):
    """A client's message cannot be honoured. Becomes an `error` event; the connection lives."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        param: str | None = None,
        event_id: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.param, self.event_id, self.kind = code, message, param, event_id, kind

    def to_event(self) -> "Error":
        body = {"type": self.kind, "code": self.code, "message": self.message}
        known = {"param": self.param, "event_id": self.event_id}
        return Error(error=body | {key: value for key, value in known.items() if value is not None})


def new_id(prefix: str) -> str:
    """An unguessable id such as "item_8f…": `prefix`, an underscore and 96 random bits."""
    return f"{prefix}_{secrets.token_hex(12)}"


# ---------------------------------------------------------------------- what a client may send
class ClientEvent(BaseModel):
    """Unknown fields are let pass: clients run ahead of servers."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    event_id: str | None = Field(default=None, max_length=512)


class UpdateSession(ClientEvent):
    type: Literal["session.update"]
    session: SessionUpdate


class AppendAudio(ClientEvent):
    type: Literal["input_audio_buffer.append"]
    audio: bytes = Field(repr=False)

    @field_validator("audio", mode="before")
    @classmethod
    def _decode(cls, value: object) -> bytes:
        if not isinstance(value, str):
            raise ValueError("must be a base64 string")
        if len(value) > MAX_AUDIO_BYTES * 4 // 3 + 4:
            raise ValueError("must be at most 15 MiB")
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise ValueError("must be base64") from error


class CommitAudio(ClientEvent):
    type: Literal["input_audio_buffer.commit"]


class ClearAudio(ClientEvent):
    type: Literal["input_audio_buffer.clear"]


class ClearOutputAudio(ClientEvent):
    type: Literal["output_audio_buffer.clear"]


class ContentIn(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    type: Literal["input_text", "input_audio", "input_image", "output_text", "output_audio", "text", "audio"]
    text: str | None = Field(default=None, max_length=MAX_TEXT, repr=False)
    transcript: str | None = Field(default=None, max_length=MAX_TEXT, repr=False)
    audio: str | None = Field(default=None, repr=False)


class ItemIn(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    id: str | None = Field(default=None, min_length=1, max_length=64)
    type: Literal["message", "function_call", "function_call_output"] = "message"
    role: Literal["user", "assistant", "system"] | None = None
    content: tuple[ContentIn, ...] = Field(default=(), max_length=64)
    call_id: str | None = Field(default=None, max_length=256)
    name: str | None = Field(default=None, max_length=256)
    arguments: str | None = Field(default=None, max_length=MAX_TEXT, repr=False)
    output: str | None = Field(default=None, max_length=MAX_TEXT, repr=False)


class CreateItem(ClientEvent):
    type: Literal["conversation.item.create"]
    item: ItemIn
    previous_item_id: str | None = None


class RetrieveItem(ClientEvent):
    type: Literal["conversation.item.retrieve"]
    item_id: str


class DeleteItem(ClientEvent):
    type: Literal["conversation.item.delete"]
    item_id: str


class TruncateItem(ClientEvent):
    type: Literal["conversation.item.truncate"]
    item_id: str
    content_index: int = 0
    audio_end_ms: int = Field(ge=0)


class ResponseIn(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    conversation: Literal["auto", "none"] = "auto"
    instructions: str | None = Field(default=None, max_length=MAX_TEXT, repr=False)
    output_modalities: list[Literal["text", "audio"]] | None = None
    max_output_tokens: int | Literal["inf"] | None = None
    metadata: dict[str, str] | None = None
    tools: list[Json] | None = Field(default=None, max_length=128)
    tool_choice: str | Json | None = None
    input: list[Json] | None = Field(default=None, max_length=256, repr=False)


class CreateResponse(ClientEvent):
    type: Literal["response.create"]
    response: ResponseIn = ResponseIn()


class CancelResponse(ClientEvent):
    type: Literal["response.cancel"]
    response_id: str | None = None


class Playout(ClientEvent):
    """Where the client's loudspeaker is, in 24 kHz samples of the item's audio."""

    type: Literal["visavis.playout"]
    item_id: str = Field(max_length=64)
    content_index: int = 0
    heard_samples: int = Field(ge=0)
    buffered_samples: int = Field(default=0, ge=0)
    output_latency_ms: float = Field(default=0, ge=0, le=10_000)
    playing: bool


class Greet(ClientEvent):
    type: Literal["visavis.greet"]


class Invite(ClientEvent):
    type: Literal["visavis.invite"]


AnyClientEvent = (
    UpdateSession
    | AppendAudio
    | CommitAudio
    | ClearAudio
    | ClearOutputAudio
    | CreateItem
    | RetrieveItem
    | DeleteItem
    | TruncateItem
    | CreateResponse
    | CancelResponse
    | Playout
    | Greet
    | Invite
)
_CLIENT = TypeAdapter[AnyClientEvent](Annotated[AnyClientEvent, Field(discriminator="type")])


def parse(raw: str | bytes) -> AnyClientEvent:
    """Read one message of a client. Raises WireError naming the field that is wrong."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise WireError("invalid_json", "The message is not valid JSON.") from error
    if not isinstance(data, dict):
        raise WireError("invalid_json", "The message must be a JSON object.")
    event_id = data.get("event_id") if isinstance(data.get("event_id"), str) else None
    try:
        return _CLIENT.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if not first["loc"]:
            raise WireError(
                "invalid_value", "Unknown or missing event type.", param="type", event_id=event_id
            ) from error
        path = [str(part) for part in first["loc"] if part != data.get("type")]
        param = ".".join(path)
        code = "missing_required_parameter" if first["type"] == "missing" else "invalid_value"
        raise WireError(code, f"{param}: {first['msg']}.", param=param, event_id=event_id) from error


# ---------------------------------------------------------------------- what we send
class ServerEvent(BaseModel):
    """Set fields are written, unset ones are not; `type` and `event_id` always are."""

    model_config = ConfigDict(frozen=True)

    def to_json(self) -> str:
        """The event as it goes out, with a fresh event_id."""
        body = self.model_dump(exclude_unset=True)
        return json.dumps({"event_id": new_id("event"), "type": _NAMES[type(self)], **body}, ensure_ascii=False)


class Error(ServerEvent):
    error: Json


class SessionCreated(ServerEvent):
    session: Json


class SessionUpdated(ServerEvent):
    session: Json


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


class Invited(ServerEvent):
    viewer_token: str
    path: str
    expires_in_s: int


class Authority(ServerEvent):
    authority: Literal["player", "pacer"]


class Notice(ServerEvent):
    code: str
    message: str


_NAMES: dict[type[ServerEvent], str] = {
    Error: "error",
    SessionCreated: "session.created",
    SessionUpdated: "session.updated",
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
}
EXTENSION: frozenset[type[ServerEvent]] = frozenset(
    kind for kind, name in _NAMES.items() if name.startswith("visavis.") or name.startswith("response.output_face.")
)
"""Events that only a client that asked for the face may see."""
