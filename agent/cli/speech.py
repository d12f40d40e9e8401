"""`visavis reply`, `say` and `face`: files in, files out, and a few words about it."""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

import agent.asr
from agent import offline
from agent.audio import TIMELINE_RATE, Pcm, files
from agent.cli.common import FAILED, UsageError, fail, notes, warn
from agent.config import Settings
from avatar.lipsync.facefile import write_face

T = TypeVar("T")
PLAYERS = (
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
    ("afplay",),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
)
"""Programs that play a WAV file: PipeWire's, PulseAudio's, ALSA's, macOS's, ffmpeg's."""


def reply(settings: Settings, question: Path, out: Path | None, face: Path | None, *, as_json: bool) -> None:
    """Answer a recorded question."""
    _check_outputs(question, out, face)
    pcm = _read(settings, question, agent.asr.RATE)
    answer = _run(lambda progress: offline.answer(settings, pcm, progress))
    _write(answer.speech, out, face)
    if as_json:
        about = {
            "heard": answer.heard,
            "reply": answer.reply,
            "audio_seconds": round(answer.speech.seconds, 3),
            "timings_ms": answer.timings_ms,
        }
        print(json.dumps(about, ensure_ascii=False))
        return
    print(f"Heard: {answer.heard or '(nothing that could be understood)'}")
    print(f"Reply: {answer.reply}")


def say(settings: Settings, text: str, out: Path | None, face: Path | None, *, as_json: bool) -> None:
    """Say a text; "-" reads it from standard input."""
    _check_outputs(None, out, face)
    text = sys.stdin.read() if text == "-" else text
    if not text.strip():
        raise UsageError('there is no text: visavis say "Good morning."')
    if len(text) > settings.limits.text_chars:
        raise UsageError(
            f"the text has {len(text)} characters; at most {settings.limits.text_chars} (limits.text_chars)"
        )
    player = None if out or face or as_json else _player()
    speech = _run(lambda progress: offline.say(settings, text, progress))
    _write(speech, out, face)
    if as_json:
        print(json.dumps({"audio_seconds": round(speech.seconds, 3), "frames": len(speech.face)}))
    if player is not None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "speech.wav")
            files.write(path, speech.pcm, TIMELINE_RATE)
            played = subprocess.run([*player, str(path)], stderr=subprocess.DEVNULL, check=False)
        if played.returncode:
            fail(f"{player[0]} could not play the sound; --out speech.wav writes it into a file", FAILED)


def face(settings: Settings, speech_file: Path, text: str, out: Path, *, streaming: bool, as_json: bool) -> None:
    """Make the face of recorded speech."""
    _check_outputs(speech_file, None, out)
    pcm = _read(settings, speech_file, TIMELINE_RATE)
    with notes.status("Finding the sounds in the speech …"):
        speech = asyncio.run(offline.face_of(pcm, text, settings.language, streaming=streaming))
    if text and speech.source == "audio":
        warn(f"{speech_file}: the text was not found in the speech, so the lips follow its sound alone")
    _write(speech, None, out)
    if as_json:
        print(
            json.dumps({"audio_seconds": round(speech.seconds, 3), "frames": len(speech.face), "source": speech.source})
        )


def list_voices(settings: Settings, *, as_json: bool) -> None:
    """List the synthesiser's voices."""
    voices = asyncio.run(offline.voices(settings))
    if as_json:
        rows = [
            {key: getattr(voice, key) for key in ("id", "name", "language", "gender", "engine")} for voice in voices
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("voice", "name", "language", "gender", "engine")
    for voice in voices:
        table.add_row(voice.id, voice.name, voice.language, voice.gender, voice.engine)
    Console(highlight=False).print(table)


def _read(settings: Settings, path: Path, rate: int) -> Pcm:
    limits = settings.limits
    with notes.status(f"Reading {path.name} …"):
        return files.read(path, rate, max_bytes=limits.file_bytes, max_seconds=limits.file_seconds, warn=warn)


def _run(work: Callable[[offline.Progress], Coroutine[Any, Any, T]]) -> T:
    """Run `work`, showing what it says it does."""
    with notes.status("Starting …") as status:
        return asyncio.run(work(lambda doing: status.update(f"{doing} …")))


def _check_outputs(source: Path | None, *outputs: Path | None) -> None:
    """Refuse what could not be written before the work is done, and what would overwrite the input."""
    wanted = [path for path in outputs if path is not None]
    for path in wanted:
        if not path.parent.is_dir():
            raise UsageError(f"{path}: there is no folder {path.parent}")
        if path.is_dir():
            raise UsageError(f"{path}: is a folder, not a file to write")
        if source is not None and path.exists() and source.exists() and path.samefile(source):
            raise UsageError(f"{path}: would overwrite the file that is read")
    if len({path.resolve() for path in wanted}) < len(wanted):
        raise UsageError(f"{wanted[0]}: speech and face cannot be one file")


def _write(speech: offline.Speech, out: Path | None, face: Path | None) -> None:
    if out is not None:
        files.write(out, speech.pcm, TIMELINE_RATE)
        notes.print(f"{out}: {speech.seconds:.1f} s of speech")
    if face is not None:
        try:
            write_face(
                face, speech.face, source=speech.source, lookahead_ms=speech.lookahead_ms, visemes=speech.visemes
            )
        except OSError as error:
            raise UsageError(f"{face}: cannot be written: {error.strerror or error}") from None
        notes.print(f"{face}: {len(speech.face)} frames")


def _player() -> tuple[str, ...]:
    for command in PLAYERS:
        if shutil.which(command[0]):
            return command
    raise UsageError("no program here plays sound: name a file with --out speech.wav")
