"""What a conversation lets the face do: by its own course, by the reply's text, by the client."""

import base64
import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.conversation.wording import Sentence, Wording
from agent.realtime import events as wire
from agent.realtime.events import WireError
from agent.realtime.session_config import SessionConfig
from avatar.behaviour import Style
from avatar.behaviour.cues import Cue
from avatar.blendshapes import INDEX, FaceTrack
from tests.conversation.theatre import Says, Theatre

RATE = 24_000
TAGGED = "[happy] One two three. Four [nod] five six. [wink]"


def stage_track(theatre: Theatre) -> FaceTrack:
    parts = [
        FaceTrack.from_bytes(event.start_sample, base64.b64decode(event.data))
        for _, event in theatre.events(wire.StageFace)
    ]
    return FaceTrack(
        parts[0].start_sample,
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.head for part in parts]),
        np.concatenate([part.gaze for part in parts]),
    )


def test_tags_are_never_spoken_shown_or_remembered() -> None:
    theatre = Theatre([Says(0.5, 1.5)], lines=lambda _: TAGGED).run(9)
    told = "".join(event.to_json() for _, event in theatre.sent)
    assert not any(f"[{name}" in told for name in ("happy", "nod", "wink"))
    assert theatre.messages()[-1] == ("assistant", "One two three. Four five six.")
    assert [(order.text, order.cues) for order in theatre.spoken] == [
        ("One two three. ", (Cue(0, "happy"),)),
        ("Four five six.", (Cue(5, "nod"), Cue(12, "wink"))),
    ]


def test_a_written_reply_has_no_tags_either() -> None:
    config = SessionConfig(output_modalities=["text"])
    theatre = Theatre([Says(0.5, 1.5)], lines=lambda _: TAGGED, config=config).run(9)
    (_, done), *_ = theatre.events(wire.TextDone)
    assert done.text.split() == ["One", "two", "three.", "Four", "five", "six."]


@given(st.lists(st.integers(0, 60), max_size=8))
def test_however_the_text_comes_the_sentences_and_their_cues_are_the_same(cuts: list[int]) -> None:
    def worded(pieces: list[str]) -> list[Sentence]:
        wording, sentences = Wording(), []
        for piece in pieces:
            sentences += wording.push(wording.read(piece))
        return [*sentences, *wording.push(wording.rest()), *wording.flush()]

    text = TAGGED + " See [1]! [shake] No. [sorry]"
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    once = worded([text])
    assert worded([text[a:b] for a, b in pairwise(edges)]) == once
    assert [cue.name for _, cues in once for cue in cues] == ["happy", "nod", "wink", "shake", "sorry"]


def test_the_client_may_ask_for_a_gesture() -> None:
    asked, plain = Theatre([], face=True), Theatre([], face=True)
    asked.client(1.0, '{"type": "visavis.express", "expression": "big_smile"}')
    one, other = stage_track(asked.run(4)), stage_track(plain.run(4))
    smile = (one.weights - other.weights)[:, INDEX["mouthSmileLeft"]]
    assert smile[: 60 + 20].max() < 0.01
    assert smile[60:].max() > 0.4
    assert not asked.events(wire.Error)


@pytest.mark.parametrize("name", [7, None, "x" * 65])
def test_what_is_no_name_is_refused(name: object) -> None:
    with pytest.raises(WireError) as raised:
        wire.parse(json.dumps({"type": "visavis.express", "expression": name}))
    assert raised.value.param == "expression"


@pytest.mark.parametrize("name", ["dance", ""])
def test_what_the_face_cannot_do_is_refused_by_name(name: str) -> None:
    theatre = Theatre([], face=True)
    theatre.client(1.0, json.dumps({"type": "visavis.express", "expression": name, "event_id": "mine"}))
    [(_, event)] = theatre.run(2).events(wire.Error)
    assert event.error["param"] == "expression"
    assert event.error["event_id"] == "mine"
    assert "there are: neutral, " in event.error["message"]


def test_what_the_owner_s_table_adds_can_be_asked_for() -> None:
    table = "[gestures.salute]\ncurve.pitch = [[0, 0], [0.3, 4], [0.8, 0]]"
    theatre = Theatre(
        [Says(0.5, 1.5)], lines=lambda _: "[salute] One two. [nod] Three.", face=True, settings={"behaviour": table}
    )
    theatre.client(0.2, '{"type": "visavis.express", "expression": "salute"}')
    theatre.run(6)
    assert not theatre.events(wire.Error)
    assert [cue.name for order in theatre.spoken for cue in order.cues] == ["salute", "nod"]
    assert theatre.messages()[-1] == ("assistant", "One two. Three.")


def test_a_session_may_be_calm_and_still() -> None:
    """From the settings on, and by the client while it lasts."""
    usual = Theatre([Says(1, 3)], face=True)
    calm = Theatre([Says(1, 3)], face=True, settings={"style": Style(0.0)})
    still = Theatre([Says(1, 3)], face=True)
    update = {"type": "session.update", "session": {"type": "realtime", "avatar": {"reduced_motion": True}}}
    still.client(0.1, json.dumps(update))
    moves = [stage_track(theatre.run(12)).head[180:].std() for theatre in (usual, calm, still)]
    assert moves[1] < 0.75 * moves[0]
    assert moves[2] < 0.35 * moves[0]
    assert still.conversation.style == Style(reduced_motion=True)
    lively = {"type": "session.update", "session": {"type": "realtime", "avatar": {"liveliness": 1}}}
    still.client(12.1, json.dumps(lively))
    still.run(12.2)
    assert still.conversation.style == Style(1.0, reduced_motion=True)


@pytest.mark.parametrize("value", [-0.1, 1.1, "very"])
def test_liveliness_has_bounds(value: object) -> None:
    with pytest.raises(WireError, match="liveliness"):
        wire.parse(
            json.dumps({"type": "session.update", "session": {"type": "realtime", "avatar": {"liveliness": value}}})
        )


def test_at_the_end_of_a_reply_the_visitor_is_looked_at() -> None:
    looked, times = [], []
    for seed in range(6):
        theatre = Theatre([Says(0.5, 1.5 + seed / 10)], face=True, lines=lambda _: "One two three four five. " * 3).run(
            12
        )
        idle = next(event for _, event in reversed(theatre.events(wire.State)) if event.state == "idle")
        track = stage_track(theatre)
        end = idle.stage_sample // 400
        eyes = np.degrees(np.hypot(*(track.gaze + track.head[:, :2]).T))[end - 15 : end + 30]
        looked.append((eyes < 5).mean())
        times.append(end)
    assert min(looked) > 0.9
    assert len(set(times)) > 3
