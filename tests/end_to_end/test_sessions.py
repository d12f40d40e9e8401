"""Several at once: conversations that share nothing, and a second screen that shares everything but the sound."""

import base64
import json
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection, connect

from agent.audio import Pcm
from agent.audio.codecs import float_to_pcm16, pcm16_to_float
from avatar.blendshapes import SAMPLES_PER_FRAME
from scripts.bench.browser import until
from scripts.bench.synthesis import speak
from tests.end_to_end.conftest import SPEAKING_VOICE
from tests.end_to_end.visitor import Visitor, word_error_rate

PACKET = 960
SILENCE = 5 * 24_000
"""After the question: a live microphone goes on, and time is counted in what it sends."""
FEW_FRAMES = 3
ATTEMPTS = 3
"""A machine that is too busy hears nothing in time, and the person asks to say it again."""


class Talker(threading.Thread):
    """A plain client of the realtime protocol that asks one question aloud."""

    def __init__(self, address: str, question: str) -> None:
        super().__init__(daemon=True)
        self.question = question
        self.events: list[dict[str, Any]] = []
        self.socket: ClientConnection = connect(address.replace("http", "ws") + "/v1/realtime", max_size=None)
        self.problem: Exception | None = None

    def run(self) -> None:
        speech = speak(self.question, SPEAKING_VOICE, 24_000)
        try:
            for _ in range(ATTEMPTS):
                self._say(np.pad(speech, (7_200, SILENCE)))
                self._receive_until("response.done")
                if self.heard:
                    break
        except Exception as error:
            self.problem = error

    def ask_for(self, item: str) -> dict[str, Any]:
        """What the server answers when it is asked for an item."""
        self.socket.send(json.dumps({"type": "conversation.item.retrieve", "item_id": item}))
        return self._receive_until("conversation.item.retrieved", "error")

    @property
    def heard(self) -> str:
        return " ".join(e["transcript"] for e in self._of("conversation.item.input_audio_transcription.completed"))

    @property
    def answer(self) -> str:
        return " ".join(e["transcript"] for e in self._of("response.output_audio_transcript.done"))

    @property
    def sound(self) -> Pcm:
        parts = [pcm16_to_float(base64.b64decode(e["delta"])) for e in self._of("response.output_audio.delta")]
        return np.concatenate(parts)

    def ids(self) -> set[str]:
        """Every item, response and session that was spoken of."""
        named = set()
        for event in self.events:
            named |= {event[key] for key in ("item_id", "response_id") if event.get(key)}
            named |= {event[key]["id"] for key in ("item", "response", "session") if event.get(key, {}).get("id")}
        return named

    def _say(self, pcm: Pcm) -> None:
        for begin in range(0, len(pcm), PACKET):
            audio = base64.b64encode(float_to_pcm16(pcm[begin : begin + PACKET])).decode()
            self.socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))

    def _receive_until(self, *kinds: str) -> dict[str, Any]:
        while True:
            self.events.append(json.loads(self.socket.recv(timeout=60)))
            if self.events[-1]["type"] in kinds:
                return self.events[-1]

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]


def test_two_conversations_at_once_never_mix(address: str) -> None:
    talkers = [Talker(address, "what are your opening hours"), Talker(address, "what can you do")]
    for talker in talkers:
        talker.start()
    for talker in talkers:
        talker.join(180)
        assert talker.problem is None
    hours, other = talkers
    for talker in talkers:
        assert word_error_rate(talker.question, talker.heard) <= 0.5
        assert np.abs(talker.sound).max() > 0.02
        assert not [event for event in talker.events if event["type"] == "error"]
        assert not [event for event in talker.events if event["type"].startswith("visavis.")]
    assert "10:00" in hours.answer
    assert other.answer
    assert "10:00" not in other.answer
    assert not hours.ids() & other.ids()
    theirs = next(event["item"]["id"] for event in hours.events if event.get("item"))
    assert other.ask_for(theirs)["type"] == "error"
    assert hours.ask_for(theirs)["type"] == "conversation.item.retrieved"
    for talker in talkers:
        talker.socket.close()


