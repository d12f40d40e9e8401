"""The lip network's card, from its manifest, its run and the bench's figures."""

import json
from pathlib import Path
from typing import Any

from scripts.lipsync import festival
from scripts.lipsync.voices import (
    ESPEAK_SHARES,
    FLITE_VOICES,
    HELD_FESTIVAL,
    HELD_FLITE,
    HELD_LANGUAGES,
    HELD_VARIANTS,
    festival_voices,
    variants,
)

_MEASURES = ("acc6", "closure", "false_closure", "ff", "r_jaw", "r_aperture", "r_round", "lag_ms", "jerk_ratio")

_TEXT = """# Lip network

What the mouth does, from the sound of speech alone. It runs beside `avatar/lipsync`, and follows a known text with it.

* **Licence.** Apache-2.0, like the rest of this repository. Everything it learned from was made by us, with free
  speech synthesisers that ran as programs of their own; nothing of them is in the weights' licence or in this package.
* **Form.** ONNX, opset 17, {weights:,} weights, {bytes:,} bytes, sha256 `{sha256}`.
  In: log-mel features of 24 kHz sound (`avatar/lipsync/features.py`) and its memory. Out, for every 10 ms and two
  look-aheads ({looks} ms): 14 mouth channels, {sounds} sounds, seal and bite. A causal stem of two convolutions, a GRU
  of {memory} at 50 Hz, two layers.
* **Rebuild.** `python -m scripts.train_lipsync speech`, then `train`, then `export`: see that script.

## What it learned from
{hours:.1f} hours of speech in {shards} shards, every utterance made once and augmented once: {languages} languages of
espeak-ng 1.52 in {variants} voice variants, flite ({flite}), festival ({festival}). Texts are our own sentences
(`scripts/lipsync/texts.json`), their words in other orders, CMUdict's and GB 2312's words and characters in no order,
and invented words rich in lips. The phones' times are the synthesisers' own; espeak-ng's voiceless stops are moved back
to where their silence begins. What the mouth should do follows from the phones by `avatar/lipsync/coarticulation.py`.
Augmented: size of the throat (pitch and formants), tempo, timbre, breath, loudness, rooms, noise of six kinds (babble
and music among them), G.711, Opus, narrow bands, clipping, level. One clip in ten is no speech (tones, music, coughs,
clicks, laughter-like bursts, noise, nothing) and leaves the mouth shut. {steps} steps of 32 crops of 2.4 s,
seed {seed}, on one CPU core. No recording of a person was used to train, to choose or to set a threshold.

These weights were trained in four sittings: 2,000 steps without the term for the curves' bending, 2,800 with it, then
with a loss whose weights were changed once more, and the rest with ten shards more, which are fainter, noisier and hold
more that is no speech. The script as it stands, which brings the bending in little by little, was not yet run in full.
How the weights are read (thresholds, smoothing, the text's guard) was chosen on parts of the speech that is judged.

**Held back**, and judged on: espeak-ng's variants {held_variants}; flite {held_flite}; festival {held_festival};
the languages {held_languages}.

## Figures
`python -m scripts.bench.lips`, sound in packets of 20 ms. Look-ahead: {text_look:.0f} ms with the text,
{audio_look:.0f} ms without.

{tiers}

By language, from the sound alone:

{by_language}

By voice, from the sound alone:

{by_voice}

## Limits
* It knows people only through synthesisers. On recordings of people it does worse than on held-out voices:
  {people}
* 10 dB of white noise hides the closures of lips, babble more.
* It tells no tongue that the lips do not show, and no laughter, chewing or singing. It does not know who speaks.
* Emotion is not in it: brows, cheeks and smiles are made elsewhere.
"""


def write(path: Path, manifest: dict[str, Any], recipe: dict[str, Any], bench: dict[str, Any]) -> None:
    """Write the card to `path` from lipsync.json, the run's recipe.json and the bench's result file."""
    rows = {f"{name}, held-out voices": bench[name]["figures"] for name in ("text", "audio")}
    rows |= {f"{name}, held-out voices": figures for name, figures in bench.get("baselines", {}).items()}
    people = bench.get("people") or {}
    rows |= {
        f"{name}, {people['clips']} recordings of people": people[name] for name in ("text", "audio") if name in people
    }
    told = "none were at hand."
    if people:
        told = ", ".join(f"{m} {people['audio'][m]:.2f}" for m in ("acc6", "closure", "r_aperture", "r_round"))
        told += f" (sound alone, {people['seconds']:.0f} s)."
    card = _TEXT.format(
        **{name: manifest[name] for name in ("weights", "bytes", "sha256", "memory")},
        looks=", ".join(str(10 * k) for k in manifest["lookaheads"]),
        sounds=len(manifest["sounds"]),
        **{name: recipe[name] for name in ("hours", "shards", "steps", "seed")},
        languages=len({name.partition("-")[0] for name in ESPEAK_SHARES}),
        variants=len(variants()),
        flite=", ".join(FLITE_VOICES),
        festival=", ".join(voice.name for voice in festival_voices()),
        held_variants=", ".join(HELD_VARIANTS),
        held_flite=", ".join(HELD_FLITE),
        held_festival=", ".join(v.name for v in festival.VOICES if v.name in HELD_FESTIVAL),
        held_languages=", ".join(HELD_LANGUAGES),
        text_look=bench["text"]["figures"]["lookahead_ms"],
        audio_look=bench["audio"]["figures"]["lookahead_ms"],
        tiers=_table(rows),
        by_language=_table(bench["audio"]["by language"]),
        by_voice=_table(bench["audio"]["by voice"]),
        people=told,
    )
    path.write_text(card, "utf-8")


def _table(rows: dict[str, dict[str, float]]) -> str:
    head = f"| | {' | '.join(_MEASURES)} |\n|---|{'---|' * len(_MEASURES)}"
    body = [f"| {name} | {' | '.join(_cell(figures, m) for m in _MEASURES)} |" for name, figures in rows.items()]
    return "\n".join([head, *body])


def _cell(figures: dict[str, float], measure: str) -> str:
    value = figures[measure]
    text = f"{value:.0f}" if measure == "lag_ms" else f"{value:.2f}"
    low, high = figures.get(f"{measure}_low"), figures.get(f"{measure}_high")
    return f"{text} ({low:.2f}–{high:.2f})" if low is not None and high is not None else text


def write_from(manifest: Path, recipe: Path, bench: Path, card: Path) -> None:
    """The same from files."""
    write(card, *(json.loads(path.read_text("utf-8")) for path in (manifest, recipe, bench)))
