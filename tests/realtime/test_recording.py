"""Recordings: they replay to the same, differences are shown, damage is refused, and words can be left out."""

import dataclasses
import gzip
import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from agent.asr import Hypothesis
from agent.cli import app
from agent.config import ConfigError, Settings
from agent.conversation import inputs as told
from agent.conversation.context import ConversationSettings
from agent.conversation.session import Conversation
from agent.llm import Citation, ToolCall
from agent.realtime import events as wire
from agent.realtime import replay as replaying
from agent.realtime.hub import Hub
from agent.realtime.privacy import mask, write_copy
from agent.realtime.recorder import Recorder
from agent.realtime.recording import SUFFIX, Recording
from agent.realtime.recording_codec import Blobs, RecordingError, decode, encode
from agent.realtime.replay import first_difference, replay
from avatar.behaviour import Behaviour
from avatar.blendshapes import FaceTrack
from tests.conversation.theatre import Says, Theatre
from tests.realtime.stubs import StubDialogue, StubRecognizer, StubSynthesizer, stub_engines
from tests.realtime.test_hub import FACE, server

SEED = 7
SECRETS = ("pomegranate", "velociraptor", "Zanzibar")


class RecordedTheatre(Theatre):
    """A theatre whose conversation is recorded."""

    def __init__(self, folder: Path, *args: Any, max_bytes: int = 2**24, **more: Any) -> None:
        self.recorder: Recorder | None = None
        super().__init__(*args, **more)
        base = self.conversation._context.settings
        self.recorder = Recorder(folder, max_bytes)
        settings = self.recorder.begin(base)
        self.conversation = Conversation(settings, lambda: Behaviour(SEED, repertoire=settings.repertoire), 0.0)
        self.recorder.began(settings, 0.0, SEED)
        self.tell(told.FaceWanted(True))

    def tell(self, event: told.Input) -> None:
        effects = self.conversation.receive(event, self.now)
        if self.recorder is not None:
            self.recorder.saw(event, self.now, effects)
        for effect in effects:
            self._perform(effect)

    def file(self) -> Path:
        assert self.recorder is not None
        self.recorder.close()
        assert self.recorder.path is not None
        return self.recorder.path


def played(folder: Path, seed: int = 1, **more: Any) -> Path:
    """A conversation with two questions, an interruption, a typed message, a tool's result, and random times."""
    chance = random.Random(seed)
    script = [
        Says(0.3, 1.5, f"what about the {SECRETS[0]}"),
        Says(3.0 + chance.random(), 4.4, "and now this"),
        Says(9, 9.1),
    ]
    theatre = RecordedTheatre(folder, script, lambda heard: f"The {SECRETS[1]} says: one, two. Three 4 five.", **more)
    content = [{"type": "input_text", "text": f"I am from {SECRETS[2]}."}]
    item = {"type": "message", "role": "user", "content": content, "id": f"my-{SECRETS[2]}"}
    theatre.client(5 + chance.random(), json.dumps({"type": "conversation.item.create", "item": item}))
    output = {"type": "function_call_output", "call_id": "c1", "output": SECRETS[0]}
    theatre.client(6, json.dumps({"type": "conversation.item.create", "item": output}))
    theatre.client(6.5, json.dumps({"type": "session.update", "session": {"instructions": f"Be a {SECRETS[1]}."}}))
    theatre.client(7, json.dumps({"type": "conversation.item.retrieve", "item_id": f"my-{SECRETS[2]}"}))
    theatre.client(7, json.dumps({"type": "conversation.item.retrieve", "item_id": SECRETS[0]}))
    theatre.run(14.0)
    return theatre.file()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One recording, for all who only read it."""
    return played(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def path(kept: Path, tmp_path: Path) -> Path:
    """A recording of one's own."""
    return Path(shutil.copy(kept, tmp_path))


def differences(path: Path) -> list[str]:
    with Recording(path) as recording:
        return [step.difference for step in replay(recording) if step.difference is not None]


