"""The official types of OpenAI's Realtime events, by the events' names."""

from typing import Any, get_args

from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import BaseModel


def _by_name(union: Any) -> dict[str, type[BaseModel]]:
    events = get_args(get_args(union)[0])
    return {get_args(event.model_fields["type"].annotation)[0]: event for event in events}


CLIENT = _by_name(RealtimeClientEvent)
SERVER = _by_name(RealtimeServerEvent)


def validate(event: dict[str, Any]) -> None:
    """Raises pydantic.ValidationError, or KeyError for an event that OpenAI does not know."""
    SERVER[event["type"]].model_validate(event)
