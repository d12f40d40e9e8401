"""Pieces of regular expressions that several files of rules share."""

import re
from collections.abc import Iterable

ALONE = r"(?<![\w.])"
"""Not inside a word or a number."""


def either(words: Iterable[str]) -> str:
    """Any of `words`, the longest first."""
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


def ends_sentence(match: re.Match[str]) -> bool:
    """Whether only closing marks come after the match: then an abbreviation's full stop is the sentence's too."""
    return re.fullmatch(r"[\s\"'”)\]*_]*", match.string[match.end() :][:8]) is not None
