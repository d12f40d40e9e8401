"""Do the lips do what is said? The gates for all three inputs, on voices and languages held back from training.

    python -m scripts.bench.lips [--quick] [--choose] [--json FILE]

Timed: the engine is fed phones whose every boundary was moved by a normal error of 20 ms. Text and audio: it is fed
sound in packets of 20 ms, with and without its text. Every clip has a random gain and stands between silences; all are
judged on the exact times (see lips_reference.py for what is compared to what). Exit code 1 when a gate fails.
Recordings of people are reported where there are any, and judge nothing: their true times are not known so well.
Whoever chooses something (a threshold, one of two networks) looks at `--choose`: other voices, no more trained on than
these, so that the judges stay fair.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from agent.audio import TIMELINE_RATE
from avatar.lipsync import Lips, Pronunciation
from avatar.lipsync.lips import BUFFERED, declared_ms
from avatar.lipsync.sentence import BLOCK, LAG
from scripts.bench import lips_baselines, lips_report, lips_rivals, lips_tiers
from scripts.bench.lips_reference import Clip, aperture, judge
from scripts.bench.lips_speech import disturbances, language_of, recordings, speech, speech_to_choose_by
from scripts.bench.timed_speech import TimedSpeech

RESULTS = Path(__file__).parent / "results" / "lips.json"
Gate = tuple[str, Callable[[float], bool]]
Figures = dict[str, float]


def at_least(least: float) -> Gate:
    return f"≥ {least:g}", lambda x: x >= least


def at_most(most: float) -> Gate:
    return f"≤ {most:g}", lambda x: abs(x) <= most


def between(low: float, high: float) -> Gate:
    return f"{low:g}–{high:g}", lambda x: low <= x <= high


EVERYWHERE: dict[str, Gate] = {
    "cut_difference": at_most(1e-4),
    "causal_difference": at_most(1e-4),
    "silence_aperture": at_most(0.03),
}
GATES: dict[str, dict[str, Gate]] = {
    "timed": {
        "acc6": at_least(0.90),
        "closure": at_least(0.98),
        "false_closure": at_most(0.05),
        "ff": at_least(0.95),
        "r_aperture": at_least(0.95),
        "r_round": at_least(0.95),
        "lag_ms": at_most(10),
        "jerk_ratio": between(0.7, 1.3),
        "cpu_ms_per_s": at_most(5),
        **EVERYWHERE,
    },
    "text": {
        "acc6": at_least(0.78),
        "closure": at_least(0.88),
        "false_closure": at_most(0.06),
        "ff": at_least(0.88),
        "r_aperture": at_least(0.78),
        "r_round": at_least(0.82),
        "lag_ms": at_most(15),
        "jerk_ratio": between(0.6, 1.3),
        "cpu_ms_per_s": at_most(20),
        "lookahead_ms": at_most(250),
        **EVERYWHERE,
    },
    "audio": {
        "acc6": at_least(0.72),
        "closure": at_least(0.75),
        "false_closure": at_most(0.05),
        "ff": at_least(0.60),
        "r_aperture": at_least(0.70),
        "r_round": at_least(0.70),
        "lag_ms": at_most(15),
        "jerk_ratio": between(0.5, 1.3),
        "cpu_ms_per_s": at_most(15),
        "lookahead_ms": at_most(100),
        "tone_aperture": at_most(0.05),
        "loss opus 12k": at_most(0.05),
        "loss G.711": at_most(0.05),
        "loss white 10 dB": at_most(0.10),
        "loss gain -30 dB": at_most(0.03),
        **EVERYWHERE,
    },
}
ON_EXACT_TIMES = ("acc6",)
"""Of the timed tier, judged without the jitter: whoever trusts phones that are 20 ms off names as many frames wrongly
as their boundaries say, whatever its mouth does."""


def pinned() -> None:
    """Keep this process on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def tones() -> Figures:
    """The widest opening in 2 s of a 440 Hz tone, and of one with overtones."""
    at = np.arange(2 * TIMELINE_RATE) / TIMELINE_RATE
    sounds = {
        "tone_aperture": 0.3 * np.sin(2 * np.pi * 440 * at),
        "rich_tone_aperture": sum(0.2 / k * np.sin(2 * np.pi * 440 * k * at) for k in range(1, 5)),
    }
    out = {}
    for name, sound in sounds.items():
        tracks = lips_tiers.streamed(Lips(), np.asarray(sound, np.float32), None)
        out[name] = max(float(aperture(lips_tiers.channels(t)).max()) for t in tracks if len(t))
    return out


