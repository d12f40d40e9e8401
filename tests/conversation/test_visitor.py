"""A camera sees the visitor: the face looks there, and the wire takes nothing but a direction."""

import base64
import json

import numpy as np
import pytest

from agent.realtime import events as wire
from agent.realtime.events import WireError
from avatar.blendshapes import FaceTrack
from tests.conversation.theatre import Theatre


def looks(theatre: Theatre, from_second: float, to_second: float) -> np.ndarray:
    """Where the stage's eyes look in space between these seconds, shape (n, 2), radians."""
    tracks = [
        FaceTrack.from_bytes(event.start_sample, base64.b64decode(event.data))
        for _, event in theatre.events(wire.StageFace)
    ]
    between = [track.between(round(from_second * 24_000), round(to_second * 24_000)) for track in tracks]
    return np.concatenate([track.gaze + track.head[:, :2] for track in between])


def seen(**fields: object) -> str:
    return json.dumps({"type": "visavis.visitor", **fields})


def test_the_stage_looks_where_the_visitor_is_until_they_are_gone() -> None:
    theatre = Theatre([], face=True)
    theatre.client(2.0, seen(yaw=0.3, pitch=-0.05))
    theatre.client(14.0, seen(seen=False))
    theatre.run(30.0)
    assert abs(np.median(looks(theatre, 0.0, 2.0)[:, 0])) < 0.05
    assert np.median(looks(theatre, 4.0, 14.0)[:, 0]) == pytest.approx(0.3, abs=0.05)
    assert abs(np.median(looks(theatre, 17.0, 30.0)[:, 0])) < 0.05


@pytest.mark.parametrize(
    ("fields", "param"),
    [({"yaw": 1.2}, "yaw"), ({"pitch": -7}, "pitch"), ({"yaw": "left"}, "yaw"), ({"seen": "perhaps"}, "seen")],
)
def test_what_is_no_direction_is_refused_by_name(fields: dict[str, object], param: str) -> None:
    with pytest.raises(WireError) as refused:
        wire.parse(seen(**fields))
    assert refused.value.param == param


def test_no_number_that_is_none() -> None:
    with pytest.raises(WireError):
        wire.parse('{"type": "visavis.visitor", "yaw": NaN}')
