"""Our own reply in the microphone: rooms made from a seed, silero's real probabilities, and a scripted conversation."""

from dataclasses import replace

import numpy as np
import pytest

from agent import vad
from agent.conversation import inputs as told
from agent.conversation.echo import RATE, WINDOW, EchoGate
from agent.conversation.ledger import Ledger
from agent.realtime import events as wire
from scripts.bench.echo_room import Room, play
from tests.conversation.theatre import Says, Theatre

ROOM = Room(
    seed=11,
    reply_voice="en-us",
    reply_text="The museum opens at nine in the morning, and tickets cost twelve euros.",
    user_voice="en+f3",
    user_text="Wait, I want to ask you something else before we go on.",
    echo=-12.0,
    delay=0.12,
    skew=0.04,
    reverb=0.35,
    direct=6.0,
    clip=0.8,
    noise=-30.0,
    user=None,
    user_at=1.5,
    reports=True,
)


def test_without_the_gate_the_reply_interrupts_itself() -> None:
    assert play(ROOM, vad.load(), None).holds


@pytest.mark.parametrize(
    "room",
    [
        ROOM,
        replace(ROOM, seed=12, echo=-6.0, delay=0.02, skew=-0.06, reverb=0.6),
        replace(ROOM, seed=13, echo=-20.0, delay=0.2, skew=0.06, clip=0.6, reports=False),
        replace(ROOM, seed=14, reply_voice="en+f3", reverb=0.2, direct=2.0),
    ],
)
def test_a_reply_in_a_room_does_not_interrupt_itself(room: Room) -> None:
    outcome = play(room, vad.load(), EchoGate().hear)
    assert outcome.gated > 30
    assert not outcome.holds
    assert not outcome.started
    assert outcome.utterances == 0


@pytest.mark.parametrize("level", [-6.0, 0.0, 8.0])
def test_somebody_who_talks_over_the_echo_is_heard(level: float) -> None:
    outcome = play(replace(ROOM, user=level), vad.load(), EchoGate().hear)
    assert outcome.spoke is not None
    assert outcome.started
    assert min(outcome.holds) >= outcome.spoke
    assert min(outcome.holds) <= outcome.spoke + 1.0


def test_with_headphones_nobody_waits() -> None:
    room = replace(ROOM, echo=None, user=0.0)
    plain, gated = play(room, vad.load(), None), play(room, vad.load(), EchoGate().hear)
    assert gated.holds[0] - plain.holds[0] <= WINDOW / RATE
    assert gated.started[0] - plain.started[0] <= WINDOW / RATE


def test_the_same_sound_is_judged_the_same() -> None:
    def traces() -> list[bool]:
        gate, seen = EchoGate(), []

        def hear(mic: np.ndarray, probability: float, ledger: Ledger | None, now: float) -> bool:
            seen.append(gate.hear(mic, probability, ledger, now))
            return seen[-1]

        play(replace(ROOM, user=0.0), vad.load(), hear)
        return seen

    assert traces() == traces()


def test_nothing_is_judged_while_nothing_sounds() -> None:
    gate = EchoGate()
    noise = np.random.default_rng(1).standard_normal(WINDOW).astype(np.float32)
    assert not any(gate.hear(noise, 0.9, None, k * 0.032) for k in range(20))


class Echoing(Theatre):
    """Every voice in the script is marked as echo from `since` on."""

    since = 2.0

    def tell(self, event: told.Input) -> None:
        if isinstance(event, told.Window) and self.now > self.since:
            event = replace(event, echo=True)
        super().tell(event)


def test_echo_never_becomes_an_utterance() -> None:
    theatre = Echoing([Says(0.5, 1.5), Says(2.5, 5.0, "one two three four")]).run(8.0)
    assert not theatre.events(wire.Hold)
    assert len(theatre.events(wire.SpeechStarted)) == 1
    assert theatre.events(wire.ResponseDone)[0][1].response["status"] == "completed"
    assert [role for role, _ in theatre.messages()] == ["user", "assistant"]
