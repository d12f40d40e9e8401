"""Synthetic speech for calibration and tests: espeak-ng and Debian's flite, each in a process of its own (licences).

python -m scripts.bench.synthesis "hello there" en-us out.wav
"""

import ctypes
import io
import subprocess
import sys
import tempfile
import wave
from functools import lru_cache
from pathlib import Path
from shutil import which

import numpy as np

from agent.audio import Pcm
from agent.audio.resample import resample

ROOT = Path(__file__).resolve().parents[2]
FLITE_VOICES = ("rms", "slt", "awb", "kal16")


def flite_installed() -> bool:
    return which("flite") is not None


@lru_cache(maxsize=512)
def speak(text: str, voice: str = "en-us", rate: int = 16_000, speed: int = 160) -> Pcm:
    """`text` in `voice`: one of FLITE_VOICES, or an espeak-ng voice such as "en-us", "en+f3", "de", "cmn".

    Shape (n,) at `rate`. `speed` is espeak's words a minute. Read-only, since it is cached. Raises RuntimeError.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        if voice in FLITE_VOICES:
            command = ["flite", "-voice", voice, "-t", text, "-o", str(path)]
        else:
            command = [sys.executable, "-m", "scripts.bench.synthesis", text, voice, str(path), str(speed)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        if done.returncode != 0:
            raise RuntimeError(f"{voice} cannot speak: {done.stderr.strip()}")
        pcm, own_rate = _read(path.read_bytes())
    speech: Pcm = resample(pcm, own_rate, rate)
    speech.flags.writeable = False
    return speech


def _read(wav: bytes) -> tuple[Pcm, int]:
    with wave.open(io.BytesIO(wav)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.astype(np.float32) / 32768, file.getframerate()


def _espeak(text: str, voice: str, path: str, speed: int) -> None:
    """Runs in the separate process. See speak_lib.h of espeak-ng for the calls and their constants."""
    import espeakng_loader  # noqa: PLC0415 -- GPL: only ever loaded in this process

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    rate = library.espeak_Initialize(2, 0, data, 0)  # 2: AUDIO_OUTPUT_SYNCHRONOUS
    if rate <= 0:
        sys.exit("espeak-ng cannot start")
    pieces: list[bytes] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
    def take(samples: int | None, count: int, _events: int | None) -> int:
        if samples and count:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    library.espeak_SetSynthCallback(take)
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        sys.exit(f"espeak-ng has no voice {voice}")
    library.espeak_SetParameter(1, speed, 0)  # 1: espeakRATE
    encoded = text.encode() + b"\0"
    library.espeak_Synth(encoded, len(encoded), 0, 0, 0, 1, None, None)  # 1: espeakCHARS_UTF8
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(pieces))


if __name__ == "__main__":
    _espeak(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 160)
