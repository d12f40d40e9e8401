"""A conversation of as many items as are kept: the oldest go and are told of, or, with truncation off, none goes."""

import json
from typing import Any

import pytest

from agent.realtime import events as wire
from agent.realtime.session_config import SessionConfig
from tests.conversation.theatre import Says, Theatre

KEPT = 3


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.conversation.history.MAX_ITEMS", KEPT)


def create(theatre: Theatre, when: float, item_id: str, **more: Any) -> None:
    content = [{"type": "input_text", "text": f"Here is {item_id}."}]
    item = {"type": "message", "role": "user", "id": item_id, "content": content}
    theatre.client(when, json.dumps({"type": "conversation.item.create", "item": item, **more}))


def filled(truncation: str = "auto") -> Theatre:
    theatre = Theatre([], config=SessionConfig.model_validate({"truncation": truncation}))
    for number in range(KEPT):
        create(theatre, 0.1 + number / 100, f"i{number}")
    return theatre


def ids(theatre: Theatre) -> list[str]:
    return [item.id for item in theatre.conversation._history]


def deleted(theatre: Theatre) -> list[str]:
    return [event.item_id for _, event in theatre.events(wire.ItemDeleted)]


def test_the_oldest_goes_and_is_told_of_before_the_new_one() -> None:
    theatre = filled()
    create(theatre, 1.0, "new")
    theatre.run(2.0)
    assert ids(theatre) == ["i1", "i2", "new"]
    assert deleted(theatre) == ["i0"]
    assert theatre.names().index("ItemDeleted") == len(theatre.names()) - 3
    assert theatre.events(wire.ItemAdded)[-1][1].previous_item_id == "i2"


@pytest.mark.parametrize("previous", ["root", "i0"])
def test_what_was_just_made_stays_wherever_it_was_put(previous: str) -> None:
    theatre = filled()
    create(theatre, 1.0, "new", previous_item_id=previous)
    theatre.run(2.0)
    assert ids(theatre) == ["new", "i1", "i2"]
    assert deleted(theatre) == ["i0"]
    assert theatre.events(wire.ItemAdded)[-1][1].previous_item_id is None


def test_with_truncation_off_nothing_goes_and_more_is_refused() -> None:
    theatre = filled("disabled")
    create(theatre, 1.0, "new")
    theatre.client(1.1, '{"type": "response.create"}')
    theatre.run(3.0)
    assert ids(theatre) == ["i0", "i1", "i2"]
    assert deleted(theatre) == []
    errors = [event.error for _, event in theatre.events(wire.Error)]
    assert [(error["code"], error["param"]) for error in errors] == [
        ("context_length_exceeded", "session.truncation")
    ] * 2
    theatre.client(3.1, '{"type": "conversation.item.delete", "item_id": "i0"}')
    create(theatre, 3.2, "new")
    theatre.run(4.0)
    assert ids(theatre) == ["i1", "i2", "new"]


def test_what_is_said_is_never_dropped_silently() -> None:
    theatre = Theatre([Says(0.3, 1.3), Says(6.0, 7.0)]).run(12.0)
    assert len(ids(theatre)) == KEPT
    assert len(deleted(theatre)) == 1
    off = Theatre([Says(0.3, 1.3), Says(6.0, 7.0), Says(12.0, 13.0)], config=SessionConfig(truncation="disabled")).run(
        18.0
    )
    assert deleted(off) == []
    (error,) = [event.error for _, event in off.events(wire.Error)]
    assert error["code"] == "context_length_exceeded"