def spoiled(clips: Sequence[TimedSpeech], clean: Sequence[Clip], rng: np.random.Generator) -> dict[str, Figures]:
    """The audio tier on spoiled sound: figures by disturbance, with what was lost of acc6 on the same clips."""
    before = judge(clean, rng, intervals=False)["acc6"]
    out = {}
    for name, spoil in disturbances([c.pcm for c in clips[:8]]).items():
        watched = [lips_tiers.heard(c, None, pcm=spoil(c.pcm, rng))[0] for c in clips]
        figures = judge(watched, rng, intervals=False)
        out[name] = {**figures, "loss": before - figures["acc6"]}
    return out


def by(what: Callable[[TimedSpeech], str], clips: Sequence[TimedSpeech], judged: Sequence[Clip]) -> dict[str, Figures]:
    """Figures by voice or by language."""
    rng = np.random.default_rng(3)
    groups: dict[str, list[Clip]] = {}
    for clip, seen in zip(clips, judged, strict=True):
        groups.setdefault(what(clip), []).append(seen)
    return {name: judge(group, rng, intervals=False) for name, group in sorted(groups.items())}


def timed_tier(clips: Sequence[TimedSpeech], rng: np.random.Generator) -> dict[str, Any]:
    moved = judge([lips_tiers.timed(c, lips_tiers.jittered(c.phones, rng)) for c in clips], rng)
    exact = judge([lips_tiers.timed(c, c.phones) for c in clips], rng)
    figures = {**moved, **{name: value for name, value in exact.items() if name.partition("_")[0] in ON_EXACT_TIMES}}
    figures |= lips_tiers.timed_differences(clips[:6], rng)
    figures["cpu_ms_per_s"] = lips_tiers.cost(clips[:6], lips_tiers.timed_packets)
    return {"figures": figures, "exact": exact, "jittered_acc6": moved["acc6"]}


def heard_tier(
    clips: Sequence[TimedSpeech], texts: Sequence[Pronunciation | None], rng: np.random.Generator
) -> tuple[dict[str, Any], list[Clip]]:
    watched = [lips_tiers.heard(c, t) for c, t in zip(clips, texts, strict=True)]
    judged = [clip for clip, _ in watched]
    figures = judge(judged, rng)
    with_text = texts[0] is not None
    figures["lookahead_ms"] = declared_ms(BUFFERED, LAG + BLOCK - 1 if with_text else 0)
    figures["followed"] = float(np.mean([lips.source == "text" for _, lips in watched]))
    worst = [lips_tiers.heard_differences(c, t) for c, t in list(zip(clips, texts, strict=True))[:4]]
    figures |= {name: max(w[name] for w in worst) for name in worst[0]}
    some = list(zip(clips, texts, strict=True))[:6]
    known = {id(c): t for c, t in some}
    figures["cpu_ms_per_s"] = lips_tiers.cost([c for c, _ in some], lambda c: lips_tiers.heard_packets(c, known[id(c)]))
    return {"figures": figures}, judged


