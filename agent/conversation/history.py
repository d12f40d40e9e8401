"""What has been said, and what the next prompt is made of: of our own words only those that were heard."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from agent.conversation.ledger import Ledger
from agent.llm import Message, ToolCall
from agent.realtime.events import ItemIn, Json, WireError

Role = Literal["user", "assistant", "system"]
Status = Literal["in_progress", "completed", "incomplete"]

MAX_ITEMS = 1000
"""Items kept; the oldest go first."""
PROMPT_CHARACTERS = 24_000
"""Text of the newest messages that a prompt holds."""


@dataclass(slots=True)
class Item:
    """One item of the conversation.

    kind "message": `text` is what was said or typed; an assistant's spoken text has a `ledger`, which knows what of it
    was heard. `spoken` tells whether it came or goes as sound.
    """

    id: str
    kind: Literal["message", "function_call", "function_call_output"] = "message"
    role: Role = "user"
    status: Status = "completed"
    text: str = field(default="", repr=False)
    spoken: bool = False
    ledger: Ledger | None = field(default=None, repr=False)
    call_id: str = ""
    name: str = ""
    arguments: str = field(default="", repr=False)
    output: str = field(default="", repr=False)

    def text_at(self, now: float) -> str:
        """The item's text: of spoken words of ours, those heard by `now`."""
        return self.ledger.heard_text(now) if self.ledger is not None else self.text

    def to_wire(self, now: float) -> Json:
        """The item as clients see it; absent fields are left out, never null."""
        base: Json = {"id": self.id, "object": "realtime.item", "type": self.kind, "status": self.status}
        if self.kind == "function_call":
            return base | {"call_id": self.call_id, "name": self.name, "arguments": self.arguments}
        if self.kind == "function_call_output":
            return base | {"call_id": self.call_id, "output": self.output}
        return base | {"role": self.role, "content": self._content(now)}

    def _content(self, now: float) -> list[Json]:
        if self.role == "user" and self.spoken:
            return [{"type": "input_audio", "transcript": self.text}]
        if self.role != "assistant":
            return [{"type": "input_text", "text": self.text}]
        if self.ledger is None:
            return [{"type": "output_text", "text": self.text}] if self.text else []
        if not self.ledger.transcript:
            return []
        whole = self.ledger.complete and self.status == "completed"
        transcript = self.ledger.transcript if whole else self.ledger.heard_text(now)
        return [{"type": "output_audio", "transcript": transcript}]


class History:
    """The conversation's items in order."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def find(self, item_id: str) -> Item | None:
        """The item, if there is one of that id."""
        return next((item for item in reversed(self._items) if item.id == item_id), None)

    def get(self, item_id: str, code: str = "item_not_found", param: str = "item_id") -> Item:
        """Raises WireError of that code, naming the field `param`, when there is no such item."""
        item = self.find(item_id)
        if item is not None:
            return item
        raise WireError(code, f"There is no item {item_id!r} in this conversation.", param=param)

    def add(self, item: Item, previous: str | None = None) -> str | None:
        """Insert `item` after `previous` ("root": at the beginning; None: at the end). Returns the id of the item
        before it. Raises WireError."""
        if self.find(item.id) is not None:
            # livekit takes this code for what it wanted.
            raise WireError("item_create_duplicate_item_id", f"There is an item {item.id!r} already.", param="item.id")
        if previous is None:
            at = len(self._items)
        elif previous == "root":
            at = 0
        else:
            at = self._items.index(self.get(previous, param="previous_item_id")) + 1
        self._items.insert(at, item)
        before = self._items[at - 1].id if at else None
        del self._items[: max(0, len(self._items) - MAX_ITEMS)]
        return before

    def before(self, item_id: str) -> str | None:
        """The id of the item before `item_id`."""
        at = self._items.index(self.get(item_id))
        return self._items[at - 1].id if at else None

    def delete(self, item_id: str) -> None:
        """Raises WireError when there is no such item."""
        self._items.remove(self.get(item_id))

    def messages(self, now: float, more: Iterable[Message] = ()) -> tuple[Message, ...]:
        """The prompt's messages, oldest first, with `more` after them.

        What of ours was never heard is not there. Two messages of the visitor's with nothing heard between them are
        one: they went on after we took them to be done.
        """
        messages: list[Message] = []
        for message in (*(_message(item, now) for item in self._items), *more):
            if message is None:
                continue
            last = messages[-1] if messages else None
            if last is not None and message.role == last.role == "user":
                messages[-1] = Message("user", f"{last.text} {message.text}")
            else:
                messages.append(message)
        return _newest(messages)


def _message(item: Item, now: float) -> Message | None:
    if item.kind == "function_call":
        return Message("assistant", "", tool_calls=(ToolCall(item.call_id, item.name, item.arguments),))
    if item.kind == "function_call_output":
        return Message("tool", item.output, tool_call_id=item.call_id)
    text = item.text_at(now)
    return Message(item.role, text) if text.strip() else None


def _newest(messages: list[Message]) -> tuple[Message, ...]:
    """As many of the newest messages as PROMPT_CHARACTERS holds, the last one always."""
    room = PROMPT_CHARACTERS
    for at in range(len(messages) - 1, -1, -1):
        room -= len(messages[at].text)
        if room < 0:
            return tuple(messages[min(at + 1, len(messages) - 1) :])
    return tuple(messages)


def item_from_wire(given: ItemIn, new_id: Callable[[str], str]) -> Item:
    """The item a client asks to create. Raises WireError naming what is missing."""
    item_id = given.id or new_id("item")
    if given.type == "function_call_output":
        if given.call_id is None or given.output is None:
            raise WireError(
                "missing_required_parameter", "A function_call_output needs call_id and output.", param="item"
            )
        return Item(item_id, "function_call_output", call_id=given.call_id, output=given.output)
    if given.type == "function_call":
        if given.call_id is None or given.name is None:
            raise WireError("missing_required_parameter", "A function_call needs call_id and name.", param="item")
        return Item(
            item_id,
            "function_call",
            "assistant",
            call_id=given.call_id,
            name=given.name,
            arguments=given.arguments or "{}",
        )
    if given.role is None:
        raise WireError("missing_required_parameter", "A message needs a role.", param="item.role")
    if any(part.type == "input_image" for part in given.content):
        raise WireError("unsupported_content_type", "Images are not understood here.", param="item.content")
    parts = [part.text if part.text is not None else part.transcript for part in given.content]
    if not parts or any(part is None for part in parts):
        raise WireError(
            "invalid_value",
            "A message needs text content; recorded audio goes to input_audio_buffer.append.",
            param="item.content",
        )
    return Item(item_id, "message", given.role, text=" ".join(part for part in parts if part))
