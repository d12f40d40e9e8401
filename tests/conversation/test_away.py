"""While the player is gone and may come back, the person begins nothing by itself: there is nobody to hear it."""

import json

from agent.conversation import inputs as told
from agent.realtime import events as wire
from agent.realtime.session_config import Audio, InputAudio, ServerVad, SessionConfig
from tests.conversation.theatre import Loudspeaker, Says, Theatre


def away(theatre: Theatre, start: float, end: float) -> Theatre:
    theatre.at(start, lambda: theatre.tell(told.PlayerLeft()))
    theatre.at(end, lambda: theatre.tell(told.PlayerCame()))
    return theatre


def test_nobody_is_asked_whether_they_are_still_there() -> None:
    config = SessionConfig(audio=Audio(input=InputAudio(turn_detection=ServerVad(idle_timeout_ms=2000))))
    theatre = away(Theatre([Says(0.5, 1.5)], config=config, loudspeaker=Loudspeaker(reports=False)), 6.0, 12.0)
    theatre.run(15.0)
    assert [at > 12.0 for at, _ in theatre.events(wire.TimeoutTriggered)] == [True]


def test_what_is_heard_of_them_is_neither_guessed_at_nor_answered() -> None:
    theatre = away(Theatre([Says(0.5, 1.5, "first"), Says(6.5, 7.5, "second")]), 6.0, 12.0).run(11.9)
    assert len(theatre.prompts) == 1
    assert len(theatre.events(wire.ResponseCreated)) == 1


def test_a_response_asked_for_before_they_left_is_given_when_they_are_back() -> None:
    config = SessionConfig(audio=Audio(input=InputAudio(turn_detection=None)))
    theatre = away(Theatre([Says(0.5, 1.5, "hello", confidence=0.4)], config=config, refine_after=0.5), 1.75, 5.0)
    theatre.client(1.7, json.dumps({"type": "input_audio_buffer.commit"}))
    theatre.client(1.71, json.dumps({"type": "response.create"}))
    theatre.run(9.0)
    assert [at >= 5.0 for at, _ in theatre.events(wire.ResponseCreated)] == [True]
