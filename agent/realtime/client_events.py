"""What a client may send, read defensively. A message that cannot be honoured becomes a typed error."""

import base64
import binascii
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from agent.realtime.server_events import Error
from agent.realtime.session_config import (
    Format,
    MaxTokens,
    Modalities,
    Part,
    SessionUpdate,
    ToolChoice,
    Tools,
    VoiceName,
)

MAX_AUDIO_BYTES = 15 * 1024 * 1024
"""The protocol's bound on one appended piece of audio, base64-decoded."""
MAX_TEXT = 100_000
Id = Annotated[str, Field(max_length=512)]


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


class InputGap(ClientEvent):
    """Sound of the microphone that was dropped because the connection did not keep up: it counts as silence."""

    type: Literal["visavis.input_gap"]
    samples: int = Field(gt=0)
    """24 kHz samples."""


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
    type: Literal["message", "function_call", "function_call_output", "item_reference"] = "message"
    """A reference stands for an item of the conversation, in a response's input alone."""
    role: Literal["user", "assistant", "system"] | None = None
    content: tuple[ContentIn, ...] = Field(default=(), max_length=64)
    call_id: str | None = Field(default=None, max_length=256)
    name: str | None = Field(default=None, max_length=256)
    arguments: str | None = Field(default=None, max_length=MAX_TEXT, repr=False)
    output: str | None = Field(default=None, max_length=MAX_TEXT, repr=False)


class CreateItem(ClientEvent):
    type: Literal["conversation.item.create"]
    item: ItemIn
    previous_item_id: Id | None = None


class RetrieveItem(ClientEvent):
    type: Literal["conversation.item.retrieve"]
    item_id: Id


class DeleteItem(ClientEvent):
    type: Literal["conversation.item.delete"]
    item_id: Id


class TruncateItem(ClientEvent):
    type: Literal["conversation.item.truncate"]
    item_id: Id
    content_index: int = Field(ge=0)
    audio_end_ms: int = Field(ge=0)


class ResponseOutput(Part):
    format: Format | None = None
    voice: VoiceName | None = None


class ResponseAudio(Part):
    output: ResponseOutput = ResponseOutput()


Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], Field(max_length=16)
]


class ResponseIn(Part):
    """How one response differs from what the session says. What is null or absent is as in the session."""

    conversation: Literal["auto", "none"] = "auto"
    input: tuple[ItemIn, ...] | None = Field(default=None, max_length=256, repr=False)
    """What the prompt is made of instead of the conversation."""
    instructions: str | None = Field(default=None, max_length=200_000, repr=False)
    output_modalities: Modalities | None = None
    audio: ResponseAudio = ResponseAudio()
    max_output_tokens: MaxTokens | None = None
    metadata: Metadata | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None


class CreateResponse(ClientEvent):
    type: Literal["response.create"]
    response: ResponseIn = ResponseIn()

    @field_validator("response", mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return {} if value is None else value


class CancelResponse(ClientEvent):
    type: Literal["response.cancel"]
    response_id: Id | None = None


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


class Express(ClientEvent):
    """A gesture to make, or a feeling to have until the next one, now."""

    type: Literal["visavis.express"]
    expression: str = Field(max_length=64)


class Visitor(ClientEvent):
    """Where a camera sees the visitor's face, as the character sees it: + yaw to its left, + pitch up."""

    type: Literal["visavis.visitor"]
    seen: bool = True
    yaw: float = Field(default=0.0, ge=-1.0, le=1.0, allow_inf_nan=False)
    """Radians, as is `pitch`."""
    pitch: float = Field(default=0.0, ge=-1.0, le=1.0, allow_inf_nan=False)


class Invite(ClientEvent):
    type: Literal["visavis.invite"]


AnyClientEvent = (
    UpdateSession
    | AppendAudio
    | InputGap
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
    | Express
    | Visitor
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
        # Of a union's complaints the deepest is about the member that was meant.
        first = max(error.errors(include_url=False, include_input=False), key=lambda one: len(one["loc"]))
        if not first["loc"]:
            raise WireError(
                "invalid_value", "Unknown or missing event type.", param="type", event_id=event_id
            ) from error
        param = field_of(first["loc"][1:], data, missing=first["type"] == "missing")
        code = "missing_required_parameter" if first["type"] == "missing" else "invalid_value"
        raise WireError(
            code, f"{param}: {first['msg'].removeprefix('Value error, ')}.", param=param, event_id=event_id
        ) from error


def field_of(path: tuple[int | str, ...], data: object, *, missing: bool = False) -> str:
    """The field of `data` that pydantic's `path` leads to, such as "session.tools.0.name". The names of a union's
    members, which pydantic puts between, are left out. missing: the last step is what is not there."""
    found: list[str] = []
    for step in path[:-1] if missing else path:
        try:
            data = data[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            continue
        found.append(str(step))
    return ".".join([*found, str(path[-1])] if missing else found)
