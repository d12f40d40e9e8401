#!/usr/bin/env python3
"""Train the lip network: make speech with known phones, learn from it, export models/lipsync and its card.

    python -m scripts.train_lipsync speech --shards 46      # about half a minute of one core each
    python -m scripts.train_lipsync train --steps 5000      # about a third of a second of one core each
    python -m scripts.train_lipsync export
    python -m scripts.bench.lips                            # minutes; exit code 1 where a gate fails
    python -m scripts.train_lipsync card                    # from that bench's figures

What an idea is worth, short runs say; the card tells of those that are there, "as it is" and the variations:

    python -m scripts.train_lipsync train --steps 1000 --run "build/lipsync/as it is"
    python -m scripts.train_lipsync train --steps 1000 --variation "without bending"

Every stage goes on from where it was stopped, and gives the same again from the same seed with the same voices
installed. It needs torch, onnx and scipy beside the default set: pip install torch==2.13.0 onnx scipy. flite and the
festival voices named in scripts/lipsync/festival.py join in where they are installed, and the card says which did.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SEED = 7
VARIATIONS: dict[str, dict[str, float]] = {
    "without naming sounds": {"naming": 0.0},
    "without weighing short closures": {"hard": 1.0},
    "without weighing rounded lips": {"rounding": 1.0},
    "without bending": {"bending": 0.0},
    "with warping and masking": {"warping": 0.05, "masking": 0.3},
}
"""Recipes that differ in one idea (see scripts.lipsync.training.Recipe), to see what it is worth."""


def speech(work: Path, shards: int) -> None:
    from rich.progress import track  # noqa: PLC0415

    from scripts.lipsync import examples  # noqa: PLC0415

    work.mkdir(parents=True, exist_ok=True)
    if not (work / "choice.npz").exists():
        examples.make_choice_shard(work / "choice.npz", SEED)
    for shard in track(range(shards), description="speech"):
        path = work / f"train-{shard:03}.npz"
        if not path.exists():
            examples.make_shard(path, SEED, shard)


def train(work: Path, run: Path, recipe: dict[str, float]) -> None:
    from scripts.lipsync.training import Recipe, Run  # noqa: PLC0415

    shards = sorted(work.glob("train-*.npz"))
    if not shards:
        sys.exit(f"{work} holds no speech: python -m scripts.train_lipsync speech --work {work}")
    try:
        Run(run, Recipe(**recipe), shards, work / "choice.npz").train()  # type: ignore[arg-type]
    except ValueError as error:
        sys.exit(str(error))


def export(work: Path, run: Path, out: Path) -> None:
    import numpy as np  # noqa: PLC0415

    from scripts.lipsync.examples import load  # noqa: PLC0415
    from scripts.lipsync.export import export as write  # noqa: PLC0415
    from scripts.lipsync.export import prior_of  # noqa: PLC0415
    from scripts.lipsync.training import load_model  # noqa: PLC0415

    sounds = np.concatenate([example.sounds for example in load(sorted(work.glob("train-*.npz"))[:12])])
    manifest = write(load_model(run / "model.pt"), prior_of(sounds), out / "lipsync")
    print(f"{out / 'lipsync'}: {manifest['bytes']} bytes, {manifest['weights']} weights, sha256 {manifest['sha256']}")


def card(run: Path, short: Path, out: Path) -> None:
    from scripts.lipsync.card import write_from  # noqa: PLC0415

    figures = ROOT / "scripts" / "bench" / "results" / "lips.json"
    write_from(out / "lipsync" / "lipsync.json", run, short, figures, out / "cards" / "lipsync.md")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("stage", choices=("speech", "train", "export", "card"))
    options.add_argument("--work", type=Path, default=ROOT / "build" / "lipsync", help="where the speech is kept")
    options.add_argument("--run", type=Path, default=None, help="the training run's folder (default WORK/run)")
    options.add_argument("--short", type=Path, default=None, help="the folder with the short runs (default WORK)")
    options.add_argument("--out", type=Path, default=ROOT / "models", help="folder with lipsync/ and cards/")
    options.add_argument("--shards", type=int, default=46)
    options.add_argument("--steps", type=int, default=5000)
    options.add_argument("--variation", choices=VARIATIONS, help="a recipe that differs in one idea")
    chosen = options.parse_args()
    run = chosen.run or chosen.work / (chosen.variation or "run")
    if chosen.stage == "speech":
        speech(chosen.work, chosen.shards)
    elif chosen.stage == "train":
        train(chosen.work, run, {"steps": chosen.steps, **VARIATIONS.get(chosen.variation, {})})
    elif chosen.stage == "export":
        export(chosen.work, run, chosen.out)
    else:
        card(run, chosen.short or chosen.work, chosen.out)


if __name__ == "__main__":
    main()
