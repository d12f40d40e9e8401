"""How well the recogniser knows when it did not understand: calibrates agent/asr/confidence.py on synthetic sound.

    python -m scripts.bench.asr_confidence [--out scripts/bench/results/asr_confidence.json] [--sentences 20]

Wanted: English sentences by flite and espeak voices with noise. Unwanted: other languages, reversed English, babble,
humming, tones and noise. Each is decoded as a stream and refined. What decides is whether acting on the words is
right: English heard with a word error rate up to 0.35 is to be accepted; everything unwanted, and English heard with a
rate of 0.6 or more, is to be refused. No recording of a person is used.
"""

import argparse
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jiwer
import numpy as np

from agent.asr import RATE
from agent.asr.confidence import FEATURES, Evidence, confidence, features
from agent.asr.pocketsphinx_worker import Decoder
from agent.audio import Pcm
from scripts.bench.synthesis import FLITE_VOICES, flite_installed, speak

SEED = 20240501
GOOD_WER, BAD_WER = 0.35, 0.6

ENGLISH = """what are your opening hours
could you tell me about the history of this place
how much does a ticket cost for a family of four
where can i find the paintings from the nineteenth century
is there a restaurant near the entrance
please speak a little more slowly
i would like to know what you can do
when was the building finished and who designed it
my daughter wants to see the dinosaurs
can we take photographs inside the gallery
the weather was cold and the roads were empty
he put the letter back on the table and left
they have lived in the same house for thirty years
she asked her brother to open the window
nobody knew why the train had stopped
thank you very much for your help
is the museum open on public holidays
tell me something interesting about the river
how do i get to the second floor
we are going to need a bigger boat""".splitlines()

FOREIGN = {
    "de": ("ich möchte gerne wissen wann das museum geöffnet ist", "der zug nach berlin fährt heute leider nicht"),
    "fr": ("je voudrais savoir à quelle heure ouvre le musée", "il fait très beau aujourd'hui à paris"),
    "es": ("quisiera saber a qué hora abre el museo", "hoy hace mucho frío en la montaña"),
    "it": ("vorrei sapere quando apre il museo", "domani andiamo al mare con gli amici"),
    "cmn": ("请问博物馆几点开门", "今天天气很好我们去公园吧"),
    "ru": ("я хотел бы узнать когда открывается музей", "сегодня очень холодно"),
    "pl": ("chciałbym wiedzieć o której otwiera się muzeum", "dzisiaj jest bardzo zimno w górach"),
    "tr": ("müzenin ne zaman açıldığını bilmek istiyorum", "bugün hava çok güzel"),
}


@dataclass(frozen=True, slots=True)
class Item:
    kind: str
    pcm: Pcm
    text: str | None
    """What is said, or None where the words are to be refused."""


@dataclass(frozen=True, slots=True)
class Decoded:
    kind: str
    text: str | None
    heard: str
    stream: Evidence
    refined: Evidence
    wer: float | None

    def label(self) -> bool | None:
        """Whether to accept it; None where that is a matter of taste."""
        if self.wer is None:
            return False
        return True if self.wer <= GOOD_WER else False if self.wer >= BAD_WER else None


