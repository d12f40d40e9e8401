"""A prompt as OpenAI's chat API wants it."""

from collections.abc import Mapping, Sequence
from typing import Any

from agent.llm import Message, Prompt
from agent.llm.spoken import guidance

Json = dict[str, Any]

SILENCE = "(The visitor says nothing.)"
"""Stands where a visitor's words would: many chat templates want a question last."""


def to_chat(prompt: Prompt, data: str = "") -> list[Json]:
    """The messages. data: what may help to answer the last question; it goes before it, as data.

    Templates differ in what they can take, so: one system message first, never the same role twice running, each
    tool's result right after the calls, and neither without the other.
    """
    system = [text for text in (prompt.instructions.strip(), guidance(prompt.language, idle=prompt.idle)) if text]
    rest = list(prompt.messages)
    while rest and rest[0].role == "system":
        system.append(rest.pop(0).text)
    chat: list[Json] = [{"role": "system", "content": "\n\n".join(system)}]
    results = {message.tool_call_id: message.text for message in rest if message.role == "tool"}
    for message in rest:
        if message.tool_calls:
            _add_calls(chat, message, results)
        elif message.role != "tool" and message.text.strip():
            _add(chat, message.role, message.text)
    if chat[-1]["role"] not in ("user", "tool") or prompt.idle:
        _add(chat, "user", SILENCE)
    if data:
        last = next((message for message in reversed(chat) if message["role"] == "user"), None)
        if last is not None:
            last["content"] = f"{data}\n\n{last['content']}"
    return chat


def to_tools(prompt: Prompt) -> Json:
    """The fields about tools; none where none may be called."""
    if not prompt.tools or prompt.tool_choice == "none":
        return {}
    tools, choice = prompt.tools, prompt.tool_choice
    if isinstance(choice, Mapping):
        # Some servers take a choice by name for "auto", so that tool is the only one they see.
        tools, choice = [tool for tool in tools if tool["name"] == choice["name"]], "required"
    return {"tools": [{"type": "function", "function": _function(tool)} for tool in tools], "tool_choice": choice}


def _function(tool: Mapping[str, Any]) -> Json:
    """Realtime's flat form without what is not a function's."""
    return {key: tool[key] for key in ("name", "description", "parameters", "strict") if tool.get(key) is not None}


def _add(chat: list[Json], role: str, text: str) -> None:
    last = chat[-1]
    if last["role"] == role and "tool_calls" not in last and role != "system":
        last["content"] += f"\n{text}"
    else:
        chat.append({"role": role, "content": text})


def _add_calls(chat: list[Json], message: Message, results: Mapping[str, str]) -> None:
    """Calls that were answered, and their results."""
    calls = [call for call in message.tool_calls if call.call_id in results]
    if not calls:
        return
    shown: Sequence[Json] = [
        {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]
    chat.append({"role": "assistant", "content": message.text or None, "tool_calls": shown})
    chat += [{"role": "tool", "tool_call_id": call.call_id, "content": results[call.call_id]} for call in calls]
