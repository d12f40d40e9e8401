"""The session object of OpenAI Realtime GA: what a client may set, and how an update is merged into what is set."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from avatar.behaviour import Style

_MEANS_SOMETHING = {
    "turn_detection", "idle_timeout_ms", "noise_reduction", "transcription", "tracing", "prompt", "include",
    "reasoning",
}  # fmt: skip
"""Fields that null switches off. Any other that is null was left out: the official types allow null everywhere."""


MAX_NAME = 256


class Part(BaseModel):
    """Unknown fields are let pass and kept out: clients run ahead of servers."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None or key in _MEANS_SOMETHING}


class PcmFormat(Part):
    type: Literal["audio/pcm"] = "audio/pcm"
    rate: Literal[24000] = 24000


class UlawFormat(Part):
    type: Literal["audio/pcmu"]


class AlawFormat(Part):
    type: Literal["audio/pcma"]


Format = Annotated[PcmFormat | UlawFormat | AlawFormat, Field(discriminator="type")]


class ServerVad(Part):
    type: Literal["server_vad"] = "server_vad"
    threshold: float = Field(default=0.5, ge=0, le=1)
    prefix_padding_ms: int = Field(default=300, ge=0, le=10_000)
    silence_duration_ms: int = Field(default=500, ge=0, le=60_000)
    idle_timeout_ms: int | None = Field(default=None, ge=1000, le=600_000)
    create_response: bool = True
    interrupt_response: bool = True


class SemanticVad(Part):
    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


TurnDetection = Annotated[ServerVad | SemanticVad, Field(discriminator="type")]


class Transcription(Part):
    model: str | None = Field(default=None, max_length=256)
    language: str | None = Field(default=None, max_length=35)
    prompt: str | None = Field(default=None, max_length=10_000, repr=False)
    languages: list[str] | None = Field(default=None, max_length=64)
    keywords: list[str] | None = Field(default=None, max_length=1000, repr=False)
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class NoiseReduction(Part):
    type: Literal["near_field", "far_field"] | None = None


class InputAudio(Part):
    format: Format = PcmFormat()
    noise_reduction: NoiseReduction | None = None
    transcription: Transcription | None = Transcription()
    """None: no transcription events. Unlike OpenAI's it is on until switched off."""
    turn_detection: TurnDetection | None = SemanticVad(type="semantic_vad")


def _voice_name(value: object) -> object:
    """A custom voice is given as {"id": …}."""
    return value["id"] if isinstance(value, dict) and isinstance(value.get("id"), str) else value


VoiceName = Annotated[str, BeforeValidator(_voice_name), Field(max_length=256)]


def _check_tool(tool: dict[str, Any]) -> dict[str, Any]:
    tool = {key: value for key, value in tool.items() if value is not None}
    if tool.setdefault("type", "function") != "function":
        raise ValueError("only tools of type 'function' can be called from here")
    name = tool.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        raise ValueError("a function needs a name")
    if not isinstance(tool.get("description", ""), str):
        raise ValueError("the description of a function is a text")
    if not isinstance(tool.get("parameters", {}), dict):
        raise ValueError("the parameters of a function are a JSON schema, an object")
    return tool


Tool = Annotated[dict[str, Any], AfterValidator(_check_tool)]
Tools = Annotated[list[Tool], Field(max_length=128)]


def _check_choice(choice: str | dict[str, Any]) -> str | dict[str, Any]:
    if isinstance(choice, str):
        if choice not in ("auto", "none", "required"):
            raise ValueError("must be auto, none, required or a function")
    elif choice.get("type") != "function" or not isinstance(choice.get("name"), str):
        raise ValueError("must name a function: {'type': 'function', 'name': …}")
    return choice


ToolChoice = Annotated[str | dict[str, Any], AfterValidator(_check_choice)]
MaxTokens = Annotated[int, Field(ge=1)] | Literal["inf"]
Modalities = Annotated[list[Literal["text", "audio"]], Field(min_length=1, max_length=2)]


class TokenLimits(Part):
    post_instructions: int | None = Field(default=None, ge=1)


class RetentionRatio(Part):
    """When the conversation outgrows its limit, the oldest goes until this share of the limit is left."""

    type: Literal["retention_ratio"]
    retention_ratio: float = Field(ge=0, le=1)
    token_limits: TokenLimits | None = None


Truncation = Literal["auto", "disabled"] | RetentionRatio


class OutputAudio(Part):
    format: Format = PcmFormat()
    voice: VoiceName = ""
    speed: float = Field(default=1.0, ge=0.25, le=4.0)


class Audio(Part):
    input: InputAudio = InputAudio()
    output: OutputAudio = OutputAudio()


class AvatarRequest(Part):
    """What makes a client one of ours: it wants the face and the events around it."""

    format: Literal["arkit52"] = "arkit52"
    fps: Literal[60] = 60
    debug: bool = False
    """Whether it wants `visavis.debug`; for a connection that was opened with ?debug, which only the owner may."""
    patience: float | None = Field(default=None, ge=0.5, le=4)
    """How much longer than usual unfinished words are waited for; None leaves it."""
    liveliness: float | None = Field(default=None, ge=0, le=1)
    """From calm to lively; None leaves it."""
    reduced_motion: bool | None = None
    """Whether the head is to keep nearly still; None leaves it."""

    def styled(self, style: Style) -> Style:
        """`style` with what is asked for here."""
        return Style(
            style.liveliness if self.liveliness is None else self.liveliness,
            style.reduced_motion if self.reduced_motion is None else self.reduced_motion,
        )


class Tracing(Part):
    workflow_name: str | None = Field(default=None, max_length=1000)
    group_id: str | None = Field(default=None, max_length=1000)
    metadata: dict[str, Any] | None = None


class PromptTemplate(Part):
    id: str = Field(max_length=256)
    version: str | None = Field(default=None, max_length=256)
    variables: dict[str, str | dict[str, Any]] | None = Field(default=None, repr=False)


class Reasoning(Part):
    effort: str | None = Field(default=None, max_length=32)


class SessionConfig(Part):
    """A session as it is set now."""

    type: Literal["realtime"] = "realtime"
    model: str = Field(default="visavis", max_length=256)
    instructions: str = Field(default="", max_length=200_000, repr=False)
    output_modalities: Modalities = ["audio"]
    audio: Audio = Audio()
    tools: Tools = []
    tool_choice: ToolChoice = "auto"
    max_output_tokens: MaxTokens = "inf"
    truncation: Truncation = "auto"
    tracing: Literal["auto"] | Tracing | None = None
    prompt: PromptTemplate | None = None
    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = Field(default=None, max_length=8)
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None

    def merged(self, update: "SessionUpdate") -> "SessionConfig":
        """This session with `update`'s fields over it, part by part; `turn_detection`, `format` and lists are
        replaced whole. Raises pydantic.ValidationError."""
        base = self.model_dump()
        _merge(base, update.model_dump(exclude_unset=True, exclude={"avatar"}))
        return SessionConfig.model_validate(base)


_WHOLE = {
    "turn_detection", "format", "tools", "tool_choice", "transcription", "truncation", "tracing", "prompt", "reasoning",
}  # fmt: skip


def _merge(base: dict[str, Any], update: dict[str, Any]) -> None:
    for key, value in update.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict) and key not in _WHOLE:
            _merge(base[key], value)
        else:
            base[key] = value


class SessionUpdate(SessionConfig):
    """The `session` of a `session.update`: any part of a session, and the wish for a face."""

    avatar: AvatarRequest | None = None
