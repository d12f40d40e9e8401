"""The people we ship: everything that makes one differ from another. Colours are sRGB 0..255."""

from __future__ import annotations

from dataclasses import dataclass, field

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Persona:
    """phenotype and changes feed `source.load_human`; amounts (makeup, stubble, freckles, …) are 0..1."""

    name: str
    title: str
    phenotype: dict[str, float]
    changes: dict[str, float]
    skin: Colour
    lips: Colour
    iris: Colour
    hair_style: str
    hair: Colour
    cloth: str
    cloth_colour: Colour
    brow: float = 1.0
    lash: float = 1.0
    makeup: float = 0.0
    stubble: float = 0.0
    freckles: float = 0.0
    smile: float = 0.14
    open_eyes: float = 0.18  # share of eyeWide at rest: the base mesh looks sleepy
    seed: int = 5
    notes: list[str] = field(default_factory=list)

    @property
    def feminine(self) -> bool:
        return self.phenotype["gender"] < 0.5


MIRA = Persona(
    name="mira",
    title="Mira",
    phenotype={
        "gender": 0.0,
        "age": 0.67,
        "muscle": 0.42,
        "weight": 0.42,
        "proportions": 0.9,
        "caucasian": 0.6,
        "african": 0.1,
        "asian": 0.3,
        "cupsize": 0.45,
        "firmness": 0.6,
    },
    changes={
        "nose-scale-horiz-incr": -0.45,
        "nose-volume-incr": -0.5,
        "nose-scale-vert-incr": -0.45,
        "nose-scale-depth-incr": -0.25,
        "nose-point-up": 0.35,
        "nose-point-width-incr": -0.3,
        "chin-width-incr": -0.8,
        "chin-bones-incr": -0.5,
        "chin-height-incr": -0.4,
        "l-cheek-volume-incr": -0.2,
        "head-fat-incr": -0.25,
        "l-eye-scale-incr": 0.6,
        "l-eye-corner2-up": 0.3,
        "l-eye-height2-incr": 0.3,
        "l-cheek-bones-incr": 0.35,
        "mouth-lowerlip-volume-incr": 0.35,
        "mouth-upperlip-volume-incr": 0.45,
        "mouth-cupidsbow-incr": 0.3,
        "mouth-angles-up": 0.25,
        "neck-scale-horiz-incr": -0.25,
        "neck-scale-depth-incr": -0.2,
        "head-scale-horiz-incr": -0.3,
        "forehead-scale-vert-incr": -0.2,
    },
    skin=(222, 176, 152),
    lips=(190, 104, 100),
    iris=(88, 64, 44),
    hair_style="low-bun",
    hair=(66, 42, 28),
    cloth="scoop",
    cloth_colour=(44, 74, 88),
    makeup=0.45,
    smile=0.22,
    freckles=0.35,
    brow=0.9,
)

TUNDE = Persona(
    name="tunde",
    title="Tunde",
    phenotype={
        "gender": 1.0,
        "age": 0.72,
        "muscle": 0.6,
        "weight": 0.48,
        "proportions": 0.85,
        "caucasian": 0.1,
        "african": 0.85,
        "asian": 0.05,
    },
    changes={"mouth-angles-up": 0.25, "chin-width-incr": 0.2},
    skin=(122, 80, 58),
    lips=(132, 82, 74),
    iris=(58, 36, 22),
    hair_style="crop",
    hair=(24, 19, 17),
    cloth="crew",
    cloth_colour=(196, 186, 168),
    stubble=0.7,
    lash=0.6,
    brow=1.15,
    seed=9,
    open_eyes=0.0,
)

PERSONAS = {p.name: p for p in (MIRA, TUNDE)}
