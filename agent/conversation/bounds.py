"""How much of a conversation a prompt holds, in tokens, and what goes when it outgrows that."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.conversation import tokens
from agent.llm import Message
from agent.realtime.client_events import WireError
from agent.realtime.session_config import RetentionRatio, Truncation

INPUT_TOKENS = 32_000
"""Tokens that a prompt may have altogether, by our own estimate, where neither the owner nor the dialogue engine says
how many."""


def cost(message: Message) -> int:
    """The message's tokens."""
    calls = sum(tokens.estimate(call.name + call.arguments) for call in message.tool_calls)
    return tokens.MESSAGE + tokens.estimate(message.text) + calls


def cost_of_instructions(instructions: str, tools: Sequence[Mapping[str, Any]]) -> int:
    """The tokens that every prompt begins with."""
    offered = json.dumps(list(tools), ensure_ascii=False) if tools else ""
    return tokens.estimate(instructions) + tokens.estimate(offered)


def room_for_messages(
    input_tokens: int, instructions: str, tools: Sequence[Mapping[str, Any]], where: tuple[str, str]
) -> int:
    """The tokens of a prompt that are left for messages: at least half. `where`: whose the instructions and the tools
    are, "session" or "response". Raises WireError naming what is too long: the conversation is never forgotten for
    them."""
    spoken, offered = cost_of_instructions(instructions, ()), cost_of_instructions("", tools)
    half = input_tokens // 2
    if spoken + offered > half:
        param = f"{where[0]}.instructions" if spoken >= offered else f"{where[1]}.tools"
        raise WireError(
            "context_length_exceeded",
            f"Instructions and tools have about {spoken + offered} tokens and {half} fit, half of a prompt: shorten "
            "them, or let the server's conversation.input_tokens be more.",
            param=param,
        )
    return input_tokens - spoken - offered


def joined(*messages: Message | None) -> tuple[Message, ...]:
    """The messages there are. Two that the visitor spoke with nothing heard between them are one: they went on after we
    took them to be done. What was written stands for itself."""
    found: list[Message] = []
    for message in messages:
        if message is None:
            continue
        if found and message.spoken and found[-1].spoken:
            found[-1] = Message("user", f"{found[-1].text} {message.text}", spoken=True)
        else:
            found.append(message)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Bounds:
    """`room`: tokens for messages. Beyond it the oldest go (`auto`), or so many that a share of it is left
    (`retention_ratio`), or the prompt is refused (`disabled`)."""

    room: int
    truncation: Truncation = "auto"

    @property
    def _limit(self) -> int:
        limits = self.truncation.token_limits if isinstance(self.truncation, RetentionRatio) else None
        own = limits.post_instructions if limits is not None else None
        return self.room if own is None else min(own, self.room)

    def first_of(self, messages: Sequence[Message | None]) -> int:
        """Where the part of `messages` that is kept begins. The last message is always kept, and no tool's result is
        kept without its call. Raises WireError."""
        costs = [cost(message) if message is not None else 0 for message in messages]
        total, limit = sum(costs), self._limit
        if total <= limit:
            return 0
        if self.truncation == "disabled":
            raise WireError(
                "context_length_exceeded",
                f"The conversation has about {total} tokens and {limit} fit: delete items, or let truncation be auto.",
                param="session.truncation",
            )
        share = self.truncation.retention_ratio if isinstance(self.truncation, RetentionRatio) else 1.0
        last = max((at for at, message in enumerate(messages) if message is not None), default=0)
        first = 0
        while first < last and total > limit * share:
            total -= costs[first]
            first += 1
        while first < last and _is_result(messages[first]):
            first += 1
        return first


def _is_result(message: Message | None) -> bool:
    return message is None or message.role == "tool"


def total(messages: Iterable[Message]) -> int:
    """The messages' tokens."""
    return sum(map(cost, messages))
