"""Dialogue: what has been said and heard in, the reply's text out, as it comes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from agent.config import ChatServer


class DialogueError(RuntimeError):
    """The dialogue engine failed; the message says what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the prompt. An assistant's text is what was *heard* of it, never what was only sent.

    tool_calls (of an assistant) and tool_call_id (of a tool's result) follow the OpenAI chat convention.
    """

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    tool_calls: tuple["ToolCall", ...] = ()
    tool_call_id: str = ""
    spoken: bool = False
    """Of the visitor: it was heard, as well as the recogniser could; else it was written."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that a reply may be made from."""

    messages: tuple[Message, ...]
    instructions: str = ""
    language: str = "en"
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: str | Mapping[str, Any] = "auto"
    max_output_tokens: int | None = None
    idle: bool = False
    """Nobody has said anything for a while since the last reply: encourage them, gently."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the reply's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a tool called; `arguments` is JSON text."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Citation:
    """Where the reply's text so far was taken from."""

    title: str
    source: str
    passage: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LimitReached:
    """The engine stopped in the middle, at the prompt's `max_output_tokens` as it counts them."""


Delta = TextDelta | ToolCall | Citation | LimitReached


class DialogueEngine(Protocol):
    """Shared by all conversations; holds no conversation's state."""

    name: str

    async def start(self) -> None:
        """Load and warm up."""
        ...

    def reply(self, prompt: Prompt) -> AsyncIterator[Delta]:
        """Stream the reply to `prompt`. Cancelling the task that reads it frees the engine. Raises DialogueError."""
        ...

    async def stop(self) -> None: ...


def load(*names: str, openai: "ChatServer | None" = None, **documents: Any) -> DialogueEngine:
    """The dialogue engine of that name, not yet started; of several, each stands in for the one before it. Without a
    name, `grounded`. `documents` to answer from: `folder` (None: the built-in pack), and how many `files` of how many
    `file_bytes` it may hold. `openai`: the chat server behind the engine of that name. Raises ValueError for an unknown
    name."""
    from agent.llm.chain import Chain  # noqa: PLC0415 -- engines import this module's contracts

    engines = [_load(name, openai, documents) for name in names or ("grounded",)]
    return engines[0] if len(engines) == 1 and engines[0].name == "grounded" else Chain(engines)


def _load(name: str, openai: "ChatServer | None", documents: dict[str, Any]) -> DialogueEngine:
    if name == "grounded":
        from agent.llm.grounded import GroundedAnswers  # noqa: PLC0415

        return GroundedAnswers(**documents)
    if name == "openai":
        from agent.config import ChatServer  # noqa: PLC0415
        from agent.llm.openai_chat import OpenAIChat  # noqa: PLC0415

        return OpenAIChat(openai or ChatServer(), **documents)
    raise ValueError(f"unknown llm engine {name!r}; known: grounded, openai")


def greetings(folder: Path | None = None) -> dict[str, str]:
    """What the person says first, by language; it says that it is an AI. `folder`: the documents, as for `load`."""
    from agent.knowledge import library  # noqa: PLC0415

    return library.greetings(folder)
