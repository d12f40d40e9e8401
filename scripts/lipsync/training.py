"""Training: seeded, resumable at any moment, on one thread."""

import csv
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from avatar.lipsync.features import BANDS, HERTZ, band_of
from avatar.lipsync.network import LOOKAHEADS
from avatar.lipsync.phones import CHANNEL, CHANNELS
from avatar.lipsync.sounds import SOUNDS, VISEME_OF
from scripts.lipsync.examples import Example, load
from scripts.lipsync.model import LipModel, Size

_EDGE = len(CHANNELS)
_IMPORTANT = {"jawOpen": 3.0, "mouthClose": 2.0, "mouthRollLower": 2.0}
_ROUND = ("mouthPucker", "mouthFunnel")
_ROUND_CHANNELS = [CHANNEL[name] for name in _ROUND]
_PP = np.array([name == "PP" for name in VISEME_OF])
_FF = np.array([name == "FF" for name in VISEME_OF])
_M = SOUNDS.index("m")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is. crop: frames of 10 ms; warm_up: frames whose loss does not count, for want of a past.
    hard: how much more short bilabials, lip bites and final /m/ count. rounding: how much the two channels of rounded
    lips count. naming: how much the sounds' names count. bending: how much the curves' second differences count at the
    end; in the first half not at all, since they keep the network from learning anything. warping: how far
    the mel bands are moved, as if by a throat of another length (standard deviation of its logarithm). masking: share
    of the crops that lose some bands; neither helps so small a network, which errs on its own voices about as often
    as on others."""

    seed: int = 1
    steps: int = 3000
    batch: int = 32
    crop: int = 240
    warm_up: int = 20
    rate: float = 2e-3
    hard: float = 3.0
    rounding: float = 3.0
    naming: float = 0.5
    average: float = 0.998
    bending: float = 8.0
    warping: float = 0.0
    masking: float = 0.0


class Corpus:
    """All examples end to end. weight: (n,) how much a frame counts."""

    def __init__(self, examples: Sequence[Example], hard: float) -> None:
        self.features = np.concatenate([e.features for e in examples])
        self.curves = np.concatenate([e.curves for e in examples])
        self.sounds = np.concatenate([e.sounds for e in examples])
        self.weight = np.concatenate([_weights(e.sounds, hard) for e in examples])

    def batch(self, recipe: Recipe, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """features (batch, crop, 40), curves (batch, crop, 14), sounds (batch, crop), weight (batch, crop)."""
        starts = rng.integers(0, len(self.sounds) - recipe.crop, recipe.batch)
        rows = starts[:, None] + np.arange(recipe.crop)
        features = torch.from_numpy(_warped(self.features[rows].astype(np.float32), recipe, rng))
        louder = torch.from_numpy(rng.normal(0, 0.15, (recipe.batch, 1, 1))).float()
        tilt = torch.from_numpy(rng.normal(0, 0.01, (recipe.batch, 1, 40)).cumsum(axis=2)).float()
        curves = torch.from_numpy(self.curves[rows]).float()
        sounds = torch.from_numpy(self.sounds[rows]).long()
        return features + louder + tilt, curves, sounds, torch.from_numpy(self.weight[rows]).float()


def _warped(features: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    """Crops of shape (batch, crop, BANDS), each as another throat would have said it (vocal tract length perturbation:
    Jaitly and Hinton, 2013), and some with a few bands gone (after SpecAugment: Park et al., 2019)."""
    count = len(features)
    factor = np.exp(rng.normal(0, 1, (count, 1)) * recipe.warping)
    at = np.clip(band_of(HERTZ * factor), 0, BANDS - 1)
    low = np.minimum(at.astype(int), BANDS - 2)
    part = (at - low).astype(np.float32)[:, None]
    rows = np.arange(count)[:, None]
    turned = features.transpose(0, 2, 1)
    out = (turned[rows, low].transpose(0, 2, 1)) * (1 - part) + (turned[rows, low + 1].transpose(0, 2, 1)) * part
    width = rng.integers(2, 8, count) * (rng.random(count) < recipe.masking)
    first = rng.integers(0, BANDS - 8, count)
    bands = np.arange(BANDS)
    gone = (bands >= first[:, None]) & (bands < (first + width)[:, None])
    return np.where(gone[:, None], out.mean(axis=(1, 2), keepdims=True), out)


def _weights(sounds: np.ndarray, hard: float) -> np.ndarray:
    out = np.ones(len(sounds), np.float32)
    edges = np.flatnonzero(np.diff(sounds)) + 1
    for a, b in zip(np.r_[0, edges], np.r_[edges, len(sounds)], strict=True):
        sound = sounds[a]
        final = sound == _M and (b == len(sounds) or sounds[b] == 0)
        if (_PP[sound] and (b - a < 7 or final)) or _FF[sound]:
            out[max(0, a - 2) : b + 2] = hard
    return out


def _delayed(target: Tensor, frames: int) -> Tensor:
    """The target `frames` frames earlier in each row."""
    first = target[:, :1].expand(-1, frames, *target.shape[2:])
    return torch.cat([first, target[:, :-frames]], dim=1)


class Loss(nn.Module):
    """How far rows are from the truth, over all look-aheads."""

    scale: Tensor
    classes: Tensor

    def __init__(self, corpus: Corpus, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        important = _IMPORTANT | dict.fromkeys(_ROUND, recipe.rounding)
        sample = corpus.curves[:: max(1, len(corpus.curves) // 200_000)].astype(np.float32)
        scale = np.array([important.get(name, 1.0) for name in CHANNELS]) / (sample.std(axis=0) + 0.02) ** 2
        counts = np.bincount(corpus.sounds, minlength=len(SOUNDS)).astype(float)
        classes = (counts.sum() / np.maximum(counts, counts.max() / 1000)) ** 0.3
        self.register_buffer("scale", torch.from_numpy(scale / scale.mean()).float())
        self.register_buffer("classes", torch.from_numpy(classes / (classes * counts).sum() * counts.sum()).float())
        self.spread = float(scale.mean())

    def forward(self, rows: Tensor, curves: Tensor, sounds: Tensor, weight: Tensor, done: float) -> Tensor:
        """`done`: the share of the run that is over."""
        warm_up, naming = self.recipe.warm_up, self.recipe.naming
        late = max(0.0, 2 * done - 1)
        moving, bending = 0.5 + late, self.recipe.bending * late
        total = rows.new_zeros(())
        for look, frames in enumerate(LOOKAHEADS):
            out = rows[:, warm_up:, look]
            wanted, said, counts = (_delayed(t, frames)[:, warm_up:] for t in (curves, sounds, weight))
            shape = out[..., :_EDGE]
            off = (((shape - wanted) ** 2) * self.scale).mean(dim=-1)
            moved = ((shape.diff(dim=1) - wanted.diff(dim=1)) ** 2 * self.scale).mean()
            bent = ((shape.diff(n=2, dim=1) - wanted.diff(n=2, dim=1)) ** 2 * self.scale).mean()
            named = nn.functional.cross_entropy(
                out[..., _EDGE : _EDGE + len(SOUNDS)].transpose(1, 2), said, weight=self.classes, reduction="none"
            )
            jaw, close = wanted[..., CHANNEL["jawOpen"]], wanted[..., CHANNEL["mouthClose"]]
            sealed = (close > 0.6 * jaw).float() * (jaw > 0.003).float()
            bitten = (wanted[..., CHANNEL["mouthRollLower"]] > 0.3).float()
            held = nn.functional.binary_cross_entropy_with_logits(
                out[..., -2:], torch.stack([sealed, bitten], dim=-1), reduction="none"
            ).sum(dim=-1)
            total = total + (counts * (off * self.spread * 0.5 + naming * named + 0.6 * held)).mean()
            total = total + (moving * moved + bending * bent) * self.spread
        return total / len(LOOKAHEADS)


def agreement(model: LipModel, held: Sequence[Example], look: int = -1) -> dict[str, float]:
    """On held-out examples at one look-ahead: share of frames said whose viseme is right, correlation of the jaw and of
    the rounding, and the best F1 of the seal over thresholds."""
    frames = LOOKAHEADS[look]
    visemes = np.array([sorted(set(VISEME_OF)).index(v) for v in VISEME_OF])
    right = counted = 0
    jaws: list[np.ndarray] = []
    rounds: list[np.ndarray] = []
    seals: list[np.ndarray] = []
    model.eval()
    device = next(model.parameters()).device
    with torch.no_grad():
        for example in held:
            count = len(example.sounds) // 2 * 2
            features = torch.from_numpy(example.features[None, :count]).float().to(device)
            rows = model.rows(features)[0, frames:, look].cpu().numpy()
            said, curves = example.sounds[: count - frames], example.curves[: count - frames].astype(np.float32)
            named = rows[:, _EDGE : _EDGE + len(SOUNDS)].argmax(axis=1)
            speech = said > 0
            right += int((visemes[named] == visemes[said])[speech].sum())
            counted += int(speech.sum())
            jaws.append(np.stack([rows[:, 0], curves[:, 0]]))
            rounds.append(np.stack([part[:, _ROUND_CHANNELS].sum(axis=1) for part in (rows, curves)]))
            sealed = curves[:, CHANNEL["mouthClose"]] > 0.6 * curves[:, 0]
            seals.append(np.stack([rows[:, -2], sealed & (curves[:, 0] > 0.003)]))
    model.train()
    jaw, seal = np.concatenate(jaws, axis=1), np.concatenate(seals, axis=1)
    f1 = max(
        2 * ((seal[0] > t) & (seal[1] > 0)).sum() / max(1, (seal[0] > t).sum() + (seal[1] > 0).sum())
        for t in np.linspace(-3, 2, 21)
    )
    return {
        "visemes": right / counted,
        "jaw": float(np.corrcoef(jaw)[0, 1]),
        "rounding": float(np.corrcoef(np.concatenate(rounds, axis=1))[0, 1]),
        "seal_f1": float(f1),
    }


class Run:
    """One training run in a folder: checkpoint.pt to go on from, curves.csv to look at, model.pt when it is done. On
    the GPU, where torch sees one. Raises ValueError where the folder holds a run of another recipe or speech."""

    def __init__(
        self, folder: Path, recipe: Recipe, shards: Sequence[Path], held: Path, size: Size | None = None
    ) -> None:
        self.folder = folder
        self.recipe = recipe
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(recipe.seed)
        self.corpus = Corpus(list(load(shards)), recipe.hard)
        self.held = list(load([held]))
        self.model = LipModel(size)
        sample = self.corpus.features[:: max(1, len(self.corpus.features) // 100_000)].astype(np.float32)
        self.model.mean.copy_(torch.from_numpy(sample.mean(axis=0)))
        self.model.deviation.copy_(torch.from_numpy(sample.std(axis=0)))
        self.average = LipModel(size)
        self.average.load_state_dict(self.model.state_dict())
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model.to(self.device)
        self.average.to(self.device)
        self.loss = Loss(self.corpus, recipe).to(self.device)
        self.optimiser = torch.optim.AdamW(self.model.parameters(), recipe.rate, weight_decay=1e-3)
        self.step = 0
        self.seconds = 0.0
        self.sittings = 1
        self._shards = len(shards)
        self._made_of = {"recipe": asdict(recipe), "shards": [path.name for path in shards]}
        self._resume()

    def train(self, save_every: float = 120.0) -> LipModel:
        """Train to the end of the recipe; the averaged model."""
        recipe = self.recipe
        saved = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns) as progress:
            bar = progress.add_task("training", total=recipe.steps, completed=self.step)
            recent: list[float] = []
            while self.step < recipe.steps:
                recent.append(self._one())
                progress.update(bar, completed=self.step, description=f"loss {np.mean(recent[-50:]):.3f}")
                if self.step % 250 == 0 or self.step == recipe.steps:
                    self._log(float(np.mean(recent)))
                    recent = recent[-50:]
                if time.monotonic() - saved > save_every:
                    self._save()
                    saved = time.monotonic()
        self._save()
        torch.save({"size": asdict(self.average.size), "state": self.average.state_dict()}, self.folder / "model.pt")
        told = {
            **asdict(recipe),
            "shards": self._shards,
            "hours": len(self.corpus.sounds) / 360_000,
            "minutes": round(self.seconds / 60, 1),
            "sittings": self.sittings,
        }
        (self.folder / "recipe.json").write_text(json.dumps(told, indent=1) + "\n")
        return self.average

    def _one(self) -> float:
        recipe, began = self.recipe, time.monotonic()
        rng = np.random.default_rng([recipe.seed, self.step])
        features, curves, sounds, weight = (part.to(self.device) for part in self.corpus.batch(recipe, rng))
        done = self.step / recipe.steps
        rate = float(recipe.rate * min(1, (self.step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * done) + 0.01))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device.type, dtype=torch.bfloat16):  # half the time; the loss stays in full precision
            rows = self.model.rows(features)
        loss = self.loss(rows.float(), curves, sounds, weight, done)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        keep = min(recipe.average, self.step / (self.step + 10))
        with torch.no_grad():
            for mean, new in zip(self.average.parameters(), self.model.parameters(), strict=True):
                mean.lerp_(new, 1 - keep)
        self.seconds += time.monotonic() - began
        return float(loss.detach())

    def _log(self, loss: float) -> None:
        figures = {"step": self.step, "loss": loss, **agreement(self.average, self.held)}
        path = self.folder / "curves.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, figures)
            if new:
                writer.writeheader()
            writer.writerow(figures)
        print({name: round(value, 4) for name, value in figures.items()}, flush=True)

    def _save(self) -> None:
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "seconds": self.seconds,
            "sittings": self.sittings,
            **self._made_of,
        }
        partial = self.folder / "checkpoint.partial"
        torch.save(state, partial)
        partial.replace(self.folder / "checkpoint.pt")

    def _resume(self) -> None:
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True, map_location=self.device)
        if any(state.get(name) != value for name, value in self._made_of.items()):
            raise ValueError(f"{self.folder} holds a run of another recipe or other speech: name a new --run")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]
        self.seconds, self.sittings = state["seconds"], state["sittings"] + 1


def load_model(path: Path) -> LipModel:
    """A trained model from Run's model.pt."""
    held = torch.load(path, weights_only=True, map_location="cpu")
    model = LipModel(Size(**held["size"]))
    model.load_state_dict(held["state"])
    return model.eval()