def noise(rng: np.random.Generator, samples: int, colour: float) -> Pcm:
    """Noise of unit RMS whose power falls with frequency ** colour (0 white, 1 pink)."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** (colour / 2)
    pcm = np.fft.irfft(spectrum, samples)
    return (pcm / pcm.std()).astype(np.float32)


def in_a_room(rng: np.random.Generator, speech: Pcm, snr: float) -> Pcm:
    """`speech` with pauses around it, pink noise `snr` dB below, at a level somewhere in 20 dB."""
    level = float(np.sqrt(np.mean(speech**2)))
    pcm = noise(rng, len(speech) + RATE // 2, 1.0) * np.float32(level * 10 ** (-snr / 20))
    pcm[RATE // 4 : RATE // 4 + len(speech)] += speech
    return pcm * np.float32(rng.uniform(0.03, 0.3) / max(level, 1e-6) * 0.3)


def english(rng: np.random.Generator, sentences: int) -> Iterator[Item]:
    voices = (*FLITE_VOICES[:3], "en-us") if flite_installed() else ("en-us", "en", "en-us+f3")
    for index, text in enumerate(ENGLISH[:sentences]):
        for voice in (voices[index % len(voices)], voices[(index + 1) % len(voices)]):
            snr = float(rng.choice([40, 25, 15]))
            yield Item(f"English {voice}", in_a_room(rng, speak(text, voice), snr), text)


def unwanted(rng: np.random.Generator) -> Iterator[Item]:
    for language, texts in FOREIGN.items():
        for text in texts:
            yield Item(f"foreign {language}", in_a_room(rng, speak(text, language), 30), None)
    spoken = [speak(text, "en-us") for text in ENGLISH[:8]]
    for speech in spoken[:6]:
        yield Item("reversed", in_a_room(rng, speech[::-1], 30), None)
    for _ in range(8):
        crowd = np.zeros(2 * RATE, np.float32)
        for index in rng.integers(0, len(spoken), 7):
            crowd += np.roll(np.resize(spoken[index] / spoken[index].std(), len(crowd)), rng.integers(len(crowd)))
        yield Item("babble", in_a_room(rng, crowd, 30), None)
    for _ in range(6):
        time = np.arange(2 * RATE) / RATE
        pitch = rng.uniform(100, 300) * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(0.3, 1) * time))
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        hum = sum(np.sin(k * phase) / k**1.5 for k in range(1, 12)) * (0.6 + 0.4 * np.sin(2 * np.pi * 1.3 * time))
        yield Item("humming", in_a_room(rng, np.asarray(hum, np.float32), 30), None)
    for colour in (0.0, 0.0, 1.0, 1.0, 2.0):
        yield Item("noise", noise(rng, 2 * RATE, colour) * np.float32(rng.uniform(0.005, 0.1)), None)
    for _ in range(4):
        chord = sum(np.sin(2 * np.pi * f * np.arange(2 * RATE) / RATE) for f in rng.uniform(150, 2000, 3))
        yield Item("tones", in_a_room(rng, np.asarray(chord, np.float32), 30), None)


def decode(engine: Decoder, item: Item) -> Decoded:
    stream = Evidence()
    for start in range(0, len(item.pcm), RATE // 5):
        _, stream = engine.feed(item.pcm[start : start + RATE // 5], start == 0, False)
    heard, refined = engine.refine(item.pcm)
    heard = re.sub(r"\(\d+\)", "", heard)
    return Decoded(item.kind, item.text, heard, stream, refined, jiwer.wer(item.text, heard) if item.text else None)


def auc(accept: np.ndarray, refuse: np.ndarray) -> float:
    """The chance that a random one to accept scores above a random one to refuse."""
    return float(np.mean((accept[:, None] > refuse) + 0.5 * (accept[:, None] == refuse)))


def fit(x: np.ndarray, y: np.ndarray, ridge: float = 1.0) -> np.ndarray:
    """Logistic regression with both classes weighing the same: (bias, weights), for features as they are."""
    mean, scale = x.mean(0), x.std(0) + 1e-9
    design = np.c_[np.ones(len(x)), (x - mean) / scale]
    share = np.where(y, 0.5 / y.mean(), 0.5 / (1 - y).mean())
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ weights))
        penalty = np.r_[0, np.full(x.shape[1], ridge)]
        gradient = design.T @ (share * (y - p)) - penalty * weights
        hessian = (design * (share * p * (1 - p))[:, None]).T @ design + np.diag(penalty + 1e-9)
        weights += np.linalg.solve(hessian, gradient)
    return np.r_[weights[0] - np.sum(weights[1:] * mean / scale), weights[1:] / scale]


def left_one_out(x: np.ndarray, y: np.ndarray, spoken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores of those to accept and those to refuse, each by a fit that has not seen it."""
    scores = np.full(len(y), -np.inf)
    labels = y[spoken]
    for row, place in enumerate(np.flatnonzero(spoken)):
        others = np.arange(len(x)) != row
        bias, *weights = fit(x[others], labels[others])
        scores[place] = bias + x[row] @ weights
    return scores[y == 1], scores[y == 0]


def report(decoded: list[Decoded]) -> dict[str, Any]:
    """The figures, for the confidence as it is in the code, beside what a new fit would give."""
    rows = [(d, d.label()) for d in decoded if d.label() is not None]
    y = np.array([label for _, label in rows], float)
    result: dict[str, Any] = {"accept": int(y.sum()), "refuse": int((1 - y).sum())}
    for which in ("refined", "stream"):
        evidence = [getattr(d, which) for d, _ in rows]
        now = np.array([confidence(e) for e in evidence])
        spoken = np.array([e.words > 0 for e in evidence])  # no words means no confidence: nothing to weigh
        x, labels = np.array([features(e) for e in evidence if e.words]), y[spoken]
        names = FEATURES[: x.shape[1]]
        result[which] = {
            "auc": round(auc(now[y == 1], now[y == 0]), 3),
            "auc_left_one_out": round(auc(*left_one_out(x, y, spoken)), 3),
            "auc_by_feature": {
                name: round(auc(x[labels == 1, i], x[labels == 0, i]), 3) for i, name in enumerate(names)
            },
            "fit": dict(zip(("bias", *names), np.round(fit(x, labels), 3).tolist(), strict=True)),
            "roc": [
                {
                    "threshold": threshold,
                    "accepted_of_good": round(float(np.mean(now[y == 1] >= threshold)), 3),
                    "accepted_of_bad": round(float(np.mean(now[y == 0] >= threshold)), 3),
                }
                for threshold in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
            ],
            "mean_by_kind": {
                kind: round(float(np.mean([confidence(getattr(d, which)) for d in decoded if d.kind == kind])), 2)
                for kind in sorted({d.kind for d in decoded})
            },
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("scripts/bench/results/asr_confidence.json"))
    parser.add_argument("--sentences", type=int, default=len(ENGLISH))
    parser.add_argument("--again", type=Path, help="use the decodings in this earlier result, not new ones")
    options = parser.parse_args()
    if options.again:
        kept = json.loads(options.again.read_text())["decoded"]
        decoded = [
            Decoded(**{**d, "stream": Evidence(**d["stream"]), "refined": Evidence(**d["refined"])}) for d in kept
        ]
    else:
        rng, engine, decoded = np.random.default_rng(SEED), Decoder(), []
        for item in (*english(rng, options.sentences), *unwanted(rng)):
            decoded.append(decode(engine, item))
            print(
                f"{len(decoded):4} {item.kind:16} {confidence(decoded[-1].refined):.2f} {decoded[-1].heard}", flush=True
            )
    result = report(decoded)
    print(json.dumps(result, indent=1))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        json.dumps({**result, "seed": SEED, "decoded": [asdict(d) for d in decoded]}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
