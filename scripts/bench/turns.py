"""Who has the floor: premature ends, false interruptions, and how long both decisions take.

    python -m scripts.bench.turns [--trials 300] [--split "held out"] [--speech FOLDER] [--json FILE]

On the virtual clock, seeded. **Real**: the conversation core, silero's voice activity on the mixed sound, the melody,
the synthetic speech of flite and espeak-ng, the noises. **Stubbed**: the recogniser (it knows the script's words and
tells each 0.1 s after it was said, a second look at once, unless "without words" or "pocketsphinx" is written), the
dialogue engine and the reply's voice. The reply is not mixed into the microphone. Times are from the true first or last
sample.
"""

import argparse
import asyncio
import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from agent import asr
from agent.asr import Hypothesis
from agent.audio import Pcm
from agent.audio.files import read
from agent.conversation import effects as asked
from agent.conversation import inputs as told
from agent.conversation.prosody import Prosody
from agent.realtime import events as wire
from agent.vad import load as load_vad
from scripts.bench.turn_speech import RATE, VOICES, Break, Speaker, Split, Turn, backchannel, interruption, noise, turn
from tests.conversation.theatre import WINDOW, Theatre

SEED = 11
LAG = 0.1
"""Seconds after its end at which the stub recogniser knows a word."""
SILENCE = 3.2
"""Seconds between two turns: the longest wait for unfinished words, and the reply."""
HERE = Path(__file__).parent
Z = 1.96


class Played(Theatre):
    """A theatre whose microphone hears real sound; `words` are (when known, word), or a text by the time."""

    def __init__(self, sound: Pcm, words: list[tuple[float, str]] | Callable[[float], Hypothesis], reply: str) -> None:
        super().__init__([], lambda heard: reply)
        self._heard_sound = sound
        self._lag = LAG
        self._words = words
        self._vad = load_vad()
        self._prosody = Prosody()
        self.voiced: list[float] = []
        """When each window was over that the detector takes for speech."""

    def play(self) -> "Played":
        """Run to the end of the sound."""
        self.run(len(self._heard_sound) / RATE)
        return self

    def _window(self, k: int) -> None:
        window = self._heard_sound[k * 512 : (k + 1) * 512]
        probability = self._vad.probability(window)
        if probability >= self.conversation._context.settings.turns.threshold:
            self.voiced.append(self.now)
        self.tell(told.Window(window, probability, *self._prosody.hear(window, probability)))

    def _perform(self, effect: asked.Effect) -> None:
        self._lag = 0.0 if isinstance(effect, asked.Refine) else LAG
        super()._perform(effect)

    def _heard(self, start: float, end: float) -> Hypothesis:
        if callable(self._words):
            return self._words(end)
        return Hypothesis(" ".join(word for at, word in self._words if start - 0.1 <= at and at + self._lag <= end))


@dataclass
class Ends:
    """Of one set of conversations: pauses by kind, those in which the turn was ended, and the waits at true ends."""

    pauses: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    turns: int = 0
    turns_cut: int = 0
    waits: dict[str, list[float]] = field(default_factory=dict)
    answers: dict[str, list[float]] = field(default_factory=dict)


def floor_noise(seconds: float, rng: np.random.Generator) -> Pcm:
    """A room's quiet: −66 dB of full scale."""
    return rng.normal(0, 5e-4, round(seconds * RATE)).astype(np.float32)


