"""Who joins late sees what the others see: the reply under way, from where it stands."""

import asyncio
import base64
import itertools
from typing import Any

from avatar.blendshapes import FaceTrack
from tests.realtime.stubs import stub_engines
from tests.realtime.test_hub import FACE, Client, server

FRAME = 400


async def watched(player: Client) -> str:
    """A player with a face; the path for its viewers."""
    await player.send(**FACE)
    await player.send(type="visavis.invite")
    return f"/v1/realtime?viewer={(await player.until('visavis.invite'))['viewer_token']}"


async def half_heard(player: Client) -> str:
    """Ask for a long reply and report that a second of it was heard; its item."""
    await player.ask("hello")
    while len(player.sound()) // 2 < 30_000:
        item = (await player.until("response.output_audio.delta"))["item_id"]
    await player.send(type="visavis.playout", item_id=item, heard_samples=24_000, playing=True)
    await player.until("visavis.anchor", item_sample=24_000)
    return str(item)


def frames(client: Client, item: str) -> list[FaceTrack]:
    return [
        FaceTrack.from_bytes(event["start_sample"], base64.b64decode(event["data"]))
        for event in client.events
        if event["type"] == "response.output_face.delta" and event["item_id"] == item
    ]


async def test_a_viewer_that_joins_while_a_reply_sounds_has_its_face_and_words_at_once() -> None:
    async with server(stub_engines(times=40)) as join, join() as player:
        path = await watched(player)
        item = await half_heard(player)
        async with join(path) as viewer:
            await viewer.send(**FACE)
            about = await viewer.until("visavis.session")
            anchor = await viewer.until("visavis.anchor")
            assert (anchor["item_id"], anchor["playing"]) == (item, True)
            types = viewer.types()
            assert types.index("visavis.session") < types.index("visavis.state") < types.index("visavis.anchor")
            [state] = [event for event in viewer.events if event["type"] == "visavis.state"]
            assert state["state"] == "speaking"
            at = anchor["item_sample"] + about["stage_now"] - anchor["stage_sample"]
            mouth = frames(viewer, item)
            assert mouth[0].start_sample <= at < mouth[-1].end_sample
            assert mouth[0].start_sample >= 24_000 - 10 * FRAME, "what was heard is not sent again"
            stage = [event for event in viewer.events if event["type"] == "visavis.stage_face.delta"]
            begin, end = stage[0]["start_sample"], stage[-1]["start_sample"] + stage[-1]["count"] * FRAME
            assert begin <= about["stage_now"] < end
            assert viewer.text() == "".join(spoken(player))
            words = [word for event in viewer.events if event["type"] == "visavis.words" for word in event["words"]]
            assert any(word["start_sample"] <= at < word["end_sample"] for word in words)


def spoken(client: Client) -> list[str]:
    return [event["delta"] for event in client.events if event["type"] == "response.output_audio_transcript.delta"]


async def test_from_then_on_nothing_comes_twice_and_nothing_is_missing() -> None:
    async with server(stub_engines(times=8)) as join, join() as player:
        path = await watched(player)
        item = await half_heard(player)
        async with join(path) as viewer:
            await viewer.until("session.created")
            await asyncio.sleep(0.3)  # the reply goes on before the viewer asks for the face
            await viewer.send(**FACE)
            await asyncio.gather(viewer.until("response.done"), player.until("response.done"))
            assert viewer.text() == player.text()
            tracks = frames(viewer, item)
            assert all(a.end_sample == b.start_sample for a, b in itertools.pairwise(tracks))
            assert tracks[-1].end_sample == frames(player, item)[-1].end_sample
            ids = [event["event_id"] for event in viewer.events]
            assert len(ids) == len(set(ids))


async def test_a_viewer_that_joins_between_replies_is_told_of_none() -> None:
    async with server() as join, join() as player:
        path = await watched(player)
        await player.ask("hello")
        item = (await player.until("response.output_audio.delta"))["item_id"]
        await player.until("response.done")
        heard = len(player.sound()) // 2
        await player.send(type="visavis.playout", item_id=item, heard_samples=heard, playing=False)
        await player.until("visavis.state", state="idle")
        async with join(path) as viewer:
            await viewer.send(**FACE)
            assert (await viewer.until("visavis.state"))["state"] == "idle"
            await viewer.rest(0.3)
            assert not [kind for kind in viewer.types() if kind.startswith("response.") or kind == "visavis.anchor"]


async def test_replies_have_a_face_for_viewers_although_the_player_wants_none() -> None:
    async with server(stub_engines(times=20)) as join, join() as player:
        await player.send(type="visavis.invite")
        path = f"/v1/realtime?viewer={(await player.until('visavis.invite'))['viewer_token']}"
        await player.ask("hello")
        item = (await player.until("response.output_audio.delta"))["item_id"]
        async with join(path) as viewer:
            await viewer.send(**FACE)
            await viewer.until("response.output_face.delta")
            assert max(float(track.weights.max()) for track in frames(viewer, item)) > 0.1
        ours = [kind for kind in player.types() if kind.startswith("visavis.") and kind != "visavis.invite"]
        assert ours == []


async def test_a_viewer_of_a_player_that_reports_nothing_sees_the_end() -> None:
    async with server(stub_engines(times=4)) as join, join() as player:
        await player.send(type="visavis.invite")
        path = f"/v1/realtime?viewer={(await player.until('visavis.invite'))['viewer_token']}"
        async with join(path) as viewer:
            await viewer.send(**FACE)
            await viewer.until("visavis.session")
            await player.ask("hello")
            assert (await viewer.until("visavis.anchor"))["playing"]
            await viewer.until("response.done")
            end = await viewer.until("visavis.anchor", playing=False)
            tracks = frames(viewer, end["item_id"])
            assert abs(end["item_sample"] - tracks[-1].end_sample) <= 2 * FRAME


async def test_what_is_kept_does_not_grow_while_somebody_reports() -> None:
    async with server(stub_engines(times=12)) as join, join() as player:
        path = await watched(player)
        await half_heard(player)
        item, kept = "", []
        for _ in range(30):
            delta: dict[str, Any] = await player.until("response.output_audio.delta")
            item, sent = delta["item_id"], len(player.sound()) // 2
            await player.send(type="visavis.playout", item_id=item, heard_samples=sent - 2400, playing=True)
            await player.until("visavis.anchor")
        async with join(path) as viewer:
            await viewer.send(**FACE)
            await viewer.until("visavis.anchor")
            kept = frames(viewer, item)
        assert sum(len(track) for track in kept) < 60
