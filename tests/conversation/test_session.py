"""Scripted conversations on a virtual clock."""

import base64
import json

import pytest

from agent.realtime import events as wire
from agent.realtime.session_config import Audio, InputAudio, ServerVad, SessionConfig
from tests.conversation.theatre import RATE, Loudspeaker, Says, Theatre


def heard_words(theatre: Theatre) -> int:
    """Words of "One … ten" that truly left the loudspeaker: their midpoint did."""
    position = theatre.loudspeaker.position(theatre.now) / RATE
    return sum((k + 0.5) * 0.3 + (0.12 if k >= 5 else 0.0) <= position for k in range(10))


def test_a_question_is_answered_aloud_and_remembered() -> None:
    theatre = Theatre([Says(0.5, 1.5, "what are your opening hours")]).run(8.0)
    names = theatre.names()
    order = [
        "SessionCreated",
        "SpeechStarted",
        "SpeechStopped",
        "AudioCommitted",
        "ItemAdded",
        "TranscriptionCompleted",
        "ResponseCreated",
        "OutputItemAdded",
        "PartAdded",
        "TranscriptDelta",
        "AudioDelta",
        "AudioDone",
        "TranscriptDone",
        "PartDone",
        "OutputItemDone",
        "ResponseDone",
    ]
    positions = [names.index(name) for name in order]
    assert positions == sorted(positions)
    assert theatre.messages() == [
        ("user", "what are your opening hours"),
        ("assistant", "One two three four five. Six seven eight nine ten."),
    ]
    assert theatre.events(wire.ResponseDone)[0][1].response["status"] == "completed"


def test_the_answer_starts_soon_after_the_last_word() -> None:
    theatre = Theatre([Says(0.5, 1.5)]).run(6.0)
    first = theatre.events(wire.AudioDelta)[0][0]
    assert 1.5 < first <= 1.5 + 0.35


def test_the_reply_is_prepared_once_when_the_words_do_not_change() -> None:
    theatre = Theatre([Says(0.5, 1.5)]).run(6.0)
    assert len(theatre.prompts) == 1
    thought, created = theatre.prompts[0][0], theatre.events(wire.ResponseCreated)[0][0]
    assert thought < created


def test_going_on_throws_the_prepared_reply_away() -> None:
    theatre = Theatre([Says(0.5, 1.5, "tell me about"), Says(1.7, 2.5, "the dragon")]).run(8.0)
    assert len(theatre.events(wire.ResponseCreated)) == 1
    assert len(theatre.prompts) >= 2
    assert theatre.messages()[0] == ("user", "tell me about the dragon")
    assert theatre.events(wire.SpeechStarted)[0][1].audio_start_ms in range(480, 545)


def test_nothing_of_a_private_reply_is_sent() -> None:
    theatre = Theatre([Says(0.5, 1.5, "tell me about"), Says(1.7, 2.5, "the dragon")]).run(2.4)
    assert {"ResponseCreated", "AudioDelta", "OutputItemAdded", "ItemAdded"}.isdisjoint(theatre.names())


@pytest.mark.parametrize("reports", [True, False])
def test_barge_in_keeps_what_was_heard(reports: bool) -> None:
    speaker = Loudspeaker(reports=reports, latency=0.05 if reports else 0.0)
    theatre = Theatre([Says(0.5, 1.5, "first question"), Says(3.4, 4.4, "stop")], loudspeaker=speaker).run(4.3)
    done = theatre.events(wire.ResponseDone)[0][1].response
    assert done["status"] == "cancelled"
    assert done["status_details"]["reason"] == "turn_detected"
    said = theatre.messages()[1][1]
    assert abs(len(said.split()) - heard_words(theatre)) <= 1
    assert 2 <= len(said.split()) < 10
    assert theatre.events(wire.Stop)


