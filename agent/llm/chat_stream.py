"""Reads the pieces in which OpenAI's chat API streams an answer."""

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agent.llm import Delta, LimitReached, TextDelta, ToolCall
from agent.llm.reasoning import ReasoningFilter

MAX_TEXT = 20_000
"""Characters of an answer: more than half an hour of talk. There it ends as at a limit of the prompt's own."""
MAX_BYTES = 16 * 2**20
"""All that one answer may take on the wire, reasoning included."""
MAX_CALLS = 32
MAX_ARGUMENTS = 100_000
END = "[DONE]"


class ChatStreamError(ValueError):
    """The stream is not what it should be; the message says why, in words of ours alone. `passing`: another attempt
    may succeed."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


@dataclass(slots=True)
class _Call:
    call_id: str
    name: str = ""
    arguments: str = ""


class ChatReader:
    """One answer's events in, deltas out. Servers differ: what is absent where it may be is let pass."""

    def __init__(self) -> None:
        self.spoke = False
        """Whether there was anything but reasoning."""
        self.reasoned = False
        self.finished = False
        """The answer is whole; what may still come is only about it."""
        self.over = False
        """Nothing more comes."""
        self._filter = ReasoningFilter()
        self._half = ""
        self._text = 0
        self._bytes = 0
        self._calls: list[_Call] = []
        self._places: dict[int, _Call] = {}

    def read(self, data: str) -> list[Delta]:
        """One event's data. Raises ChatStreamError."""
        self._bytes += len(data)
        if self._bytes > MAX_BYTES:
            raise ChatStreamError("sends more than an answer may have")
        if data.strip() == END:
            self.over = True
            return list(self._finish("stop"))
        choice = _choice(data)
        return [] if choice is None or self.finished else list(self._read(choice))

    def end(self) -> None:
        """The connection ended. Raises ChatStreamError where it ended too early."""
        if not self.finished:
            raise ChatStreamError("broke off its answer", passing=True)

    def _read(self, choice: Mapping[str, Any]) -> Iterator[Delta]:
        delta = choice.get("delta") or choice.get("message") or {}
        if not isinstance(delta, Mapping):
            raise ChatStreamError("sends a piece that cannot be read")
        if delta.get("reasoning_content") or delta.get("reasoning"):
            self.reasoned = True
        for text in (_text(delta.get("content")), _text(delta.get("refusal"))):
            yield from self._say(self._filter.push(self._whole(text)))
        if not self.finished:
            calls = delta.get("tool_calls") or []
            if not isinstance(calls, list):
                raise ChatStreamError("sends a tool call that cannot be read")
            for call in calls:
                self._take_call(call)
            reason = choice.get("finish_reason")
            if reason:
                yield from self._finish(str(reason))

    def _say(self, text: str) -> Iterator[Delta]:
        self.reasoned = self.reasoned or self._filter.seen
        if not text:
            return
        self.spoke = True
        room = MAX_TEXT - self._text
        self._text += len(text)
        yield TextDelta(text[:room])
        if len(text) > room:
            self.finished = self.over = True
            yield LimitReached()

    def _whole(self, text: str) -> str:
        """`text` with characters whole that were cut in two, as escapes of half a character each."""
        text = self._half + text
        self._half = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _finish(self, reason: str) -> Iterator[Delta]:
        if self.finished:
            return
        if reason == "content_filter":
            raise ChatStreamError("stopped by its own content filter")
        yield from self._say(self._filter.flush())
        self.finished = True
        if reason == "length":
            yield LimitReached()  # the arguments of its calls may be cut off, so none is made
            return
        for call in self._calls:
            yield _checked(call)
        if not (self.spoke or self._calls):
            raise ChatStreamError("answers nothing")
        self.spoke = True

    def _take_call(self, piece: object) -> None:
        """A call comes whole or in pieces, by its index; some servers leave that out, others give 0 to each call."""
        function = piece.get("function") if isinstance(piece, Mapping) else None
        if not isinstance(piece, Mapping) or not isinstance(function, Mapping):
            raise ChatStreamError("sends a tool call that cannot be read")
        call_id, name, arguments = piece.get("id") or "", function.get("name") or "", function.get("arguments") or ""
        if isinstance(arguments, Mapping):
            arguments = json.dumps(arguments)
        if not all(isinstance(part, str) for part in (call_id, name, arguments)):
            raise ChatStreamError("sends a tool call that cannot be read")
        place = piece.get("index")
        place = place if isinstance(place, int) else len(self._calls) if name else len(self._calls) - 1
        call = self._places.get(place)
        if call is None or (call_id and name and call.name and call_id != call.call_id):
            if len(self._calls) >= MAX_CALLS:
                raise ChatStreamError("calls too many tools at once")
            call = self._places[place] = _Call(call_id or f"call_{secrets.token_hex(12)}")
            self._calls.append(call)
        call.name = call.name or name
        call.arguments += arguments
        if len(call.arguments) > MAX_ARGUMENTS:
            raise ChatStreamError("calls a tool with too much")


def _choice(data: str) -> Mapping[str, Any] | None:
    """The one choice of a chunk; None where it has none, as one about usage."""
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError):
        raise ChatStreamError("sends a piece that is no JSON") from None
    if not isinstance(chunk, Mapping):
        raise ChatStreamError("sends a piece that cannot be read")
    if chunk.get("error"):
        raise ChatStreamError("fails in its answer", passing=True)
    choices = chunk.get("choices")
    if not choices:
        return None
    if not isinstance(choices, list) or not isinstance(choices[0], Mapping):
        raise ChatStreamError("sends a piece that cannot be read")
    return choices[0]


def _text(content: object) -> str:
    """Text, whether plain or in parts."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, Mapping) and part.get("type") == "text")
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _checked(call: _Call) -> ToolCall:
    arguments = call.arguments.strip() or "{}"
    try:
        whole = isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        whole = False
    if not whole or not call.name:
        raise ChatStreamError("calls a tool in a way that cannot be read")
    return ToolCall(call.call_id, call.name, arguments)
