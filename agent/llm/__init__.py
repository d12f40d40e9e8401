"""Dialogue: what has been said and heard in, the reply's text out, as it comes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


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


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that a reply may be made from."""

    messages: tuple[Message, ...]
    instructions: str = ""
    language: str = "en"
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: str | Mapping[str, Any] = "auto"
    max_output_tokens: int | None = None


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


Delta = TextDelta | ToolCall | Citation


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
