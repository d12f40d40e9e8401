"""What the owner may choose, and what it is unless they do. config_sources.py reads it."""

import ipaddress
import json
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

ENV_PREFIX = "VISAVIS_"
MIN_TOKEN = 16


class ConfigError(ValueError):
    """A setting is wrong; the message names where it came from, its key and what it may be, in one line."""


def _split(value: object) -> object:
    """A list may be given as "a, b" where only text can be had: the environment."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _scalar(value: object) -> object:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("must be a string, a number, true or false")
    if isinstance(value, str):  # the environment and the command line have only text
        with suppress(ValueError):
            read = json.loads(value)
            return read if isinstance(read, bool | int | float) else value
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Option = Annotated[bool | int | float | str, BeforeValidator(_scalar)]


class Section(BaseModel):
    """One table of `visavis.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(Section):
    """Where the server listens and who may come in."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    """0 takes any free port."""
    allowed_hosts: Names = ()
    """Names beside the loopback ones by which a browser may address the server."""
    allowed_origins: Names = ()
    """Origins beside the server's own from which a page may connect, such as "https://example.org"."""
    token: SecretStr = SecretStr("")
    """Mandatory when `host` is not loopback. Also VISAVIS_TOKEN."""
    tls: bool = False
    """Serve HTTPS: with the certificate below, else with a self-signed one."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return _is_loopback(self.host)

    @model_validator(mode="after")
    def _complete(self) -> "Server":
        if not self.is_loopback and not self.token.get_secret_value():
            raise ValueError(
                f"host {self.host} is open to others and needs a token: set one and start again, for example "
                f"export VISAVIS_TOKEN={secrets.token_urlsafe(24)}"
            )
        if not self.is_loopback and len(self.token.get_secret_value()) < MIN_TOKEN:
            raise PydanticCustomError(
                "short_token",
                "it must have at least {least} characters where others can connect",
                {"least": MIN_TOKEN, "key": "token"},
            )
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key must be given together")
        return self


class Limits(Section):
    """The bounds of what one client, and all of them together, may cost."""

    sessions: int = Field(default=16, ge=1)
    """Conversations at once."""
    followers: int = Field(default=8, ge=0)
    """Read-only viewers of one conversation."""
    message_bytes: int = Field(default=21 * 2**20, ge=2**16)
    """One websocket message: 15 MiB of sound in base64 and its envelope."""
    input_seconds: float = Field(default=300.0, gt=0)
    """Sound waiting to be heard, beyond which a client gets a typed error."""
    text_chars: int = Field(default=20_000, ge=100)
    """One typed message, or the instructions."""
    send_seconds: float = Field(default=5.0, gt=0)
    """How long a socket may refuse what it is sent before it counts as dead."""
    resume_seconds: float = Field(default=30.0, ge=0, le=3600)
    """How long a client of ours that lost its connection may come back; its conversation counts meanwhile. 0: never."""
    file_bytes: int = Field(default=200_000_000, ge=2**10)
    """An audio file given on the command line."""
    file_seconds: float = Field(default=600.0, gt=0)
    """Sound in an audio file given on the command line."""


def _address(value: str) -> str:
    """The address of an API, without what every call adds to it. An empty one is not set."""
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise ValueError("must be an address such as http://127.0.0.1:11434/v1")
    if parts.username or parts.password:
        raise ValueError("must not hold a password: give it as api_key")
    for path in ("/chat/completions", "/audio/speech", "/models"):
        if parts.path.rstrip("/").endswith(path):
            raise ValueError(f"must end before {path}")
    return value.rstrip("/")


def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("names one twice")
    return names


def _grounded_last(names: tuple[str, ...]) -> tuple[str, ...]:
    if "grounded" in names[:-1]:
        raise ValueError("grounded always answers, so it must be the last")
    return names


class RemoteServer(Section):
    """A server on OpenAI's HTTP API, in this house or elsewhere."""

    base_url: Annotated[str, AfterValidator(_address)] = ""
    """Such as "http://127.0.0.1:11434/v1". What visitors say goes there; so there is no default."""
    api_key: SecretStr = SecretStr("")
    """Where it wants one. For OpenAI's own address, OPENAI_API_KEY too."""
    model: str = ""
    connect_seconds: float = Field(default=3.0, gt=0, le=60)
    first_seconds: float = Field(default=20.0, gt=0, le=600)
    """From the call to the first of the answer that can be said, all attempts together."""
    idle_seconds: float = Field(default=10.0, gt=0, le=600)
    """Within an answer, from one piece to the next."""
    load_seconds: float = Field(default=120.0, gt=0, le=3600)
    """At the start it may take so long to load its model."""
    retries: int = Field(default=2, ge=0, le=10)
    """Attempts after the first, as long as nothing of the answer has come."""
    retry_seconds: float = Field(default=0.25, ge=0, le=10)
    """Wait before the first of them; before each later one twice as long."""

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine."""
        return _is_loopback(urlsplit(self.base_url).hostname or "")


class ChatServer(RemoteServer):
    """What answers where `engines.llm` names "openai"."""

    knowledge: bool = True
    """Whether passages of the documents that fit the question are put before it."""
    input_tokens: int = Field(default=8000, ge=1000, le=10_000_000)
    """Tokens of a prompt, by our estimate; stay a quarter below what the server's context holds."""
    warm_up: bool = True
    """Whether the model is loaded, and the key tried, by a first short question when the server starts."""
    body: dict[str, Any] = {}
    """What else each request has, such as temperature = 0.6."""

    @model_validator(mode="after")
    def _ours(self) -> "ChatServer":
        ours = {"messages", "model", "stream", "tools", "tool_choice", "n"} & set(self.body)
        if ours:
            raise ValueError(f"body cannot set {min(ours)}")
        return self


def _voice(value: str) -> str:
    if not re.fullmatch(r"[^:,\s][^:,]{0,99}(:[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*(:(female|male|neutral))?)?", value):
        raise ValueError("must be name:language:gender, such as af_heart:en-US:female")
    return value


class SpeechServer(RemoteServer):
    """What speaks where `engines.tts` names "openai_speech"."""

    first_seconds: float = Field(default=5.0, gt=0, le=600)
    """From the call to the first sound, all attempts together."""
    voices: Annotated[
        tuple[Annotated[str, AfterValidator(_voice)], ...], BeforeValidator(_split), AfterValidator(_unique)
    ] = ("alloy:en", "alloy:zh")
    """Its voices, each as name:language:gender; the first of a language is its default."""
    response_format: Literal["auto", "pcm", "wav"] = "auto"
    """auto: bare samples, and WAV where the server knows none."""
    rate: int = Field(default=24_000, ge=8000, le=96_000)
    """Of bare samples; a WAV says its own."""
    body: dict[str, Any] = {}
    """What else each request has."""

    @model_validator(mode="after")
    def _ours(self) -> "SpeechServer":
        ours = {"input", "voice", "model", "response_format", "speed"} & set(self.body)
        if ours:
            raise ValueError(f"body cannot set {min(ours)}")
        return self


Options = dict[str, Option]


class EngineOptions(Section):
    """Each engine's own options, by its name."""

    silero: Options = {}
    pocketsphinx: Options = {}
    grounded: Options = {}
    openai: ChatServer = ChatServer()
    openai_speech: SpeechServer = SpeechServer()
    flite: Options = {}
    espeak: Options = {}


class Engines(Section):
    """Which engine does what. `visavis doctor` lists what each needs."""

    vad: Literal["silero"] = "silero"
    asr: Literal["pocketsphinx"] = "pocketsphinx"
    llm: Annotated[
        tuple[Literal["grounded", "openai"], ...],
        BeforeValidator(_split),
        AfterValidator(_unique),
        AfterValidator(_grounded_last),
        Field(min_length=1),
    ] = ("grounded",)
    """One, or several: where one fails before it has said anything, the next answers."""
    tts: Literal["auto", "flite", "espeak", "openai_speech"] = "auto"
    """auto: flite for English where it is installed, else espeak-ng. These also stand in for any other that fails."""
    options: EngineOptions = EngineOptions()
    """[engines.options.pocketsphinx] streams = 4."""


class Voice(Section):
    """How the person sounds."""

    name: str = "auto"
    """A voice's id as `visavis say --list-voices` gives it, or "auto" for the language's best."""
    speed: float = Field(default=1.0, ge=0.25, le=1.5)


class Knowledge(Section):
    """What the grounded answers come from."""

    folder: Path | None = None
    """Markdown and text files; without one the built-in pack."""
    file_bytes: int = Field(default=4 * 2**20, ge=1)
    files: int = Field(default=2000, ge=1)


class Avatar(Section):
    """What the person looks like."""

    head: str = Field(default="auto", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """A head's name in models/heads, or "auto"."""
    liveliness: float = Field(default=0.5, ge=0, le=1)
    """From calm (0) to lively (1): how much the head and the face move."""
    behaviour: Path | None = None
    """Your own table of moods, feelings and gestures: what it has replaces, or is added to, what
    avatar/behaviour/repertoire.toml has."""


class TurnDetection(Section):
    """When the visitor's turn ends, unless the client says otherwise. Names and meanings are OpenAI Realtime's."""

    threshold: float = Field(default=0.5, gt=0, lt=1)
    prefix_padding_ms: int = Field(default=300, ge=0, le=5000)
    silence_duration_ms: int = Field(default=160, ge=32, le=10_000)
    """Silence after a finished question. What sounds unfinished is waited for longer, up to four seconds."""
    patience: float = Field(default=1.0, ge=0.5, le=4)
    """Multiplies those waits: 2 for somebody who speaks slowly or with effort. Interruptions are judged as ever."""
    create_response: bool = True
    interrupt_response: bool = True


class Conversation(Section):
    """What a conversation holds, and when it speaks up by itself."""

    input_tokens: int | None = Field(default=None, ge=1000, le=10_000_000)
    """Tokens that a prompt may have, by our own estimate: instructions and tools, which get half of them at most, and
    the newest messages. None: as many as the dialogue engine takes, 32000 where it does not say."""
    idle_prompt_seconds: float = Field(default=20.0, ge=0, le=3600)
    """Silence after a reply in which a visitor of our own page, who has said something before, is asked whether they
    are still there: twice at most until they speak or type again. 0: never."""


class Recording(Section):
    """Recordings of conversations, for finding faults. They hold what visitors say: personal data."""

    folder: Path | None = None
    """Where each conversation's recording goes; without one nothing is recorded."""
    megabytes: int = Field(default=512, ge=1)
    """One recording; it ends there, and the conversation goes on. An hour of talk takes about 160."""


class Traces(Section):
    """Where the time of each turn is reported to, by OpenTelemetry. Nothing that was said is."""

    endpoint: str = Field(default="", pattern=r"^(https?://\S+)?$")
    """An OTLP/HTTP collector such as "http://127.0.0.1:4318"; OTEL_EXPORTER_OTLP_ENDPOINT works too."""


class Settings(BaseSettings):
    """Everything together. `Settings()` is the defaults and reads nothing; config_sources.load is what reads."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", enable_decoding=False, extra="forbid", frozen=True
    )

    language: Literal["en", "zh"] = "en"
    """The language spoken unless the client asks for another."""
    instructions: str = ""
    """What the person is told about itself and its task."""
    server: Server = Server()
    limits: Limits = Limits()
    engines: Engines = Engines()
    voice: Voice = Voice()
    knowledge: Knowledge = Knowledge()
    avatar: Avatar = Avatar()
    turn_detection: TurnDetection = TurnDetection()
    conversation: Conversation = Conversation()
    recording: Recording = Recording()
    traces: Traces = Traces()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)
