"""Turns by windows: what holds a reply, what takes the floor, what is let pass, and when a turn ends."""

import itertools
import json

import pytest

from agent.conversation.interruption import Claim, claim
from agent.conversation.turns import Evidence, TurnDetector, TurnEvent, TurnSettings
from agent.realtime import events as wire
from agent.realtime.session_config import Audio, InputAudio, SemanticVad, ServerVad, SessionConfig
from tests.conversation.theatre import Says, Theatre

ASKED = Says(0.5, 1.5)
REPLY_AT = 3.4
"""In the middle of the reply to ASKED."""


def over_reply(*said: Says, until: float = 9.0, reply_goes_on: bool = True) -> Theatre:
    theatre = Theatre([ASKED, *said]).run(until)
    statuses = [event.response["status"] for _, event in theatre.events(wire.ResponseDone)]
    assert statuses[0] == ("completed" if reply_goes_on else "cancelled")
    return theatre


# ---------------------------------------------------------------------- words over a reply
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Claim.NONE),
        ("mm-hm", Claim.BACKCHANNEL),
        ("uh-huh", Claim.BACKCHANNEL),
        ("yeah okay", Claim.BACKCHANNEL),
        ("right", Claim.BACKCHANNEL),
        ("i see", Claim.BACKCHANNEL),
        ("嗯", Claim.BACKCHANNEL),
        ("对对对", Claim.BACKCHANNEL),
        ("好的", Claim.BACKCHANNEL),
        ("stop", Claim.STOP),
        ("no wait", Claim.STOP),
        ("okay stop", Claim.STOP),
        ("等一下", Claim.STOP),
        ("别说了", Claim.STOP),
        ("what about the tickets", Claim.FLOOR),
        ("yeah but where", Claim.FLOOR),
        ("yeah yeah yeah okay right", Claim.FLOOR),
        ("好的那门票呢", Claim.FLOOR),
    ],
)
def test_what_words_over_a_reply_lay_claim_to(text: str, expected: Claim) -> None:
    assert claim(text) is expected


@pytest.mark.parametrize("words", ["mm-hm", "yeah", "okay right", "嗯", "好的"])
def test_a_listener_s_yes_lets_the_reply_go_on_from_the_held_sample(words: str) -> None:
    theatre = over_reply(Says(REPLY_AT, REPLY_AT + 0.45, words))
    (hold,), (resume,) = theatre.events(wire.Hold), theatre.events(wire.Resume)
    assert resume[0] - hold[0] <= 0.7
    assert len(theatre.events(wire.SpeechStarted)) == 1, "it is no turn"
    assert theatre.loudspeaker.position(theatre.now) == theatre.loudspeaker.received
    assert theatre.messages()[1][1].endswith("ten.")


def test_two_in_a_row_hold_once() -> None:
    theatre = over_reply(Says(REPLY_AT, REPLY_AT + 0.4, "yeah"), Says(REPLY_AT + 0.9, REPLY_AT + 1.3, "mm-hm"))
    assert len(theatre.events(wire.Hold)) == 1


def test_a_long_drawn_yes_is_still_one() -> None:
    over_reply(Says(REPLY_AT, REPLY_AT + 1.2, "okay yeah"))


@pytest.mark.parametrize("words", ["stop", "wait", "no", "停"])
def test_a_word_that_stops_decides_at_once(words: str) -> None:
    theatre = over_reply(Says(REPLY_AT, REPLY_AT + 0.4, words), reply_goes_on=False)
    # The stub recogniser has the one word once half of it was said.
    assert theatre.events(wire.Stop)[0][0] - REPLY_AT <= 0.35


def test_a_yes_that_turns_into_a_question_takes_the_floor_without_a_second_hold() -> None:
    theatre = over_reply(
        Says(REPLY_AT, REPLY_AT + 0.4, "okay"),
        Says(REPLY_AT + 0.8, REPLY_AT + 1.8, "where is the cafe"),
        reply_goes_on=False,
    )
    assert len(theatre.events(wire.Hold)) == 1
    assert theatre.messages()[2] == ("user", "okay where is the cafe")


def test_a_voice_whose_words_are_not_recognised_is_an_interruption_when_it_lasts() -> None:
    theatre = over_reply(Says(REPLY_AT, REPLY_AT + 1.0, ""), reply_goes_on=False)
    assert theatre.events(wire.Stop)[0][0] - theatre.events(wire.Hold)[0][0] <= 0.7


def test_patience_does_not_change_how_interruptions_are_judged() -> None:
    def stops(patience: float) -> list[float]:
        theatre = Theatre([ASKED, Says(REPLY_AT + 1, REPLY_AT + 2, "what about tickets")])
        theatre.client(0.1, update(avatar={"patience": patience}))
        return [at for at, _ in theatre.run(6.0).events(wire.Hold)]

    assert stops(1.0) == stops(2.0)


# ---------------------------------------------------------------------- the detector alone
def run(detector: TurnDetector, *spans: tuple[int, Evidence]) -> list[tuple[int, TurnEvent]]:
    happened = []
    for count, evidence in spans:
        for _ in range(count):
            event = detector.feed(evidence)
            if event is not None:
                happened.append((detector.windows, event))
    return happened


QUIET = Evidence(0.02, interruptible=True, tonal=False)
VOICE = Evidence(0.9, interruptible=True)
NOISE = Evidence(0.9, interruptible=True, tonal=False)
DROWNED = Evidence(0.0, interruptible=True, tonal=False, masked=True)


def names(happened: list[tuple[int, TurnEvent]]) -> list[str]:
    return [event.name for _, event in happened]


