"""Synthetic visitors for scripts.bench.turns: what they say, word by word, with pauses of a known kind; and noises.

Speech is flite's and espeak-ng's (each in its own process). Half of the sentences and voices are held out: the waits
and weights in agent/ were chosen with the other half. The sentences held out were written when those had been chosen.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import numpy as np

from agent.audio import Pcm
from agent.audio.resample import resample
from agent.tts.espeak import EspeakSynthesizer
from agent.tts.flite import FliteSynthesizer, installed

T = TypeVar("T")

RATE = 16_000
Kind = Literal["question", "request", "statement"]
Split = Literal["seen", "held out"]
Break = Literal["mid-clause", "clause", "sentence", "end"]

QUESTIONS: dict[Split, tuple[str, ...]] = {
    "seen": (
        "Where is the cafe?",
        "What are your opening hours?",
        "How much does a ticket cost?",
        "Can I take photographs in the museum?",
        "Is there a cloakroom for my coat?",
        "Who painted the picture in the main hall?",
        "When does the next guided tour start?",
        "What can you do?",
        "Do you sell books about dragons?",
        "How do I get to the station from here?",
        "Are you open on Monday?",
        "Which floor is the library on?",
    ),
    "held out": (
        "Where did you put the blue folder?",
        "Is breakfast included in the price?",
        "When will the doctor see me?",
        "How many people work in this office?",
        "Can you call me a taxi to the airport?",
        "What is the name of that tall tree?",
        "Do the trains still run after midnight?",
        "Who is in charge of the laundry?",
        "Are dogs welcome on the beach?",
        "Why are the lights so dim in here?",
        "Which of these doors leads outside?",
        "How far is it to the nearest bank?",
    ),
}
REQUESTS: dict[Split, tuple[str, ...]] = {
    "seen": (
        "Tell me about the history of the museum.",
        "Show me the way to the second floor.",
        "Please give me two tickets for the evening.",
    ),
    "held out": (
        "Read me the weather report for tomorrow.",
        "Bring a chair for my grandmother.",
        "Describe the painting next to the window.",
    ),
}
STATEMENTS: dict[Split, tuple[str, ...]] = {
    "seen": (
        "I came by train today.",
        "My daughter likes the green dragon.",
        "We have lost our keys.",
        "I would like to see the Roman coins.",
    ),
    "held out": (
        "I arrived much too early this morning.",
        "My brother works for the railway.",
        "We forgot to bring an umbrella.",
        "The coffee here tastes very good.",
    ),
}
TWO_CLAUSES: dict[Split, tuple[str, ...]] = {
    "seen": (
        "I came by train today, and I would like to leave my bag.",
        "If it rains in the afternoon, where can we wait?",
        "My daughter is seven, so does she need a ticket?",
    ),
    "held out": (
        "I have an appointment at four, but nobody is at the desk.",
        "When the rain stops, could we sit in the garden?",
        "My son lost his jacket, so where should we look for it?",
    ),
}
VOICES: dict[Split, tuple[tuple[str, float], ...]] = {
    "seen": (("flite:rms", 1.0), ("espeak:en-us-f", 1.0), ("flite:slt", 0.85), ("espeak:en-gb", 1.15)),
    "held out": (("flite:awb", 1.0), ("espeak:en-gb-f", 1.0), ("flite:awb", 1.2), ("espeak:en-us", 0.85)),
}


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence spoken: pcm of shape (n,) at 16 kHz without quiet around it; words and the samples they end at."""

    text: str
    voice: str
    pcm: Pcm = field(repr=False)
    words: tuple[tuple[str, int], ...]


class Speaker:
    """The synthesisers. `async with Speaker() as speaker`."""

    def __init__(self) -> None:
        self._flite = FliteSynthesizer() if installed() else None
        self._espeak = EspeakSynthesizer(1)
        self._cache: dict[tuple[str, str, float], Said] = {}

    async def __aenter__(self) -> "Speaker":
        await self._espeak.start()
        if self._flite is not None:
            await self._flite.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._espeak.stop()
        if self._flite is not None:
            await self._flite.stop()

    async def say(self, text: str, voice: str, speed: float) -> Said:
        """`text` in `voice`; flite's voices are espeak-ng's British ones where flite is not installed."""
        key = (text, voice, speed)
        if key not in self._cache:
            engine = self._flite if voice.startswith("flite") and self._flite is not None else self._espeak
            known = voice if engine is self._flite or voice.startswith("espeak") else "espeak:en-gb"
            pieces, words, before = [], [], 0
            async for chunk in engine.speak(text, voice=known, speed=speed):
                pieces.append(resample(chunk.pcm, chunk.rate, RATE))
                words += [(text[w.start_char : w.end_char], before + round(w.end * RATE)) for w in chunk.words]
                before += len(pieces[-1])
            self._cache[key] = _trimmed(text, voice, np.concatenate(pieces), words)
        return self._cache[key]


