"""Synthetic speech with the times of its phones, for judging lips: espeak-ng and, where installed, flite, each in a
process of its own (licences).

Run as a program it is that process for espeak-ng: JSON lines [text, voice, speed, pitch] in, and for each the JSON line
{"rate", "phones": [[IPA, start s, end s]], "bytes"} out, followed by so many bytes of 16-bit PCM.
"""

import ctypes
import io
import json
import subprocess
import sys
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import BinaryIO

import numpy as np

from agent.audio import TIMELINE_RATE, Pcm
from agent.audio.resample import resample
from agent.tts import Phone
from agent.tts.espeak_worker import closures_before_bursts
from avatar.lipsync.phones import ipa_of_arpabet

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class TimedSpeech:
    """pcm: shape (n,), 24 kHz. phones: their true times from its first sample, stops' closures included."""

    voice: str
    text: str
    pcm: Pcm
    phones: tuple[Phone, ...]


def flite_speech(text: str, voice: str, stretch: float) -> TimedSpeech | None:
    """None where flite is not installed. `stretch` lengthens all phones."""
    if which("flite") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = [
            "flite",
            "-voice",
            voice,
            "--setf",
            f"duration_stretch={stretch}",
            "-psdur",
            "-t",
            text,
            "-o",
            str(path),
        ]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        with wave.open(io.BytesIO(path.read_bytes())) as file:
            samples, rate = np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()
    phones: list[Phone] = []
    start = 0.0
    for token in told.split():
        symbol, _, end = token.rpartition(":")
        if symbol:
            phones.append(Phone(ipa_of_arpabet(symbol, float(end) - start), start, float(end)))
            start = float(end)
    return _speech(f"flite {voice}", text, samples, rate, phones)


def espeak_speech(wanted: Sequence[tuple[str, str, int, int]]) -> list[TimedSpeech]:
    """Speech for (text, voice such as "en-us+f4", words a minute, pitch 0–99) each."""
    lines = "".join(json.dumps(w) + "\n" for w in wanted).encode()
    command = [sys.executable, "-m", "scripts.bench.timed_speech"]
    done = subprocess.run(command, input=lines, capture_output=True, cwd=ROOT, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"espeak-ng failed: {done.stderr.decode(errors='replace').strip()[-300:]}")
    out = io.BytesIO(done.stdout)
    return [_read_one(out, text, voice) for text, voice, *_ in wanted]


def _read_one(out: BinaryIO, text: str, voice: str) -> TimedSpeech:
    told = json.loads(out.readline())
    samples = np.frombuffer(out.read(told["bytes"]), "<i2")
    return _speech(f"espeak {voice}", text, samples, told["rate"], [Phone(*p) for p in told["phones"]])


def _speech(voice: str, text: str, samples: np.ndarray, rate: int, phones: Sequence[Phone]) -> TimedSpeech:
    pcm: Pcm = resample(samples.astype(np.float32) / 32768, rate, TIMELINE_RATE)
    return TimedSpeech(voice, text, pcm, tuple(closures_before_bursts(pcm, TIMELINE_RATE, list(phones))))


# What follows runs in the separate process only. Calls and constants: espeak-ng's speak_lib.h.

_PHONEME_EVENT, _SYNCHRONOUS, _PHONEME_EVENTS, _IPA, _UTF8 = 7, 2, 1, 2, 1
_RATE, _PITCH = 1, 3


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


def _serve() -> None:
    import espeakng_loader  # noqa: PLC0415  (GPL: loaded in this process alone)

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = str(espeakng_loader.get_data_path()).encode()
    rate = library.espeak_Initialize(_SYNCHRONOUS, 200, data, _PHONEME_EVENTS | _IPA)
    pcm: list[bytes] = []
    events: list[tuple[int, str]] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
    def heard(samples, count, told):  # type: ignore[no-untyped-def]
        if count > 0 and samples:
            pcm.append(ctypes.string_at(samples, 2 * count))
        i = 0
        while told[i].type:
            if told[i].type == _PHONEME_EVENT:
                events.append((told[i].sample, told[i].id.string.decode("utf-8", "ignore")))
            i += 1
        return 0

    library.espeak_SetSynthCallback(heard)
    for line in sys.stdin:
        text, voice, speed, pitch = json.loads(line)
        pcm.clear()
        events.clear()
        if library.espeak_SetVoiceByName(voice.encode()):
            raise SystemExit(f"espeak-ng has no voice {voice}")
        library.espeak_SetParameter(_RATE, speed, 0)
        library.espeak_SetParameter(_PITCH, pitch, 0)
        said = text.encode() + b"\0"
        library.espeak_Synth(said, ctypes.c_size_t(len(said)), 0, 1, 0, _UTF8, None, None)
        library.espeak_Synchronize()
        sound = b"".join(pcm)
        ends = [at for at, _ in events[1:]] + [len(sound) // 2]
        phones = [(s, at / rate, end / rate) for (at, s), end in zip(events, ends, strict=True) if end > at]
        sys.stdout.buffer.write(
            json.dumps({"rate": rate, "phones": phones, "bytes": len(sound)}).encode() + b"\n" + sound
        )


if __name__ == "__main__":
    _serve()
