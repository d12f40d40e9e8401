"""What the pacer's lead costs and buys, on the virtual clock: `python -m scripts.bench.lead`.

A client that knows nothing of holds and keeps no buffer of its own plays whatever it was sent. For each lead: how much
it still plays from when a visitor's voice begins over a reply, and the longest outage of the network that it plays
through without a gap.
"""

import argparse
import base64
from collections.abc import Iterable
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np

from agent.realtime import events as wire
from agent.realtime.pacer import Pacer
from tests.conversation.test_stock_playback import LINES, StockLoudspeaker
from tests.conversation.theatre import RATE, Says, Theatre

LEADS = (0.1, 0.2, 0.3, 0.5)
VOICES = tuple(np.arange(2.5, 4.5, 0.13))
"""Seconds at which the visitor's voice begins over the reply."""
OUTAGES = tuple(np.arange(2.6, 3.8, 0.17))
"""Seconds at which the network stands still."""
STEP = 0.01


class Network(Theatre):
    """Between two times nothing arrives; then everything does."""

    def __init__(self, script: list[Says], outage: tuple[float, float] = (0.0, 0.0)) -> None:
        self._outage = outage
        super().__init__(script, lambda heard: LINES, loudspeaker=StockLoudspeaker())
        self.loudspeaker.latency = 0.0

    def _client_receives(self, event: wire.ServerEvent) -> None:
        start, end = self._outage
        if start <= self.now < end:
            deliver: Any = super()._client_receives
            self.at(end, lambda: deliver(event))
        else:
            super()._client_receives(event)


def still_played(voice: float) -> float:
    """Seconds that the client plays from when the voice begins, if it drops nothing of what it has."""
    theatre = Network([Says(0.5, 1.2, "hello there"), Says(voice, voice + 1.2, "stop that please")])
    theatre.run(voice, of=voice + 1.5)
    item, played = theatre.loudspeaker.item, theatre.loudspeaker.position(voice)
    theatre.run(voice + 1.0)
    deltas = [event for _, event in theatre.events(wire.AudioDelta) if event.item_id == item]
    return (sum(len(base64.b64decode(event.delta)) // 2 for event in deltas) - played) / RATE


def survived(outage: float) -> float:
    """The longest outage from then on, in seconds, that leaves no gap."""
    length = 0.0
    while True:
        theatre = Network([Says(0.5, 1.2, "hello there")], (outage, outage + length + STEP))
        theatre.run(outage + 1.5)
        speaker = theatre.loudspeaker
        assert isinstance(speaker, StockLoudspeaker)
        if speaker.dry > STEP / 2:
            return length
        length += STEP


def row(lead: float, played: Iterable[float], outages: Iterable[float]) -> str:
    played = [1000 * seconds for seconds in played]
    return f"| {lead} | {np.median(played):.0f} ({max(played):.0f}) | {1000 * min(outages):.0f} |"


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("| lead, s | still played after a voice began, ms: median (most) | outage survived, ms |\n|---|---|---|")
    for lead in LEADS:
        with patch("agent.conversation.ledger.Pacer", partial(Pacer, lead)):
            print(row(lead, map(still_played, VOICES), map(survived, OUTAGES)), flush=True)


if __name__ == "__main__":
    main()
