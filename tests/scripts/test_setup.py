"""scripts/run and scripts/test before anything is installed: what they say where they cannot go on."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("bash", "env", "cat", "cksum", "cut", "dirname", "find", "flock", "rm", "sort", "tail", "tee", "xargs")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the scripts are for bash")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without an environment, and a PATH with few programs and no Python (in bin/)."""
    checkout = tmp_path / "a checkout"
    shutil.copytree(ROOT / "scripts", checkout / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", checkout)
    shutil.copy(ROOT / "hatch_build.py", checkout)
    (checkout / "avatar" / "web").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        path = shutil.which(tool)
        if path is not None:
            (tmp_path / "bin" / tool).symlink_to(path)
    return checkout


def program(checkout: Path, name: str, script: str) -> None:
    path = checkout.parent / "bin" / name
    path.write_text(f"#!/usr/bin/env bash\n{script}\n")
    path.chmod(0o755)


def run(checkout: Path, script: str = "run", *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(checkout.parent / "bin"), "HOME": str(checkout.parent)}
    command = [checkout / "scripts" / script, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("script", ["run", "test"])
def test_no_python(checkout: Path, script: str) -> None:
    done = run(checkout, script)
    assert done.returncode == 1
    assert "apt-get install python3 python3-venv" in done.stderr.splitlines()[-1]
    assert not (checkout / ".venv").exists()


def test_too_old_a_python(checkout: Path) -> None:
    program(checkout, "python3", 'if [[ $1 == -V ]]; then echo "Python 3.9.2"; else exit 1; fi')
    done = run(checkout)
    assert done.returncode == 1
    assert "python3 here is 3.9.2" in done.stderr


def test_python_without_venv(checkout: Path) -> None:
    program(checkout, "python3", '[[ $2 != *ensurepip* ]] && { echo "Python 3.11.2"; exit 0; }; exit 1')
    done = run(checkout)
    assert done.returncode == 1
    assert "sudo apt-get install python3-venv" in done.stderr


FAKE_PYTHON = r"""
case "$*" in
    *"-m venv --clear"*) folder=${@: -1}; /bin/mkdir -p "$folder/bin"; /bin/cp "$0" "$folder/bin/python" ;;
    *"-m pip"*) echo "$*" >>"$HOME/pip.calls"; [[ ! -e "$HOME/no-network" ]] || { echo "ERROR: no network"; exit 1; }
        printf '#!/usr/bin/env bash\necho visavis "$@"\n' >"${0%/*}/visavis"; /bin/chmod +x "${0%/*}/visavis" ;;
    -V) echo "Python 3.11.2" ;;
esac
"""


def test_a_second_start_installs_nothing_and_changed_sources_do(checkout: Path) -> None:
    program(checkout, "python3", FAKE_PYTHON)
    page = checkout / "avatar" / "web" / "dist" / "index.html"
    page.parent.mkdir()
    page.touch()
    calls = checkout.parent / "pip.calls"
    assert run(checkout, "run", "--port", "1").stdout == "visavis serve --port 1\n"
    assert run(checkout, "run", "--help").stdout == "visavis serve --help\n"
    assert len(calls.read_text().splitlines()) == 1
    (checkout / "avatar" / "web" / "main.ts").write_text("new")
    assert run(checkout).returncode == 0
    assert len(calls.read_text().splitlines()) == 2
    page.unlink()
    assert run(checkout).returncode == 0
    assert len(calls.read_text().splitlines()) == 3


def test_a_failed_installation_shows_why_and_is_tried_again(checkout: Path) -> None:
    program(checkout, "python3", FAKE_PYTHON)
    (checkout.parent / "no-network").touch()
    done = run(checkout)
    assert done.returncode == 1
    assert "ERROR: no network" in done.stderr
    assert "install.log" in done.stderr.splitlines()[-1]
    (checkout.parent / "no-network").unlink()
    assert run(checkout).returncode == 0


def test_a_moved_checkout_gets_a_new_environment(checkout: Path) -> None:
    program(checkout, "python3", FAKE_PYTHON)
    assert run(checkout).returncode == 0
    (checkout / ".venv" / "old").touch()
    moved = checkout.rename(checkout.parent / "moved")
    assert run(moved).returncode == 0
    assert not (moved / ".venv" / "old").exists()
