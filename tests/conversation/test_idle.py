"""`idle_timeout_ms`: nobody says anything after a reply was heard, and is gently spoken to."""

import json

import pytest

from agent.realtime import events as wire
from agent.realtime.session_config import Audio, InputAudio, SemanticVad, ServerVad, SessionConfig
from tests.conversation.theatre import Loudspeaker, Says, Theatre


def theatre(script: list[Says], idle_ms: int | None = 2000, *, reports: bool = True, **detection: bool) -> Theatre:
    vad = ServerVad(idle_timeout_ms=idle_ms, **detection)
    config = SessionConfig(audio=Audio(input=InputAudio(turn_detection=vad)))
    return Theatre(script, config=config, loudspeaker=Loudspeaker(reports=reports))


def test_a_silence_after_the_reply_is_committed_and_answered() -> None:
    it = theatre([Says(0.5, 1.5)]).run(12.0)
    names = it.names()
    at = names.index("TimeoutTriggered")
    assert names[at : at + 5] == ["TimeoutTriggered", "AudioCommitted", "ItemAdded", "ItemDone", "ResponseCreated"]
    when, triggered = it.events(wire.TimeoutTriggered)[0]
    committed = next(event for event in it.events(wire.AudioCommitted) if event[1].item_id == triggered.item_id)
    added = next(event for event in it.events(wire.ItemAdded) if event[1].item["id"] == triggered.item_id)
    assert committed[0] == added[0] == when
    assert added[1].item["content"] == [{"type": "input_audio", "transcript": ""}]
    assert it.prompts[-1][1].idle
    assert not it.prompts[0][1].idle


def test_the_silence_is_counted_from_the_end_of_the_sound_in_the_clients_loudspeaker() -> None:
    for reports in (True, False):
        it = theatre([Says(0.5, 1.5)], reports=reports).run(12.0)
        when, triggered = it.events(wire.TimeoutTriggered)[0]
        heard_to_its_end = next(at for at, event in it.events(wire.State) if event.state == "idle")
        assert 2.0 <= when - heard_to_its_end <= 2.1
        assert 2000 <= triggered.audio_end_ms - triggered.audio_start_ms <= 2032
        assert abs(triggered.audio_end_ms / 1000 - when) < 0.05


def test_it_speaks_up_again_after_its_own_words() -> None:
    it = theatre([Says(0.5, 1.5)]).run(20.0)
    times = [at for at, _ in it.events(wire.TimeoutTriggered)]
    assert len(times) == 2
    assert times[1] - times[0] > 2.0 + 3.0  # the prompt itself is 3.2 s long


def test_before_the_first_reply_nobody_is_waited_for() -> None:
    assert not theatre([]).run(8.0).events(wire.TimeoutTriggered)


def test_who_speaks_is_not_idle() -> None:
    it = theatre([Says(0.5, 1.5), Says(6.0, 9.0, "let me think about it for a while")], 3000).run(9.5)
    assert not it.events(wire.TimeoutTriggered)


def test_without_it_nothing_is_said() -> None:
    assert not theatre([Says(0.5, 1.5)], None).run(30.0).events(wire.TimeoutTriggered)


def test_where_no_response_is_to_be_created_only_the_silence_is_told_and_once() -> None:
    it = theatre([Says(0.5, 1.5)], create_response=False)
    it.client(2.5, json.dumps({"type": "response.create"}))
    it.run(20.0)
    assert len(it.events(wire.TimeoutTriggered)) == 1
    assert len(it.events(wire.ResponseCreated)) == 1


def test_sound_that_does_not_come_in_is_no_silence() -> None:
    """The input's clock counts samples: with the microphone's stream stopped it stands still."""
    it = theatre([Says(0.5, 1.5)]).run(6.0)  # no windows are made beyond this
    it.run(30.0)
    assert not it.events(wire.TimeoutTriggered)


@pytest.mark.parametrize("speculate", [True, False])
def test_a_written_reply_is_waited_after_too_however_soon_it_is_over(speculate: bool) -> None:
    vad = ServerVad(idle_timeout_ms=2000)
    config = SessionConfig(audio=Audio(input=InputAudio(turn_detection=vad)), output_modalities=["text"])
    it = Theatre([Says(0.5, 1.5)], config=config, settings={"speculate": speculate}).run(6.0)
    (done, *_) = [at for at, _ in it.events(wire.ResponseDone)]
    (triggered, *_) = [at for at, _ in it.events(wire.TimeoutTriggered)]
    assert 2.0 <= triggered - done <= 2.1


def ours(script: list[Says], *, seconds: float = 3.0, avatar: bool = True) -> Theatre:
    """A client of ours, with the turns told as it likes them: by the words."""
    config = SessionConfig(audio=Audio(input=InputAudio(turn_detection=SemanticVad(type="semantic_vad"))))
    it = Theatre(script, config=config, settings={"idle_prompt_seconds": seconds})
    if avatar:
        it.client(0.0, '{"type": "session.update", "session": {"avatar": {"format": "arkit52", "fps": 60}}}')
    return it


def prompted(it: Theatre) -> list[float]:
    return [at for at, prompt in it.prompts if prompt.idle]


@pytest.mark.parametrize("idle_ms", [None, 2000])
def test_an_empty_room_is_spoken_to_twice_and_again_only_after_somebody_spoke(idle_ms: int | None) -> None:
    script = [Says(0.5, 1.5), Says(60.0, 61.0)]
    it = (ours(script) if idle_ms is None else theatre(script, idle_ms)).run(120.0)
    times = prompted(it)
    assert [at < 60 for at in times] == [True, True, False, False]
    users = [item for item in it.conversation._history if item.role == "user" and item.kind == "message"]
    assert len(users) == (2 if idle_ms is None else 6)  # OpenAI's way tells each silence as an item
    assert bool(it.events(wire.TimeoutTriggered)) == (idle_ms is not None)


def test_who_types_is_somebody() -> None:
    it = ours([])
    it.client(1.0, '{"type": "visavis.greet"}')
    content = [{"type": "input_text", "text": "hello"}]
    item = {"type": "message", "role": "user", "content": content}
    it.client(20.0, json.dumps({"type": "conversation.item.create", "item": item}))
    it.client(20.1, '{"type": "response.create"}')
    it.run(30.0)
    (only,) = prompted(it)
    heard_to_its_end = max(at for at, event in it.events(wire.State) if event.state == "idle" and at < only)
    assert 3.0 <= only - heard_to_its_end <= 3.1


@pytest.mark.parametrize(("seconds", "avatar"), [(0.0, True), (3.0, False)])
def test_nobody_is_spoken_to_where_it_is_off_and_no_stock_client_ever(seconds: float, avatar: bool) -> None:
    assert not prompted(ours([Says(0.5, 1.5)], seconds=seconds, avatar=avatar).run(30.0))
