"""From phones to mouth shapes: IPA, ARPABET and pinyin → fine viseme classes → ARKit weights with their timing.

The table is tables.json; its "source" field says where its numbers come from. A class is finer than the 15 Oculus
visemes (/w/ and /u/ share "U" there, yet round differently), and each class names the Oculus viseme it belongs to.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.tts import Phone
from avatar.blendshapes import INDEX

OCULUS: Final = ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U")
"""The 15 Oculus visemes, in their documented order."""

CHANNELS: Final = (
    "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthStretch", "mouthSmile", "mouthRollLower",
    "mouthRollUpper", "mouthPress", "mouthUpperUp", "mouthLowerDown", "mouthShrugLower", "jawForward", "tongueOut",
)  # fmt: skip
"""What speech moves. Those that ARKit splits into Left and Right move alike here and are expanded at the end."""
CHANNEL: Final = {name: i for i, name in enumerate(CHANNELS)}

_SIDES = [
    (channel, INDEX[name])
    for channel, base in enumerate(CHANNELS)
    for name in (base, base + "Left", base + "Right")
    if name in INDEX
]
ARKIT_CHANNEL: Final[NDArray[np.intp]] = np.array([channel for channel, _ in _SIDES])
ARKIT_COLUMN: Final[NDArray[np.intp]] = np.array([column for _, column in _SIDES])
"""Column ARKIT_COLUMN[i] of the 52 takes channel ARKIT_CHANNEL[i]."""


@dataclass(frozen=True, slots=True)
class Viseme:
    """A fine viseme class.

    lip, jaw: dominance over its neighbours (unitless). before, after: reach of its influence beyond the phone, seconds.
    weights: (channel, 0…1) pairs, in CHANNELS' terms.
    """

    name: str
    oculus: str
    lip: float
    jaw: float
    before: float
    after: float
    weights: tuple[tuple[str, float], ...]


class Segment(NamedTuple):
    """A stretch of time in which the mouth aims at one viseme; a diphthong is two. Times in seconds.

    held_from, held_until: when what this viseme cannot do without, a seal or a bite, is there in full. A bilabial stop
    lets go at its burst, a nasal at its end."""

    viseme: str
    start: float
    end: float
    held_from: float
    held_until: float


_TABLES = json.loads(files("avatar.lipsync").joinpath("tables.json").read_text("utf-8"))
VISEMES: Final[dict[str, Viseme]] = {
    name: Viseme(
        name,
        row["oculus"],
        row["lip"],
        row["jaw"],
        row["before_ms"] / 1000,
        row["after_ms"] / 1000,
        tuple(row["weights"].items()),
    )
    for name, row in _TABLES["visemes"].items()
}
_IPA: dict[str, str] = {symbol: name for name, symbols in _TABLES["ipa"].items() for symbol in symbols.split()}
_LONGEST = max(map(len, _IPA))
_SPELLINGS = (("s.", "ʂ"), ("z.", "ʐ"), ("i.", "ʅ"), ("i̪", "ɿ"))
"""espeak writes the Mandarin retroflexes and apical vowels so."""
_MARKS = re.compile(r"[ˈˌːˑʰʲʷˠˤʼ˞\u0300-\u036f͡'|;\"^.\-0-9˥˦˧˨˩]")
_CLOSED_PART_OF_STOP = 0.75
_LIPS_MEET = 0.010
"""Seconds from a bilabial's first sound until the lips have met, and from when they begin to part until its last."""


@lru_cache(maxsize=2048)
def visemes_of(symbol: str) -> tuple[str, ...]:
    """An IPA symbol's fine viseme classes: one, or two and more for a diphthong or cluster. Stress, length, tone and
    aspiration are ignored; "" is silence; an unknown symbol is a neutral vowel, so that the mouth at least moves."""
    text = symbol.strip()
    for spelled, ipa in _SPELLINGS:
        text = text.replace(spelled, ipa)
    text = _MARKS.sub("", text)
    if text.strip("_:") == "":
        return ("sil",)
    found: list[str] = []
    at = 0
    while at < len(text):
        for length in range(_LONGEST, 0, -1):
            name = _IPA.get(text[at : at + length])
            if name is not None:
                found.append(name)
                at += length
                break
        else:
            at += 1
    if len(found) > 1 and found[-1] == "HH":  # aspiration written as a letter
        found.pop()
    if len(found) > 1 and found[0] == "DD" and found[1] in ("CH", "SS", "IH_SH"):  # an affricate is one gesture
        found.pop(0)
    return tuple(found) or ("AX",)