@pytest.mark.parametrize("seed", range(4))
def test_a_recording_replays_to_the_same_outputs(tmp_path: Path, seed: int) -> None:
    path = played(tmp_path, seed)
    assert path.name.endswith(SUFFIX)
    assert path.stat().st_mode & 0o077 == 0
    with Recording(path) as recording:
        steps = list(replay(recording))
        assert recording.end == "over"
    assert [step.difference for step in steps if step.difference] == []
    assert sum(len(step.effects) for step in steps) > 300
    kinds = {type(step.record.event).__name__ for step in steps}
    assert {"Window", "Recognized", "Thought", "Spoke", "SentenceEnded", "FromClient", "FaceWanted"} <= kinds


def test_a_core_that_does_something_else_is_found_out_at_its_first_difference(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.conversation.history.History.fit", lambda *_, **__: ())
    found = differences(path)
    assert "Think.prompt.messages" in found[0]
    assert SECRETS[0] in found[0]


def test_a_difference_names_its_place_and_both_values() -> None:
    then = [{"is": "Send", "event": "Hold", "item_id": "a"}, {"is": "Listen", "turn": 1}]
    assert first_difference(then, then) is None
    assert first_difference(then, [then[0] | {"item_id": "b"}, then[1]]) == "effects[0] Hold.item_id: then 'a', now 'b'"
    assert first_difference(then, then[:1]) == "effects[1] Listen: then {'is': 'Listen', 'turn': 1}, now nothing"
    assert first_difference([], then[1:]) == "effects[0]: then nothing, now {'is': 'Listen', 'turn': 1}"


def test_every_kind_of_input_comes_back_as_it_was() -> None:
    frames = FaceTrack.from_weights(400, np.random.default_rng(1).random((3, 52), np.float32))
    event = wire.parse(
        json.dumps({"type": "session.update", "session": {"audio": {"input": {"turn_detection": None}}}})
    )
    inputs: list[Any] = [
        told.FromClient(event),
        told.Thought(1, ToolCall("c", "look", '{"a": 1}')),
        told.Thought(1, Citation("t", "s", "p")),
        told.RecognitionFailed(1, "why"),
        told.Spoke(2, 0, np.zeros(0, np.float32), (), (), frames),
        told.Tick(),
        told.PlayerLeft(),
    ]
    for given in inputs:
        blobs = Blobs()
        text = json.dumps(encode(given, blobs))
        again = decode(told.Input, json.loads(text), Blobs(bytes(blobs.data)))
        assert type(again) is type(given)
        if isinstance(given, told.Spoke):
            assert np.array_equal(again.frames.weights, frames.weights)
        else:
            assert again == given
    assert "turn_detection" in again_fields(event)


def again_fields(event: wire.AnyClientEvent) -> set[str]:
    """Which fields count as set decides what an update changes."""
    again = decode(told.Input, encode(told.FromClient(event), Blobs()), Blobs())
    return set(again.event.session.audio.input.model_fields_set)


def test_settings_come_back_as_they_were() -> None:
    settings = ConversationSettings(
        wire_config(), greeting={"en": "hi"}, known_voices=frozenset({"a", "b"}), hears=("en",), min_confidence=0.25
    )
    again = decode(ConversationSettings, json.loads(json.dumps(encode(settings, Blobs()))), Blobs())
    assert dataclasses.replace(again, new_id=settings.new_id) == settings


def wire_config() -> Any:
    from agent.realtime.session_config import SessionConfig  # noqa: PLC0415

    return SessionConfig(instructions="be kind")


# ---------------------------------------------------------------------- without words and sound
@pytest.mark.parametrize("seed", range(2))
def test_a_copy_without_personal_data_holds_none_and_still_replays(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, copy = played(tmp_path, seed), tmp_path / "copy.gz"
    with Recording(path) as recording:
        count = write_copy(recording, copy)
    monkeypatch.setattr("agent.realtime.privacy._SALT", b"that of another process")
    whole, rest = gzip.decompress(path.read_bytes()), gzip.decompress(copy.read_bytes())
    for word in (*SECRETS, *(secret.lower() for secret in SECRETS)):
        assert word.encode() in whole or word != word.lower() or word == "zanzibar"
        assert word.encode() not in rest
    with Recording(copy) as recording:
        assert not recording.header.personal_data
        steps = list(replay(recording))
    assert len(steps) == count
    assert [step.difference for step in steps if step.difference] == []
    sounds = [step.record.event.pcm for step in steps if isinstance(step.record.event, told.Spoke)]
    assert sum(map(len, sounds)) > 24_000
    assert not any(sound.any() for sound in sounds)
    texts = [step.record.event.delta.text for step in steps if isinstance(step.record.event, told.Thought)]
    assert texts[0] == "Xxx xxxxxxxxxxxx xxxx: xxx, xxx. Xxxxx 0 xxxx."


def test_masks_keep_length_and_nothing_to_read() -> None:
    text = "Héllo 你好，世界! ٣ मानक 🎈 №5"
    assert len(mask(text)) == len(text)
    assert mask(mask(text)) == mask(text)
    assert not set(mask(text)) - set("Xx0字*，! ")
    assert mask(text[:7]) + mask(text[7:]) == mask(text)


# ---------------------------------------------------------------------- bounds and damage
def test_a_recording_ends_at_its_bound_and_says_so(tmp_path: Path) -> None:
    path = played(tmp_path, max_bytes=4096)
    with Recording(path) as recording:
        assert all(step.difference is None for step in replay(recording))
        assert "recording.megabytes" in recording.end
    assert path.stat().st_size < 2**17


def test_a_file_that_breaks_off_is_good_up_to_there(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with Recording(path) as recording:
        steps = list(replay(recording))
        assert "breaks off" in recording.end
    assert len(steps) > 50
    assert all(step.difference is None for step in steps)


def damaged(path: Path, line: int, change: Any) -> Path:
    """The recording with one line changed; its sound is left where it is."""
    with gzip.open(path) as file:
        parts = []
        while text := file.readline():
            parts.append((json.loads(text), file.read(json.loads(text).get("bytes", 0))))
    change(parts[line][0])
    with gzip.open(path, "wb") as file:
        for body, data in parts:
            file.write(json.dumps(body).encode() + b"\n" + data)
    return path


BAD: dict[str, Any] = {
    "unknown class": lambda line: line.update(input={"is": "Popen", "args": ["id"]}),
    "other fields": lambda line: line.update(input={"is": "Tick", "more": 1}),
    "missing fields": lambda line: line.update(input={"is": "Window"}),
    "no input": lambda line: line.pop("input"),
    "time as text": lambda line: line.update(at="now"),
    "time goes back": lambda line: line.update(at=-5.0),
    "negative bytes": lambda line: line.update(bytes=-1),
    "huge bytes": lambda line: line.update(bytes=2**40),
    "array outside": lambda line: line.update(
        input={"is": "Window", "pcm": {"@": [9, "<f4", [512]]}, "probability": 0.1}
    ),
    "objects in arrays": lambda line: line.update(
        input={"is": "Window", "pcm": {"@": [0, "|O", [1]]}, "probability": 0}
    ),
    "endless array": lambda line: line.update(
        input={"is": "Window", "pcm": {"@": [0, "<f4", [2**20] * 9]}, "probability": 0}
    ),
    "bad client event": lambda line: line.update(input={"is": "FromClient", "event": {"type": "nothing"}}),
}


@pytest.mark.parametrize("name", BAD)
def test_a_damaged_recording_is_refused_in_one_line(path: Path, name: str) -> None:
    damaged(path, 5, BAD[name])
    with pytest.raises(RecordingError) as caught:
        differences(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b"hello", gzip.compress(b"{}\n"), gzip.compress(b"[" * 100_000 + b"\n"), gzip.compress(b"\xff\n")]
)
def test_what_is_no_recording_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(data)
    with pytest.raises(RecordingError):
        Recording(path)


def test_another_version_is_refused(path: Path) -> None:
    with pytest.raises(RecordingError, match="version 99"):
        Recording(damaged(path, 0, lambda line: line.update(version=99)))


# ---------------------------------------------------------------------- through the server, and engines run again
async def test_a_served_conversation_is_recorded_and_its_engines_can_be_run_again(tmp_path: Path) -> None:
    async with server(recording={"folder": tmp_path}) as join, join() as client:
        await client.send(**FACE)
        assert (await client.until("visavis.notice"))["code"] == "recorded"
        await client.ask("fail")
        await client.until("response.done")
        await client.ask("hello")
        await client.until("response.done")
    (path,) = tmp_path.glob(f"*{SUFFIX}")  # noqa: ASYNC240
    assert differences(path) == []
    engines = stub_engines()
    with Recording(path) as recording:
        texts = await replaying.rerun_llm(recording, engines.dialogue)
    assert [(one.then, one.same) for one in texts] == [
        ("[failed: the stub was told to fail]", True),
        ("You said hello. ", True),
    ]
    with Recording(path) as recording:
        _, text = await replaying.rerun_llm(recording, StubDialogue(times=2))
    assert not text.same
    with Recording(path) as recording:
        (speech,) = await replaying.rerun_tts(recording, StubSynthesizer())
    assert speech.same
    assert speech.then.startswith("0.300 s")


async def test_a_folder_that_cannot_be_written_to_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"recording\.folder"):
        await Hub(Settings(recording={"folder": tmp_path / "file"}), stub_engines()).start()


async def test_recognition_can_be_run_again(path: Path) -> None:
    with Recording(path) as recording:
        compared = await replaying.rerun_asr(recording, StubRecognizer())
    assert any(SECRETS[0] in one.then for one in compared)
    assert all("samples" in one.now and not one.same for one in compared)


async def test_what_was_refined_too_late_to_be_recorded_is_not_compared() -> None:
    pcm = np.zeros(512, np.float32)
    recorded = {True: told.Recognized(1, Hypothesis("words"), 512, refined=True)}
    _, refined = await replaying._recognise(StubRecognizer(), replaying._Utterance([pcm, None, pcm, None], recorded))
    assert refined == Hypothesis("heard 512 samples")


# ---------------------------------------------------------------------- the command
def visavis(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["replay", *map(str, arguments)])


def test_the_command_proves_lists_and_leaves_out(path: Path, tmp_path: Path) -> None:
    proved = visavis(path, "--json")
    assert proved.exit_code == 0, proved.output
    about = json.loads(proved.stdout)
    assert about["differing"] == 0
    assert about["took_seconds"] < about["seconds"] == pytest.approx(14.0, abs=0.1)
    copy = tmp_path / f"copy{SUFFIX}"
    assert visavis(path, "--without-personal-data", copy).exit_code == 0
    assert visavis(copy).exit_code == 0
    listed = json.loads(visavis(tmp_path, "--json").stdout)
    assert {row["name"]: row["personal_data"] for row in listed} == {path.name: True, copy.name: False}
    assert "left out" in visavis(copy, "--rerun", "asr").stderr


def test_the_command_shows_the_first_difference(path: Path) -> None:
    def change(line: dict[str, Any]) -> None:
        line["effects"] = [{"is": "Listen", "turn": 9}]

    found = visavis(damaged(path, 5, change))
    assert found.exit_code == 1
    assert "(input 5, " in found.stdout
    assert "effects[0] Listen.is: then 'Listen', now 'Send'" in found.stdout


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    for given in (tmp_path / "none.gz", tmp_path):
        refused = visavis(given)
        assert refused.exit_code == 2
        assert refused.stderr.count("\n") == 1


TABLE = """
[moods.idle]
mouthSmile = 0.4
[feelings.proud]
shapes = { mouthSmile = 0.3 }
words = { en = ["proud"] }
"""


@pytest.mark.parametrize("masked", [False, True])
def test_an_owner_s_table_is_part_of_the_recording(tmp_path: Path, masked: bool) -> None:
    path, copy = played(tmp_path, settings={"behaviour": TABLE}), tmp_path / "copy.gz"
    with Recording(path) as recording:
        assert recording.header.settings.behaviour == TABLE
        write_copy(recording, copy)
    with Recording(copy if masked else path) as recording:
        assert [step.difference for step in replay(recording) if step.difference] == []
    assert b"proud" not in gzip.decompress(copy.read_bytes())
