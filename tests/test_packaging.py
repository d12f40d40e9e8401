"""The wheel: what is in it, and that it runs away from its sources."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from packaging.specifiers import SpecifierSet

from scripts.bench.resolve_platforms import PYTHONS, IndexUnreachable, default_set, resolve

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "avatar" / "web"

pytestmark = pytest.mark.slow


def run(*command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VISAVIS_"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env | environment, capture_output=True, text=True, check=False
    )
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with the build tools of this environment, so that no index is needed once the browser app is built."""
    if not (WEB / "package.json").is_file():
        pytest.skip("the browser app's sources are not here")
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    if built.returncode and re.search(
        r"npm.*(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT)", built.stdout + built.stderr
    ):
        pytest.skip("the browser app is not built, and the npm registry cannot be reached")
    assert built.returncode == 0, built.stdout + built.stderr
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `visavis` command of a virtual environment that has the wheel, and this environment's other packages."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    site = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder), "platbase": str(folder)}))
    done = run(sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--no-deps", wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    # After the wheel's own folder, so that an editable installation of the sources does not shadow it.
    (site / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return scripts / "visavis"


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_carries_all_that_is_needed_to_run(wheel: Path) -> None:
    inside = names(wheel)
    assert "avatar/web/dist/index.html" in inside
    assert any(re.fullmatch(r"avatar/web/dist/assets/.+\.js", name) for name in inside)
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in ("agent", "avatar", "models")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.is_relative_to(WEB)
    }
    assert wanted - inside == set()
    for kind in (
        r"agent/knowledge/pack/.+\.md",
        r"models/heads/[^/]+\.glb",
        r"models/cards/.+",
        r"avatar/lipsync/.+\.json",
    ):
        assert any(re.fullmatch(kind, name) for name in inside), kind


def test_the_wheel_carries_nothing_of_the_workshop(wheel: Path) -> None:
    inside = names(wheel)
    assert not [name for name in inside if "node_modules" in name or name.endswith((".ts", ".map", ".pyc"))]
    assert {name.split("/")[0] for name in inside if ".dist-info" not in name} == {"agent", "avatar", "models"}
    assert [name for name in inside if name.endswith(("licenses/LICENSE", "licenses/NOTICE"))]


def test_the_installed_command_runs_away_from_its_sources(installed: Path, tmp_path: Path) -> None:
    where = run(installed.parent / "python", "-c", "import agent; print(agent.__file__)", cwd=tmp_path)
    assert not Path(where.stdout.strip()).is_relative_to(ROOT)
    shown = run(installed, "--help", cwd=tmp_path)
    assert shown.returncode == 0
    assert "serve" in shown.stdout


def test_the_installed_doctor_finds_everything(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "doctor", "--set", "server.port=0", cwd=tmp_path, COLUMNS="200")
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(ROOT) not in done.stdout


def test_the_installed_command_speaks(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "say", "Good morning.", "--out", "a.wav", "--face", "a.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.wav").stat().st_size > 10_000
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) > 30


def test_the_pythons_that_are_resolved_for_are_those_allowed() -> None:
    allowed = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"])
    assert [f"3.{minor}" for minor in range(8, 20) if f"3.{minor}.5" in allowed] == list(PYTHONS)


def test_the_lockfile_names_no_registry() -> None:
    lockfile = WEB / "package-lock.json"
    if not lockfile.is_file():
        pytest.skip("the browser app's sources are not here")
    assert not re.findall(r'"resolved": "https?://', lockfile.read_text())


@pytest.mark.parametrize("platform", ["Windows", "macOS arm64"])
def test_the_default_set_resolves_as_wheels(platform: str) -> None:
    python = "3.11"
    try:
        result = resolve(default_set(python), platform, python)
    except IndexUnreachable as error:
        pytest.skip(f"the package index cannot be reached: {error}")
    assert result.problem == ""
    assert result.packages > 10


@pytest.fixture
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_app(web: Path, build: str) -> Path:
    """A browser app without dependencies, whose build is one command."""
    (web / "src").mkdir(parents=True)
    (web / "src" / "main.ts").write_text("1")
    about = {"name": "app", "version": "1.0.0"}
    (web / "package.json").write_text(json.dumps(about | {"scripts": {"build": build}}))
    (web / "package-lock.json").write_text(json.dumps(about | {"lockfileVersion": 3, "packages": {"": about}}))
    return web


def test_the_browser_app_is_built_once_for_the_same_sources(hook: ModuleType, tmp_path: Path) -> None:
    web = make_app(tmp_path / "web", "npm --version && mkdir -p dist && touch dist/index.html")
    assert not hook.is_built(web)
    hook.build(web, lambda _: None)
    assert hook.is_built(web)
    (web / "node_modules").mkdir(exist_ok=True)
    (web / "node_modules" / "anything.js").write_text("2")
    assert hook.is_built(web)
    (web / "src" / "main.ts").write_text("2")
    assert not hook.is_built(web)


def test_a_failed_build_ends_with_what_to_do(hook: ModuleType, tmp_path: Path) -> None:
    web = make_app(tmp_path / "web", "echo the compiler complains && false")
    with pytest.raises(RuntimeError) as error:
        hook.build(web, lambda _: None)
    assert "the compiler complains" in str(error.value)
    assert "`npm run build` failed with 1" in str(error.value).splitlines()[-1]
    assert not hook.is_built(web)


def test_incomplete_sources_are_named(hook: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"package-lock\.json is missing"):
        hook.build(tmp_path, lambda _: None)
