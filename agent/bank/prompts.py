"""What is read aloud, and in which order: the fewest minutes for the most sounds.

The sentences are our own (`texts/LANGUAGE.txt`). `texts/LANGUAGE.tsv`, which scripts/bank_prompts.py makes, tells for
each how long it takes to say and which pairs of neighbouring sounds are in it (diphones; "#" is silence), by espeak-ng.
The order is greedy: next comes the sentence that brings the most that has been said least, for each second it takes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from agent.bank.store import BankError, Style

Language = Literal["en", "zh"]
ENOUGH = 4
"""Times that a pair of sounds is worth recording."""
_TYPED = 0.3
"""How much a pair counts that was said before, but not in this kind of sentence."""
BREATH_S = 1.5
"""Seconds that every take costs beside its speech: the fewer takes, the better."""
_MELODIES: dict[Style, str] = {"question": "?", "exclamation": "!"}
_COVERING: tuple[Style, ...] = ("neutral", "question", "exclamation")
"""Readings that are for coverage. The others are asked for as they stand, after the first hundred."""
_FIRST = 100


@dataclass(frozen=True, slots=True)
class Prompt:
    """One sentence. `seconds`: how long it takes to say at an even pace. `pairs`: its diphones."""

    id: str
    language: Language
    style: Style
    text: str
    seconds: float
    pairs: tuple[str, ...]

    @property
    def units(self) -> tuple[str, ...]:
        """What it covers: its diphones, and each in its kind of sentence."""
        mark = _MELODIES.get(self.style, ".")
        return (*self.pairs, *(pair + mark for pair in self.pairs))


@cache
def prompts(language: Language) -> tuple[Prompt, ...]:
    """All sentences of a language, in the order in which they were written. Raises BankError."""
    if language not in get_args(Language):
        raise BankError(f"there are no prompts for {language}; there are: {', '.join(get_args(Language))}")
    table = files("agent.bank") / "texts" / f"{language}.tsv"
    rows = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]
    return tuple(
        Prompt(name, language, style, text, float(seconds), tuple(pairs.split()))  # type: ignore[arg-type]
        for name, style, seconds, pairs, text in rows
    )


def own(language: Language, name: str, text: str) -> Prompt:
    """A sentence of the person's own: a message that is kept as it is said, and used for the voice as well."""
    return Prompt(name, language, "message", text, 0.0, ())


def ordered(available: Sequence[Prompt], said: Iterable[Prompt] = (), most: int | None = None) -> list[Prompt]:
    """`available` in the order in which they are best recorded, given what was `said` already; no more than the first
    `most` of it."""
    covering = [one for one in available if one.style in _COVERING]
    rest = [one for one in available if one.style not in _COVERING]
    best = _greedy(covering, said, len(covering) if most is None else min(most, len(covering)))
    return [*best[:_FIRST], *rest, *best[_FIRST:]][:most]


def _greedy(available: Sequence[Prompt], said: Iterable[Prompt], most: int) -> list[Prompt]:
    if not available:
        return []
    rows, columns, holds = _table(available[0].language)
    count: NDArray[np.float32] = np.zeros(len(columns), np.float32)
    for one in said:
        count[[columns[unit] for unit in set(one.units) & columns.keys()]] += 1
    weights = np.array([_TYPED if unit[-1] in ".?!" else 1.0 for unit in columns], np.float32)
    cost = np.array([one.seconds + BREATH_S for one in available], np.float32)
    mine = holds[[rows[one.id] for one in available]]
    left = np.ones(len(available), bool)
    order: list[Prompt] = []
    for _ in range(most):
        worth = weights * np.where(count < ENOUGH, 0.25**count, 0)
        gain = np.where(left, (mine @ worth + 1e-3) / cost, -1)
        best = int(np.argmax(gain))
        left[best] = False
        count += mine[best]
        order.append(available[best])
    return order


@cache
def _table(language: Language) -> tuple[dict[str, int], dict[str, int], NDArray[np.float32]]:
    """Which units each sentence has: the row of each id, the column of each unit, and 0 or 1."""
    known = prompts(language)
    columns = {unit: k for k, unit in enumerate(sorted({unit for one in known for unit in one.units}))}
    holds = np.zeros((len(known), len(columns)), np.float32)
    for row, one in enumerate(known):
        holds[row, [columns[unit] for unit in one.units]] = 1
    return {one.id: k for k, one in enumerate(known)}, columns, holds


def coverage(said: Iterable[Prompt], language: Language) -> float:
    """The share of the language's diphones, each counted as often as our sentences have it, that were said: 0…1."""
    often: dict[str, int] = {}
    for one in prompts(language):
        for pair in one.pairs:
            often[pair] = often.get(pair, 0) + 1
    known = {pair for one in said for pair in one.pairs}
    return sum(number for pair, number in often.items() if pair in known) / sum(often.values())
