"""A client that knows nothing of ours is told of no hold: it plays on what it has, and the clock must go with it."""

import base64

from agent.realtime import events as wire
from agent.realtime.pacer import LEAD, PACKET
from tests.conversation.theatre import RATE, Loudspeaker, Says, Theatre


class StockLoudspeaker(Loudspeaker):
    """It hears of neither hold nor resume, and notes when it ran dry."""

    def __init__(self) -> None:
        super().__init__(reports=False)
        self.dry = 0.0

    def freeze(self, now: float) -> None: ...

    def go_on(self, now: float) -> None: ...

    def receive(self, item: str, samples: int, now: float) -> None:
        if item == self.item and self.playing:
            due = self._from + (self.received - self.played) / RATE
            self.dry = max(self.dry, now - due)
        super().receive(item, samples, now)


LINES = "One two three four five. Six seven eight nine ten. Eleven twelve thirteen fourteen fifteen."


def coughs(*at: float) -> Theatre:
    script = [Says(0.5, 1.2, "hello there"), *(Says(start, start + 0.13) for start in at)]
    return Theatre(script, lambda heard: LINES, loudspeaker=StockLoudspeaker())


def test_coughs_leave_no_gap_in_what_a_stock_client_plays() -> None:
    theatre = coughs(2.5, 3.5, 4.5).run(9.0)
    assert len(theatre.events(wire.Hold)) == 3
    assert len(theatre.events(wire.Resume)) == 3
    assert theatre.loudspeaker.dry < 0.1  # a hold may outlast the lead by a little, and each anew


def test_after_coughs_the_clock_still_knows_what_a_stock_client_has_played() -> None:
    theatre = coughs(2.5, 3.5, 4.5)
    theatre.run(5.5)
    speaker = theatre.loudspeaker
    ledger = theatre.conversation._playback.playing
    assert ledger is not None
    assert abs(ledger.heard(theatre.now) - speaker.position(theatre.now)) < 0.1 * RATE
    assert speaker.received - speaker.position(theatre.now) > 0.25 * RATE


def test_a_reply_that_is_played_to_its_end_while_held_leaves_nothing_held() -> None:
    all_sent = coughs().run(12.0).events(wire.ResponseDone)[0][0]
    theatre = coughs(all_sent + 0.1)
    theatre.client(all_sent + 2.0, '{"type": "response.create"}')
    theatre.run(all_sent + 9.0)
    assert len(theatre.events(wire.Hold)) == 1
    assert [event.response["status"] for _, event in theatre.events(wire.ResponseDone)] == ["completed", "completed"]


def test_who_interrupts_hears_little_more_than_the_lead() -> None:
    """From the hold on nothing is sent, whatever is decided: a stock client plays what it has, and falls silent."""
    for start in (2.5, 2.8, 3.3):
        script = [Says(0.5, 1.2, "hello there"), Says(start, start + 1.2, "stop that please")]
        theatre = Theatre(script, lambda heard: LINES, loudspeaker=StockLoudspeaker()).run(start)
        item, played = theatre.loudspeaker.item, theatre.loudspeaker.position(start)
        theatre = Theatre(script, lambda heard: LINES, loudspeaker=StockLoudspeaker()).run(start + 1.0)
        (held,) = [at for at, _ in theatre.events(wire.Hold)]
        decided = theatre.events(wire.SpeechStarted)[-1][0]
        assert start < held < decided
        assert not [at for at, event in theatre.events(wire.AudioDelta) if event.item_id == item and at > held]
        received = sum(
            len(base64.b64decode(event.delta)) // 2
            for _, event in theatre.events(wire.AudioDelta)
            if event.item_id == item
        )
        assert (received - played) / RATE <= LEAD + PACKET / RATE + 0.1  # a hold comes within 100 ms
