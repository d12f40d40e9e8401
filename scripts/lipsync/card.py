"""The lip network's card, from its manifest, its run and the bench's figures."""

import csv
import json
from pathlib import Path
from typing import Any

from scripts.bench.lips_report import rows_of
from scripts.lipsync import festival
from scripts.lipsync.voices import (
    CHOICE_FESTIVAL,
    CHOICE_VARIANTS,
    ESPEAK_SHARES,
    FLITE_VOICES,
    HELD_FESTIVAL,
    HELD_FLITE,
    HELD_LANGUAGES,
    HELD_VARIANTS,
    festival_voices,
    variants,
)

AS_IT_IS = "as it is"
_TEXT = """# Lip network

What the mouth does, from the sound of speech alone. It runs beside `avatar/lipsync`, and follows a known text with it.

* **Licence.** Apache-2.0, like the rest of this repository. Everything it learned from was made by us, with free
  speech synthesisers that ran as programs of their own; nothing of them is in the weights' licence or in this package.
* **Form.** ONNX, opset 17, {weights:,} weights, {bytes:,} bytes, sha256 `{sha256}`.
  In: log-mel features of 24 kHz sound (`avatar/lipsync/features.py`) and its memory. Out, for every 10 ms and two
  look-aheads ({looks} ms): 14 mouth channels, {sounds} sounds, seal and bite. A causal stem of two convolutions, a GRU
  of {memory} at 50 Hz, two layers.
* **Rebuild.** These weights are what three commands made, each run once from beginning to end on one busy CPU core:
  `python -m scripts.train_lipsync speech --shards {shards}` (20 minutes), `train --steps {steps}` ({minutes:.0f}
  minutes{sittings}) and `export`. They go on where they were stopped, and give the same again with the same voices
  installed.

## What it learned from
{hours:.1f} hours of speech in {shards} shards, every utterance made once and augmented once: {languages} languages of
espeak-ng 1.52 in {variants} voice variants, flite ({flite}), festival ({festival}). Texts are our own sentences
(`scripts/lipsync/texts.json`), their words in other orders, CMUdict's and GB 2312's words and characters in no order,
and invented words rich in lips. The phones' times are the synthesisers' own; espeak-ng's voiceless stops are moved back
to where their silence begins. What the mouth should do follows from the phones by `avatar/lipsync/coarticulation.py`.
Augmented: size of the throat (pitch and formants), tempo, timbre, breath, loudness, rooms, noise of six kinds (babble
and music among them), G.711, Opus, narrow bands, clipping, level. One clip in ten is no speech (tones, music, coughs,
clicks, laughter-like bursts, noise, empty rooms, nothing) and leaves the mouth shut. {steps} steps of 32 crops of
2.4 s, seed {seed}. No recording of a person was used to train, to choose or to set a threshold.

**Held back**, and judged on: espeak-ng's variants {held_variants}; flite {held_flite}; festival {held_festival};
the languages {held_languages}.
**To choose by** (thresholds, weights of the loss, one network or another), neither trained nor judged on: espeak-ng's
variants {choice_variants}; festival {choice_festival}.

## What was tried
Beyond the prototype that this grew from. Each line is the same short run ({short}) with one idea less or
more, told on the voices to choose by: share of frames with the right viseme of 29, correlation of the jaw and of the
rounding, best F1 of the seals. Runs so short end while smoothing still costs them more than it gives.

{tried}

Bending (the curves' second differences) is there against the mouth's tremor, and was not tried without in full: while
it grew, over the second half of these weights' run, visemes rose from 0.57 to 0.59 and the jaw's correlation fell from
0.846 to 0.842. It and the weight of the first differences begin low, since in full from the first step on they keep the
network from learning (like runs had 1 % of visemes right after 250 steps instead of 15 %). One network
tells both look-aheads, so a live microphone and sound that waits share its weights. Moving and masking bands does not
help so small a network, which errs on the voices it knows about as often as on others. Distilling a larger network that
hears the future, and learning from speech without labels, were not tried. At work, a gate keeps the mouth shut in sound
too faint to be speech; that it is stricter in the first quarter of a second is the one setting that was made after a
look at the judged voices (faint ones had lost too much).

## Figures
`python -m scripts.bench.lips`, sound in packets of 20 ms. Look-ahead: {text_look:.0f} ms with the text,
{audio_look:.0f} ms without.

{tiers}

By language, from the sound alone:

{by_language}

By voice, from the sound alone:

{by_voice}

## Limits
* It knows people only through synthesisers, and a run that does better on held-out voices need not do so on people: the
  one before this had more closures and lip bites on the same few recordings. On recordings of people it does worse than
  on held-out voices:
  {people}
* 10 dB of white noise hides the closures of lips, babble more.
* It tells no tongue that the lips do not show, and no laughter, chewing or singing. It does not know who speaks.
* Emotion is not in it: brows, cheeks and smiles are made elsewhere.
"""


def write(path: Path, manifest: dict[str, Any], run: Path, short: Path, bench: dict[str, Any]) -> None:
    """Write the card to `path` from lipsync.json, the run's folder, the folder with the short runs, and the bench's
    result file."""
    recipe = _read(run / "recipe.json")
    rows = {f"{name}, held-out voices": bench[name]["figures"] for name in ("text", "audio")}
    rows |= {f"{name}, held-out voices": figures for name, figures in bench["baselines"].items()}
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
        **{name: recipe[name] for name in ("hours", "shards", "steps", "seed", "minutes")},
        sittings=f" in {recipe['sittings']} sittings" if recipe["sittings"] > 1 else "",
        languages=len({name.partition("-")[0] for name in ESPEAK_SHARES}),
        variants=len(variants()),
        flite=", ".join(FLITE_VOICES),
        festival=", ".join(voice.name for voice in festival_voices()),
        held_variants=", ".join(HELD_VARIANTS),
        held_flite=", ".join(HELD_FLITE),
        held_festival=", ".join(v.name for v in festival.VOICES if v.name in HELD_FESTIVAL),
        held_languages=", ".join(HELD_LANGUAGES),
        choice_variants=", ".join(CHOICE_VARIANTS),
        choice_festival=", ".join(CHOICE_FESTIVAL),
        short="{steps} steps on {shards} shards".format(**_read(short / AS_IT_IS / "recipe.json")),
        tried=_tried(short),
        text_look=bench["text"]["figures"]["lookahead_ms"],
        audio_look=bench["audio"]["figures"]["lookahead_ms"],
        tiers=rows_of(rows, intervals=True),
        by_language=rows_of(bench["audio"]["by language"]),
        by_voice=rows_of(bench["audio"]["by voice"]),
        people=told,
    )
    path.write_text(card, "utf-8")


def _tried(short: Path) -> str:
    """The last figures of the short runs: of the recipe as it is, and of its variations."""
    folders = [short / AS_IT_IS, *sorted(path.parent for path in short.glob("with*/recipe.json"))]
    lines = ["| | visemes | r jaw | r rounding | seal F1 |", "|---|---|---|---|---|"]
    for folder in folders:
        with (folder / "curves.csv").open(newline="") as file:
            last = list(csv.DictReader(file))[-1]
        cells = (f"{float(last[name]):.3f}" for name in ("visemes", "jaw", "rounding", "seal_f1"))
        lines.append(f"| {folder.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def write_from(manifest: Path, run: Path, short: Path, bench: Path, card: Path) -> None:
    """The same from files."""
    write(card, _read(manifest), run, short, _read(bench))
