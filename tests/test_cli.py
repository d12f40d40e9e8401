"""The command, run as a person runs it."""

import json
import os
import signal
import subprocess
import sys
import wave
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from agent.audio import files
from agent.cli import app
from agent.cli.common import EXIT_CODES
from avatar.lipsync.facefile import read_face

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, and an environment without our variables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    for name in [name for name in os.environ if name.upper().startswith("VISAVIS_")]:
        monkeypatch.delenv(name)


Done = subprocess.CompletedProcess[str]


def visavis(*arguments: object) -> Done:
    """The command in this process, which saves its start."""
    command = [str(argument) for argument in arguments]
    result = CliRunner().invoke(app, command)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Done(command, result.exit_code, result.stdout, result.stderr)


def visavis_process(*arguments: object) -> Done:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "agent.cli", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def assert_one_line(done: Done, code: int, *words: str) -> None:
    lines = done.stderr.strip().splitlines()
    assert done.returncode == code, done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("visavis: ")
    for word in words:
        assert word in lines[0]
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["serve", "doctor", "reply", "say", "face"])
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    shown = visavis(command, "--help")
    assert shown.returncode == 0
    assert f"Example: visavis {command}" in shown.stdout


def test_help_imports_no_engine() -> None:
    code = "import sys, agent.cli; print([m for m in ('numpy', 'onnxruntime', 'av', 'uvicorn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", EXIT_CODES)
def test_errors_known_by_name_exist(name: str) -> None:
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(import_module(module), kind), Exception)


