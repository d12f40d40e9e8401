"""What the lip network tells apart: the viseme classes, with consonants split by how they sound.

/p/, /b/ and /m/ look alike and sound unlike. A network that names the sound learns the shape better, and a text is
followed much better by its sounds than by its shapes.
"""

from functools import lru_cache
from typing import Final

from avatar.lipsync.phones import VISEMES, visemes_of

_SPLIT: Final[dict[str, dict[str, str]]] = {
    "PP": {"p": "p", "b": "bɓ", "m": "m"},
    "FF": {"f": "fɸɱ", "v": "vʋβ"},
    "TH": {"θ": "θ", "ð": "ð"},
    "DD": {"t": "tʈ", "d": "dɖɗ", "r": "rɾ"},
    "kk": {"k": "kqc", "ɡ": "gɡɢɟ", "ŋ": "ŋɴ", "x": "xɣχʁħʕʀ"},
    "SS": {"ts": "ʦʣ", "s": "s", "z": "z"},
    "CH": {"tʃ": "ʧ", "dʒ": "ʤ", "ʃ": "ʃʂ", "ʒ": "ʒʐ"},
}
"""Class → sound → the letters of IPA that tell it."""

SOUNDS: Final[tuple[str, ...]] = tuple(sound for name in VISEMES for sound in _SPLIT.get(name, {name: ""}))
"""The network's classes, "sil" first. A class that is not split bears its viseme's name."""
SOUND: Final[dict[str, int]] = {name: i for i, name in enumerate(SOUNDS)}
VISEME_OF: Final[tuple[str, ...]] = tuple(name for name in VISEMES for _ in _SPLIT.get(name, {name: ""}))
"""The viseme class of each sound."""


@lru_cache(maxsize=2048)
def sounds_of(symbol: str) -> tuple[int, ...]:
    """An IPA symbol's sounds, indices into SOUNDS: one for each of its viseme classes (see visemes_of)."""
    return tuple(_sound(name, symbol) for name in visemes_of(symbol))


def _sound(viseme: str, symbol: str) -> int:
    choices = _SPLIT.get(viseme)
    if choices is None:
        return SOUND[viseme]
    if viseme in ("SS", "CH") and symbol.strip("ˈˌ")[:1] in ("t", "d", "ʈ", "ɖ"):  # an affricate of two letters
        affricate = "ts" if viseme == "SS" else "dʒ" if symbol.strip("ˈˌ")[:1] in ("d", "ɖ") else "tʃ"
        return SOUND[affricate]
    for sound, letters in choices.items():
        if any(letter in symbol for letter in letters):
            return SOUND[sound]
    return SOUND[next(iter(choices))]