def measure(quick: bool, choose: bool = False) -> dict[str, Any]:
    """Everything: figures by tier, and around them. `choose`: on the voices for choosing, and less around them."""
    rng = np.random.default_rng(5)
    clips = speech_to_choose_by() if choose else speech(quick)
    texts = lips_tiers.pronunciations(clips)
    text, by_text = heard_tier(clips, texts, rng)
    audio, by_audio = heard_tier(clips, [None] * len(clips), rng)
    step = 1 if quick else max(1, len(clips) // 24)
    losses = {} if quick else spoiled(clips[::step], by_audio[::step], rng)
    audio["figures"] |= {f"loss {name}": figures["loss"] for name, figures in losses.items()}
    audio["figures"] |= tones()
    out: dict[str, Any] = {
        "speech": {"clips": len(clips), "seconds": sum(len(c.pcm) for c in clips) / TIMELINE_RATE},
        "timed": timed_tier(clips, rng),
        "text": text,
        "audio": audio,
        "spoiled": losses,
    }
    if quick or choose:
        return out
    whole = [lips_tiers.heard(c, t, lag=None)[0] for c, t in zip(clips, texts, strict=True)]
    live = [lips_tiers.heard(c, None, lookahead=3)[0] for c in clips]
    out["text, whole file"] = {"figures": judge(whole, rng)}
    out["audio, live"] = {"figures": judge(live, rng) | {"lookahead_ms": declared_ms(3)}}
    for name, judged in (("text", by_text), ("audio", by_audio)):
        out[name]["by voice"] = by(lambda c: c.voice, clips, judged)
        out[name]["by language"] = by(language_of, clips, judged)
    out["baselines"] = lips_baselines.measure(clips, rng)
    some = [i for i, clip in enumerate(clips) if language_of(clip) == "en"][::4]  # Rhubarb is slow
    out["english"] = {"clips": len(some), "seconds": sum(len(clips[i].pcm) for i in some) / TIMELINE_RATE} | {
        "figures": {
            "text": judge([by_text[i] for i in some], rng),
            "audio": judge([by_audio[i] for i in some], rng),
            **lips_rivals.measure([clips[i] for i in some], rng),
        }
    }
    out["people"] = people(rng)
    return out


def people(rng: np.random.Generator) -> dict[str, Any]:
    """Recordings of people, where there are any: reported only."""
    clips = recordings()
    if not clips:
        return {}
    texts = lips_tiers.pronunciations(clips)
    tiers = {
        "text": [lips_tiers.heard(c, t)[0] for c, t in zip(clips, texts, strict=True)],
        "text, whole file": [lips_tiers.heard(c, t, lag=None)[0] for c, t in zip(clips, texts, strict=True)],
        "audio": [lips_tiers.heard(c, None)[0] for c in clips],
    }
    return {
        "clips": len(clips),
        "seconds": sum(len(c.pcm) for c in clips) / TIMELINE_RATE,
        **{name: judge(judged, rng) for name, judged in tiers.items()},
        "baselines": {**lips_baselines.measure(clips, rng), **lips_rivals.measure(clips, rng)},
    }


def verdicts(found: dict[str, Any]) -> dict[str, dict[str, bool]]:
    """For each tier and gate whether it holds."""
    return {
        tier: {
            name: bool(holds(found[tier]["figures"][name]))
            for name, (_, holds) in gates.items()
            if name in found[tier]["figures"]
        }
        for tier, gates in GATES.items()
    }


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a slice of the speech, for tests")
    options.add_argument("--choose", action="store_true", help="on the voices that things are chosen by")
    options.add_argument("--json", type=Path, default=None, help=f"where the figures go (default {RESULTS.name})")
    chosen = options.parse_args()
    pinned()
    found = measure(chosen.quick, chosen.choose)
    passed = verdicts(found)
    lips_report.show(found, GATES, passed, Console(width=None if sys.stdout.isatty() else 150))
    target = chosen.json or (None if chosen.quick or chosen.choose else RESULTS)
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps({**found, "passed": passed}, indent=1) + "\n", "utf-8")
        if "people" in found:
            target.with_suffix(".md").write_text(lips_report.markdown(found), "utf-8")
    return 0 if all(all(tier.values()) for tier in passed.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
