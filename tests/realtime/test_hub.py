"""Real sockets against the real server, with stub engines: who gets what, and what ends when."""

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from agent.config import ConfigError, Settings
from agent.realtime.hub import Hub, conversation_settings
from agent.realtime.runner import Engines
from avatar.blendshapes import FaceTrack
from tests.realtime.stubs import StubDialogue, StubRecognizer, stub_engines
from tests.serving import serve

FACE = {"type": "session.update", "session": {"type": "realtime", "avatar": {"format": "arkit52", "fps": 60}}}


class Client:
    """A client that keeps all it gets."""

    patience = 20.0
    """Seconds that it waits for an event."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []

    async def send(self, **event: Any) -> None:
        await self.socket.send(json.dumps(event))

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The next event of this type, with these fields."""
        async with asyncio.timeout(self.patience):
            while True:
                event: dict[str, Any] = json.loads(await self.socket.recv())
                self.events.append(event)
                self.check(event)
                if event["type"] == kind and all(event.get(key) == value for key, value in fields.items()):
                    return event

    def check(self, event: dict[str, Any]) -> None:
        """Judge what came. This client takes anything."""

    async def rest(self, seconds: float) -> None:
        """Take what comes for a while."""
        try:
            async with asyncio.timeout(seconds):
                await self.until("nothing of the kind")
        except TimeoutError:
            pass

    async def ask(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        await self.send(type="conversation.item.create", item={"type": "message", "role": "user", "content": content})
        await self.send(type="response.create")

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def text(self) -> str:
        return "".join(
            event["delta"] for event in self.events if event["type"] == "response.output_audio_transcript.delta"
        )

    def sound(self) -> bytes:
        deltas = (event["delta"] for event in self.events if event["type"] == "response.output_audio.delta")
        return b"".join(base64.b64decode(delta) for delta in deltas)


@asynccontextmanager
async def server(engines: Engines | None = None, **settings: Any) -> AsyncIterator[Callable[[str], Any]]:
    """Yields a function that makes a connection to a path of the server."""
    hub = Hub(Settings(**settings), engines or stub_engines())
    async with serve(hub, **settings) as url:
        base = url.replace("http", "ws", 1).rstrip("/")

        @asynccontextmanager
        async def join(path: str = "/v1/realtime?model=visavis") -> AsyncIterator[Client]:
            async with connect(base + path, max_size=None, max_queue=None) as socket:
                yield Client(socket)

        yield join


async def test_a_typed_question_is_answered_aloud() -> None:
    async with server() as join, join() as client:
        await client.until("session.created")
        await client.ask("hello")
        await client.until("response.done")
        assert client.text() == "You said hello. "
        assert len(client.sound()) // 2 == pytest.approx(3 * 0.1 * 24_000, abs=2)


async def test_a_client_that_never_asks_sees_nothing_of_ours() -> None:
    async with server() as join, join() as client:
        await client.ask("hello")
        await client.until("response.done")
        await client.rest(0.5)
        ours = [kind for kind in client.types() if kind.startswith("visavis.") or "face" in kind]
        assert ours == []


async def test_a_client_that_asks_gets_the_face_before_its_sound() -> None:
    async with server() as join, join() as client:
        await client.send(**FACE)
        about = await client.until("visavis.session")
        assert about["role"] == "player"
        await client.ask("hello")
        await client.until("response.output_face.done")
        frames = [event for event in client.events if event["type"] == "response.output_face.delta"]
        tracks = [FaceTrack.from_bytes(event["start_sample"], base64.b64decode(event["data"])) for event in frames]
        assert tracks[0].start_sample == 0
        assert all(a.end_sample == b.start_sample for a, b in itertools.pairwise(tracks))
        assert tracks[-1].end_sample >= len(client.sound()) // 2
        assert max(float(track.weights.max()) for track in tracks) > 0.1
        order = client.types()
        assert order.index("response.output_face.delta") < order.index("response.output_audio.delta")
        assert "visavis.stage_face.delta" in order


async def test_a_viewer_sees_and_never_hears_and_changes_nothing() -> None:
    async with server(stub_engines(times=8)) as join, join() as player:
        await player.send(**FACE)
        await player.send(type="visavis.invite")
        token = (await player.until("visavis.invite"))["viewer_token"]
        assert len(base64.urlsafe_b64decode(token + "==")) == 16
        async with join(f"/v1/realtime?viewer={token}") as viewer:
            await viewer.send(**FACE)
            assert (await viewer.until("visavis.session"))["role"] == "viewer"
            await viewer.send(type="response.create")
            assert (await viewer.until("error"))["error"]["code"] == "read_only"
            await player.ask("hello")
            done = asyncio.create_task(player.until("response.done"))
            await viewer.until("response.done")
            await done
            assert "response.output_audio.delta" not in viewer.types()
            assert viewer.text() == player.text() != ""
            faces = [event["data"] for event in viewer.events if event["type"] == "response.output_face.delta"]
            assert faces == [e["data"] for e in player.events if e["type"] == "response.output_face.delta"]
            assert any(event["type"] == "visavis.anchor" for event in viewer.events)


async def test_a_wrong_viewer_token_opens_nothing() -> None:
    async with server() as join, join("/v1/realtime?viewer=AAAA") as viewer:
        with pytest.raises(ConnectionClosed) as closed:
            await viewer.until("session.created")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


async def invitation(player: Client) -> str:
    """The path for a viewer."""
    await player.send(type="visavis.invite")
    return f"/v1/realtime?viewer={(await player.until('visavis.invite'))['viewer_token']}"


async def closed_with(client: Client) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await client.until("nothing")
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def test_a_viewer_token_is_for_one_viewer_who_may_reconnect() -> None:
    async with server() as join, join() as player:
        path = await invitation(player)
        async with join(path) as viewer:
            await viewer.until("session.created")
            async with join(path) as second:
                assert await closed_with(second) == 1013
        for _ in range(100):
            async with join(path) as again:
                try:
                    await again.until("session.created")
                    return
                except ConnectionClosed:
                    await asyncio.sleep(0.02)
        pytest.fail("the viewer could not come back")


async def test_a_viewer_token_ends_some_time_after_its_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.realtime.hub.VIEWER_SECONDS", 0.3)
    async with server() as join, join() as player:
        path = await invitation(player)
        async with join(path) as viewer:
            await viewer.until("session.created")
            assert await closed_with(viewer) == 4401
        async with join(path) as late:
            assert await closed_with(late) == 4401


async def test_a_viewer_token_that_nobody_uses_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.realtime.hub.INVITE_SECONDS", 0)
    async with server() as join, join() as player, join(await invitation(player)) as late:
        assert await closed_with(late) == 4401


async def test_only_so_many_follow_a_conversation() -> None:
    async with server(limits={"followers": 1}) as join, join() as player:
        first, second = await invitation(player), await invitation(player)
        async with join(first) as viewer, join(second) as one_more:
            await viewer.until("session.created")
            assert await closed_with(one_more) == 1013


async def test_viewers_leave_with_the_player() -> None:
    async with server() as join:
        async with join() as player:
            await player.send(**FACE)
            await player.send(type="visavis.invite")
            token = (await player.until("visavis.invite"))["viewer_token"]
            viewing = join(f"/v1/realtime?viewer={token}")
            viewer = await viewing.__aenter__()
            await viewer.until("session.created")
        with pytest.raises(ConnectionClosed):
            await viewer.until("nothing")
        await viewing.__aexit__(None, None, None)


async def test_two_conversations_share_nothing() -> None:
    async with server() as join, join() as one, join() as two:
        for client, word in ((one, "apples"), (two, "pears")):
            await client.ask(word)
        for client in (one, two):
            await client.until("response.done")
        assert (one.text(), two.text()) == ("You said apples. ", "You said pears. ")
        ids = [
            {value for event in client.events for key, value in event.items() if key.endswith("_id") and value}
            for client in (one, two)
        ]
        assert not ids[0] & ids[1]
        assert "pears" not in json.dumps(one.events)
        assert "apples" not in json.dumps(two.events)


async def test_push_to_talk_loses_no_sample() -> None:
    async with server() as join, join() as client:
        off = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        await client.send(type="session.update", session=off)
        silence = base64.b64encode(np.zeros(24_000, "<i2").tobytes()).decode()
        for _ in range(3):
            await client.send(type="input_audio_buffer.append", audio=silence)
        await client.send(type="input_audio_buffer.commit")
        await client.send(type="response.create")
        done = await client.until("conversation.item.input_audio_transcription.completed")
        heard = int(done["transcript"].split()[1])
        assert 48_000 <= heard < 48_000 + 512
        await client.until("response.done")


async def test_sound_that_was_lost_on_its_way_takes_its_time() -> None:
    async with server(limits={"input_seconds": 10.0}) as join, join() as client:
        off = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        await client.send(type="session.update", session=off)
        silence = base64.b64encode(np.zeros(24_000, "<i2").tobytes()).decode()
        await client.send(type="input_audio_buffer.append", audio=silence)
        await client.send(type="visavis.input_gap", samples=36_000)
        await client.send(type="input_audio_buffer.append", audio=silence)
        await client.send(type="input_audio_buffer.commit")
        done = await client.until("conversation.item.input_audio_transcription.completed")
        assert 56_000 <= int(done["transcript"].split()[1]) < 56_000 + 512
        await client.send(type="visavis.input_gap", samples=24_000_000)
        assert (await client.until("error"))["error"]["code"] == "input_audio_buffer_full"


async def test_too_much_waiting_sound_is_refused_and_the_connection_lives() -> None:
    async with server(limits={"input_seconds": 2.0}) as join, join() as client:
        ten_seconds = base64.b64encode(np.zeros(240_000, "<i2").tobytes()).decode()
        await client.send(type="input_audio_buffer.append", audio=ten_seconds)
        assert (await client.until("error"))["error"]["code"] == "input_audio_buffer_full"
        await client.ask("hello")
        await client.until("response.done")


async def test_a_failing_engine_fails_the_response_and_not_the_conversation() -> None:
    async with server() as join, join() as client:
        for word, code in (("fail", "dialogue_failed"), ("mute", "speech_failed")):
            await client.ask(word)
            done = await client.until("response.done")
            assert done["response"]["status"] == "failed"
            assert done["response"]["status_details"]["error"]["code"] == code
        for event in [event for event in client.events if event["type"] == "conversation.item.done"]:
            await client.send(type="conversation.item.delete", item_id=event["item"]["id"])
        await client.ask("hello")
        assert (await client.until("response.done"))["response"]["status"] == "completed"


async def test_leaving_frees_the_engines() -> None:
    recognizer, dialogue = StubRecognizer(), StubDialogue(times=10_000)
    engines = Engines(recognizer, dialogue, stub_engines().synthesizer)
    async with server(engines) as join:
        async with join() as client:
            off = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
            await client.send(type="session.update", session=off)
            silence = base64.b64encode(np.zeros(24_000, "<i2").tobytes()).decode()
            await client.send(type="input_audio_buffer.append", audio=silence)
            await client.ask("hello")
            await client.until("response.output_audio.delta")
            assert recognizer.open == 1
        for _ in range(100):
            if recognizer.open == 0 and dialogue.cancelled:
                break
            await asyncio.sleep(0.05)
        assert recognizer.open == 0
        assert dialogue.cancelled == 1


async def test_a_prompt_holds_what_the_owner_says_else_what_the_dialogue_engine_takes() -> None:
    engines = stub_engines()
    assert conversation_settings(Settings(), engines, None).input_tokens == 32_000
    engines.dialogue.input_tokens = 5000  # type: ignore[attr-defined]
    assert conversation_settings(Settings(), engines, None).input_tokens == 5000
    owner = Settings(conversation={"input_tokens": 1000}, instructions="You are kind. " * 200)  # type: ignore[arg-type]
    assert conversation_settings(owner, engines, None).input_tokens == 1000
    with pytest.raises(ConfigError, match=r"^instructions: .*700 tokens and 500 fit.*conversation\.input_tokens"):
        await Hub(owner, engines).start()
