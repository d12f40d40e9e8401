"""What the face can do beside speaking, read from a table that a designer edits: `repertoire.toml`."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from avatar.behaviour.moods import Mood
from avatar.behaviour.motion import Curve
from avatar.blendshapes import INDEX, NAMES

Occasion = Literal["phrase_end", "accent", "idle", "listening", "thinking"]
ANGLES = ("yaw", "pitch", "roll", "look_yaw", "look_pitch")
CHANNELS = (*NAMES, *ANGLES)
"""The columns of a movement: the 52 shapes, the head's turn, and where the eyes look beside where they would."""
WEIGHTS, HEAD, LOOK = slice(0, 52), slice(52, 55), slice(55, 57)

_LIDS = (INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"])

MAX_SECONDS = 10.0
MAX_DEGREES = 30.0
FILE = Path(__file__).with_name("repertoire.toml")


class RepertoireError(ValueError):
    """The table is wrong; the message names the file, the key and what it may be, in one line."""


def columns(channel: str) -> list[int]:
    """The columns that a name in the table moves: itself, or its Left and Right."""
    if channel in ANGLES:
        return [52 + ANGLES.index(channel)]
    return [INDEX[name] for name in (channel, channel + "Left", channel + "Right") if name in INDEX]


def _known_channel(name: str) -> str:
    if not columns(name):
        raise ValueError(f"there is no shape {name}; shapes are ARKit's names, angles are {', '.join(ANGLES)}")
    return name


def _check_value(channel: str, value: float, lowest: float) -> None:
    low, high = (-MAX_DEGREES, MAX_DEGREES) if channel in ANGLES else (lowest, 1.0)
    if not low <= value <= high:
        raise ValueError(f"{channel} = {value:g} is not between {low:g} and {high:g}")


Channel = Annotated[str, AfterValidator(_known_channel)]
Range = tuple[float, float]
Point = tuple[float, float]


def _in_order(ends: Range) -> Range:
    if ends[0] > ends[1]:
        raise ValueError(f"{ends[0]:g} … {ends[1]:g} is not in order")
    return ends


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _FeelingTable(_Part):
    shapes: dict[Channel, float] = {}
    words: dict[Literal["en", "zh"], tuple[Annotated[str, Field(min_length=1)], ...]] = {}
    marks: str = ""

    @model_validator(mode="after")
    def _within(self) -> "_FeelingTable":
        for channel, value in self.shapes.items():
            _check_value(channel, value, -1.0)
        return self


class _GestureTable(_Part):
    when: dict[Occasion, Annotated[float, Field(gt=0)]] = {}
    stretch: Annotated[tuple[Annotated[float, Field(gt=0.1, le=5)], float], AfterValidator(_in_order)] = (1.0, 1.0)
    size: Annotated[tuple[Annotated[float, Field(ge=-2)], Annotated[float, Field(le=2)]], AfterValidator(_in_order)] = (
        1.0,
        1.0,
    )
    curve: dict[Channel, tuple[Point, ...]] = Field(min_length=1)

    @model_validator(mode="after")
    def _drawable(self) -> "_GestureTable":
        for channel, points in self.curve.items():
            if len(points) < 3 or points[0] != (0, 0) or points[-1][1] != 0:
                raise ValueError(f"curve.{channel} must begin at [0, 0], end at 0 and do something in between")
            times = [time for time, _ in points]
            if any(after <= before for before, after in pairwise(times)):
                raise ValueError(f"curve.{channel}: the seconds must grow from point to point")
            if times[-1] > MAX_SECONDS:
                raise ValueError(f"curve.{channel} lasts {times[-1]:g} s; at most {MAX_SECONDS:g} are allowed")
            for _, value in points:
                _check_value(channel, value, 0.0)
            if self.size[0] < 0 and channel not in ANGLES:
                raise ValueError(f"size below 0 turns a gesture round, which only angles can be, not {channel}")
        return self


class _Pace(_Part):
    seconds: dict[Mood, Annotated[tuple[Annotated[float, Field(gt=0)], float], AfterValidator(_in_order)]] = {}
    chance: dict[Occasion, Annotated[float, Field(ge=0, le=1)]] = {}


class _Table(_Part):
    moods: dict[Mood, dict[Channel, Annotated[float, Field(ge=0, le=1)]]]
    pace: _Pace
    feelings: dict[str, _FeelingTable]
    gestures: dict[str, _GestureTable]

    @model_validator(mode="after")
    def _complete(self) -> "_Table":
        missing = [mood for mood in get_args(Mood) if mood not in self.moods]
        if missing:
            raise ValueError(f"moods.{missing[0]} is missing")
        missing = [name for name in ("neutral", "animated", "subdued") if name not in self.feelings]
        if missing:
            raise ValueError(f"feelings.{missing[0]} is missing")
        for name in (*self.feelings, *self.gestures):
            if not re.fullmatch(r"[a-z][a-z_]{0,31}", name):
                raise ValueError(f"{name!r} must be a name of small letters and underscores")
        both = set(self.feelings) & set(self.gestures)
        if both:
            raise ValueError(f"{min(both)} is both a feeling and a gesture")
        return self


@dataclass(frozen=True, slots=True)
class Gesture:
    """A movement that begins and ends at rest."""

    name: str
    seconds: float
    stretch: Range
    size: Range
    curves: tuple[tuple[int, Curve, Curve], ...]
    """(column, times, values) of each channel."""

    def at(self, ages: Curve, size: float) -> Curve:
        """The movement `ages` seconds after it began: shape (len(ages), 57), weights and degrees. `size` multiplies
        all but the lids, which shut or do not."""
        moved = np.zeros((len(ages), len(CHANNELS)))
        for column, times, values in self.curves:
            place = np.interp(ages, times, np.arange(len(times)))
            before = np.minimum(place.astype(int), len(times) - 2)
            share = 0.5 - 0.5 * np.cos(np.pi * (place - before))
            scale = 1.0 if column in _LIDS else size
            moved[:, column] = scale * (values[before] + (values[before + 1] - values[before]) * share)
        return moved


@dataclass(frozen=True, slots=True)
class Feeling:
    """movement: shape (57,), added to the mood while it lasts."""

    name: str
    movement: Curve
    words: re.Pattern[str] | None
    marks: str


@dataclass(frozen=True, slots=True)
class Repertoire:
    """The table, ready for use. choices: for each occasion its gestures and how likely each is; chances: whether there
    is one at all; seconds: between two that come of themselves in a mood."""

    moods: Mapping[Mood, Curve]
    feelings: Mapping[str, Feeling]
    gestures: Mapping[str, Gesture]
    choices: Mapping[Occasion, tuple[tuple[Gesture, ...], Curve]]
    chances: Mapping[Occasion, float]
    seconds: Mapping[Mood, Range]

    @property
    def resting_smile(self) -> float:
        """How far the corners of the mouth are raised while nothing happens: the lips that speak lie over it."""
        return float(self.moods["idle"][columns("mouthSmile")[0]])

    @property
    def names(self) -> tuple[str, ...]:
        """All that can be asked for."""
        return (*self.feelings, *self.gestures)


def read(path: Path) -> Repertoire:
    """The repertoire in the file at `path`, all of which must be there. Raises RepertoireError."""
    return _checked(_parsed(_text(path), path), path)


def read_changes(path: Path | None) -> str:
    """The text of an owner's table, "" where there is none. It is written as the one that comes with the package, but
    only what is to differ needs to be there. A mood, a feeling or a gesture of the same name is replaced as a whole; a
    gesture without `when` comes of itself no more. Raises RepertoireError."""
    if path is None:
        return ""
    text = _text(path)
    _checked(_changed(_parsed(text, path)), path)
    return text


@lru_cache(maxsize=8)
def with_changes(text: str) -> Repertoire:
    """The repertoire that comes with the package with what the text of an owner's table changes in it: see
    `read_changes`. Raises RepertoireError."""
    return _checked(_changed(_parsed(text, "avatar.behaviour")), "avatar.behaviour") if text else default()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RepertoireError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise RepertoireError(f"{path}: not valid TOML: {error}") from None


def _parsed(text: str, source: Path | str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RepertoireError(f"{source}: not valid TOML: {error}") from None


def _changed(changes: dict[str, Any]) -> dict[str, Any]:
    """The package's own table with these changes, which may be wrong in any way."""
    table = _parsed(_text(FILE), FILE)
    for part, entries in changes.items():
        table[part] = _laid_over(table.get(part), entries, 2 if part == "pace" else 1)
    return table


def _laid_over(known: object, changed: object, depth: int) -> object:
    """Tables laid over one another, so many levels deep; anything else replaces what there was."""
    if depth == 0 or not (isinstance(known, dict) and isinstance(changed, dict)):
        return changed
    return known | {name: _laid_over(known.get(name), entry, depth - 1) for name, entry in changed.items()}


def _checked(table: dict[str, Any], path: Path | str) -> Repertoire:
    try:
        return _compile(_Table.model_validate(table))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"] if part != "[key]")
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        problem = first["msg"].removeprefix("Value error, ")
        raise RepertoireError(f"{path}: {key + ': ' if key else ''}{problem}{more}") from None


@cache
def default() -> Repertoire:
    """The one that comes with the package."""
    return read(FILE)


def _compile(table: _Table) -> Repertoire:
    gestures = {name: _gesture(name, entry) for name, entry in table.gestures.items()}
    choices = {}
    for occasion in get_args(Occasion):
        fit = {name: entry.when[occasion] for name, entry in table.gestures.items() if occasion in entry.when}
        if fit:
            weights = np.array(list(fit.values()))
            choices[occasion] = (tuple(gestures[name] for name in fit), weights / weights.sum())
    return Repertoire(
        moods={mood: _movement(shapes)[WEIGHTS] for mood, shapes in table.moods.items()},
        feelings={
            name: Feeling(name, _movement(entry.shapes), _pattern(entry.words), entry.marks)
            for name, entry in table.feelings.items()
        },
        gestures=gestures,
        choices=choices,
        chances=table.pace.chance,
        seconds=table.pace.seconds,
    )


def _gesture(name: str, entry: _GestureTable) -> Gesture:
    curves = []
    for channel, points in entry.curve.items():
        times, values = np.array(points, np.float64).T
        curves += [(column, times, values) for column in columns(channel)]
    seconds = max(float(times[-1]) for _, times, _ in curves)
    return Gesture(name, seconds, entry.stretch, entry.size, tuple(curves))


def _movement(shapes: Mapping[str, float]) -> NDArray[np.float64]:
    movement = np.zeros(len(CHANNELS))
    for channel, value in shapes.items():
        movement[columns(channel)] = value
    return movement


def _pattern(words: Mapping[Literal["en", "zh"], tuple[str, ...]]) -> re.Pattern[str] | None:
    parts = []
    if words.get("en"):
        english = "|".join(re.escape(word).replace(r"\*", r"\w*") for word in words["en"])
        parts.append(rf"(?<!\bnot )(?<!n't )(?<!\bno )(?<!\bnever )\b(?:{english})\b")
    if words.get("zh"):
        parts.append(rf"(?<![不没])(?:{'|'.join(map(re.escape, words['zh']))})")
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None
