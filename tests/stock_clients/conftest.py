"""A server with real engines, speech for the clients to say, and what each client found, once."""

import asyncio
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.audio import TIMELINE_RATE
from agent.audio.codecs import float_to_pcm16
from agent.audio.resample import resample
from agent.config import Settings
from agent.conversation import hearing
from agent.realtime.hub import Hub
from agent.tts import Synthesizer
from agent.tts.sentences import SentenceSplitter
from tests.serving import serve
from tests.stock_clients.engines import NotedSpeech, stock_engines
from tests.stock_clients.environments import ENVIRONMENTS, Environment, Unavailable

CLIENTS = Path(__file__).parent / "clients"
QUESTION = "When are you open?"
INTERRUPTION = "Where are the toilets?"
VOICE = "flite:rms"
"""Who speaks to us: not the voice that answers, and one that the default recogniser understands."""
SILENCE_S = 0.3
CLIENT_SECONDS = 150
RECOGNITION_SECONDS = 15.0

WIDTH = 44
SCENARIOS = ("talk", "barge_in", "tool", "text", "bad_event")
RESULTS = pytest.StashKey[dict[str, dict[str, str]]]()


@dataclass
class Server:
    """The server in its thread, and the speech that clients say to it."""

    url: str
    speech: NotedSpeech

    def sounded(self, reply: str, seconds: float) -> list[str]:
        """The words of `reply` that sound in its first `seconds`."""
        splitter = SentenceSplitter()
        return self.speech.sounded([text for _, text in (*splitter.push(reply), *splitter.flush())], seconds)


async def _say(engine: Synthesizer, text: str) -> bytes:
    """Synthetic speech as a client would send it: 24 kHz, 16 bit, with silence before it."""
    chunks = [chunk async for chunk in engine.speak(text, voice=VOICE)]
    pcm = resample(np.concatenate([chunk.pcm for chunk in chunks]), chunks[0].rate, TIMELINE_RATE)
    silence = np.zeros(int(SILENCE_S * TIMELINE_RATE), np.float32)
    return float_to_pcm16(np.concatenate([silence, pcm]))


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of what clients say: question.pcm and interruption.pcm."""
    return tmp_path_factory.mktemp("speech")


@pytest.fixture(scope="session")
def server(speech: Path) -> Iterator[Server]:
    """Serves from a thread of its own: a stock client is another process, and a test waits for it. A busy machine's
    recogniser is given time: what is tested here is the protocol."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hearing, "LIMIT", RECOGNITION_SECONDS)
        yield from _serve(speech)


def _serve(speech: Path) -> Iterator[Server]:
    engines, noted = stock_engines()
    if VOICE not in [voice.id for voice in noted.voices]:
        pytest.skip("flite is not installed: sudo apt-get install flite")
    ready = threading.Event()
    found: list[str] = []
    stop: list[Callable[[], object]] = []

    async def run() -> None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(over.set))
        async with serve(Hub(Settings(), engines)) as url:
            (speech / "question.pcm").write_bytes(await _say(noted, QUESTION))
            (speech / "interruption.pcm").write_bytes(await _say(noted, INTERRUPTION))
            found.append(url.rstrip("/"))
            ready.set()
            await over.wait()

    def work() -> None:
        try:
            asyncio.run(run())
        finally:
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait(60)
    try:
        assert found, "the server did not start"
        yield Server(found[0], noted)
    finally:
        for one in stop:
            one()
        thread.join(20)


@dataclass
class Found:
    """What one client's script said, by scenario; `failure` is the end of its stderr where it fell over."""

    scenarios: dict[str, dict[str, Any]] = field(default_factory=dict)
    failure: str = ""


@pytest.fixture(scope="session")
def found(server: Server, speech: Path, browser: str | None) -> Callable[[str], Found]:
    """Runs a client's script, once; skips where its environment cannot be had."""
    kept: dict[str, Found | Unavailable] = {}

    def run(name: str) -> Found:
        if name not in kept:
            environment = ENVIRONMENTS[name]
            try:
                environment.make()
                kept[name] = _run(environment, server.url, speech, browser)
            except Unavailable as error:
                kept[name] = error
        result = kept[name]
        if isinstance(result, Unavailable):
            pytest.skip(str(result))
        return result

    return run


def _run(environment: Environment, url: str, speech: Path, browser: str | None) -> Found:
    kind = ".mjs" if environment.node and not environment.browser else ".py"
    script = CLIENTS / f"{environment.name.replace('-', '_')}_client{kind}"
    command = [environment.program, str(script), url, str(speech)]
    settings = {**os.environ, "OPENAI_API_KEY": "unused", "NO_PROXY": "127.0.0.1", "PYTHONUNBUFFERED": "1"}
    if browser is not None:
        settings["VISAVIS_BROWSER"] = browser
    result = Found()
    try:
        done = subprocess.run(
            command,
            cwd=environment.folder if environment.pins else None,
            env=settings,
            capture_output=True,
            text=True,
            timeout=CLIENT_SECONDS,
            check=False,
        )
        out, errors = done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        out, errors = (
            str(part or b"", "utf-8") if not isinstance(part, str) else part for part in (late.stdout, late.stderr)
        )
        errors += f"\nnot done after {CLIENT_SECONDS} s"
    for line in out.splitlines():
        if line.startswith("{"):
            one = json.loads(line)
            if "unavailable" in one:
                raise Unavailable(one["unavailable"])
            result.scenarios[one.pop("scenario")] = one
    result.failure = errors[-4000:]
    return result


# ---------------------------------------------------------------------- the table
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = (yield).get_result()  # type: ignore[misc]
    name, scenario = getattr(item, "callspec", None) and item.callspec.params.get("client"), item.name  # type: ignore[attr-defined]
    if name is None or (report.when != "call" and not report.skipped):
        return
    table = item.config.stash.setdefault(RESULTS, {})
    row = table.setdefault(name, {})
    row.update({str(key): str(value) for key, value in item.user_properties})
    row[scenario.removeprefix("test_").partition("[")[0]] = {"passed": "yes", "skipped": "–"}.get(report.outcome, "NO")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    table = config.stash.get(RESULTS, {})
    if not table:
        return
    scenarios = [scenario for scenario in SCENARIOS if any(scenario in row for row in table.values())]
    terminalreporter.section("stock clients")
    width = max(len(scenario) for scenario in scenarios) + 2
    terminalreporter.write_line(" " * WIDTH + "".join(scenario.ljust(width) for scenario in scenarios))
    for name, row in table.items():
        environment = ENVIRONMENTS[name]
        cells = "".join(row.get(scenario, "").ljust(width) for scenario in scenarios)
        terminalreporter.write_line(
            f"{environment.package} {environment.version}".ljust(WIDTH) + cells + row.get("note", "")
        )