def test_two_pages_at_once_never_mix(visit: Callable[..., Visitor]) -> None:
    one, other = visit(), visit()
    for visitor in (one, other):
        visitor.begin_quietly()
    items = [one.ask("what are your opening hours"), other.ask("can I bring my dog")]
    for visitor, item in zip((one, other), items, strict=True):
        visitor.wait_until_heard(item, 0.5)
        visitor.interrupt()
    assert one.said("user")[-1] == "what are your opening hours"
    assert other.said("user")[-1] == "can I bring my dog"
    assert set(one.get("Object.keys(witness.sound)")).isdisjoint(other.get("Object.keys(witness.sound)"))


def test_a_second_screen_follows_without_sound(visit: Callable[..., Visitor]) -> None:
    player = visit()
    player.begin_quietly()
    player.get("witness.send({ type: 'visavis.invite' })")
    path = until(lambda: player.events("visavis.invite"), "an invitation")[0]["path"]
    viewer = visit(path=f"{path}&light", allowed=False)
    assert viewer.get("visavis.role") == "viewer"
    assert not viewer.page.is_visible("#text")
    item = player.ask("what are your opening hours")
    viewer.wait_for(f"visavis.audible?.playing && visavis.audible.item === '{item}'")
    player.wait_until_heard(item, 7.0)
    viewer.get("witness.send({ type: 'response.cancel' })")
    error = until(lambda: viewer.events("error"), "it is refused")[0]["error"]
    assert error["code"] == "read_only"
    assert player.get("visavis.audible.playing"), "the viewer changed nothing"
    mine, theirs = (_drawn(visitor, item) for visitor in (player, viewer))
    # The same frame, or one beside it, is the same mouth, and comes at very nearly the same time.
    pairs = [(mine[one], theirs[other]) for one in mine for other in theirs if abs(one - other) <= SAMPLES_PER_FRAME]
    assert len(pairs) > 1
    assert np.median([abs(one[0] - other[0]) for one, other in pairs]) < 0.03
    frames, walls = sorted(theirs), [theirs[frame][1] for frame in sorted(theirs)]
    apart = [np.interp(frame, frames, walls) - mine[frame][1] for frame in mine if frames[0] < frame < frames[-1]]
    frame_ms = max(visitor.get("visavis.frameIntervalMs") for visitor in (player, viewer))
    assert abs(np.median(apart)) < FEW_FRAMES * max(frame_ms, 50)
    player.interrupt()
    viewer.wait_for("!visavis.audible?.playing")
    assert viewer.get("Object.keys(witness.sound).length") == 0
    assert viewer.get("visavis.outputStream") is None


def test_a_second_screen_that_comes_late_has_the_face_and_the_words_at_once(visit: Callable[..., Visitor]) -> None:
    player = visit()
    player.begin_quietly()
    player.get("witness.send({ type: 'visavis.invite' })")
    path = until(lambda: player.events("visavis.invite"), "an invitation")[0]["path"]
    viewer = visit(path=f"{path}&light", allowed=False)
    item = player.ask("what are your opening hours")
    player.wait_until_heard(item, 1.0)
    viewer.get("witness.sockets.at(-1).close()")
    viewer.wait_for("witness.sockets.length === 2")
    since = viewer.get("performance.now()")
    viewer.wait_for(f"visavis.audible?.playing && visavis.audible.item === '{item}'")
    seen = f"visavis.skew.filter((f) => f.item === '{item}' && f.drawn > 0 && f.now > {since})"
    viewer.wait_for(f"{seen}.length > 12")
    assert player.get("visavis.audible.playing"), "it moves while the reply still sounds"
    assert np.ptp([frame["jawOpen"] for frame in viewer.get(seen)]) > 0.05
    shown = viewer.page.inner_text("#words").split()
    assert shown
    text = player.entry(item)["text"]  # type: ignore[index]
    assert " ".join(shown) in " ".join(text.split())
    assert viewer.entry(item)["text"] in text  # type: ignore[index]
    player.interrupt()
    viewer.wait_for("!visavis.audible?.playing")


def _drawn(visitor: Visitor, item: str) -> dict[int, tuple[float, float]]:
    """The frames of `item` that were drawn: by their sample the jaw, and the time of day in ms."""
    origin = visitor.get("performance.timeOrigin")
    log = [entry for entry in visitor.get("visavis.skew") if entry["item"] == item and entry["drawn"] > 0]
    return {entry["drawn"]: (entry["jawOpen"], origin + entry["now"]) for entry in reversed(log)}
