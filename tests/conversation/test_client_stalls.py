"""A client that plays nothing though it has sound: it is waited for, and the ledger says so."""

import pytest

from agent.conversation.ledger import Ledger
from agent.realtime import events as wire
from agent.realtime.pacer import LEAD
from tests.conversation.theatre import RATE, Loudspeaker, Says, Theatre

LINES = "One two three four five. Six seven eight nine ten. Eleven twelve thirteen fourteen fifteen."
STALL = (3.0, 5.0)


def stalled(stall: tuple[float, float] = STALL, *more: Says) -> Theatre:
    theatre = Theatre([Says(0.5, 1.2, "hello there"), *more], lambda heard: LINES)
    theatre.at(stall[0], lambda: theatre.loudspeaker.freeze(theatre.now))
    theatre.at(stall[1], lambda: theatre.loudspeaker.go_on(theatre.now))
    return theatre


def playing(theatre: Theatre) -> Ledger:
    ledger = theatre.conversation._playback.playing
    assert ledger is not None
    return ledger


def test_it_is_not_sent_ever_more() -> None:
    theatre = stalled().run(4.9, of=16.0)
    ledger = playing(theatre)
    assert 0.5 * RATE < ledger.heard(theatre.now) < ledger.produced
    assert LEAD * RATE <= ledger.sent - ledger.heard(theatre.now) <= 1.5 * RATE
    ((sample, seconds),) = ledger.stalls_by(theatre.now)
    assert abs(sample - ledger.heard(theatre.now)) < 0.05 * RATE
    assert seconds > 1.5


def test_the_stall_is_recorded_and_the_reply_goes_on_from_there_to_its_end() -> None:
    theatre = stalled().run(5.5, of=16.0)
    ledger = playing(theatre)
    (_, seconds) = ledger.stalls[0]
    assert seconds == pytest.approx(2.0, abs=0.25)  # reports come every 0.2 s
    assert abs(ledger.pacer.position(theatre.now) - theatre.loudspeaker.position(theatre.now)) < 0.1 * RATE
    theatre.run(14.0)
    assert theatre.events(wire.ResponseDone)[0][1].response["status"] == "completed"
    assert theatre.messages()[-1] == ("assistant", LINES)
    assert len(ledger.stalls) == 1
    assert theatre.loudspeaker.position(theatre.now) == ledger.produced


def test_one_that_ends_in_an_interruption_is_recorded_too() -> None:
    theatre = stalled((3.0, 20.0), Says(4.5, 5.5, "stop please")).run(4.4, of=16.0)
    ledger = playing(theatre)
    theatre.run(6.5)
    assert theatre.events(wire.ResponseDone)[0][1].response["status"] == "cancelled"
    ((_, seconds),) = ledger.stalls
    assert 1.3 < seconds < 1.9


def test_a_stall_of_our_own_that_ends_in_a_cut_is_recorded() -> None:
    ledger = Ledger("item")
    ledger.start(0.0, 0)
    assert ledger.starve(1.0)
    ledger.cut(6.0)
    assert ledger.stalls == [(0, 5.0)]


class Suspended(Loudspeaker):
    """It plays nothing before a gesture, and says so."""

    unlocked = False

    def receive(self, item: str, samples: int, now: float) -> None:
        if self.unlocked:
            super().receive(item, samples, now)
        else:
            self.item, self.received = item, self.received + samples


def test_before_it_begins_it_gets_its_lead_and_waits_as_long_as_it_must() -> None:
    speaker = Suspended()
    theatre = Theatre([Says(0.5, 1.2, "hello there")], lambda heard: LINES, loudspeaker=speaker)

    def unlock() -> None:
        speaker.unlocked = True
        speaker.go_on(theatre.now)

    for k in range(20):
        theatre.at(2.0 + 0.2 * k, lambda: theatre._playout(speaker.item))
    theatre.at(6.0, unlock)
    theatre.run(5.9, of=16.0)
    assert LEAD * RATE <= speaker.received <= 1.5 * RATE
    theatre.run(16.0)
    assert theatre.events(wire.ResponseDone)[0][1].response["status"] == "completed"
    assert theatre.messages()[-1] == ("assistant", LINES)


def test_what_a_client_said_before_it_heard_of_the_holds_end_is_no_stall() -> None:
    theatre = Theatre([Says(0.5, 1.2, "hello there"), Says(3.0, 3.13)], lambda heard: LINES)
    theatre.run(3.0, of=16.0)
    ledger = playing(theatre)
    theatre.run(3.6)
    (resumed,) = [at for at, _ in theatre.events(wire.Resume)]
    heard = ledger.heard(theatre.now)
    message = f'"item_id": "{ledger.item_id}", "heard_samples": {heard}, "playing": false'
    theatre.client(resumed + 0.05, f'{{"type": "visavis.playout", {message}}}')
    theatre.run(5.0)
    assert len(theatre.events(wire.Hold)) == 1
    assert not ledger.stalls
