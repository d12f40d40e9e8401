"""`visavis replay`: what recordings there are, whether one replays to the same, and what an engine would say today."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from agent.cli.common import UsageError, notes
from agent.config import Settings
from agent.realtime import replay as replaying
from agent.realtime.privacy import write_copy
from agent.realtime.recording import SUFFIX, Recording
from agent.realtime.recording_codec import RecordingError
from agent.realtime.replay import Compared

Stage = Literal["asr", "llm", "tts"]


def listing(folder: Path, *, as_json: bool) -> None:
    """The recordings in a folder."""
    rows = [_about(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    if not rows:
        raise UsageError(f"{folder}: there is no recording (*{SUFFIX}) here; visavis record {folder} makes some")
    table = Table(Column("recording", no_wrap=True, min_width=max(len(row["name"]) for row in rows)))
    for name in ("begun", "MB", "engines", "personal data"):
        table.add_column(name)
    for row in rows:
        personal = {True: "yes", False: "left out", None: escape(row.get("problem", ""))}[row["personal_data"]]
        table.add_row(row["name"], row["created"], f"{row['bytes'] / 1e6:.1f}", row["engines"], personal)
    Console(highlight=False).print(table)


def _about(path: Path) -> dict[str, Any]:
    about: dict[str, Any] = {"name": path.name, "bytes": path.stat().st_size, "created": "", "engines": ""}
    try:
        with Recording(path) as recording:
            header = recording.header
    except RecordingError as error:
        return about | {"personal_data": None, "problem": str(error)}
    engines = " ".join(name for _, name in header.engines)
    return about | {"created": header.created, "engines": engines, "personal_data": header.personal_data}


def prove(path: Path, *, as_json: bool) -> bool:
    """Replay a recording; whether every output was the same."""
    began = time.perf_counter()
    inputs = outputs = 0
    differing: list[dict[str, Any]] = []
    with Recording(path) as recording, notes.status(f"Replaying {path.name} …"):
        start = end = recording.header.start
        for step in replaying.replay(recording):
            inputs, end = step.number, step.record.at
            outputs += len(step.effects)
            if step.difference is not None:
                name = type(step.record.event).__name__
                differing.append(
                    {"input": step.number, "seconds": round(end - start, 3), "kind": name, "what": step.difference}
                )
        ended, complete = recording.end, recording.header.personal_data
    took = time.perf_counter() - began
    about = {"inputs": inputs, "outputs": outputs, "seconds": round(end - start, 3), "took_seconds": round(took, 3)}
    if as_json:
        first = differing[0] if differing else None
        print(json.dumps({**about, "ended": ended, "differing": len(differing), "first_difference": first}))
        return not differing
    speed = (end - start) / took if took else 0.0
    print(f"{inputs} inputs over {end - start:.1f} s, replayed in {took:.2f} s ({speed:.0f} times real time).")
    if ended != "over":
        print(f"The recording ended early: {ended}.")
    if not differing:
        print(f"All {outputs} outputs are identical.")
        return True
    first = differing[0]
    print(f"{len(differing)} inputs are answered differently, first {first['kind']} (input {first['input']}, "
          f"{first['seconds']} s):\n  {first['what']}")  # fmt: skip
    if not complete:
        print("Words were left out of this recording: where the conversation heeded them it cannot be the same.")
    return False


def rerun(settings: Settings, path: Path, stage: Stage, *, as_json: bool) -> None:
    """Run one engine again on what it was given, and show what it makes of it now."""
    with notes.status("Starting the engine …"):
        compared = asyncio.run(_rerun(settings, path, stage))
    if as_json:
        rows = [{"what": one.what, "then": one.then, "now": one.now, "same": one.same} for one in compared]
        print(json.dumps(rows, ensure_ascii=False))
        return
    for one in compared:
        if one.same:
            print(f"= {one.what}: {one.then}")
        else:
            print(f"! {one.what}:\n    then {one.then}\n    now  {one.now}")
    print(f"{sum(one.same for one in compared)} of {len(compared)} are the same.")


async def _rerun(settings: Settings, path: Path, stage: Stage) -> list[Compared]:
    from agent.realtime.hub import load_engines  # noqa: PLC0415 -- every engine's package comes with it

    with Recording(path) as recording:
        if not recording.header.personal_data:
            raise UsageError(f"{path}: words and sound were left out of it, so no engine can be run again")
        engines = load_engines(settings)
        engine: Any = {"asr": engines.recognizer, "llm": engines.dialogue, "tts": engines.synthesizer}[stage]
        await engine.start()
        try:
            if stage == "asr":
                return await replaying.rerun_asr(recording, engines.recognizer)
            if stage == "llm":
                return await replaying.rerun_llm(recording, engines.dialogue)
            return await replaying.rerun_tts(recording, engines.synthesizer)
        finally:
            await engine.stop()


def copy_without_personal_data(path: Path, out: Path, *, as_json: bool) -> None:
    """Write a copy that holds no sound and no words."""
    if out.exists() and path.exists() and out.samefile(path):
        raise UsageError(f"{out}: would overwrite the recording that is read")
    with Recording(path) as recording, notes.status(f"Reading {path.name} …"):
        count = write_copy(recording, out)
    if as_json:
        print(json.dumps({"out": str(out), "inputs": count, "bytes": out.stat().st_size}))
    else:
        print(f"{out}: {count} inputs without sound and words. Lengths and times of words are still in it.")
