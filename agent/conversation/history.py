"""What has been said, and what the next prompt is made of: of our own words only those that were heard."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from agent.conversation.bounds import Bounds, joined
from agent.conversation.ledger import Ledger
from agent.llm import Message, ToolCall
from agent.realtime.events import ItemIn, Json, WireError

Role = Literal["user", "assistant", "system"]
Status = Literal["in_progress", "completed", "incomplete"]

MAX_ITEMS = 1000
"""Items kept; the oldest go first, unless truncation is off."""


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
    forgotten: bool = False
    """Whether it has gone from what prompts are made of, the conversation having outgrown its limit."""

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
        transcript = self.ledger.transcript if self.ledger.whole else self.ledger.heard_text(now)
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

    def add(self, item: Item, previous: str | None = None) -> None:
        """Insert `item` after `previous` ("root": at the beginning; None: at the end). Raises WireError."""
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

    @property
    def full(self) -> bool:
        """Whether another item makes the oldest go."""
        return len(self._items) >= MAX_ITEMS

    def make_room(self, kept: Item) -> list[str]:
        """Let the oldest items beyond MAX_ITEMS go, but never `kept`; returns their ids."""
        over = len(self._items) - MAX_ITEMS
        if over <= 0:
            return []
        gone = [item.id for item in self._items if item is not kept][:over]
        self._items = [item for item in self._items if item.id not in gone]
        return gone

    def before(self, item_id: str) -> str | None:
        """The id of the item before `item_id`."""
        at = self._items.index(self.get(item_id))
        return self._items[at - 1].id if at else None

    def delete(self, item_id: str) -> None:
        """Raises WireError when there is no such item."""
        self._items.remove(self.get(item_id))

    def messages(self, now: float, more: Iterable[Message] = ()) -> tuple[Message, ...]:
        """What prompts are made of, oldest first, with `more` after it. What of ours was never heard is not there."""
        return joined(*(message_of(item, now) for item in self._items if not item.forgotten), *more)

    def fit(self, bounds: Bounds, now: float, more: Iterable[Message] = (), *, settle: bool) -> tuple[Message, ...]:
        """`messages` within bounds. settle: what does not fit is forgotten for good; else it is only left out. Raises
        WireError where nothing may be left out and not all fits."""
        items = [item for item in self._items if not item.forgotten]
        messages = [*(message_of(item, now) for item in items), *more]
        first = bounds.first_of(messages)
        if settle:
            for item in items[:first]:
                item.forgotten = True
        return joined(*messages[first:])


def message_of(item: Item, now: float) -> Message | None:
    """The item as a prompt has it; None where nothing was said, or nothing of it was heard."""
    if item.kind == "function_call":
        return Message("assistant", "", tool_calls=(ToolCall(item.call_id, item.name, item.arguments),))
    if item.kind == "function_call_output":
        return Message("tool", item.output, tool_call_id=item.call_id)
    text = item.text_at(now)
    return Message(item.role, text, spoken=item.spoken and item.role == "user") if text.strip() else None


def item_from_wire(given: ItemIn, new_id: Callable[[str], str], where: str = "item") -> Item:
    """The item a client gives in the field `where`. Raises WireError naming what is missing."""
    item_id = given.id or new_id("item")
    if given.type == "item_reference":
        raise WireError("invalid_value", "An item_reference only stands in a response's input.", param=f"{where}.type")
    if given.type == "function_call_output":
        if given.call_id is None or given.output is None:
            missing = "call_id" if given.call_id is None else "output"
            raise WireError(
                "missing_required_parameter",
                "A function_call_output needs call_id and output.",
                param=f"{where}.{missing}",
            )
        return Item(item_id, "function_call_output", call_id=given.call_id, output=given.output)
    if given.type == "function_call":
        if given.call_id is None or given.name is None:
            missing = "call_id" if given.call_id is None else "name"
            raise WireError(
                "missing_required_parameter", "A function_call needs call_id and name.", param=f"{where}.{missing}"
            )
        return Item(
            item_id,
            "function_call",
            "assistant",
            call_id=given.call_id,
            name=given.name,
            arguments=given.arguments or "{}",
        )
    if given.role is None:
        raise WireError("missing_required_parameter", "A message needs a role.", param=f"{where}.role")
    if any(part.type == "input_image" for part in given.content):
        raise WireError("unsupported_content_type", "Images are not understood here.", param=f"{where}.content")
    parts = [part.text if part.text is not None else part.transcript for part in given.content]
    if not parts or any(part is None for part in parts):
        raise WireError(
            "invalid_value",
            "A message needs text content, or, of the user's and as an item of its own, one part of input_audio.",
            param=f"{where}.content",
        )
    return Item(item_id, "message", given.role, text=" ".join(part for part in parts if part))
