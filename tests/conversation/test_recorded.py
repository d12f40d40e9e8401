"""Speech that a client gives as an item: it is recognised, and answered when it is asked to be."""

import base64
import json
from typing import Any

import pytest

from agent.conversation import inputs as told
from agent.realtime import events as wire
from agent.realtime.session_config import Audio, InputAudio, SessionConfig
from tests.conversation.theatre import Says, Theatre

SOUND = base64.b64encode(bytes(2 * 24_000 * 2)).decode()
"""Two seconds: the stub recogniser hears in it what was said in the two seconds before it came."""


class Recorded(Theatre):
    """What the script says is on the recording, the microphone hears none of it."""

    def _voiced(self, when: float) -> bool:
        return False


class Slow(Theatre):
    """Its recogniser never comes to an end with what is recorded."""

    def tell(self, event: told.Input) -> None:
        if not (isinstance(event, told.Recognized) and event.turn == 1):
            super().tell(event)


def item(**part: Any) -> str:
    given = {"id": "given", "type": "message", "role": "user", "content": [{"type": "input_audio"} | part]}
    return json.dumps({"type": "conversation.item.create", "event_id": "mine", "item": given})


def test_its_words_follow_and_nothing_is_answered_unasked() -> None:
    theatre = Recorded([Says(0.5, 1.5, "where is the cafe")])
    theatre.client(2.0, item(audio=SOUND))
    theatre.run(6.0)
    (done,) = [event for _, event in theatre.events(wire.ItemDone)]
    assert done.item["content"] == [{"type": "input_audio", "transcript": ""}]
    (completed,) = [event for _, event in theatre.events(wire.TranscriptionCompleted)]
    assert (completed.item_id, completed.transcript) == ("given", "where is the cafe")
    assert completed.usage["seconds"] == pytest.approx(2, abs=0.04)
    assert theatre.messages() == [("user", "where is the cafe")]
    assert not theatre.prompts
    assert not theatre.events(wire.ResponseCreated)


def test_a_response_waits_for_its_words() -> None:
    theatre = Recorded([Says(0.5, 1.5, "where is the cafe")])
    theatre.client(2.0, item(audio=SOUND))
    theatre.client(2.0, '{"type": "response.create"}')
    theatre.run(9.0)
    assert [m.text for m in theatre.prompts[0][1].messages if m.role == "user"] == ["where is the cafe"]
    assert theatre.events(wire.ResponseDone)[0][1].response["status"] == "completed"


def test_a_response_waits_for_the_words_of_all_that_came_before_it() -> None:
    theatre = Recorded([Says(0.5, 1.5, "where is the cafe")])
    for when, name in ((2.0, "one"), (2.02, "two")):
        theatre.client(when, item(audio=SOUND).replace("given", name))
    theatre.client(2.04, '{"type": "response.create"}')
    theatre.run(9.0)
    assert len(theatre.prompts) == 1
    (asked,) = [m.text for m in theatre.prompts[0][1].messages if m.role == "user"]
    assert asked.split() == ["where", "is", "the", "cafe"] * 2


def test_who_speaks_meanwhile_is_answered_first() -> None:
    theatre = Slow([Says(0.5, 1.5, "where is the cafe")])
    theatre.client(0.3, item(audio=SOUND))
    theatre.run(4.0)
    assert not theatre.events(wire.TranscriptionCompleted)[1:]
    assert [m.text for m in theatre.prompts[-1][1].messages if m.role == "user"] == ["where is the cafe"]
    assert theatre.events(wire.ResponseCreated)


def test_a_response_that_waits_can_be_cancelled_and_is_asked_for_once() -> None:
    theatre = Recorded([Says(0.5, 1.5, "where is the cafe")], refine_after=2.0)
    theatre.script[0].confidence = 0.3
    theatre.client(2.0, item(audio=SOUND))
    theatre.client(2.01, '{"type": "response.create"}')
    theatre.client(2.02, '{"type": "response.create"}')
    theatre.client(2.03, '{"type": "response.cancel"}')
    theatre.run(8.0)
    (error,) = [event.error for _, event in theatre.events(wire.Error)]
    assert error["code"] == "conversation_already_has_active_response"
    assert not theatre.events(wire.ResponseCreated)


def test_no_time_is_taken_of_what_nobody_waited_to_say() -> None:
    theatre = Recorded([Says(0.5, 1.5, "where is the cafe")])
    theatre.client(2.0, item(audio=SOUND))
    theatre.client(2.0, '{"type": "response.create"}')
    theatre.run(9.0)
    assert all(measure.seconds >= 0 for measure in theatre.measured)


def test_it_comes_in_the_sessions_own_format() -> None:
    config = SessionConfig.model_validate({"audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    theatre = Recorded([], config=config)
    theatre.client(2.0, item(audio=base64.b64encode(b"\xff" * 8_000).decode()))
    theatre.run(4.0)
    (completed,) = [event for _, event in theatre.events(wire.TranscriptionCompleted)]
    assert completed.usage["seconds"] == pytest.approx(1, abs=0.04)


def test_with_its_transcript_the_transcript_stands_for_it() -> None:
    theatre = Recorded([Says(0.5, 1.5, "where is the cafe")])
    theatre.client(2.0, item(audio=SOUND, transcript="where is the garden"))
    theatre.run(4.0)
    assert theatre.messages() == [("user", "where is the garden")]
    assert not theatre.events(wire.TranscriptionCompleted)


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"audio": "no base64!"}, "item.content.0.audio"),
        ({"audio": base64.b64encode(b"odd").decode()}, "item.content.0.audio"),
        ({"audio": ""}, "item.content.0.audio"),
        ({"audio": base64.b64encode(bytes(61 * 48_000)).decode()}, "item.content.0.audio"),
        ({}, "item.content"),
    ],
)
def test_what_is_no_sound_is_refused_and_changes_nothing(part: dict[str, str], param: str) -> None:
    theatre = Recorded([])
    theatre.client(2.0, item(**part))
    theatre.run(4.0)
    (error,) = [event.error for _, event in theatre.events(wire.Error)]
    assert (error["code"], error["param"], error["event_id"]) == ("invalid_value", param, "mine")
    assert theatre.messages() == []


def test_where_its_language_is_not_heard_it_is_refused() -> None:
    config = SessionConfig(audio=Audio(input=InputAudio.model_validate({"transcription": {"language": "zh"}})))
    theatre = Recorded([], config=config, settings={"hears": ("en",)})
    theatre.client(2.0, item(audio=SOUND))
    theatre.run(4.0)
    assert theatre.events(wire.Error)[0][1].error["code"] == "unsupported_content_type"
    assert not theatre.events(wire.ItemAdded)


def test_what_waits_is_bounded() -> None:
    theatre = Recorded([], refine_after=3.0)
    for k in range(20):
        theatre.client(2.0, item(audio=SOUND).replace("given", f"given{k}"))
    theatre.run(3.0)
    assert {event.error["code"] for _, event in theatre.events(wire.Error)} == {"too_many_pending"}
    assert len(theatre.events(wire.ItemAdded)) == 4