def test_a_spoken_text_and_its_face(tmp_path: Path) -> None:
    done = visavis_process("say", "My name is Bob.", "--out", "a.wav", "--face", "a.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    about = json.loads(done.stdout)
    pcm = files.read(tmp_path / "a.wav", 24_000)
    assert len(pcm) / 24_000 == pytest.approx(about["audio_seconds"], abs=0.01)
    assert np.abs(pcm).max() > 0.05
    face = read_face(tmp_path / "a.jsonl")
    assert len(face.track) == about["frames"] == pytest.approx(about["audio_seconds"] * 60, abs=1.5)
    assert face.source == "timed"
    assert "PP" in face.visemes  # the lips close for m and b
    assert face.track.weights.max() > 0.2


def test_chinese_text_gets_a_chinese_voice(tmp_path: Path) -> None:
    done = visavis("say", "你好，很高兴见到你。", "--out", "a.wav")
    assert done.returncode == 0, done.stderr
    assert files.read(tmp_path / "a.wav", 24_000).size > 24_000


def test_voices_are_listed_and_can_be_chosen(tmp_path: Path) -> None:
    voices = json.loads(visavis("say", "--list-voices", "--json").stdout)
    assert {"en", "zh"} <= {voice["language"].split("-")[0] for voice in voices}
    done = visavis("say", "Hello.", "--voice", voices[-1]["id"], "--out", "a.wav")
    assert done.returncode == 0, done.stderr


def test_an_unknown_voice_is_named_with_those_there_are(tmp_path: Path) -> None:
    assert_one_line(visavis("say", "Hello.", "--voice", "nobody", "--out", "a.wav"), 2, "nobody", "there are:")


def test_a_question_is_heard_and_answered(tmp_path: Path) -> None:
    question = "What are your opening hours?"
    assert visavis("say", question, "--out", "question.wav").returncode == 0
    done = visavis("reply", "question.wav", "--out", "answer.wav", "--face", "answer.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    about = json.loads(done.stdout)
    assert set(about) == {"heard", "reply", "audio_seconds", "timings_ms"}
    assert about["reply"]
    assert len(files.read(tmp_path / "answer.wav", 24_000)) / 24_000 == pytest.approx(about["audio_seconds"], abs=0.01)
    assert len(read_face(tmp_path / "answer.jsonl").track) == pytest.approx(about["audio_seconds"] * 60, abs=1.5)
    assert all(milliseconds >= 0 for milliseconds in about["timings_ms"].values())
    assert about["timings_ms"]["total"] >= about["timings_ms"]["hear"]


def test_what_cannot_be_understood_is_asked_for_again(tmp_path: Path) -> None:
    files.write(tmp_path / "silence.wav", np.zeros(16_000, np.float32), 16_000)
    about = json.loads(visavis("reply", "silence.wav", "--json").stdout)
    assert about["heard"] == ""
    assert "didn't catch" in about["reply"]


@pytest.mark.parametrize("source", ["text", "audio"])
def test_a_recording_gets_a_face(tmp_path: Path, source: str) -> None:
    assert visavis("say", "Mama made a big apple pie.", "--out", "a.wav").returncode == 0
    text = ["--text", "Mama made a big apple pie."] if source == "text" else []
    done = visavis("face", "a.wav", *text, "--out", "a.jsonl")
    assert done.returncode == 0, done.stderr
    face = read_face(tmp_path / "a.jsonl")
    assert face.source == source
    assert len(set(face.visemes)) > 3
    assert face.track.weights.max() > 0.2


@pytest.mark.parametrize("text", ["你好，很高兴见到你。", "Nothing of this has anything to do with it at all."])
def test_a_face_says_truly_what_it_was_made_from(tmp_path: Path, text: str) -> None:
    """A text that is not found in the speech has no part in the lips."""
    assert visavis("say", "Mama made a big apple pie.", "--out", "a.wav").returncode == 0
    done = visavis("face", "a.wav", "--text", text, "--out", "a.jsonl", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["source"] == read_face(tmp_path / "a.jsonl").source == "audio"
    assert "visavis: a.wav: the text was not found in the speech" in done.stderr


def broken_files(folder: Path) -> dict[str, Path]:
    paths = {name: folder / f"{name}.wav" for name in ("missing", "empty", "noise", "header", "folder")}
    paths["empty"].touch()
    paths["noise"].write_bytes(np.random.default_rng(1).bytes(5000))
    with wave.open(str(paths["header"]), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
    paths["folder"].mkdir()
    return paths


@pytest.mark.parametrize("kind", ["missing", "empty", "noise", "header", "folder"])
def test_a_broken_recording_is_one_line_naming_the_file(tmp_path: Path, kind: str) -> None:
    path = broken_files(tmp_path)[kind]
    for command in (["reply", path.name], ["face", path.name, "--out", "x.jsonl"]):
        assert_one_line(visavis(*command), 2, path.name)
    assert not (tmp_path / "x.jsonl").exists()


def test_a_broken_recording_ends_the_process_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "noise.wav").write_bytes(b"RIFF" + bytes(500))
    assert_one_line(visavis_process("reply", "noise.wav"), 2, "noise.wav")


def test_a_huge_recording_is_refused(tmp_path: Path) -> None:
    files.write(tmp_path / "long.wav", np.zeros(32_000, np.float32), 16_000)
    assert_one_line(visavis("reply", "long.wav", "--set", "limits.file_seconds=1"), 2, "long.wav")
    assert_one_line(visavis("reply", "long.wav", "--set", "limits.file_bytes=2000"), 2, "long.wav")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["say", ""], ["there is no text"]),
        (["say", "...", "--out", "a.wav"], ["nothing in the text"]),
        (["say", "a", "--out", "nowhere/a.wav"], ["nowhere/a.wav", "no folder"]),
        (["say", "a", "--out", "a.x", "--face", "a.x"], ["a.x", "cannot be one file"]),
        (["say", "a" * 50, "--out", "a.wav", "--set", "limits.text_chars=100", "--set", "voice"], ["--set voice"]),
        (["say", "a" * 200, "--out", "a.wav", "--set", "limits.text_chars=100"], ["200", "100"]),
        (["serve", "--port", "99999"], ["command line", "server.port"]),
        (["serve", "--config", "none.toml"], ["none.toml"]),
        (["serve", "--host", "0.0.0.0"], ["VISAVIS_TOKEN"]),
        (["say", "a", "--set", "engines.tts=siri"], ["engines.tts", "'espeak'"]),
        (["say", "a", "-o", "a.wav", "--set", "engines.options.espeak.pitch=1"], ["engines.options.espeak", "'pitch'"]),
    ],
)
def test_a_wrong_wish_is_one_line(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    assert_one_line(visavis(*arguments), 2, *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--knowledge", "nowhere"], ["nowhere", "not a folder"]),
        (["--set", "avatar.head=nobody"], ["avatar.head", "nobody", "there are: "]),
        (["--tls-certificate", "none.pem", "--tls-key", "none.pem"], ["none.pem"]),
        (["--host", "nowhere.invalid", "--set", f"server.token={'a' * 32}"], ["nowhere.invalid"]),
        (["--voice", "nobody"], ["voice.name", "there are: "]),
    ],
)
def test_a_server_that_is_asked_for_what_is_not_there_says_so(
    tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    done = visavis("serve", "--port", "0", "--no-browser", *arguments)
    starting, problem = done.stderr.strip().splitlines()
    assert done.returncode == 2
    assert starting.startswith("Starting")
    assert problem.startswith("visavis: ")
    assert all(word in problem for word in words), problem


def test_a_question_with_documents_that_are_not_there_is_one_line(tmp_path: Path) -> None:
    files.write(tmp_path / "a.wav", np.zeros(1600, np.float32), 16_000)
    assert_one_line(visavis("reply", "a.wav", "--knowledge", "nowhere"), 2, "nowhere", "not a folder")


def test_a_question_in_a_language_that_is_not_heard_is_refused(tmp_path: Path) -> None:
    """Rather than answered as if it were English."""
    files.write(tmp_path / "a.wav", np.zeros(1600, np.float32), 16_000)
    assert_one_line(visavis("reply", "a.wav", "--language", "zh"), 2, "zh", "pocketsphinx understands en only")


@pytest.mark.parametrize("code", [0, 1])
def test_saying_aloud_succeeds_only_where_it_sounds(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr("agent.cli.speech.PLAYERS", ((sys.executable, "-c", f"raise SystemExit({code})"),))
    done = visavis("say", "Hello.")
    assert done.returncode == code
    assert ("--out" in done.stderr) == bool(code)


def test_no_recording_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(b"no recording")
    done = visavis("replay", "a.gz")
    assert_one_line(done, 2, "a.gz", "no recording")
    assert done.stderr.count("a.gz") == 1


def test_a_recording_cut_short_is_told_of_and_used(tmp_path: Path) -> None:
    files.write(tmp_path / "cut.wav", np.zeros(32_000, np.float32), 16_000)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "cut.wav").read_bytes()[:32_044])
    done = visavis("face", "cut.wav", "--out", "cut.jsonl", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["audio_seconds"] == pytest.approx(1, abs=0.01)
    [line] = [line for line in done.stderr.splitlines() if line.startswith("visavis: ")]
    assert line.startswith("visavis: cut.wav: is cut short: 1.0 s ")
    assert "2.0 s" in line


def test_the_question_is_not_overwritten(tmp_path: Path) -> None:
    files.write(tmp_path / "a.wav", np.zeros(1600, np.float32), 16_000)
    before = (tmp_path / "a.wav").read_bytes()
    assert_one_line(visavis("reply", "a.wav", "--out", "./a.wav"), 2, "a.wav", "overwrite")
    assert (tmp_path / "a.wav").read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_ends_without_a_traceback(tmp_path: Path) -> None:
    code = """
import asyncio, signal
from agent import offline
from agent.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background hands down an ignored one

async def forever(*_):
    print("speaking", flush=True)
    await asyncio.Event().wait()

offline.say = forever
main()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, "say", "Hello.", "--out", "a.wav"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "speaking\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
