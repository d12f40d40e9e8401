"""Who has the floor: premature ends, false interruptions, and how long both decisions take.

    python -m scripts.bench.turns [--trials 300] [--split "held out"] [--speech FOLDER] [--json FILE]

On the virtual clock, seeded. **Real**: the conversation core, silero's voice activity on the mixed sound, the melody,
the synthetic speech of flite and espeak-ng, the noises. **Stubbed**: the recogniser (it knows the script's words and
tells each 0.1 s after it was said, a second look at once, unless "without words" or "pocketsphinx" is written), the
dialogue engine and the reply's voice. The reply is not mixed into the microphone. Times are from the true first or last
sample.

Beside it, where they are installed (scripts.bench.rivals says how), **pipecat** and **speech-to-speech** judge the same
sound with their own detectors in their own environments; nothing of theirs is stubbed but the recogniser, which has its
words at once. Speech-to-speech hears nobody while it answers, and so has no interruptions.
"""

import argparse
import asyncio
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from agent import asr
from agent.asr import Hypothesis
from agent.audio import Pcm
from agent.audio.files import read
from agent.conversation import effects as asked
from agent.conversation import inputs as told
from agent.conversation.prosody import Prosody
from agent.realtime import events as wire
from agent.vad import load as load_vad
from scripts.bench.turn_report import Ends, Overs, report_ends, report_overs, show, wilson
from scripts.bench.turn_rivals import RIVALS, Sounds, judge
from scripts.bench.turn_speech import RATE, VOICES, Break, Speaker, Split, Turn, backchannel, interruption, noise, turn
from tests.conversation.theatre import WINDOW, Theatre

SEED = 11
LAG = 0.1
"""Seconds after its end at which the stub recogniser knows a word."""
SILENCE = 4.5
"""Seconds between two turns: longer than anybody's longest wait, so that each turn is ended before the next."""
HERE = Path(__file__).parent


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


def floor_noise(seconds: float, rng: np.random.Generator) -> Pcm:
    """A room's quiet: −66 dB of full scale."""
    return rng.normal(0, 5e-4, round(seconds * RATE)).astype(np.float32)


@dataclass
class Talk:
    """One conversation: its turns, and when each begins."""

    turns: list[Turn]
    placed: list[float]


def converse(turns: list[Turn], ends: Ends, sounds: Sounds, rng: np.random.Generator) -> Talk:
    """One conversation of some turns, each said after the last was answered."""
    at, placed, words = 0.6, list[float](), []
    for one in turns:
        placed.append(at)
        words += [(at + end / RATE, word) for end, word in one.words]
        at += len(one.pcm) / RATE + SILENCE
    sound = floor_noise(at, rng)
    for start, one in zip(placed, turns, strict=True):
        first = round(start * RATE)
        sound[first : first + len(one.pcm)] += one.pcm
    theatre = Played(sound, words, "Yes.").play()
    sounds.talks.append(sound)
    talk = Talk(turns, placed)
    score(talk, [when for when, _ in theatre.events(wire.SpeechStopped)], ends)
    for start, one in zip(placed, turns, strict=True):
        end = start + len(one.pcm) / RATE
        answered = [when for when in _firsts(theatre) if end <= when < end + SILENCE]
        if answered:
            ends.answers.setdefault(one.kind, []).append(answered[0] - end)
    return talk


def score(talk: Talk, stops: list[float], ends: Ends) -> None:
    """Which turns were ended too early where `stops` ended them, and how long the others were waited for."""
    for start, one in zip(talk.placed, talk.turns, strict=True):
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
        else:
            ends.missed += 1


def _firsts(theatre: Theatre) -> list[float]:
    """When the first sample of each reply was sent."""
    seen: dict[str, float] = {}
    for when, event in theatre.events(wire.AudioDelta):
        seen.setdefault(event.item_id, when)
    return list(seen.values())


def over_reply(sound: Pcm, words: list[tuple[int, str]], overs: Overs, rng: np.random.Generator) -> Pcm:
    """One sound over a long reply, from the true first sample on. Returns what the microphone heard."""
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
        stops = [when for when, _ in theatre.events(wire.Stop)]
        decided = stops or decided  # who was let pass first and stops the reply later was decided later
        overs.decisions += [min(later for later in decided if later >= hold) - hold for hold in holds[:1] if decided]
    return mixed


# ---------------------------------------------------------------------- runs
async def measure_ends(
    speaker: Speaker, split: Split, conversations: int, sounds: Sounds, rng: np.random.Generator
) -> tuple[dict[str, Any], list[Talk]]:
    """Conversations of four turns in one voice: a question, a pause in a clause, one after a clause or a sentence, and
    any turn without a pause."""
    ends, talks = Ends(), []
    for k in track(range(conversations), "Ends of turns", console=Console(stderr=True)):
        voice = VOICES[split][k % len(VOICES[split])]
        breaks: list[Break] = ["end", "mid-clause", ("clause", "sentence")[k // len(VOICES[split]) % 2], "end"]
        turns = [await turn(speaker, split, voice, kind, rng, plain=n == 0) for n, kind in enumerate(breaks)]
        talks.append(converse(turns, ends, sounds, rng))
    return report_ends(ends), talks


async def measure_overs(
    speaker: Speaker, split: Split, trials: int, sounds: Sounds, rng: np.random.Generator
) -> dict[str, Any]:
    """Noises, a listener's yes with and without its words known, and true interruptions."""
    names = ("noises", "backchannels", "backchannels without words", "interruptions", "interruptions without words")
    sets = {name: Overs() for name in names}
    for k in track(range(trials), "Over a reply", console=Console(stderr=True)):
        voice = VOICES[split][k % len(VOICES[split])]
        heard = {"noises": over_reply(noise(rng), [], sets["noises"], rng)}
        yes = await backchannel(speaker, voice, rng)
        known = [(end, word) for word, end in yes.words]
        heard["backchannels"] = over_reply(yes.pcm, known, sets["backchannels"], rng)
        over_reply(yes.pcm, [], sets["backchannels without words"], rng)
        words = await interruption(speaker, split, voice, rng)
        known = [(end, word) for word, end in words.words]
        heard["interruptions"] = over_reply(words.pcm, known, sets["interruptions"], rng)
        over_reply(words.pcm, [], sets["interruptions without words"], rng)
        for name, sound in heard.items():
            sounds.overs.setdefault(name, []).append(sound)
    return {name: report_overs(overs) for name, overs in sets.items()}


def measure_rivals(sounds: Sounds, talks: list[Talk]) -> dict[str, Any]:
    """What others make of the same sound: their ends of turns, each way they have, and what stops their replies."""
    found: dict[str, Any] = {}
    for rival in RIVALS:
        judged = judge(rival, sounds)
        if judged is None:
            continue
        for way, stops in judged.ends.items():
            ends = Ends()
            for talk, when in zip(talks, stops, strict=True):
                score(talk, when, ends)
            found[f"{rival}, {way}"] = {"ends": report_ends(ends)}
        if judged.stops is not None:
            rates = {name: wilson(sum(map(bool, stops)), len(stops)) for name, stops in judged.stops.items()}
            found[rival] = {"stopped": rates}
    return found


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
    sounds = Sounds()
    async with Speaker() as speaker:
        ends, talks = await measure_ends(speaker, split, max(4, trials // 2), sounds, rng)
        overs = await measure_overs(speaker, split, trials, sounds, rng)
    figures: dict[str, Any] = {"split": split, "seed": SEED, "ends": ends, "over_a_reply": overs}
    figures["rivals"] = measure_rivals(sounds, talks)
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