def test_noise_without_a_pitch_never_takes_the_floor_however_long() -> None:
    happened = run(TurnDetector(TurnSettings()), (3, QUIET), (40, NOISE), (40, QUIET))
    assert names(happened) == ["ONSET", "REJECTED", "DISMISSED"]
    assert (happened[1][0] - happened[0][0]) * 32 <= 700


def test_a_hold_comes_with_the_second_voiced_window_and_every_decision_within_700_ms_of_the_onset() -> None:
    kinds = (VOICE, NOISE, Evidence(0.9, interruptible=True, claim=Claim.BACKCHANNEL))
    for length, kind, after in itertools.product(range(2, 60), kinds, (QUIET, DROWNED)):
        happened = run(TurnDetector(TurnSettings()), (5, QUIET), (length, kind), (60, after))
        (held, _), (decided, decision) = happened[:2]
        assert held == 7
        assert decision in (TurnEvent.REJECTED, TurnEvent.STARTED)
        assert (decided - 5) * 32 <= 700


def test_a_voice_that_the_reply_drowned_until_it_was_held_is_waited_for() -> None:
    happened = run(TurnDetector(TurnSettings()), (5, QUIET), (2, VOICE), (10, DROWNED), (30, VOICE))
    assert names(happened) == ["ONSET", "STARTED"]
    late = run(TurnDetector(TurnSettings()), (5, QUIET), (2, VOICE), (17, DROWNED), (30, VOICE))
    assert names(late) == ["ONSET", "STARTED"]


def test_an_echo_that_was_taken_for_a_voice_resumes_once_it_is_quiet() -> None:
    happened = run(TurnDetector(TurnSettings()), (5, QUIET), (3, VOICE), (8, DROWNED), (30, QUIET))
    assert names(happened)[:2] == ["ONSET", "REJECTED"]
    assert happened[1][0] - 5 - 3 - 8 == 192 // 32


def test_a_noise_that_never_ends_is_forgotten() -> None:
    happened = run(TurnDetector(TurnSettings()), (3, QUIET), (200, NOISE))
    assert "DISMISSED" in names(happened)


def test_a_voice_that_is_over_when_it_is_decided_is_let_pass_until_its_words_are_known() -> None:
    """The words of a short "yeah" come when it has been said, and so do those of a short question."""
    silent = Evidence(0.02, interruptible=True, tonal=False)
    for claim_, expected in ((Claim.BACKCHANNEL, "DISMISSED"), (Claim.FLOOR, "STARTED"), (Claim.NONE, "DISMISSED")):
        words = Evidence(0.02, interruptible=True, tonal=False, claim=claim_)
        happened = run(TurnDetector(TurnSettings()), (5, QUIET), (18, VOICE), (6, silent), (40, words))
        assert names(happened)[:3] == ["ONSET", "REJECTED", expected]
        assert (happened[1][0] - 5) * 32 <= 700
    assert names(run(TurnDetector(TurnSettings()), (5, QUIET), (22, VOICE), (40, silent)))[:2] == ["ONSET", "STARTED"]


def test_late_words_still_take_the_floor() -> None:
    late = Evidence(0.02, interruptible=True, tonal=False, claim=Claim.STOP)
    happened = run(TurnDetector(TurnSettings()), (3, QUIET), (8, VOICE), (9, QUIET), (1, late))
    assert names(happened) == ["ONSET", "REJECTED", "STARTED"]


# ---------------------------------------------------------------------- the end of a turn
def update(**session: object) -> str:
    return json.dumps({"type": "session.update", "session": session})


def stopped(
    *said: Says, detection: ServerVad | SemanticVad | None = None, patience: float | None = None
) -> list[float]:
    """When each turn was over, after the script's last voice."""
    config = SessionConfig(audio=Audio(input=InputAudio(turn_detection=detection))) if detection else None
    theatre = Theatre(list(said), config=config)
    if patience is not None:
        theatre.client(0.01, update(avatar={"patience": patience}))
    theatre.run(said[-1].end + 9.0)
    return [round(at - said[-1].end, 3) for at, _ in theatre.events(wire.SpeechStopped)]


def test_a_question_ends_within_250_ms_and_a_pause_in_mid_sentence_is_waited_for() -> None:
    assert stopped(Says(0.5, 1.5, "where is the cafe"))[0] <= 0.25
    (end,) = stopped(Says(0.5, 1.5, "tell me about the"), Says(2.7, 3.3, "dragon"))
    assert 0 < end <= 0.25


def test_unfinished_words_are_not_waited_for_forever() -> None:
    (end,) = stopped(Says(0.5, 1.5, "tell me about the"))
    assert 1.2 < end <= 2.0


def test_a_clients_own_silence_is_exact_whatever_the_words_and_its_patience() -> None:
    for silence in (96, 500, 1500):
        for words in ("where is the cafe", "tell me about the"):
            (end,) = stopped(Says(0.5, 1.5, words), detection=ServerVad(silence_duration_ms=silence), patience=3.0)
            assert end == pytest.approx(silence / 1000, abs=0.05)


def test_eagerness_and_patience_move_the_end() -> None:
    unfinished = Says(0.5, 1.5, "tell me about the")
    ends = [
        stopped(unfinished, detection=SemanticVad(type="semantic_vad", eagerness=eagerness))[0]
        for eagerness in ("high", "medium", "low")
    ]
    assert ends == sorted(ends)
    assert ends[0] < ends[2]
    assert stopped(unfinished, patience=2.0)[0] > stopped(unfinished)[0] + 1.0
    assert stopped(unfinished, patience=4.0)[0] <= 4.1, "never longer than eagerness allows"


@pytest.mark.parametrize("patience", [0.1, 9, "much"])
def test_an_impossible_patience_is_refused(patience: object) -> None:
    with pytest.raises(wire.WireError, match="patience"):
        wire.parse(update(avatar={"patience": patience}))
