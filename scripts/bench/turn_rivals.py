"""The same speech for others to judge: what scripts.bench.turns hears is written to a file; a rival's script reads it
in the rival's own environment, and says when it would have ended a turn or stopped a reply.

Needs nothing but numpy.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
SILENCE_S = 0.192
"""Six of silero's windows."""
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_PYTHON = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
RIVALS = {
    "pipecat": (ROOT / ".cache" / "stock-clients" / "python" / _PYTHON, HERE / "rival_turns_pipecat.py"),
    "speech-to-speech": (ROOT / ".cache" / "speech-to-speech" / _PYTHON, HERE / "rival_turns_speech_to_speech.py"),
}
"""By name: its Python, and its script. How the environments are made stands in scripts.bench.rivals."""


@dataclass
class Sounds:
    """What was heard, at RATE: the conversations, and what came over a reply by the name of its set."""

    talks: list[NDArray[np.float32]] = field(default_factory=list)
    overs: dict[str, list[NDArray[np.float32]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """A rival's judgement. Seconds from the beginning of each sound."""

    ends: dict[str, list[list[float]]]
    """By the way of telling an end, the ends of turns in each conversation."""
    stops: dict[str, list[list[float]]] | None
    """By the name of the set, when a reply would have been stopped; None where nothing stops one."""


def judge(rival: str, sounds: Sounds) -> Judged | None:
    """What `rival` makes of them; None where it is not installed. Raises subprocess.CalledProcessError."""
    python, script = RIVALS[rival]
    if not python.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sounds.npz"
        named = {f"talk {k}": sound for k, sound in enumerate(sounds.talks)}
        named |= {f"{name} {k}": sound for name, over in sounds.overs.items() for k, sound in enumerate(over)}
        np.savez(path, **{name: (np.clip(sound, -1, 1) * 32767).astype(np.int16) for name, sound in named.items()})
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [str(python), str(script), str(path)], check=True, capture_output=True, text=True, env=environment, cwd=ROOT
        )
    told = json.loads(done.stdout.splitlines()[-1])
    talks = range(len(sounds.talks))
    ends = {way: [found[f"talk {k}"] for k in talks] for way, found in told["ends"].items()}
    if told["stops"] is None:
        return Judged(ends, None)
    stops = {name: [told["stops"][f"{name} {k}"] for k in range(len(over))] for name, over in sounds.overs.items()}
    return Judged(ends, stops)


def answer(ways: Mapping[str, Callable[[bytes], list[int]]], stops: Callable[[bytes], list[int]] | None) -> None:
    """A rival's script: judge the file that the command line names, and print what came of it. Samples at RATE."""
    with np.load(sys.argv[1], allow_pickle=False) as stored:
        sounds = {name: stored[name].tobytes() for name in stored.files}
    talks = {name: sound for name, sound in sounds.items() if name.startswith("talk ")}
    overs = {name: sound for name, sound in sounds.items() if name not in talks}
    ends = {way: _seconds(find, talks) for way, find in ways.items()}
    print(json.dumps({"ends": ends, "stops": None if stops is None else _seconds(stops, overs)}))


def _seconds(find: Callable[[bytes], list[int]], sounds: Mapping[str, bytes]) -> dict[str, list[float]]:
    return {name: [at / RATE for at in find(sound)] for name, sound in sounds.items()}
