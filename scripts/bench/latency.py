"""How long the answer takes: the real server, real speech at real time over a real websocket.

    python -m scripts.bench.latency [--turns 20] [--json FILE]

Spoken questions by several synthetic voices are streamed in 20 ms packets. *Total* is from when the last voiced sample
was sent (its place in the clip is known: the level's) to when the first sample of the reply arrived; `endpoint`, `asr`,
`llm_first_text`, `tts_first_audio` and `first_sent` are the server's own stage times. *Own part* is measured in a
second run whose recogniser, dialogue and voice are stubs that answer at once: from when the packet that completes the
deciding silence was sent to the first sample, VAD included. The recogniser's word error rate is over the same turns.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import platform
import re
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect

from agent.audio import Pcm
from agent.audio.codecs import float_to_pcm16
from agent.config import Settings
from agent.realtime.hub import Hub
from agent.realtime.runner import Engines
from scripts.bench.synthesis import FLITE_VOICES, flite_installed, speak
from tests.realtime.stubs import stub_engines
from tests.serving import serve

RATE = 24_000
PACKET = 480
BEFORE = 0.5
"""Seconds of quiet before a question."""
GIVE_UP = 8.0
HERE = Path(__file__).parent
QUESTIONS = (
    "what are your opening hours",
    "how much does a ticket cost",
    "where is the cafe",
    "can i take photographs",
    "what can you do",
    "is there a cloakroom for my coat",
    "are there guided tours for children",
    "how do i get to the museum",
    "are you open on monday",
    "tell me about the history of the museum",
)


@dataclass
class Turn:
    """One question and how long its answer took, in milliseconds."""

    question: str
    voice: str
    heard: str = ""
    total: float | None = None
    own: float | None = None
    stages: dict[str, float] = field(default_factory=dict)


async def ask(socket: ClientConnection, turn: Turn, clip: Pcm) -> None:
    """Stream the question at real time and wait for the first sample of the reply."""
    quiet = np.random.default_rng(7).normal(0, 1e-4, round((BEFORE + GIVE_UP) * RATE)).astype(np.float32)
    start = round(BEFORE * RATE)
    sound = np.concatenate([quiet[:start], clip, quiet[start:]])
    loud = np.flatnonzero(np.abs(clip) > 0.02 * np.abs(clip).max())
    last_voiced = start + int(loud[-1])
    answered = asyncio.Event()
    sent_at: list[float] = []
    listener = asyncio.create_task(_listen(socket, turn, answered, sent_at, last_voiced))
    begun = time.perf_counter()
    for k in range(len(sound) // PACKET):
        await asyncio.sleep(max(0.0, begun + (k + 1) * PACKET / RATE - time.perf_counter()))
        packet = base64.b64encode(float_to_pcm16(sound[k * PACKET : (k + 1) * PACKET])).decode()
        await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": packet}))
        sent_at.append(time.perf_counter())
        if answered.is_set():
            break
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(listener, 3.0)


async def _listen(
    socket: ClientConnection, turn: Turn, answered: asyncio.Event, sent_at: list[float], last_voiced: int
) -> None:
    """Note the turn's times, then cancel the reply so that the next question finds quiet."""
    silence_ms = Settings().turn_detection.silence_duration_ms
    stopped_ms = 0
    async for message in socket:
        event = json.loads(message)
        match event["type"]:
            case "input_audio_buffer.speech_stopped":
                stopped_ms = event["audio_end_ms"]
            case "conversation.item.input_audio_transcription.completed":
                turn.heard = event["transcript"]
            case "response.output_audio.delta" if not answered.is_set():
                now = time.perf_counter()
                answered.set()
                turn.total = 1000 * (now - sent_at[last_voiced // PACKET])
                item = event["item_id"]
                report = {"type": "visavis.playout", "item_id": item, "heard_samples": 1, "playing": True}
                await socket.send(json.dumps(report))
                await socket.send(json.dumps({"type": "response.cancel"}))
                turn.own = now
            case "visavis.timings":
                turn.stages = event["ms"]
            case "response.done":
                break
    if turn.own is not None:
        # Input positions count from the connection's first sample; the caller gives each turn its own connection.
        windows = -(-silence_ms // 32) * 32
        decided = min((stopped_ms + windows) * RATE // 1000 // PACKET, len(sent_at) - 1)
        turn.own = 1000 * (turn.own - sent_at[decided])


@contextlib.asynccontextmanager
async def server(engines: Engines | None) -> AsyncIterator[str]:
    async with serve(Hub(Settings(), engines)) as url:
        yield url.replace("http", "ws", 1).rstrip("/") + "/v1/realtime"


async def run(turns: list[Turn], engines: Engines | None, title: str) -> None:
    session: dict[str, Any] = {"type": "realtime", "avatar": {"format": "arkit52", "fps": 60}}
    if engines is not None:
        # A fixed silence, which can be taken off: what the stubs hear does not sound finished or unfinished.
        silence_ms = Settings().turn_detection.silence_duration_ms
        detection = {"type": "server_vad", "silence_duration_ms": silence_ms}
        session["audio"] = {"input": {"turn_detection": detection}}
    face = {"type": "session.update", "session": session}
    async with server(engines) as url:
        for turn in track(turns, title, console=Console(stderr=True)):
            async with connect(url, max_size=None, max_queue=None) as socket:
                await socket.send(json.dumps(face))
                await ask(socket, turn, speak(turn.question, turn.voice, RATE))


def spread(values: list[float]) -> dict[str, float]:
    """Median and tails, in milliseconds."""
    tails = {f"p{q}": round(float(np.percentile(values, q)), 1) for q in (95, 99)}
    return {"n": len(values), "p50": round(statistics.median(values), 1), **tails}


def plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def report(turns: list[Turn], own: list[Turn]) -> dict[str, Any]:
    answered = [turn for turn in turns if turn.total is not None]
    stages = {name: [turn.stages[name] for turn in answered if name in turn.stages] for name in answered[0].stages}
    references = [plain(turn.question) for turn in turns]
    return {
        "turns": len(turns),
        "answered": len(answered),
        "total_ms": spread([turn.total for turn in answered if turn.total is not None]),
        "stages_ms": {name: spread(values) for name, values in stages.items() if values},
        "own_part_ms": spread([turn.own for turn in own if turn.own is not None]),
        "wer": round(jiwer.wer(references, [plain(turn.heard) or "-" for turn in turns]), 3),
        "silence_ms": Settings().turn_detection.silence_duration_ms,
        "voices": sorted({turn.voice for turn in turns}),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
    }


def show(figures: dict[str, Any]) -> None:
    table = Table(title=f"Latency over {figures['answered']} of {figures['turns']} spoken turns (milliseconds)")
    for column in ("", "p50", "p95", "budget"):
        table.add_column(column, justify="left" if not column else "right")
    total = figures["total_ms"]
    table.add_row("last voiced sample → first reply sample", f"{total['p50']}", f"{total['p95']}", "350 / 600")
    for name, values in figures["stages_ms"].items():
        table.add_row(f"  {name}", f"{values['p50']}", f"{values['p95']}", "")
    own = figures["own_part_ms"]
    table.add_row("own part (stub engines, real VAD)", f"{own['p50']}", f"{own['p95']}", "15")
    table.add_row("word error rate of the same turns", f"{figures['wer']:.2f}", "", "")
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--json", type=Path, default=HERE / "results" / "latency.json")
    options = parser.parse_args()
    voices = FLITE_VOICES[:3] if flite_installed() else ("en-us", "en-gb", "en+f3")
    made = [Turn(QUESTIONS[k % len(QUESTIONS)], voices[k % len(voices)]) for k in range(options.turns)]
    own = [Turn(turn.question, turn.voice) for turn in made[:10]]
    asyncio.run(run(made, None, "Real engines"))
    asyncio.run(run(own, stub_engines(), "Stub engines"))
    figures = report(made, own)
    show(figures)
    options.json.parent.mkdir(exist_ok=True)
    options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
