"""Whatever happens when, what is remembered is what was heard: random scripts on a virtual clock."""

import base64
import json
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.conversation.ledger import Ledger, SpokenWord
from agent.realtime import events as wire
from tests.conversation.theatre import RATE, Loudspeaker, Says, StubSpeech, Theatre

NAMES = ("alpha", "bravo", "charlie", "delta", "echo")

times = st.floats(0.05, 3.0)
script_steps = st.lists(st.tuples(times, st.floats(0.1, 2.5)), min_size=1, max_size=4)
speeches = st.builds(StubSpeech, word=st.floats(0.12, 0.6), pause=st.floats(0.0, 0.3), speed=st.floats(0.8, 30.0))


def samples(delta: wire.AudioDelta) -> int:
    return len(base64.b64decode(delta.delta)) // 2


def script(steps: list[tuple[float, float]]) -> list[Says]:
    """Gaps and lengths as a visitor's script, beginning at 0.4 s."""
    says, at = [], 0.4
    for k, (gap, length) in enumerate(steps):
        says.append(Says(at, at + length, f"question {NAMES[k]}"))
        at += length + gap
    return says


class Watched(Theatre):
    """A theatre that notes, for each spoken item, the most that truly left the loudspeaker."""

    def truly_heard(self, item: str) -> int:
        if item in self.loudspeaker.stopped:
            return self.loudspeaker.stopped[item]
        if self.loudspeaker.item == item:
            return self.loudspeaker.position(self.now)
        return -1


@dataclass(frozen=True, slots=True)
class Scene:
    """A conversation whose replies are interrupted somewhere."""

    steps: list[tuple[float, float]]
    """The visitor's pauses and speeches, seconds."""
    speech: StubSpeech
    words: int
    """In each reply."""
    latency: float
    reports: bool
    """Whether the client says what it played."""
    cancel_at: float | None
    until: float


def remembered(scene: Scene) -> list[tuple[int, int]]:
    """Of each reply that sounded: how many words the history keeps, and how many left the loudspeaker."""
    line = " ".join(f"w{k}{'.' if k % 5 == 4 else ''}" for k in range(scene.words)) + "."
    speaker = Loudspeaker(latency=scene.latency if scene.reports else 0.0, reports=scene.reports)
    theatre = Watched(script(scene.steps), lambda heard: line, speech=scene.speech, loudspeaker=speaker)
    if scene.cancel_at is not None:
        theatre.client(scene.cancel_at, json.dumps({"type": "response.cancel"}))
    theatre.run(scene.until)
    found = []
    for item in theatre.conversation._history:
        truly = theatre.truly_heard(item.id) if item.ledger is not None else -1
        if item.ledger is None or truly < 0:
            continue
        said = item.text_at(theatre.now)
        assert line.startswith(said.strip())
        found.append((len(said.split()), sum(word.midpoint <= truly for word in item.ledger.words)))
    return found


scenes = st.builds(
    Scene,
    steps=script_steps,
    speech=speeches,
    words=st.integers(1, 40),
    latency=st.floats(0.0, 0.12),
    reports=st.booleans(),
    cancel_at=st.none() | st.floats(0.5, 12.0),
    until=st.floats(2.0, 16.0),
)


@settings(max_examples=150)
@given(scenes)
def test_the_history_keeps_what_was_heard_within_one_word(scene: Scene) -> None:
    for kept, heard in remembered(scene):
        assert abs(kept - heard) <= 1


def test_a_reply_cut_while_its_voice_starves_is_remembered_to_its_last_spoken_word() -> None:
    ledger = Ledger("item")
    ledger.begin_sentence("one two three.")
    ledger.append(np.zeros(2400, np.float32), [SpokenWord(0, 3, 0, 2400, "engine")], [], None)
    ledger.take(2400)
    ledger.start(0.0, 0)
    ledger.cut(1.0)
    assert ledger.heard_text(1.0) == "one"


@settings(max_examples=100, deadline=None)
@given(steps=script_steps, speech=speeches, until=st.floats(2.0, 14.0), cancel_at=st.none() | st.floats(0.5, 10.0))
def test_the_wire_is_always_in_order(
    steps: list[tuple[float, float]], speech: StubSpeech, until: float, cancel_at: float | None
) -> None:
    theatre = Theatre(script(steps), speech=speech, face=True)
    if cancel_at is not None:
        theatre.client(cancel_at, json.dumps({"type": "response.cancel"}))
    theatre.run(until)
    active: str | None = None
    open_item: str | None = None
    sound: dict[str, int] = {}
    for _, event in theatre.sent:
        match event:
            case wire.ResponseCreated(response=response):
                assert active is None
                active = response["id"]
            case wire.OutputItemAdded():
                assert event.response_id == active
                open_item = event.item["id"]
            case wire.AudioDelta() | wire.FaceDelta() | wire.TranscriptDelta():
                assert (event.response_id, event.item_id) == (active, open_item)
                if isinstance(event, wire.AudioDelta):
                    sound[event.item_id] = sound.get(event.item_id, 0) + samples(event)
            case wire.ResponseDone(response=response):
                assert response["id"] == active
                active = open_item = None
    for item in theatre.conversation._history:
        if item.ledger is not None:
            assert item.ledger.sent == sound.get(item.id, 0) <= item.ledger.produced
            assert 0 <= item.ledger.heard(theatre.now) <= item.ledger.sent


@settings(max_examples=15, deadline=None)
@given(steps=script_steps, speech=speeches, until=st.floats(2.0, 10.0))
def test_the_same_inputs_give_the_same_outputs(
    steps: list[tuple[float, float]], speech: StubSpeech, until: float
) -> None:
    first = Theatre(script(steps), speech=speech).run(until)
    second = Theatre(script(steps), speech=speech).run(until)
    assert first.sent == second.sent


@st.composite
def spoken_ledgers(draw: st.DrawFn) -> Ledger:
    """A ledger with words one after another."""
    ledger = Ledger("item")
    for _ in range(draw(st.integers(1, 12))):
        text = draw(st.sampled_from(["word ", "two, ", "end. ", "好"]))
        start_char = ledger.begin_sentence(text)
        length = draw(st.integers(100, 20_000))
        end_char = start_char + len(text.strip(" .,"))
        word = SpokenWord(start_char, end_char, ledger.produced, ledger.produced + length, "engine")
        ledger.append(np.zeros(length, np.float32), [word], [], None)
    return ledger


@settings(max_examples=200, deadline=None)
@given(ledger=spoken_ledgers(), data=st.data())
def test_ledger_invariants(ledger: Ledger, data: st.DataObject) -> None:
    now = 0.0
    steps = data.draw(st.lists(st.sampled_from(["take", "report", "hold", "start", "truncate", "cut"]), max_size=12))
    final = None
    for step in steps:
        now += data.draw(st.floats(0.0, 2.0))
        match step:
            case "take":
                ledger.take(data.draw(st.integers(0, ledger.produced)))
            case "report":
                ledger.report(now, data.draw(st.integers(0, 400_000)), data.draw(st.booleans()))
            case "hold":
                ledger.hold(now)
            case "start":
                ledger.start(now, round(now * RATE))
            case "cut":
                ledger.cut(now)
            case "truncate":
                end = ledger.truncate(data.draw(st.integers(0, 400_000)))
                assert final is None or end == final
                final = end
        assert 0 <= ledger.heard(now) <= ledger.sent <= ledger.produced
        assert final is None or ledger.heard(now + 5) == final
        assert ledger.transcript.startswith(ledger.heard_text(now))