def segment(viseme: str, start: float, end: float, *, nasal: bool = False) -> Segment:
    """One target from `start` to `end` (seconds); `nasal` tells /m/ from the bilabial stops, which let go earlier."""
    part = _CLOSED_PART_OF_STOP if viseme == "PP" and not nasal else 1.0
    spare = min(_LIPS_MEET, 0.2 * part * (end - start)) if viseme == "PP" else 0.0
    return Segment(viseme, start, end, start + spare, start + (end - start) * part - spare)


def segments(phones: Sequence[Phone], offset: float = 0.0) -> list[Segment]:
    """Phones as timed viseme targets, `offset` seconds later. Phones without a length or with times that are not
    numbers are left out. A diphthong spends 60 % of its time in its first vowel."""
    out: list[Segment] = []
    for phone in phones:
        if not (np.isfinite(phone.start) and np.isfinite(phone.end) and phone.end > phone.start):
            continue
        names = visemes_of(phone.symbol)
        start, end = phone.start + offset, phone.end + offset
        shares = [0.6, 0.4] if len(names) == 2 else [1 / len(names)] * len(names)
        edges = start + (end - start) * np.cumsum([0.0, *shares])
        for name, a, b in zip(names, edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            out.append(segment(name, a, b, nasal="m" in phone.symbol))
    return out


_SHORT_VOWEL = 0.07


def ipa_of_arpabet(symbol: str, seconds: float | None = None) -> str:
    """CMUdict's or flite's phone in IPA; "" for silence and noise marks.

    AH is two vowels there: unstressed (AH0), or shorter than 70 ms where the stress is not marked, it is a schwa.
    """
    name = symbol.strip().upper()
    stress = name[-1:] if name[-1:].isdigit() else ""
    name = name.rstrip("0123456789")
    short = seconds is not None and seconds < _SHORT_VOWEL
    if name == "AH" and (stress == "0" or (not stress and short)):
        return "ə"
    return str(_TABLES["arpabet"].get(name, ""))


_APICAL = {"z": "ɿ", "c": "ɿ", "s": "ɿ", "zh": "ʅ", "ch": "ʅ", "sh": "ʅ", "r": "ʅ"}
_ZERO_INITIAL = {"yi": "i", "yu": "ü", "wu": "u"}


def ipa_of_pinyin(syllable: str) -> tuple[str, ...]:
    """A pinyin syllable ("zhong1", "lv4", "nü") as IPA phones. Raises ValueError when it is none."""
    text = syllable.strip().lower().rstrip("0123456789").replace("v", "ü").replace("u:", "ü")
    initial = text[:2] if text[:2] in ("zh", "ch", "sh") else text[:1]
    if initial not in _TABLES["pinyin_initials"]:
        initial = ""
    final = text[len(initial) :]
    if initial in _APICAL and final == "i":
        return (_TABLES["pinyin_initials"][initial], _APICAL[initial])
    if initial in ("j", "q", "x") and final.startswith("u"):
        final = "ü" + final[1:]
    for written, vowel in _ZERO_INITIAL.items():  # yi, yin, yuan, wu …
        if text.startswith(written):
            final = vowel + text[2:]
            break
    else:
        if text[:1] == "y":
            final = {"ou": "iu"}.get(text[1:], "i" + text[1:])
        elif text[:1] == "w":
            final = {"ei": "ui", "en": "un"}.get(text[1:], "u" + text[1:])
    vowels = _TABLES["pinyin_finals"].get(final)
    if vowels is None:
        raise ValueError(f"{syllable!r} is not a pinyin syllable")
    start = (_TABLES["pinyin_initials"][initial],) if initial else ()
    return (*start, *vowels.split())
