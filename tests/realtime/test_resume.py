"""A client that loses its connection comes back to its conversation, once, alone, and within the time stated."""

import asyncio
import base64
import json
import random
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from agent.conversation import inputs as told
from agent.realtime import events as wire
from agent.realtime.runner import Engines
from tests.conversation.theatre import RATE, Loudspeaker, Says, Theatre
from tests.realtime.stubs import StubDialogue, stub_engines
from tests.realtime.test_hub import FACE, Client, server


async def meet(client: Client) -> dict[str, Any]:
    """Ask for the face; what `visavis.session` says."""
    await client.send(**FACE)
    return await client.until("visavis.session")


def drop(client: Client) -> None:
    """The connection breaks: no goodbye."""
    client.socket.transport.abort()


def resume(token: str) -> str:
    return f"/v1/realtime?resume={token}"


async def heard_a_little(client: Client) -> None:
    """Ask for a reply and report that it is heard."""
    await client.ask("hello")
    item = (await client.until("response.output_audio.delta"))["item_id"]
    await client.send(type="visavis.playout", item_id=item, heard_samples=1200, playing=True)


async def refused(client: Client) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await client.until("session.created")
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def test_a_dropped_client_finds_its_conversation_as_it_was_heard() -> None:
    async with server(stub_engines(times=40)) as join, join() as lost:
        about = await meet(lost)
        assert len(base64.urlsafe_b64decode(about["resume_token"] + "==")) == 16
        assert about["resume_within_s"] == 30
        await lost.ask("hello")
        first = await lost.until("response.output_audio.delta")
        while len(lost.sound()) // 2 < 4800:
            await lost.until("response.output_audio.delta")
        item = first["item_id"]
        report = {"item_id": item, "heard_samples": 4800, "playing": False}
        await lost.send(type="visavis.playout", **report)
        await lost.until("visavis.anchor", item_sample=4800)
        drop(lost)
        async with join(resume(about["resume_token"])) as back:
            assert (await back.until("session.created"))["session"]["id"] == about["session_id"]
            again = await meet(back)
            assert (again["session_id"], again["role"]) == (about["session_id"], "player")
            assert again["resume_token"] != about["resume_token"]
            found = await back.until("visavis.resumed")
            assert [one["role"] for one in found["items"]] == ["user", "assistant"]
            assert found["items"][1]["status"] == "incomplete"
            assert found["items"][1]["content"][0]["transcript"] == "You said"
            assert found["heard"] == [{"item_id": item, "content_index": 0, "heard_samples": 4800}]
            await back.ask("and more")
            created = await back.until("response.created")
            delta = await back.until("response.output_audio.delta")
            assert delta["response_id"] == created["response"]["id"] != first["response_id"]


async def test_viewers_stay_while_the_player_is_away() -> None:
    async with server(stub_engines(times=40)) as join, join() as player:
        token = (await meet(player))["resume_token"]
        await player.send(type="visavis.invite")
        invited = (await player.until("visavis.invite"))["viewer_token"]
        async with join(f"/v1/realtime?viewer={invited}") as viewer:
            assert "resume_token" not in await meet(viewer)
            await heard_a_little(player)
            await viewer.until("visavis.authority", authority="player")
            await viewer.until("response.output_face.delta")
            drop(player)
            done = await viewer.until("response.done")
            await viewer.until("visavis.stop")
            assert done["response"]["status"] == "cancelled"
            await viewer.until("visavis.authority", authority="pacer")
            async with join(resume(token)) as back:
                assert (await meet(back))["authority"] == "pacer"
                await heard_a_little(back)
                await viewer.until("visavis.authority", authority="player")


async def test_the_pacer_decides_what_was_heard_until_the_player_reports() -> None:
    async with server(stub_engines(times=8)) as join, join() as player:
        assert (await meet(player))["authority"] == "pacer"
        await player.send(type="visavis.invite")
        invited = (await player.until("visavis.invite"))["viewer_token"]
        await heard_a_little(player)
        await player.until("visavis.authority", authority="player")
        async with join(f"/v1/realtime?viewer={invited}") as viewer:
            assert (await meet(viewer))["authority"] == "player"
        await player.rest(0.2)
        assert player.types().count("visavis.authority") == 1


async def test_a_new_connection_takes_the_seat_from_one_that_only_seems_to_live() -> None:
    async with server() as join, join() as first:
        token = (await meet(first))["resume_token"]
        async with join(resume(token)) as second:
            about = await meet(second)
            with pytest.raises(ConnectionClosed) as closed:
                await first.until("nothing of the kind")
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4409
            await second.ask("hello")
            await second.until("response.done")
            assert second.text() == "You said hello. "
            assert "response.created" not in first.types()
            drop(second)
            async with join(resume(about["resume_token"])) as third:
                await third.until("session.created")


async def test_a_token_is_good_once_and_for_one() -> None:
    async with server() as join, join() as lost:
        token = (await meet(lost))["resume_token"]
        drop(lost)
        async with join(resume(token)) as one, join(resume(token)) as two:
            came = await asyncio.gather(
                one.until("session.created"), two.until("session.created"), return_exceptions=True
            )
            assert sorted(isinstance(outcome, ConnectionClosed) for outcome in came) == [False, True]
        async with join(resume("A" * 22)) as stranger:
            assert await refused(stranger) == 4401


