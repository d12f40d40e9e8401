"""Cuts streamed text into sentences as soon as each is certain, so that speech begins while the text still comes."""

import re

MAX_CHARS = 280
"""A piece is never longer: then it is cut at a clause, else at a space, else anywhere."""
FIRST_CLAUSE_CHARS = 40
FIRST_CLAUSE_CHARS_HAN = 14
"""The first piece may end at a clause when it is at least so long: the voice starts earlier."""

_ENDS = "!?。！？…\n"
_CLAUSES = ",;:，；：、—"
_CLOSERS = "\"'”’»)]}）】」』》*_"
_ABBREVIATIONS = {
    "dr", "mr", "mrs", "ms", "prof", "st", "rev", "hon", "capt", "sgt", "lt", "col", "gen", "jr", "sr", "vs",
    "fig", "vol", "approx", "e.g", "i.e", "cf", "viz", "ca", "no", "nos", "nr", "p", "pp", "ch", "mt", "ft", "ave",
    "rd", "blvd", "inc", "ltd", "co", "corp", "bros", "dept", "est", "ext", "tel", "jan", "feb", "mar", "apr",
    "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"
}  # fmt: skip
_MAYBE_LAST = frozenset(("etc", "a.m", "p.m", "am", "pm", "co", "inc", "ltd", "corp", "ave", "rd", "blvd", "jr", "sr"))
"""Abbreviations that end a sentence when a capital follows."""


class SentenceSplitter:
    """Text in, in pieces of any size; sentences out. How the text was cut up on its way in changes nothing.

    The pieces that come out, one after another, are exactly the text: space after a sentence belongs to it.
    """

    def __init__(self) -> None:
        self._text = ""
        self._start = 0

    def push(self, delta: str) -> list[tuple[int, str]]:
        """Add text; returns the sentences now certain, each as (its first character's place in the text, itself)."""
        self._text += delta
        return self._cut(final=False)

    def flush(self) -> list[tuple[int, str]]:
        """The text is complete: returns the rest of it."""
        pieces = self._cut(final=True)
        if self._text:
            pieces.append(self._take(len(self._text)))
        return pieces

    def _cut(self, *, final: bool) -> list[tuple[int, str]]:
        pieces = []
        while (end := self._next_end(final=final)) is not None:
            pieces.append(self._take(end))
        return pieces

    def _take(self, end: int) -> tuple[int, str]:
        piece = (self._start, self._text[:end])
        self._text = self._text[end:]
        self._start += end
        return piece

    def _next_end(self, *, final: bool) -> int | None:
        """Where the first piece ends, or None while more text could change that.

        Only the first MAX_CHARS + 1 characters are looked at, whatever has come in: that is why chunking is no matter.
        """
        window = self._text[: MAX_CHARS + 1]
        for at, char in enumerate(window):
            if char in _ENDS or char == ".":
                end = self._after_sentence(window, at)
            elif char in _CLAUSES and self._start == 0:
                end = self._after_clause(window, at)
            else:
                continue
            if end is not None:
                return end
        if len(window) <= MAX_CHARS:
            return None
        return _longest_end(window[:MAX_CHARS])

    def _after_sentence(self, window: str, at: int) -> int | None:
        """The end of the sentence that the mark at `at` closes; None if it closes none, or that is not yet known."""
        end = at + 1
        while end < len(window) and (window[end] in _CLOSERS or window[end] in _ENDS or window[end] == "."):
            end += 1
        marks = window[at:end]
        space = end
        while space < len(window) and window[space].isspace():
            space += 1
        if space == len(window):
            return None  # what follows is unknown; at the very end `flush` takes all
        following = window[space]
        if any(mark in "。！？\n" for mark in marks) or "\n" in window[end:space]:
            return space if window[:at].strip() else None
        if space == end:
            return None  # "3.14", "example.org", "wow!!!really"
        if window[at] in "!?…":
            return None if following.islower() else space
        return space if _full_stop(window[:at], following) else None

    def _after_clause(self, window: str, at: int) -> int | None:
        han = window[at] in "，；：、"
        if at + 1 >= len(window) or at < (FIRST_CLAUSE_CHARS_HAN if han else FIRST_CLAUSE_CHARS):
            return None
        if han:
            return at + 1
        end = at + 1
        while end < len(window) and window[end].isspace():
            end += 1
        return end if at + 1 < end < len(window) else None


def is_whole(text: str) -> bool:
    """Whether a piece of text ends as a sentence does."""
    seen = text.rstrip().rstrip(_CLOSERS)
    return seen.endswith(tuple(f".{_ENDS.strip()}"))


def _full_stop(before: str, following: str) -> bool:
    """Whether a full stop after `before` ends a sentence, if `following` is the next visible character."""
    if following.islower():
        return False
    word = re.split(r"[\s(\[\"'“‘*_—–-]", before)[-1].lower()
    if not word or (word.isdigit() and not before.strip()[: -len(word)].strip()):
        return False  # a list's number: "1. Open the door"
    if word in _MAYBE_LAST:
        return following.isupper() and word not in ("jr", "sr")
    if word in _ABBREVIATIONS:
        return False
    return re.fullmatch(r"(?:[a-z]\.)*[a-z]", word) is None or word == "i"


def _longest_end(text: str) -> int:
    """Where best to cut a text that is too long for one piece."""
    for marks in (_CLAUSES, " \t"):
        cut = max(text.rfind(mark) for mark in marks) + 1
        if cut > len(text) // 3:
            return cut
    return len(text)
