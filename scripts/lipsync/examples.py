"""Examples to learn from: features, mouth curves and sounds on one grid of 10 ms, in shards that come out the same
however often they are made."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.audio import TIMELINE_RATE, Pcm
from agent.tts import Phone
from avatar.lipsync.coarticulation import constrain, dominance_curves, rest_filled
from avatar.lipsync.features import Leveller, LogMel
from avatar.lipsync.phones import segments
from avatar.lipsync.sounds import sounds_of
from scripts.bench.timed_speech import TimedSpeech
from scripts.lipsync import augment, voices

CLIPS_PER_SHARD = 200


@dataclass(frozen=True, slots=True)
class Example:
    """features: (n, 40). curves: (n, 14 CHANNELS). sounds: (n,) indices into SOUNDS. Row i stands for the 10 ms from
    i·10 ms on."""

    features: NDArray[np.float16]
    curves: NDArray[np.float16]
    sounds: NDArray[np.int8]


def sounds_at(phones: Sequence[Phone], count: int) -> NDArray[np.int8]:
    """The sound being said in each of `count` rows; silence (0) where there is none."""
    out = np.zeros(count, np.int8)
    for phone in phones:
        parts = sounds_of(phone.symbol)
        shares = [0.6, 0.4] if len(parts) == 2 else [1 / len(parts)] * len(parts)
        edges = phone.start + (phone.end - phone.start) * np.cumsum([0.0, *shares])
        for part, start, end in zip(parts, edges[:-1], edges[1:], strict=True):
            out[max(0, round(start * 100)) : max(0, round(end * 100))] = part
    return out


def example(pcm: Pcm, phones: Sequence[Phone]) -> Example:
    """`pcm` (24 kHz, shape (n,)) and its phones' true times, as an example."""
    features = LogMel(Leveller()).push(pcm)
    count = len(features)
    times = (np.arange(count) + 0.5) / 100
    timeline = rest_filled(segments(phones), 0.0, count / 100 + 0.5)
    curves = dominance_curves(timeline, times)
    constrain(curves, timeline, times)
    return Example(features.astype(np.float16), curves.astype(np.float16), sounds_at(phones, count))


def heard(speech: TimedSpeech, others: Sequence[Pcm], rng: np.random.Generator, plain: bool = False) -> Example:
    """The speech between two silences, augmented unless `plain`."""
    before, after = rng.uniform(0.1, 1.2 if rng.random() < 0.2 else 0.6, 2)
    edge = TIMELINE_RATE
    pcm = np.pad(speech.pcm, (int(before * edge), int(after * edge)))
    factor = 1.0
    if plain:
        pcm = pcm * np.float32(10 ** (rng.uniform(-20, 0) / 20))
    else:
        pcm, factor = augment.changed(pcm, others, rng)
    shift = int(before * edge) / edge
    phones = [Phone(p.symbol, (p.start + shift) * factor, (p.end + shift) * factor) for p in speech.phones]
    return example(pcm, phones)


def spoken(seed: int, shard: int) -> list[TimedSpeech]:
    """The speech of one training shard, before augmentation."""
    rng = np.random.default_rng([seed, shard])
    out = voices.espeak_batch(rng, CLIPS_PER_SHARD // 2, voices.ESPEAK_SHARES, voices.variants())
    out += voices.flite_batch(rng, CLIPS_PER_SHARD // 5)
    installed = voices.festival_voices()
    for voice in installed:
        out += voices.festival_batch(rng, voice, 10 if voice.language == "en" else 5)
    return out


def make_shard(path: Path, seed: int, shard: int) -> None:
    """Make one training shard and write it to `path`."""
    speech = spoken(seed, shard)
    rng = np.random.default_rng([seed, shard, 1])
    others = [s.pcm for s in speech[:40]]
    made = [heard(s, others, rng) for s in speech]
    silent = max(1, len(speech) // 8)
    made += [example(augment.not_speech(rng), ()) for _ in range(silent)]
    order = rng.permutation(len(made))
    save(path, [made[i] for i in order])


def make_choice_shard(path: Path, seed: int) -> None:
    """Clips of the voices for choosing, half of them augmented."""
    rng = np.random.default_rng([seed, 10**6])
    speech = voices.choice_batch(rng, 110)
    others = [s.pcm for s in speech[:20]]
    save(path, [heard(s, others, rng, plain=i % 2 == 0) for i, s in enumerate(speech)])


def save(path: Path, made: Sequence[Example]) -> None:
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        features=np.concatenate([m.features for m in made]),
        curves=np.concatenate([m.curves for m in made]),
        sounds=np.concatenate([m.sounds for m in made]),
        lengths=np.array([len(m.sounds) for m in made]),
    )
    partial.replace(path)


def load(paths: Sequence[Path]) -> Iterator[Example]:
    """All examples of the shards, in order."""
    for path in paths:
        with np.load(path) as held:
            edges = np.concatenate([[0], np.cumsum(held["lengths"])])
            arrays = held["features"], held["curves"], held["sounds"]
        for a, b in itertools.pairwise(edges):
            yield Example(*(array[a:b] for array in arrays))