def test_a_barge_in_is_held_within_100_ms_and_decided_within_700() -> None:
    theatre = Theatre([Says(0.5, 1.5), Says(3.4, 4.4)]).run(6.0)
    assert theatre.events(wire.Hold)[0][0] - 3.4 <= 0.1
    decided = theatre.events(wire.SpeechStarted)[1]
    assert decided[0] - 3.4 <= 0.7
    assert decided[1].audio_start_ms in range(3360, 3450)


def test_a_cough_holds_the_reply_and_lets_it_go_on() -> None:
    theatre = Theatre([Says(0.5, 1.5), Says(3.4, 3.52)]).run(9.0)
    assert theatre.events(wire.Hold)
    assert theatre.events(wire.Resume)
    assert len(theatre.events(wire.SpeechStarted)) == 1
    assert theatre.events(wire.ResponseDone)[0][1].response["status"] == "completed"
    assert theatre.loudspeaker.position(theatre.now) == theatre.loudspeaker.received
    assert theatre.messages()[1][1].endswith("ten.")


def test_interrupting_in_the_last_words_after_all_was_sent() -> None:
    """The response is done on the wire, but its end is still in the loudspeaker's queue."""
    theatre = Theatre([Says(0.5, 1.5), Says(4.75, 5.5)])
    theatre.run(5.6)
    assert theatre.events(wire.ResponseDone)[0][1].response["status"] == "completed"
    assert abs(len(theatre.messages()[1][1].split()) - heard_words(theatre)) <= 1


def test_doubtful_words_are_not_answered_but_asked_again() -> None:
    theatre = Theatre([Says(0.5, 1.5, "mumble mumble", confidence=0.1)]).run(6.0)
    assert theatre.messages()[-1] == ("assistant", "Sorry, I did not catch that.")
    assert not theatre.prompts


def test_a_click_is_nothing() -> None:
    theatre = Theatre([Says(0.5, 0.53)]).run(3.0)
    assert theatre.names() == ["SessionCreated", "ConversationCreated"]


def test_short_noise_without_words_is_not_answered() -> None:
    theatre = Theatre([Says(0.5, 0.8, "")]).run(4.0)
    assert not theatre.events(wire.ResponseCreated)
    assert theatre.events(wire.TranscriptionCompleted)[0][1].transcript == ""


def test_a_clients_own_silence_is_honoured() -> None:
    config = SessionConfig(audio=Audio(input=InputAudio(turn_detection=ServerVad(silence_duration_ms=900))))
    theatre = Theatre([Says(0.5, 1.5)], config=config).run(6.0)
    assert theatre.events(wire.SpeechStopped)[0][0] == pytest.approx(1.5 + 0.9, abs=0.07)


def test_typing_is_answered_in_text_when_asked() -> None:
    theatre = Theatre([])
    theatre.client(0.1, json.dumps({"type": "session.update", "session": {"output_modalities": ["text"]}}))
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}
    theatre.client(0.2, json.dumps({"type": "conversation.item.create", "item": item}))
    theatre.client(0.3, json.dumps({"type": "response.create"}))
    theatre.run(1.0)
    assert theatre.events(wire.TextDone)[0][1].text.endswith("ten.")
    assert not theatre.events(wire.AudioDelta)
    assert theatre.events(wire.ResponseDone)[0][1].response["output"][0]["content"][0]["type"] == "output_text"


def test_push_to_talk() -> None:
    config = SessionConfig(audio=Audio(input=InputAudio(turn_detection=None)))
    theatre = Theatre([Says(0.5, 1.5, "push to talk")], config=config)
    theatre.client(1.8, json.dumps({"type": "input_audio_buffer.commit"}))
    theatre.client(1.81, json.dumps({"type": "response.create"}))
    theatre.run(8.0)
    assert "SpeechStarted" not in theatre.names()
    assert theatre.messages()[0] == ("user", "push to talk")
    assert theatre.messages()[1][0] == "assistant"


