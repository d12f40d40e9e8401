"""What clients are told of the visitor's words: as they become steady, then the whole, or that there are none."""

import json

from hypothesis import given
from hypothesis import strategies as st

from agent.asr import Hypothesis
from agent.asr.steady import STEADY, Steady
from agent.conversation import inputs as told
from agent.conversation.hearing import LIMIT
from agent.realtime import events as wire
from agent.realtime.session_config import Audio, InputAudio, SessionConfig
from tests.conversation.theatre import Says, Theatre

LONG = "could you please tell me where the very old clocks are kept these days"


def deltas(theatre: Theatre) -> list[tuple[float, wire.TranscriptionDelta]]:
    return theatre.events(wire.TranscriptionDelta)


def test_deltas_come_while_the_visitor_speaks_and_make_the_transcript() -> None:
    theatre = Theatre([Says(0.5, 5.0, LONG)]).run(8.0)
    (completed,) = [event for _, event in theatre.events(wire.TranscriptionCompleted)]
    assert "".join(event.delta for _, event in deltas(theatre)) == completed.transcript == LONG
    assert sum(at < 5.0 for at, _ in deltas(theatre)) >= 5
    (started,) = [event for _, event in theatre.events(wire.SpeechStarted)]
    assert {event.item_id for _, event in deltas(theatre)} == {started.item_id, completed.item_id}
    assert theatre.names().index("SpeechStarted") < theatre.names().index("TranscriptionDelta")


def test_without_turn_detection_no_item_is_spoken_of_before_it_is_committed() -> None:
    config = SessionConfig(audio=Audio(input=InputAudio(turn_detection=None)))
    theatre = Theatre([Says(0.5, 5.0, LONG)], config=config)
    theatre.client(5.2, '{"type": "input_audio_buffer.commit"}')
    theatre.run(8.0)
    names = theatre.names()
    assert names.index("AudioCommitted") < names.index("TranscriptionDelta") < names.index("TranscriptionCompleted")
    assert "".join(event.delta for _, event in deltas(theatre)) == LONG


def test_null_is_silence_about_it_and_changes_nothing_else() -> None:
    theatre = Theatre([Says(0.5, 1.5, "where are you")])
    session = {"audio": {"input": {"transcription": None}}}
    theatre.client(0.1, json.dumps({"type": "session.update", "session": session}))
    theatre.run(8.0)
    assert theatre.events(wire.SessionUpdated)[0][1].session["audio"]["input"]["transcription"] is None
    assert not [name for name in theatre.names() if name.startswith("Transcription")]
    assert theatre.messages()[0] == ("user", "where are you")
    assert theatre.events(wire.ResponseDone)


class Deaf(Theatre):
    """Its recogniser gives up, or (`silent`) never says a word."""

    silent = False

    def tell(self, event: told.Input) -> None:
        if isinstance(event, told.Recognized):
            if self.silent:
                return
            event = told.RecognitionFailed(event.turn, "it broke")
        super().tell(event)


def test_a_recogniser_that_fails_is_told_and_the_visitor_asked_again() -> None:
    theatre = Deaf([Says(0.5, 1.5)]).run(4.0)
    (failed,) = [event for _, event in theatre.events(wire.TranscriptionFailed)]
    (committed,) = [event for _, event in theatre.events(wire.AudioCommitted)]
    assert failed.item_id == committed.item_id
    assert failed.error["type"] == "server_error"
    assert failed.error["code"] == "transcription_failed"
    assert not theatre.events(wire.TranscriptionCompleted)
    assert theatre.messages()[-1][1] == "Sorry, I did not catch that."


def test_one_that_never_answers_has_failed_in_the_end() -> None:
    theatre = Deaf([Says(0.5, 1.5)])
    theatre.silent = True
    theatre.run(4.0 + LIMIT)
    (failed,) = theatre.events(wire.TranscriptionFailed)
    assert failed[0] < 3.0 + LIMIT


def test_a_word_taken_back_ends_the_deltas_and_the_transcript_is_what_counts() -> None:
    theatre = Theatre([Says(0.5, 4.0, LONG)]).run(3.9)
    assert deltas(theatre)
    (turn,) = theatre._fed
    theatre.tell(told.Recognized(turn, Hypothesis("wood you please", 1.0), 10**7, refined=False, steady=15))
    before = len(deltas(theatre))
    theatre.run(3.95)
    assert len(deltas(theatre)) == before


words = st.lists(st.sampled_from(["a", "an", "and", "hand", "sand"]), max_size=8)


@given(texts=st.lists(st.tuples(words, st.integers(1, 20_000)), max_size=20))
def test_steady_words_are_a_beginning_that_stood_long_enough(texts: list[tuple[list[str], int]]) -> None:
    rate, samples = 16_000, 0
    steady = Steady(rate)
    seen: list[tuple[int, list[str]]] = []
    for said, more in texts:
        samples += more
        text = " ".join(said)
        seen.append((samples, said))
        kept = text[: steady.characters(text, samples)].split()
        assert kept == said[: len(kept)]
        assert len(kept) < max(1, len(said))
        recent = [old for at, old in seen if at >= samples - STEADY * rate]
        assert all(old[: len(kept)] == kept for old in recent)
