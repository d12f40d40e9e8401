"""What lips are judged on: voices and languages that the lip network was never trained on, disturbances, recordings."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from agent.audio import TIMELINE_RATE, Pcm, files
from agent.audio.resample import resample
from scripts.bench.timed_speech import ROOT, TimedSpeech, espeak_speech, flite_speech
from scripts.lipsync import augment, festival
from scripts.lipsync.texts import SENTENCES
from scripts.lipsync.voices import HELD_FESTIVAL, HELD_LANGUAGES, choice_batch, repaired

ENGLISH = (
    "Bob put my map in the pub before five.",
    "Peter proved that the bumpy path above the farm is open.",
    "We were away a year ago, when Mary bought a new blue boat.",
    "She sells sea shells, and the judge chose cheap yellow chairs.",
    "Every Friday evening five fine wolves leave the valley.",
    "Good food should be cooked slowly with olive oil.",
    "The museum opens at nine o'clock and closes at half past six.",
    "Could you tell me where the ticket office is, please?",
    "My mother's umbrella is somewhere in the upper room.",
    "Though the weather was rough, they both thought it worth the trip.",
    "Why would anyone throw away a perfectly good violin?",
    "I am afraid I do not know that, but I can find out.",
)
CHINESE = (
    "你好，欢迎来到我们的博物馆。",
    "今天的天气非常好，我们去公园吧。",
    "请问，票价是多少？",
    "明白了，马上给您办。",
    "他买了八本书，放在桌子上。",
    "学生们下午四点半回家。",
)
ESPEAK_ENGLISH = ("en-us+f4", "en-us+m3", "en-gb-x-rp+linda", "en-gb-scotland+klatt4", "en-us+Hugo")
ESPEAK_CHINESE = ("cmn+f4", "cmn+m3", "cmn+linda")
ESPEAK_OTHERS = ("Alicia", "steph2", "victor", "m3")

REAL = {
    "jfk.flac": "and so my fellow americans ask not what your country can do for you ask what you can do for your"
    " country",
    "goforward.wav": "go forward ten meters",
    "cards_001.wav": "ten of clubs",
    "cards_002.wav": "four queen of clubs",
    "cards_003.wav": "seven of clubs",
    "austen_0870.wav": "and mister john dashwood had then leisure to consider how much there might be prudently in his"
    " power to do for them",
    "austen_0880.wav": "he was not an ill disposed young man",
}
"""Recordings of people, and what they say. For reporting only: nothing is ever chosen by them."""


def speech(quick: bool) -> list[TimedSpeech]:
    """Every sentence in some held-out voice, so that sentences and voices vary together, between silences and at
    different gains. `quick`: a slice."""
    rng = np.random.default_rng(11)
    english, chinese = (ENGLISH[:4], CHINESE[:2]) if quick else (ENGLISH, CHINESE)
    rounds = 1 if quick else 2
    wanted = [
        (text, voices[(i + r) % len(voices)], int(rng.integers(130, 200)), int(rng.integers(25, 75)))
        for texts, voices in ((english, ESPEAK_ENGLISH), (chinese, ESPEAK_CHINESE))
        for r in range(rounds)
        for i, text in enumerate(texts)
    ]
    for language in () if quick else HELD_LANGUAGES:
        wanted += [
            (text, f"{language}+{ESPEAK_OTHERS[i % 4]}", int(rng.integers(130, 190)), int(rng.integers(25, 75)))
            for i, text in enumerate(SENTENCES[language])
        ]
    clips = [repaired(clip) for clip in espeak_speech(wanted)]
    stretches = [(text, round(float(rng.uniform(0.85, 1.2)), 2)) for text in english]
    natural = [flite_speech(text, "rms", stretch) for text, stretch in stretches]
    clips += [clip for clip in natural if clip is not None]
    for voice in () if quick else festival.installed():
        if voice.name in HELD_FESTIVAL:
            texts = ENGLISH if voice.language == "en" else SENTENCES[voice.language]
            clips += festival.speech(voice, [(text, float(rng.uniform(0.85, 1.15))) for text in texts[:8]])
    return [padded(clip, rng) for clip in clips]


def speech_to_choose_by() -> list[TimedSpeech]:
    """Speech of the voices that are neither trained on nor judged on: for thresholds, and for one run or another."""
    rng = np.random.default_rng(13)
    return [padded(clip, rng) for clip in choice_batch(rng, 100)]


def language_of(clip: TimedSpeech) -> str:
    """The language as espeak-ng names it: "en", "cmn", "fi" …"""
    engine, _, voice = clip.voice.partition(" ")
    if engine == "espeak":
        name = voice.partition("+")[0]
        return "en" if name.startswith("en") else name
    known = {voice.name: voice.language for voice in festival.VOICES}
    return known.get(voice, "en")


def padded(clip: TimedSpeech, rng: np.random.Generator) -> TimedSpeech:
    """At another gain, after and before silence."""
    before, after = int(rng.uniform(0.3, 0.6) * TIMELINE_RATE), int(0.8 * TIMELINE_RATE)
    pcm = np.pad(clip.pcm * np.float32(10 ** (rng.uniform(-20, 0) / 20)), (before, after))
    shift = before / TIMELINE_RATE
    phones = tuple(replace(p, start=p.start + shift, end=p.end + shift) for p in clip.phones)
    return replace(clip, pcm=pcm, phones=phones)


def disturbances(others: Sequence[Pcm]) -> dict[str, Callable[[Pcm, np.random.Generator], Pcm]]:
    """Ways in which sound is spoiled: (sound, rng) → sound as long."""

    def noisy(kind: str) -> Callable[[Pcm, np.random.Generator], Pcm]:
        def spoil(pcm: Pcm, rng: np.random.Generator) -> Pcm:
            loud = np.abs(pcm) > 0.05 * np.abs(pcm).max()
            level = np.sqrt(np.mean(np.square(pcm[loud]))) * 10 ** (-10 / 20)
            if kind == "white":
                noise = rng.standard_normal(len(pcm))
            else:
                noise = sum(np.resize(np.roll(o, int(rng.integers(len(o)))), len(pcm)) for o in others[:4])
                noise = noise / np.sqrt(np.mean(np.square(noise)))
            return np.asarray(pcm + level * noise, np.float32)

        return spoil

    return {
        "opus 12k": lambda pcm, _: augment.opus(_full(pcm), 12),
        "G.711": lambda pcm, _: augment.g711(_full(pcm)),
        "white 10 dB": noisy("white"),
        "babble 10 dB": noisy("babble"),
        "gain -30 dB": lambda pcm, _: np.asarray(pcm * np.float32(10 ** (-30 / 20)), np.float32),
    }


def _full(pcm: Pcm) -> Pcm:
    return np.asarray(pcm / (np.abs(pcm).max() + 1e-9) * 0.5, np.float32)


def recordings() -> list[TimedSpeech]:
    """The recordings of people where there are any, their phones by forced alignment: 20 to 30 ms true at best."""
    from agent.asr.align import align_words  # noqa: PLC0415 -- it loads a recogniser

    folder = Path(os.environ.get("VISAVIS_TEST_SPEECH", ROOT.parent / "shared" / "speech"))

    async def aligned() -> list[TimedSpeech]:
        out = []
        for name, text in REAL.items():
            if not (folder / name).is_file():
                continue
            pcm = files.read(folder / name, TIMELINE_RATE, max_bytes=1 << 24, max_seconds=60)
            found = await align_words(resample(pcm, TIMELINE_RATE, 16_000), text)
            if found.words:
                out.append(TimedSpeech(f"recording {name}", text, pcm, tuple(found.phones)))
        return out

    return asyncio.run(aligned())


__all__ = ["disturbances", "language_of", "padded", "recordings", "speech"]