def converse(turns: list[Turn], ends: Ends, rng: np.random.Generator) -> None:
    """One conversation of some turns, each said after the last was answered."""
    at, placed, words = 0.6, [], []
    for one in turns:
        placed.append(at)
        words += [(at + end / RATE, word) for end, word in one.words]
        at += len(one.pcm) / RATE + SILENCE
    sound = floor_noise(at, rng)
    for start, one in zip(placed, turns, strict=True):
        first = round(start * RATE)
        sound[first : first + len(one.pcm)] += one.pcm
    theatre = Played(sound, words, "Yes.").play()
    stops = [when for when, _ in theatre.events(wire.SpeechStopped)]
    firsts = _firsts(theatre)
    for start, one in zip(placed, turns, strict=True):
        end = start + len(one.pcm) / RATE
        early = [when for when in stops if start < when < end]
        ends.turns += 1
        ends.turns_cut += bool(early)
        for kind, a, b in one.pauses:
            ends.pauses[kind] += 1
            ends.cut[kind] += any(start + a / RATE < when < start + b / RATE + 0.15 for when in early)
        after = [when for when in stops if end <= when < end + SILENCE]
        if after:
            ends.waits.setdefault(one.kind, []).append(after[0] - end)
        answered = [when for when in firsts if end <= when < end + SILENCE]
        if answered:
            ends.answers.setdefault(one.kind, []).append(answered[0] - end)


def _firsts(theatre: Theatre) -> list[float]:
    """When the first sample of each reply was sent."""
    seen: dict[str, float] = {}
    for when, event in theatre.events(wire.AudioDelta):
        seen.setdefault(event.item_id, when)
    return list(seen.values())


@dataclass
class Overs:
    """Of sounds over a reply: how many held it, stopped it, and how long the decisions took."""

    trials: int = 0
    held: int = 0
    stopped: int = 0
    held_again: int = 0
    holds: list[float] = field(default_factory=list)
    known: list[float] = field(default_factory=list)
    """From when the detector first took it for speech to the hold."""
    decisions: list[float] = field(default_factory=list)


def over_reply(sound: Pcm, words: list[tuple[int, str]], overs: Overs, rng: np.random.Generator) -> None:
    """One sound over a long reply, from the true first sample on."""
    start = 1.2 + float(rng.uniform(0, 0.5))
    mixed = floor_noise(start + len(sound) / RATE + 2.2, rng)
    first = round(start * RATE)
    mixed[first : first + len(sound)] += sound
    known = [(start + end / RATE, word) for end, word in words]
    theatre = Played(mixed, known, "One two three four five six seven eight nine ten. " * 6)
    theatre.client(0.02, '{"type": "response.create"}')
    theatre.play()
    holds = [when for when, _ in theatre.events(wire.Hold) if when >= start]
    decided = [when for when, _ in theatre.sent if when >= start and isinstance(_, wire.Resume | wire.Stop)]
    overs.trials += 1
    overs.held += bool(holds)
    overs.held_again += len(holds) > 1
    overs.stopped += bool(theatre.events(wire.Stop))
    if holds:
        overs.holds.append(holds[0] - start)
        overs.known.append(holds[0] - min(when for when in theatre.voiced if when > holds[0] - 0.1))
        overs.decisions += [min(later for later in decided if later >= hold) - hold for hold in holds if decided]


