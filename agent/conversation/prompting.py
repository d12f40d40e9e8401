"""What a response is made from: the session's settings with the response's own over them, and the prompt."""

from collections.abc import Mapping, Sequence
from typing import Any

from agent.conversation.bounds import Bounds, cost_of_instructions, joined, room_for_messages, total
from agent.conversation.context import Context
from agent.conversation.history import item_from_wire, message_of
from agent.conversation.output import ReplySettings
from agent.llm import Message, Prompt
from agent.realtime.client_events import ItemIn, ResponseIn, WireError


def settings_for(context: Context, wanted: ResponseIn) -> ReplySettings:
    """How the response is to be given."""
    config, output = context.config, wanted.audio.output
    return ReplySettings(
        modalities=tuple(wanted.output_modalities or config.output_modalities),
        voice=context.voice_named(output.voice or config.audio.output.voice),
        speed=config.audio.output.speed,
        out_of_band=wanted.conversation == "none",
        metadata=wanted.metadata,
        max_output_tokens=wanted.max_output_tokens or config.max_output_tokens,
        audio_format=(output.format or config.audio.output.format).type,
    )


def prompt_for(
    context: Context, wanted: ResponseIn, now: float, *, heard_as: str = "", idle: bool = False, settle: bool = True
) -> Prompt:
    """The prompt. heard_as: what the visitor is believed to be saying. settle: what of the conversation does not fit
    any more is forgotten for good. Raises WireError naming what cannot be honoured."""
    config = context.config
    instructions = config.instructions if wanted.instructions is None else wanted.instructions
    tools, choice = _tools(context, wanted)
    limit = wanted.max_output_tokens or config.max_output_tokens
    whose = (
        "session" if wanted.instructions is None else "response",
        "session" if wanted.tools is None else "response",
    )
    room = room_for_messages(context.settings.input_tokens, instructions, tools, whose)
    bounds = Bounds(room, config.truncation)
    more = [Message("user", heard_as, spoken=True)] if heard_as else []
    if wanted.input is None:
        messages = context.history.fit(bounds, now, more, settle=settle)
    else:
        given = _given(context, wanted.input, now)
        messages = joined(*given[bounds.first_of(given) :])
    return Prompt(
        messages=messages,
        instructions=instructions,
        language=context.language,
        tools=tools,
        tool_choice=choice,
        max_output_tokens=limit if isinstance(limit, int) else None,
        idle=idle,
    )


def tokens_in(prompt: Prompt) -> int:
    """How long the prompt is."""
    return total(prompt.messages) + cost_of_instructions(prompt.instructions, prompt.tools)


def _tools(context: Context, wanted: ResponseIn) -> tuple[Sequence[Mapping[str, Any]], str | Mapping[str, Any]]:
    """The tools to offer, and how to choose among them. Where none may be called none is offered."""
    tools = context.config.tools if wanted.tools is None else wanted.tools
    choice = context.config.tool_choice if wanted.tool_choice is None else wanted.tool_choice
    if choice == "none":
        return (), choice
    names = [tool["name"] for tool in tools]
    if isinstance(choice, dict) and choice["name"] not in names:
        where = "session" if wanted.tool_choice is None else "response"
        raise WireError("invalid_value", "There is no tool of that name.", param=f"{where}.tool_choice.name")
    return tools, choice


def _given(context: Context, items: tuple[ItemIn, ...], now: float) -> list[Message | None]:
    """The messages of a response's own input."""
    found = []
    for at, given in enumerate(items):
        where = f"response.input.{at}"
        if given.type == "item_reference":
            if given.id is None:
                raise WireError("missing_required_parameter", "An item_reference needs an id.", param=f"{where}.id")
            item = context.history.get(given.id, param=f"{where}.id")
        else:
            item = item_from_wire(given, lambda prefix: prefix, where)
        found.append(message_of(item, now))
    return found
