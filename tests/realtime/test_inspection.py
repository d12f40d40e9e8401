"""The look inside: true to the ledger, told once each, for nobody but the owner."""

import asyncio
from typing import Any

from tests.realtime.stubs import stub_engines
from tests.realtime.test_hub import FACE, Client, server

LOOK = {"type": "session.update", "session": {"type": "realtime", "avatar": {"format": "arkit52", "debug": True}}}
INSIDE = "/v1/realtime?model=visavis&debug"


def merged(client: Client) -> dict[str, Any]:
    """What a panel would have drawn of the last item."""
    item: dict[str, Any] = {"words": [], "phones": [], "mouth": []}
    for event in client.events:
        if event["type"] == "visavis.debug" and event["item"]:
            for part, first in (("words", "first_word"), ("phones", "first_phone"), ("mouth", "first_frame")):
                assert event["item"][first] <= len(item[part]), "a gap"
                item[part] = item[part][: event["item"][first]] + event["item"][part]
            item |= {key: value for key, value in event["item"].items() if key not in ("words", "phones", "mouth")}
    return item


async def test_the_owner_sees_the_ledger() -> None:
    async with server(stub_engines(times=3)) as join, join(INSIDE) as client:
        await client.send(**LOOK)
        await client.until("visavis.session")
        await client.ask("hello")
        await client.until("response.done")
        samples = len(client.sound()) // 2
        await client.rest(1.5)
        item = merged(client)
        assert item["produced"] == item["sent"] == item["heard"] == samples
        assert item["complete"]
        assert not item["playing"]
        assert not item["held"]
        assert " ".join(word["text"] for word in item["words"]) == client.text().strip()
        assert [phone["symbol"] for phone in item["phones"]] == ["a"] * 9
        assert item["phones"][-1]["end_sample"] <= samples + 2
        assert len(item["mouth"]) >= samples // 400
        assert 20 < max(item["mouth"]) <= 100
        told = [event for event in client.events if event["type"] == "visavis.debug"]
        assert sum(len(event["item"]["words"]) for event in told if event["item"]) == len(item["words"])


async def test_the_stage_times_of_turns_are_kept() -> None:
    async with server() as join, join(INSIDE) as client:
        await client.send(**LOOK)
        await client.ask("hello")
        delta = await client.until("response.output_audio.delta")
        await client.send(type="visavis.playout", item_id=delta["item_id"], heard_samples=100, playing=True)
        timings = await client.until("visavis.timings")
        while not (event := await client.until("visavis.debug"))["turns"]:
            pass
        assert event["turns"] == [{"response_id": delta["response_id"], "ms": timings["ms"]}]


async def test_nobody_else_looks_inside() -> None:
    async with server() as join, join(INSIDE) as owner, join() as other:
        await other.send(**LOOK)
        error = (await other.until("error"))["error"]
        assert (error["code"], error["param"]) == ("debug_not_allowed", "session.avatar.debug")
        await owner.send(**FACE)
        await owner.send(type="visavis.invite")
        token = (await owner.until("visavis.invite"))["viewer_token"]
        async with join(f"/v1/realtime?viewer={token}") as viewer:
            await viewer.send(**FACE)
            await viewer.until("visavis.session")
            await owner.send(**LOOK)
            await owner.until("visavis.debug")
            await asyncio.gather(viewer.rest(0.5), other.rest(0.5))
            assert "visavis.debug" not in viewer.types() + other.types()
            assert "visavis.stage_face.delta" in viewer.types()