async def test_a_token_is_replaced_while_its_player_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.realtime.seats.TOKEN_SECONDS", 0.2)
    async with server(limits={"resume_seconds": 1.5}) as join, join() as lost:
        first = (await meet(lost))["resume_token"]
        renewed = await lost.until("visavis.resume_token")
        assert renewed["resume_token"] != first
        assert renewed["resume_within_s"] == 1.5
        last = (await lost.until("visavis.resume_token"))["resume_token"]
        drop(lost)
        async with join(resume(last)) as back:
            await back.until("session.created")
            async with join(resume(renewed["resume_token"])) as stranger:
                assert await refused(stranger) == 4401


async def test_a_token_that_was_replaced_is_good_no_longer_than_a_seat_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.realtime.seats.TOKEN_SECONDS", 0.2)
    async with server(limits={"resume_seconds": 0.3}) as join, join() as player:
        first = (await meet(player))["resume_token"]
        await asyncio.sleep(0.6)
        async with join(resume(first)) as thief:
            assert await refused(thief) == 4401
        await player.ask("hello")
        await player.until("response.done")


async def test_a_stock_client_is_given_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.realtime.seats.TOKEN_SECONDS", 0.05)
    async with server() as join, join() as client:
        await client.rest(0.3)
        assert not any("resume_token" in json.dumps(event) for event in client.events)


async def test_a_goodbye_ends_the_conversation_at_once() -> None:
    async with server() as join:
        async with join() as client:
            token = (await meet(client))["resume_token"]
        async with join(resume(token)) as back:
            assert await refused(back) == 4401


async def test_one_who_stays_away_too_long_finds_nothing_and_holds_nothing() -> None:
    async with server(limits={"resume_seconds": 0.2, "sessions": 1}) as join, join() as lost:
        token = (await meet(lost))["resume_token"]
        drop(lost)
        await asyncio.sleep(0.1)
        for _ in range(100):
            async with join() as new:
                try:
                    await new.until("session.created")
                    break
                except ConnectionClosed:
                    await asyncio.sleep(0.05)
        else:
            pytest.fail("the place was never free again")
        async with join(resume(token)) as back:
            assert await refused(back) == 4401


async def test_a_kept_place_is_there_when_the_house_is_full() -> None:
    async with server(limits={"sessions": 1}) as join, join() as lost:
        token = (await meet(lost))["resume_token"]
        drop(lost)
        async with join() as other:
            assert await refused(other) == 1013
        async with join(resume(token)) as back:
            await back.ask("hello")
            await back.until("response.done")


async def test_a_stock_client_that_drops_ends_at_once() -> None:
    dialogue = StubDialogue(times=10_000)
    engines = stub_engines()
    async with server(Engines(engines.recognizer, dialogue, engines.synthesizer)) as join, join() as client:
        await client.ask("hello")
        await client.until("response.output_audio.delta")
        drop(client)
        for _ in range(100):
            if dialogue.cancelled:
                break
            await asyncio.sleep(0.05)
        assert dialogue.cancelled == 1
        assert not any("resume" in json.dumps(event) for event in client.events)


async def test_nobody_comes_back_where_the_owner_does_not_want_it() -> None:
    async with server(limits={"resume_seconds": 0}) as join, join() as client:
        assert "resume_token" not in await meet(client)


# ---------------------------------------------------------------------- the core alone
@pytest.mark.parametrize("seed", range(30))
def test_what_is_remembered_is_what_had_been_heard_when_the_player_left(seed: int) -> None:
    chance = random.Random(seed)
    speaker = Loudspeaker(latency=chance.uniform(0.02, 0.2))
    theatre = Theatre([Says(0.2, 1.0)], loudspeaker=speaker)
    theatre.run(chance.uniform(1.4, 4.4))
    heard = speaker.position(theatre.now)
    theatre.tell(told.PlayerLeft())
    theatre.tell(told.PlayerLeft())
    speaker.reports = speaker.playing = False
    theatre.now += 5
    theatre.tell(told.Tick())
    ours = [text for role, text in theatre.messages() if role == "assistant"]
    remembered = len(ours[0].split()) if ours else 0
    assert abs(remembered - _words_heard(heard)) <= 1
    decided = [event.authority for _, event in theatre.events(wire.Authority)]
    assert decided == ["player", "pacer"] or not (decided or remembered)
    theatre.tell(told.PlayerCame())
    answers = len(theatre.events(wire.ResponseCreated))
    assert answers == (1 if remembered else 2)


def _words_heard(samples: int) -> int:
    """Words of the stub's speech whose midpoint lies before `samples`; a pause follows each sentence of five."""
    starts = [k * 0.3 + (0.12 if k >= 5 else 0.0) for k in range(10)]
    return sum(samples >= (start + 0.15) * RATE for start in starts)


def test_a_question_cut_short_by_the_connection_is_answered_on_return() -> None:
    theatre = Theatre([Says(0.2, 1.5, "what are your opening hours")])
    theatre.run(1.0)
    theatre.tell(told.PlayerLeft())
    for _ in range(20):
        theatre.now += 0.25
        while theatre._queue and theatre._queue[0][0] <= theatre.now:
            entry = theatre._queue.pop(0)
            if "_window" not in entry[2].__code__.co_names:
                entry[2]()
        theatre.tell(told.Tick())
    assert [role for role, _ in theatre.messages()] == ["user"]
    assert theatre.events(wire.ResponseCreated) == []
    theatre.tell(told.PlayerCame())
    assert len(theatre.events(wire.ResponseCreated)) == 1
    assert theatre.prompts[-1][1].messages[-1].text.startswith("what are")