def test_committing_nothing_is_an_error_and_the_conversation_lives() -> None:
    theatre = Theatre([Says(1.0, 2.0)])
    theatre.client(0.2, json.dumps({"type": "input_audio_buffer.commit", "event_id": "mine"}))
    theatre.run(6.0)
    error = theatre.events(wire.Error)[0][1].error
    assert error["code"] == "input_audio_buffer_commit_empty"
    assert error["event_id"] == "mine"
    assert theatre.events(wire.ResponseDone)


def test_a_second_response_is_refused_while_one_is_given() -> None:
    theatre = Theatre([Says(0.5, 1.5)])
    theatre.client(2.5, json.dumps({"type": "response.create"}))
    theatre.run(6.0)
    assert theatre.events(wire.Error)[0][1].error["code"] == "conversation_already_has_active_response"
    assert theatre.events(wire.ResponseDone)[0][1].response["status"] == "completed"


def test_cancelling_by_the_client() -> None:
    theatre = Theatre([Says(0.5, 1.5)])
    theatre.client(3.0, json.dumps({"type": "response.cancel"}))
    theatre.client(7.0, json.dumps({"type": "response.cancel"}))
    theatre.run(8.0)
    done = theatre.events(wire.ResponseDone)[0][1].response
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert theatre.events(wire.Error)[0][1].error["code"] == "response_cancel_not_active"
    assert abs(len(theatre.messages()[1][1].split()) - heard_words(theatre)) <= 1


def test_truncation_is_clamped_final_and_idempotent() -> None:
    theatre = Theatre([Says(0.5, 1.5)]).run(3.0)
    item = theatre.events(wire.AudioDelta)[0][1].item_id
    message = {"type": "conversation.item.truncate", "item_id": item, "content_index": 0, "audio_end_ms": 700}
    theatre.client(3.0, json.dumps(message))
    theatre.client(3.1, json.dumps(message | {"audio_end_ms": 99_000}))
    theatre.run(4.0)
    ends = [event.audio_end_ms for _, event in theatre.events(wire.ItemTruncated)]
    assert ends == [700, 700]
    assert theatre.messages()[1] == ("assistant", "One two")


def test_truncation_beyond_the_end_is_clamped_to_what_was_sent() -> None:
    theatre = Theatre([Says(0.5, 1.5)]).run(9.0)
    item = theatre.events(wire.AudioDelta)[0][1].item_id
    message = {"type": "conversation.item.truncate", "item_id": item, "content_index": 0, "audio_end_ms": 99_000}
    theatre.client(9.0, json.dumps(message))
    theatre.run(9.1)
    assert theatre.events(wire.ItemTruncated)[0][1].audio_end_ms == round((10 * 0.3 + 2 * 0.12) * 1000)


def test_the_greeting_says_it_is_an_ai_and_comes_once() -> None:
    theatre = Theatre([])
    theatre.client(0.1, '{"type": "visavis.greet"}')
    theatre.client(4.0, '{"type": "visavis.greet"}')
    theatre.run(8.0)
    assert theatre.messages() == [("assistant", "Hello, I am an AI.")]


def test_the_pace_is_the_clocks_with_a_small_lead() -> None:
    theatre = Theatre([Says(0.5, 1.5)]).run(9.0)
    deltas = theatre.events(wire.AudioDelta)
    start, sent = deltas[0][0], 0
    for at, event in deltas:
        assert sent / RATE <= at - start + 0.3 + 0.001
        sent += len(base64.b64decode(event.delta)) // 2
    assert sent == round((10 * 0.3 + 2 * 0.12) * RATE)


def test_a_starving_synthesiser_stalls_the_ledger_and_loses_nothing() -> None:
    theatre = Theatre([Says(0.5, 1.5)])
    theatre.speech.speed = 0.7
    theatre.run(12.0)
    anchors = [event for _, event in theatre.events(wire.Anchor)]
    assert any(not anchor.playing for anchor in anchors)
    assert theatre.messages()[1][1].endswith("ten.")
    assert theatre.events(wire.ResponseDone)[0][1].response["status"] == "completed"


