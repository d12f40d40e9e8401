"""Does the default set resolve as wheels, without a compiler, on every system and Python that Visavis supports?

Asks pip for what it would install there; nothing is installed. Prints a table and, with --json FILE, writes it down.
Exit code 1 when some combination does not resolve, 3 when the package index cannot be reached.

    python scripts/bench/resolve_platforms.py --json resolve.json
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ("3.11", "3.12", "3.13")
GLIBC = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
MACOS = ("14_0", "13_0", "12_0", "11_0")
PLATFORMS: dict[str, tuple[str, ...]] = {
    "Linux x86-64": tuple(f"{glibc}_x86_64" for glibc in GLIBC),
    "Linux arm64": tuple(f"{glibc}_aarch64" for glibc in GLIBC),
    "Windows": ("win_amd64",),
    "macOS arm64": tuple(f"macosx_{version}_{kind}" for version in MACOS for kind in ("arm64", "universal2")),
}
"""Our name of a system → the wheel tags it takes: glibc 2.28, and macOS 14."""
NEEDS_COMPILER = {("Linux arm64", "3.12"): "pocketsphinx"}
"""Where a package of the default set has no wheel, as is known: Python 3.11 and 3.13 have all of them."""
UNREACHABLE = ("connection error", "max retries exceeded", "network is unreachable", "name resolution", "timed out")


@dataclass(frozen=True, slots=True)
class Result:
    """What pip said for one system and Python. problem: "" when all of it resolves."""

    platform: str
    python: str
    packages: int
    problem: str


class IndexUnreachable(RuntimeError):
    """The package index did not answer, so nothing is known."""


def default_set(python: str) -> list[str]:
    """The requirements of a plain installation for `python`; pip would judge their conditions by its own Python."""
    requirements = map(Requirement, tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
    there = {"python_version": python, "python_full_version": f"{python}.0"}
    return [
        f"{requirement.name}{requirement.specifier}"
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate(there)
    ]


def resolve(requirements: Sequence[str], platform: str, python: str) -> Result:
    """Ask pip. Raises IndexUnreachable."""
    tags = [argument for tag in PLATFORMS[platform] for argument in ("--platform", tag)]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [
            *(sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-input", "--quiet"),
            *(
                "--disable-pip-version-check",
                "--only-binary=:all:",
                "--implementation",
                "cp",
                "--python-version",
                python,
            ),
            *tags,
            *("--target", folder, "--report", str(report), *requirements),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return Result(platform, python, len(json.loads(report.read_text())["install"]), "")
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    if any(sign in done.stderr.lower() for sign in UNREACHABLE) and not re.search(r"from versions: [^n]", done.stderr):
        raise IndexUnreachable(errors[0] if errors else done.stderr.strip()[-200:])
    return Result(platform, python, 0, errors[-1] if errors else done.stderr.strip()[-200:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    parser.add_argument("--python", action="append", choices=PYTHONS, help="only this one; may be repeated")
    parser.add_argument("--platform", action="append", choices=list(PLATFORMS), help="only this one; may be repeated")
    options = parser.parse_args()
    results = []
    for platform in options.platform or PLATFORMS:
        for python in options.python or PYTHONS:
            try:
                result = resolve(default_set(python), platform, python)
            except IndexUnreachable as error:
                print(f"The package index cannot be reached: {error}", file=sys.stderr)
                return 3
            results.append(result)
            known = f" (known: {NEEDS_COMPILER[platform, python]})" if (platform, python) in NEEDS_COMPILER else ""
            print(f"{platform:14} {python:6} {result.problem or f'{result.packages} packages'}{known}", flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")
    return (
        1 if any(result.problem and (result.platform, result.python) not in NEEDS_COMPILER for result in results) else 0
    )


if __name__ == "__main__":
    sys.exit(main())
