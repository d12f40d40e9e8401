"""The mirror's socket: sound in, frames on its own clock out; bounded, and nothing of a conversation."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.audio import TIMELINE_RATE
from agent.audio.codecs import float_to_pcm16
from agent.realtime import mirror as mirror_module
from avatar.blendshapes import INDEX
from scripts.bench.synthesis import speak
from tests.server.conftest import StubHub
from tests.serving import serve

RECORD = 62


def append(pcm: np.ndarray) -> str:
    audio = base64.b64encode(float_to_pcm16(pcm)).decode()
    return json.dumps({"type": "input_audio_buffer.append", "audio": audio})


def address(url: str) -> str:
    return f"ws{url.partition('/login')[0].removeprefix('http')}/v1/mirror"


async def until(socket: Any, kind: str) -> dict[str, Any]:
    while True:
        event: dict[str, Any] = json.loads(await socket.recv())
        if event["type"] == kind:
            return event


async def frames_of(socket: Any, samples: int) -> np.ndarray:
    """The frames, shape (n, 52), once all of `samples` were heard."""
    records, end = b"", 0
    while True:
        event = await until(socket, "visavis.mirror_face.delta")
        assert event["start_sample"] == end, "each frame comes once, in order"
        end += 400 * event["count"]
        records += base64.b64decode(event["data"])
        assert end <= event["heard_samples"] <= samples
        if event["heard_samples"] == samples:
            return np.frombuffer(records, np.uint8).reshape(-1, RECORD)[:, :52] / 255


async def test_sound_comes_back_as_frames_on_its_own_clock() -> None:
    said = np.pad(speak("My papa bought a big map.", "en-us", TIMELINE_RATE), TIMELINE_RATE // 2)
    async with serve(StubHub()) as url, connect(address(url)) as socket:
        began = await until(socket, "visavis.mirror")
        assert began["stage_rate"] == TIMELINE_RATE
        assert began["lookahead_ms"] <= 100
        for start in range(0, len(said), 480):
            await socket.send(append(said[start : start + 480]))
        weights = await frames_of(socket, len(said))
    assert len(said) - 400 * len(weights) <= began["lookahead_ms"] * TIMELINE_RATE / 1000 + 400
    jaw = weights[:, INDEX["jawOpen"]]
    assert jaw.max() > 0.1
    assert jaw[:24].max() < 0.03


async def test_the_stage_lives_without_any_sound() -> None:
    async with serve(StubHub()) as url, connect(address(url)) as socket:
        one, other = [await until(socket, "visavis.stage_face.delta") for _ in range(2)]
    assert other["start_sample"] == one["start_sample"] + 400 * one["count"]


async def test_lost_sound_counts_as_silence() -> None:
    async with serve(StubHub()) as url, connect(address(url)) as socket:
        await socket.send(json.dumps({"type": "visavis.input_gap", "samples": 48_000}))
        weights = await frames_of(socket, 48_000)
    assert weights[:, INDEX["jawOpen"]].max() < 0.03


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"type": "response.create"}, "type"),
        ({"type": "input_audio_buffer.commit"}, "type"),
        ({"type": "input_audio_buffer.append", "audio": "AAAA"}, "audio"),
        ({"type": "input_audio_buffer.append", "audio": 3}, "audio"),
        ({"type": "visavis.input_gap", "samples": 10**12}, "samples"),
        ({"type": "session.update", "session": {"avatar": {"liveliness": 7}}}, "session.avatar.liveliness"),
    ],
)
async def test_what_it_does_not_take_is_named_and_it_goes_on(message: dict[str, Any], param: str) -> None:
    async with serve(StubHub()) as url, connect(address(url)) as socket:
        await socket.send(json.dumps(message))
        error = (await until(socket, "error"))["error"]
        assert error["param"] == param
        await socket.send(append(np.zeros(4800, np.float32)))
        await until(socket, "visavis.mirror_face.delta")


async def test_sound_that_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(self: object, pcm: np.ndarray) -> None:
        raise AssertionError("it is heard no more")

    async with serve(StubHub(), limits={"input_seconds": 1.0}) as url, connect(address(url)) as socket:
        await socket.send(append(np.zeros(TIMELINE_RATE + 1, np.float32)))
        assert (await until(socket, "error"))["error"]["code"] == "input_audio_buffer_full"
        monkeypatch.setattr(mirror_module.MirrorFace, "push", stuck)
        await socket.send(append(np.zeros(480, np.float32)))
        with pytest.raises(ConnectionClosed) as closed:
            await until(socket, "error")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011


async def test_less_motion_is_less_motion() -> None:
    said = np.tile(speak("Where are you going today, my friend?", "en-us", TIMELINE_RATE), 2)
    async with serve(StubHub()) as url, connect(address(url)) as socket:
        update = {"type": "session.update", "session": {"type": "realtime", "avatar": {"reduced_motion": True}}}
        await socket.send(json.dumps(update))
        await socket.send(append(said))
        event = await until(socket, "visavis.mirror_face.delta")
        assert event["count"] > 0


async def test_a_mirror_takes_a_conversation_s_place_and_needs_the_token() -> None:
    async with serve(StubHub(), limits={"sessions": 1}) as url, connect(address(url)) as first:
        await until(first, "visavis.mirror")
        async with connect(address(url)) as second:
            with pytest.raises(ConnectionClosed) as closed:
                await second.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
    async with serve(StubHub(), server={"token": "a-token-for-tests"}) as url:
        with pytest.raises(InvalidStatus) as refused:
            await connect(address(url))
        assert refused.value.response.status_code == 401
        await connect(address(url), additional_headers={"Authorization": "Bearer a-token-for-tests"})


async def test_other_pages_get_no_mirror() -> None:
    async with serve(StubHub()) as url:
        with pytest.raises(InvalidStatus) as refused:
            await connect(address(url), origin="https://evil.example")  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403