def test_frames_leave_before_their_sound_and_cover_it() -> None:
    theatre = Theatre([Says(0.5, 1.5)], face=True).run(9.0)
    covered = sound = 0
    for _, event in theatre.sent:
        if isinstance(event, wire.FaceDelta):
            assert event.start_sample == covered
            covered = event.start_sample + event.count * 400
        elif isinstance(event, wire.AudioDelta):
            sound += len(base64.b64decode(event.delta)) // 2
            assert covered >= sound - 400 + 1
    assert covered >= sound > 0


def test_stage_frames_run_ahead_without_gaps() -> None:
    theatre = Theatre([], face=True).run(3.0)
    expected = None
    for at, event in theatre.events(wire.StageFace):
        assert expected is None or event.start_sample == expected
        expected = event.start_sample + event.count * 400
        assert expected / RATE >= at + 0.3
    assert expected is not None


def test_states_follow_the_conversation() -> None:
    theatre = Theatre([Says(0.5, 1.5)]).run(9.0)
    assert [event.state for _, event in theatre.events(wire.State)] == ["listening", "speaking", "idle"]


def test_without_a_prepared_reply_the_person_thinks() -> None:
    theatre = Theatre([Says(0.5, 1.5)], settings={"speculate": False}).run(9.0)
    states = [event.state for _, event in theatre.events(wire.State)]
    assert states == ["listening", "thinking", "speaking", "idle"]


def test_without_interruption_the_turn_waits_for_the_reply() -> None:
    config = SessionConfig(audio=Audio(input=InputAudio(turn_detection=ServerVad(interrupt_response=False))))
    theatre = Theatre([Says(0.5, 1.5, "one"), Says(3.0, 4.0, "two")], config=config).run(14.0)
    statuses = [event.response["status"] for _, event in theatre.events(wire.ResponseDone)]
    assert statuses == ["completed", "completed"]
    assert not theatre.events(wire.Hold)


def test_words_said_after_an_early_end_join_the_same_question() -> None:
    """The reply to the first half was cut before anything of it was heard: the prompt has one question."""
    theatre = Theatre([Says(0.5, 1.5, "tell me about"), Says(1.85, 2.8, "the dragon")]).run(9.0)
    assert theatre.messages()[0] == ("user", "tell me about the dragon")


def test_a_language_that_is_not_understood_is_not_guessed_at() -> None:
    theatre = Theatre([Says(0.5, 1.5)], settings={"hears": ("en",)})
    session = {"audio": {"input": {"transcription": {"language": "zh"}}}}
    theatre.client(0.1, json.dumps({"type": "session.update", "session": session}))
    theatre.run(4.0)
    assert theatre.events(wire.Notice)[0][1].code == "cannot_hear_language"
    assert not theatre.events(wire.SpeechStarted)


def test_the_decision_about_an_interruption_is_measured() -> None:
    confirmed = Theatre([Says(0.5, 1.5), Says(3.4, 4.4)]).run(6.0)
    rejected = Theatre([Says(0.5, 1.5), Says(3.4, 3.52)]).run(6.0)
    for theatre in (confirmed, rejected):
        (decided,) = [measure.seconds for measure in theatre.measured if measure.stage == "decide"]
        assert 0 < decided <= 0.7


def test_an_interruption_is_measured_from_the_voice_to_the_hold_and_to_the_decision() -> None:
    theatre = Theatre([Says(0.5, 1.5), Says(3.4, 4.4, "stop please")]).run(6.0)
    times = [(one.stage, one.seconds) for one in theatre.measured if one.stage in ("hold", "decide")]
    assert [stage for stage, _ in times] == ["hold", "decide"]
    assert 0.06 <= times[0][1] <= 0.1
    assert 0.0 < times[1][1] < 0.7
