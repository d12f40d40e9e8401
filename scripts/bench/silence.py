"""No text out of silence: what comes of an hour in which nobody speaks, and never should: nothing.

    python -m scripts.bench.silence [--minutes 60] [--engine pocketsphinx] [--json FILE]

Quiet rooms, noises, music and keyboards, all made from seeds, go faster than real time through the real detector of
voices, the real conversation core and the real recogniser. *Begun*: the detector took something for a voice. *Text*:
words were believed to have been said. *Answered*: something was said to nobody. A turn is what has text or is answered.
Exit code 1 when there was one.
"""

import argparse
import asyncio
import json
import platform
import sys
import threading
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from agent import asr
from agent.asr import Hypothesis
from agent.audio import Pcm
from agent.conversation import effects as asked
from agent.conversation import inputs as told
from agent.realtime import events as wire
from scripts.bench.turn_report import wilson
from scripts.bench.turn_speech import RATE, noise
from scripts.bench.turns import Played

T = TypeVar("T")

PIECE_S = 60
"""Seconds of one conversation."""
HERE = Path(__file__).parent


# ---------------------------------------------------------------------- sounds
def quiet(seconds: float, rng: np.random.Generator) -> Pcm:
    """Digital silence, or a microphone's hiss at -90 to -55 dB of full scale."""
    level = 0.0 if rng.random() < 0.2 else 10 ** (rng.uniform(-90, -55) / 20)
    return (level * rng.standard_normal(round(seconds * RATE))).astype(np.float32)


def hiss(seconds: float, rng: np.random.Generator) -> Pcm:
    """Noise whose power falls by 0 to 6 dB an octave (rain, traffic, a fan), swelling, with or without mains hum."""
    count = round(seconds * RATE)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    at = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20)
    sound = np.fft.irfft(spectrum / at ** rng.uniform(0, 1), count)
    time = np.arange(count) / RATE
    sound /= np.std(sound)
    sound *= 1 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.05, 0.5) * time)
    if rng.random() < 0.5:
        mains = rng.choice([50, 60])
        sound += sum(rng.uniform(0, 0.6) * np.sin(2 * np.pi * mains * k * time) for k in range(1, 6))
    return _at_level(sound, rng.uniform(-45, -15))