# ---------------------------------------------------------------------- figures
def wilson(hits: int, trials: int) -> dict[str, float]:
    """A rate in percent with its 95 % interval (Wilson, 1927)."""
    if trials == 0:
        return {"n": 0}
    p, z2 = hits / trials, Z * Z
    centre = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z * float(np.sqrt(p * (1 - p) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return {"n": trials, "hits": hits, "percent": _percent(p), "low": _percent(low), "high": _percent(high)}


def _percent(share: float) -> float:
    return round(100 * share, 2)


def spread(seconds: Iterable[float]) -> dict[str, float]:
    """Median and tails in milliseconds."""
    values = np.array(list(seconds)) * 1000
    if len(values) == 0:
        return {"n": 0}
    p50, p95, p99 = (round(float(np.percentile(values, q)), 1) for q in (50, 95, 99))
    return {"n": len(values), "p50": p50, "p95": p95, "p99": p99, "most": round(float(values.max()), 1)}


def report_ends(ends: Ends) -> dict[str, Any]:
    breaks: tuple[Break, ...] = ("mid-clause", "clause", "sentence")
    return {
        "premature": wilson(sum(ends.cut.values()), sum(ends.pauses.values())),
        "premature_by_pause": {kind: wilson(ends.cut[kind], ends.pauses[kind]) for kind in breaks},
        "turns_cut": wilson(ends.turns_cut, ends.turns),
        "wait_ms": {kind: spread(values) for kind, values in ends.waits.items()},
        "waited_at_most_250_ms": {
            kind: wilson(sum(wait <= 0.25 for wait in values), len(values)) for kind, values in ends.waits.items()
        },
        "stop_to_first_sample_ms": {kind: spread(values) for kind, values in ends.answers.items()},
    }


def report_overs(overs: Overs) -> dict[str, Any]:
    return {
        "stopped": wilson(overs.stopped, overs.trials),
        "held": wilson(overs.held, overs.trials),
        "held_more_than_once": wilson(overs.held_again, overs.trials),
        "onset_to_hold_ms": spread(overs.holds),
        "detector_to_hold_ms": spread(overs.known),
        "hold_to_decision_ms": spread(overs.decisions),
    }


def show(figures: dict[str, Any]) -> None:
    console = Console()
    table = Table(title=f"Ends of turns, {figures['split']} sentences and voices")
    for column in ("", "n", "%", "95 % interval"):
        table.add_column(column, justify="right" if column else "left")
    ends = figures["ends"]
    rows = {"premature, of all pauses": ends["premature"], "turns cut": ends["turns_cut"]}
    rows |= {f"  {kind}": rate for kind, rate in ends["premature_by_pause"].items()}
    rows |= {f"{kind}s whose end was known in 250 ms": rate for kind, rate in ends["waited_at_most_250_ms"].items()}
    for name, rate in rows.items():
        if rate["n"]:
            table.add_row(name, f"{rate['n']}", f"{rate['percent']}", f"{rate['low']} – {rate['high']}")
    console.print(table)
    times = Table(title="Milliseconds")
    for column in ("", "n", "p50", "p95", "p99"):
        times.add_column(column, justify="right" if column else "left")

    def line(name: str, values: dict[str, float]) -> None:
        if values["n"]:
            times.add_row(name, *(f"{values[key]}" for key in ("n", "p50", "p95", "p99")))

    for kind in ends["wait_ms"]:
        line(f"wait after a {kind}", ends["wait_ms"][kind])
        line("  to the first sample sent", ends["stop_to_first_sample_ms"][kind])
    over = Table(title="Over a reply: it stopped")
    for column in ("", "n", "%", "95 % interval"):
        over.add_column(column, justify="right" if column else "left")
    for name, one in figures["over_a_reply"].items():
        rate = one["stopped"]
        over.add_row(name, f"{rate['n']}", f"{rate['percent']}", f"{rate['low']} – {rate['high']}")
        line(f"{name}: onset to hold", one["onset_to_hold_ms"])
        line("  hold to decision", one["hold_to_decision_ms"])
    console.print(over)
    console.print(times)
    for name, clip in figures.get("real_clips", {}).items():
        console.print(name, clip)


# ---------------------------------------------------------------------- runs
async def measure_ends(speaker: Speaker, split: Split, conversations: int, rng: np.random.Generator) -> dict[str, Any]:
    """Conversations of four turns in one voice: a question, a pause in a clause, one after a clause or a sentence, and
    any turn without a pause."""
    ends = Ends()
    for k in track(range(conversations), "Ends of turns", console=Console(stderr=True)):
        voice = VOICES[split][k % len(VOICES[split])]
        breaks: list[Break] = ["end", "mid-clause", ("clause", "sentence")[k // len(VOICES[split]) % 2], "end"]
        turns = [await turn(speaker, split, voice, kind, rng, plain=n == 0) for n, kind in enumerate(breaks)]
        converse(turns, ends, rng)
    return report_ends(ends)


async def measure_overs(speaker: Speaker, split: Split, trials: int, rng: np.random.Generator) -> dict[str, Any]:
    """Noises, a listener's yes with and without its words known, and true interruptions."""
    sets = {name: Overs() for name in ("noises", "backchannels", "backchannels without words", "interruptions")}
    for k in track(range(trials), "Over a reply", console=Console(stderr=True)):
        voice = VOICES[split][k % len(VOICES[split])]
        over_reply(noise(rng), [], sets["noises"], rng)
        yes = await backchannel(speaker, voice, rng)
        over_reply(yes.pcm, [(end, word) for word, end in yes.words], sets["backchannels"], rng)
        over_reply(yes.pcm, [], sets["backchannels without words"], rng)
        words = await interruption(speaker, split, voice, rng)
        over_reply(words.pcm, [(end, word) for word, end in words.words], sets["interruptions"], rng)
    return {name: report_overs(overs) for name, overs in sets.items()}


async def measure_clips(clips: dict[str, Pcm], rng: np.random.Generator) -> dict[str, Any]:
    """Real people: into how many turns each clip falls, with pocketsphinx's own words and with none."""
    recognizer = asr.load("pocketsphinx")
    await recognizer.start()
    found: dict[str, Any] = {}
    try:
        for name, pcm in clips.items():
            sound = np.concatenate([floor_noise(0.6, rng), pcm, floor_noise(3.0, rng)])
            heard = await _partials(recognizer, sound)
            found[name] = {
                "with pocketsphinx": _clip(sound, lambda at, heard=heard: heard[min(len(heard), int(at / WINDOW)) - 1]),
                "without words": _clip(sound, []),
            }
    finally:
        await recognizer.stop()
    return found


async def _partials(recognizer: asr.Recognizer, sound: Pcm) -> list[Hypothesis]:
    """What the recogniser's stream believes after each window."""
    utterance = await recognizer.listen()
    try:
        return [await utterance.feed(sound[at : at + 512]) for at in range(0, len(sound) - 511, 512)]
    finally:
        await utterance.close()


def _clip(sound: Pcm, words: list[tuple[float, str]] | Callable[[float], Hypothesis]) -> dict[str, Any]:
    theatre = Played(sound, words, "Yes.").play()
    stops = [event.audio_end_ms for _, event in theatre.events(wire.SpeechStopped)]
    waits = [round(1000 * when - event.audio_end_ms) for when, event in theatre.events(wire.SpeechStopped)]
    return {"turns": len(stops), "ends_ms": stops, "waits_ms": waits}


def cost() -> dict[str, float]:
    """What the melody costs a window, in milliseconds, on a voice."""
    prosody, times = Prosody(), []
    sound = ((np.cumsum(np.full(64_000, 140 / RATE)) % 1.0 - 0.5) * 0.2).astype(np.float32)
    for at in range(0, len(sound), 512):
        begun = time.perf_counter()
        prosody.hear(sound[at : at + 512], 0.9 if at % 16_384 else 0.1)
        times.append(1000 * (time.perf_counter() - begun))
    return {"p50": round(float(np.median(times)), 3), "p95": round(float(np.percentile(times, 95)), 3)}


async def measure(split: Split, trials: int, clips: dict[str, Pcm]) -> dict[str, Any]:
    rng = np.random.default_rng(SEED)
    async with Speaker() as speaker:
        figures = {
            "split": split,
            "seed": SEED,
            "ends": await measure_ends(speaker, split, max(4, trials // 2), rng),
            "over_a_reply": await measure_overs(speaker, split, trials, rng),
        }
    if clips:
        figures["real_clips"] = await measure_clips(clips, rng)
    figures["melody_ms_a_window"] = cost()
    figures["machine"] = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--split", choices=("seen", "held out"), default="held out")
    parser.add_argument("--speech", type=Path, help="a folder of real recordings")
    parser.add_argument("--json", type=Path, default=HERE / "results" / "turns.json")
    options = parser.parse_args()
    folder: Path | None = options.speech
    paths = sorted([*folder.glob("*.wav"), *folder.glob("*.flac")]) if folder is not None else []
    clips = {path.stem: read(path, RATE) for path in paths}
    figures = asyncio.run(measure(options.split, options.trials, clips))
    show(figures)
    options.json.parent.mkdir(exist_ok=True)
    options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