def _trimmed(text: str, voice: str, pcm: Pcm, words: list[tuple[str, int]]) -> Said:
    start, end = voiced_span(pcm)
    level = np.float32(0.08 / max(1e-6, float(np.sqrt(np.mean(pcm[start:end] ** 2)))))
    kept = tuple((_plain(word), int(np.clip(at, start, end)) - start) for word, at in words if _plain(word))
    return Said(text, voice, np.clip(pcm[start:end] * level, -1, 1), kept)


def _plain(word: str) -> str:
    return "".join(char for char in word.lower() if char.isalnum() or char == "'")


def voiced_span(pcm: Pcm) -> tuple[int, int]:
    """The first and one past the last sample that are loud enough to be speech: 35 dB below the loudest 10 ms."""
    size = RATE // 100
    level = np.sqrt(np.mean(pcm[: len(pcm) // size * size].reshape(-1, size) ** 2, axis=1))
    loud = np.flatnonzero(level > 10 ** (-35 / 20) * level.max())
    return int(loud[0]) * size, (int(loud[-1]) + 1) * size


def quietest(pcm: Pcm, near: int, reach: float = 0.04) -> int:
    """The quietest place within `reach` seconds of `near`: where a word is best cut from the next."""
    size = RATE // 200
    first = max(0, near - round(reach * RATE))
    places = range(first, min(len(pcm) - size, near + round(reach * RATE)), size)
    return min(places, key=lambda at: float(np.sum(pcm[at : at + size] ** 2)), default=near)


# ---------------------------------------------------------------------- turns
PAUSES: dict[Break, tuple[float, float]] = {"mid-clause": (0.3, 1.2), "clause": (0.2, 1.0), "sentence": (0.2, 1.0)}
"""Seconds, evenly drawn."""
FILLED = 0.25
"""Of the pauses in a clause, so many begin with "um", which no recogniser reports."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a visitor says in one turn: pcm of shape (n,) at 16 kHz; words by the samples they end at; the pauses in it
    as (kind, first sample, end)."""

    kind: Kind
    pcm: Pcm = field(repr=False)
    words: tuple[tuple[int, str], ...]
    pauses: tuple[tuple[Break, int, int], ...]


async def turn(
    speaker: Speaker,
    split: Split,
    voice: tuple[str, float],
    pause: Break,
    rng: np.random.Generator,
    *,
    plain: bool = False,
) -> Turn:
    """A random turn with one pause of that kind, or none ("end"); `plain`: a question."""
    if pause == "sentence":
        first = await speaker.say(_one(rng, STATEMENTS[split]), *voice)
        second = await speaker.say(_one(rng, QUESTIONS[split]), *voice)
        return _joined("question", first, second, pause, rng)
    if pause == "clause":
        said = await speaker.say(_one(rng, TWO_CLAUSES[split]), *voice)
        clause = said.text.partition(",")[0].split()
        kind: Kind = "question" if said.text.endswith("?") else "statement"
        return _paused(kind, said, len(clause), pause, None, rng)
    kind = "question" if plain else _one(rng, ("question", "question", "request", "statement"))
    texts = {"question": QUESTIONS, "request": REQUESTS, "statement": STATEMENTS}[kind][split]
    said = await speaker.say(_one(rng, texts), *voice)
    if pause == "end":
        return Turn(kind, said.pcm, tuple((end, word) for word, end in said.words), ())
    um = (await speaker.say("Um.", *voice)).pcm if rng.random() < FILLED else None
    return _paused(kind, said, int(rng.integers(1, len(said.words))), pause, um, rng)


def _one(rng: np.random.Generator, choices: tuple[T, ...]) -> T:
    return choices[int(rng.integers(len(choices)))]


def _quiet(pause: Break, rng: np.random.Generator) -> Pcm:
    return np.zeros(round(rng.uniform(*PAUSES[pause]) * RATE), np.float32)


def _joined(kind: Kind, first: Said, second: Said, pause: Break, rng: np.random.Generator) -> Turn:
    gap = _quiet(pause, rng)
    at = len(first.pcm)
    words = [(end, word) for word, end in first.words] + [(end + at + len(gap), word) for word, end in second.words]
    pcm = np.concatenate([first.pcm, gap, second.pcm])
    return Turn(kind, pcm, tuple(words), ((pause, at, at + len(gap)),))


def _paused(  # noqa: PLR0917 -- all that a pause is made of
    kind: Kind, said: Said, before: int, pause: Break, um: Pcm | None, rng: np.random.Generator
) -> Turn:
    """`said` with a pause after its first `before` words, cut where it is quietest there."""
    cut = quietest(said.pcm, said.words[before - 1][1])
    gap = _quiet(pause, rng)
    um = np.zeros(0, np.float32) if um is None else um
    more = len(um) + len(gap)
    words = [(end if k < before else end + more, word) for k, (word, end) in enumerate(said.words)]
    pcm = np.concatenate([said.pcm[:cut], um, gap, said.pcm[cut:]])
    return Turn(kind, pcm, tuple(words), ((pause, cut + len(um), cut + more),))


# ---------------------------------------------------------------------- over a reply
BACKCHANNELS = ("Um hum.", "Uh-huh.", "Yeah.", "Okay.", "Right.", "I see.", "Yeah, okay.", "Oh, really?")
CUTS = ("Stop.", "Wait.", "No, stop.", "Hold on.", "Excuse me.", "Wait a moment.")


async def backchannel(speaker: Speaker, voice: tuple[str, float], rng: np.random.Generator) -> Said:
    """A listener's yes. The synthesisers spell "mm-hm" out: they say "um hum" for it."""
    said = await speaker.say(_one(rng, BACKCHANNELS), *voice)
    return replace(said, words=tuple((word.replace("um", "mm"), end) for word, end in said.words))


async def interruption(speaker: Speaker, split: Split, voice: tuple[str, float], rng: np.random.Generator) -> Said:
    """Somebody takes the floor: by a word that stops, or with something to say."""
    texts = CUTS if rng.random() < 1 / 3 else QUESTIONS[split] + REQUESTS[split] + STATEMENTS[split]
    return await speaker.say(_one(rng, texts), *voice)


def noise(rng: np.random.Generator) -> Pcm:
    """A cough, a cleared throat, a door or typing, at −30 to −12 dB of full scale."""
    made = (_cough, _throat, _door, _typing)[int(rng.integers(4))](rng)
    level = 10 ** (rng.uniform(-30, -12) / 20)
    return np.clip(made / max(1e-9, float(np.abs(made).max())) * level * 3, -1, 1).astype(np.float32)


def _band(seconds: float, low: float, high: float, rng: np.random.Generator) -> Pcm:
    """Noise between two frequencies."""
    count = round(seconds * RATE)
    spectrum = np.fft.rfft(rng.normal(0, 1, count))
    at = np.fft.rfftfreq(count, 1 / RATE)
    spectrum[(at < low) | (at > high)] = 0
    return np.fft.irfft(spectrum, count).astype(np.float32)


def _decaying(sound: Pcm, seconds: float) -> Pcm:
    at = np.arange(len(sound)) / RATE
    return (sound * np.minimum(1, at / 0.004) * np.exp(-at / seconds)).astype(np.float32)


def _cough(rng: np.random.Generator) -> Pcm:
    """One to three bursts of breath, the first the hardest."""
    pieces: list[Pcm] = []
    for k in range(int(rng.integers(1, 4))):
        burst = _decaying(_band(rng.uniform(0.12, 0.3), 300, rng.uniform(2500, 6000), rng), rng.uniform(0.03, 0.09))
        pieces += [burst * np.float32(0.8**k), np.zeros(round(rng.uniform(0.04, 0.15) * RATE), np.float32)]
    return np.concatenate(pieces)


def _throat(rng: np.random.Generator) -> Pcm:
    """Noise in rough, uneven pulses, as when a throat is cleared."""
    sound = _band(rng.uniform(0.25, 0.6), 150, 2200, rng)
    gate = np.zeros(len(sound), np.float32)
    at = 0
    while at < len(gate):
        gate[at : at + RATE // 200] = rng.uniform(0.4, 1)
        at += int(RATE / rng.uniform(35, 90))
    return (sound * gate * np.hanning(len(sound))).astype(np.float32)


def _door(rng: np.random.Generator) -> Pcm:
    """A thump and a click."""
    seconds = 0.35
    at = np.arange(round(seconds * RATE)) / RATE
    thump = np.sin(2 * np.pi * rng.uniform(50, 110) * at).astype(np.float32)
    return _decaying(thump, 0.06) + 0.5 * _decaying(_band(seconds, 800, 7000, rng) / 3, 0.01)


def _typing(rng: np.random.Generator) -> Pcm:
    """Keys, five to nine a second."""
    sound = np.zeros(round(rng.uniform(0.6, 1.8) * RATE), np.float32)
    at = 0
    while at < len(sound) - RATE // 20:
        key = _decaying(_band(0.05, 1200, 7500, rng), 0.006)
        sound[at : at + len(key)] += key * np.float32(rng.uniform(0.4, 1))
        at += int(RATE / rng.uniform(5, 9))
    return sound