def music(seconds: float, rng: np.random.Generator) -> Pcm:
    """A tune of plucked strings (Karplus and Strong, 1983) over held chords, with or without a drum."""
    count = round(seconds * RATE)
    sound = np.zeros(count + RATE * 2)
    beat = rng.uniform(0.25, 0.6)
    scale = 110 * 2 ** (rng.integers(0, 12) / 12) * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16]) / 12)
    drum = rng.random() < 0.5
    for k in range(int(seconds / beat)):
        start = round(k * beat * RATE)
        note = _pluck(float(rng.choice(scale)) * float(rng.choice([1, 2])), 1.2, rng)
        sound[start : start + len(note)] += note
        if k % 4 == 0:
            length = round(4 * beat * RATE)
            swell = np.hanning(length)
            for step in (0, 2, 4):
                pitch = float(scale[(int(rng.integers(0, 5)) + step) % len(scale)])
                time = np.arange(length) / RATE
                sound[start : start + length] += 0.15 * swell * np.sign(np.sin(2 * np.pi * pitch * time)) * rng.random()
        if drum and k % 2 == 0:
            hit = rng.standard_normal(RATE // 8) * np.exp(-np.arange(RATE // 8) / (RATE / 50))
            sound[start : start + len(hit)] += 0.5 * hit
    return _at_level(sound[:count], rng.uniform(-40, -14))


def _pluck(pitch: float, seconds: float, rng: np.random.Generator) -> Pcm:
    period = max(2, round(RATE / pitch))
    string = rng.uniform(-1, 1, period)
    out = np.empty(round(seconds * RATE), np.float32)
    for at in range(0, len(out), period):
        piece = out[at : at + period]
        piece[:] = string[: len(piece)]
        string = 0.498 * (string + np.roll(string, 1))
    return out


def keyboard(seconds: float, rng: np.random.Generator) -> Pcm:
    """Somebody at work: typing, and now and then a door or a cough, in a quiet room."""
    sound = quiet(seconds, rng)
    at = rng.uniform(0, 1)
    while at < seconds - 3:
        made = noise(rng)
        start = round(at * RATE)
        sound[start : start + len(made)] += made
        at += len(made) / RATE + rng.exponential(1.0)
    return np.clip(sound, -1, 1)


def _at_level(sound: np.ndarray, decibels: float) -> Pcm:
    level = 10 ** (decibels / 20) / max(1e-9, float(np.sqrt(np.mean(sound**2))))
    return np.clip(sound * level, -1, 1).astype(np.float32)


SOUNDS: dict[str, Callable[[float, np.random.Generator], Pcm]] = {
    "silence": quiet,
    "noise": hiss,
    "music": music,
    "keyboard": keyboard,
}


# ---------------------------------------------------------------------- listening
class Recogniser:
    """A real recogniser for a virtual clock: it lives on a loop in another thread, and is waited for."""

    def __init__(self, engine: str) -> None:
        self._engine = asr.load(engine)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "Recogniser":
        self._thread.start()
        self.wait(self._engine.start())
        return self

    def __exit__(self, *_: object) -> None:
        self.wait(self._engine.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def min_confidence(self) -> float:
        return self._engine.min_confidence

    def listen(self) -> asr.Utterance:
        return self.wait(self._engine.listen())

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class Room(Played):
    """A conversation in which nobody speaks, heard by a real recogniser."""

    def __init__(self, sound: Pcm, recogniser: Recogniser) -> None:
        super().__init__(sound, [], "Yes.")
        self._recogniser = recogniser
        self._utterances: dict[int, asr.Utterance] = {}
        self._samples: dict[int, int] = {}

    def _perform(self, effect: asked.Effect) -> None:
        match effect:
            case asked.Listen(turn):
                self._utterances[turn], self._samples[turn] = self._recogniser.listen(), 0
            case asked.Feed(turn, pcm):
                self._samples[turn] += len(pcm)
                heard = self._recogniser.wait(self._utterances[turn].feed(pcm))
                self._tell_soon(turn, heard, refined=False)
            case asked.Refine(turn):
                self._tell_soon(turn, self._recogniser.wait(self._utterances[turn].refine()), refined=True)
            case asked.Unlisten(turn):
                self._recogniser.wait(self._utterances.pop(turn).close())
            case _:
                super()._perform(effect)

    def _tell_soon(self, turn: int, heard: Hypothesis, *, refined: bool) -> None:
        result = told.Recognized(turn, heard, self._samples[turn], refined=refined)
        self.at(self.now + 0.01, lambda: self.tell(result))


@dataclass(slots=True)
class Heard:
    """What came of the sounds of one kind."""

    minutes: float = 0.0
    voiced_windows: int = 0
    begun: int = 0
    text: int = 0
    answered: int = 0

    @property
    def turns(self) -> int:
        return max(self.text, self.answered)


def listen(sound: Pcm, recogniser: Recogniser, heard: Heard) -> None:
    """Add what came of one conversation of nobody's."""
    room = Room(sound, recogniser)
    room.play()
    heard.minutes += len(sound) / RATE / 60
    heard.voiced_windows += len(room.voiced)
    heard.begun += len(room.events(wire.SpeechStarted))
    heard.text += sum(bool(event.transcript.strip()) for _, event in room.events(wire.TranscriptionCompleted))
    heard.answered += len(room.events(wire.ResponseCreated))


def measure(minutes: int, engine: str) -> dict[str, Any]:
    found = {name: Heard() for name in SOUNDS}
    names = list(SOUNDS)
    with Recogniser(engine) as recogniser:
        for k in track(range(minutes * 60 // PIECE_S), "Nobody speaks", console=Console(stderr=True)):
            rng = np.random.default_rng(1000 + k)
            name = names[k % len(names)]
            listen(SOUNDS[name](PIECE_S, rng), recogniser, found[name])
    return {
        "engine": engine,
        "kinds": {name: asdict(heard) for name, heard in found.items()},
        "turns": sum(heard.turns for heard in found.values()),
        "turns_a_minute": wilson(sum(heard.turns for heard in found.values()), minutes),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
    }


def show(figures: dict[str, Any]) -> None:
    table = Table(title=f"{figures['engine']} while nobody speaks: {figures['turns']} turns")
    for column in ("", "minutes", "windows taken for voice", "begun", "text", "answered"):
        table.add_column(column, justify="right" if column else "left")
    for name, heard in figures["kinds"].items():
        table.add_row(name, *(f"{heard[key]:g}" for key in ("minutes", "voiced_windows", "begun", "text", "answered")))
    Console().print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--engine", choices=asr.ENGINES, default=asr.ENGINES[0])
    parser.add_argument("--json", type=Path, default=HERE / "results" / "silence.json")
    options = parser.parse_args()
    figures = measure(options.minutes, options.engine)
    show(figures)
    options.json.parent.mkdir(exist_ok=True)
    options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if figures["turns"] else 0


if __name__ == "__main__":
    sys.exit(main())
