"""The machinery of text normalisation: ordered rules, tried at each place of the shown text, first match wins."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Span = tuple[int, int, int, int]
"""(spoken_start, spoken_end, display_start, display_end): these spoken characters say those shown ones."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What to say: `text`, and the spans by which its words belong to the shown text.

    Spans are in order on both sides, never empty and never overlapping. Punctuation belongs to no span.
    """

    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """`text` is said for the shown characters [start, end)."""

    text: str
    start: int
    end: int


Speech = str | Sequence[Piece]
"""What a rule says: for its whole match, or piece by piece when the match shows several words. "" drops the match."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Where `pattern` matches, `speak` says it; None passes the match on to the rules after."""

    pattern: re.Pattern[str]
    speak: Callable[[re.Match[str]], Speech | None]


def rule(pattern: str, speak: Callable[[re.Match[str]], Speech | None] | str, flags: re.RegexFlag = re.NOFLAG) -> Rule:
    """A rule from a pattern; a string as `speak` is said as it stands."""
    compiled = re.compile(pattern, flags)
    if isinstance(speak, str):
        constant = speak
        return Rule(compiled, lambda _: constant)
    return Rule(compiled, speak)


def as_shown(match: re.Match[str]) -> str:
    """Say the match as it is written."""
    return match.group()


# One character for one, so that offsets stay: full-width forms, typographic apostrophes, minus signs and spaces.
_SAME_LENGTH = (
    {0xFF10 + i: 0x30 + i for i in range(10)}
    | {0xFF21 + i: 0x41 + i for i in range(26)}
    | {0xFF41 + i: 0x61 + i for i in range(26)}
    | str.maketrans("％＄￥￡＋－．／～−‐‑’ʼ＇\u00a0\u202f\u2007\u2009\u3000", "%$¥£+-./~---'''     ")
)

_PAUSES = {"–": ",", "—": ",", "―": ",", "…": ",", "·": ",", "•": ",", "|": ","} | dict.fromkeys(
    "()[]{}（）【】《》〈〉", ","
)
_KEPT = frozenset(".,!?;:，。！？；：、")
_ENDS = frozenset(".!?;:。！？；：")
_SIGNIFICANT = "LMN"


def apply(rules: Iterable[Rule], text: str) -> Spoken:
    """Say `text` by `rules`. What no rule matches passes as it is, if it can be said at all."""
    rules = tuple(rules)
    plain = text.translate(_SAME_LENGTH)
    writer = _Writer()
    at = 0
    while at < len(plain):
        for candidate in rules:
            match = candidate.pattern.match(plain, at)
            if match is None or match.end() == at:
                continue
            speech = candidate.speak(match)
            if speech is None:
                continue
            pieces = (Piece(speech, at, match.end()),) if isinstance(speech, str) else speech
            for piece in pieces:
                writer.word(piece)
            at = match.end()
            break
        else:
            writer.character(plain[at])
            at += 1
    return writer.finish()


class _Writer:
    """Puts the spoken text together, with one space and one mark of punctuation where several would come."""

    def __init__(self) -> None:
        self._text = ""
        self._spans: list[Span] = []
        self._space = False

    def word(self, piece: Piece) -> None:
        said = piece.text.strip()
        if not said:
            self._space = True
            return
        self._put_space(said[0])
        start = len(self._text)
        self._text += said
        end = start + len(said.rstrip(".,!?;:"))
        if end > start:
            self._spans.append((start, end, piece.start, piece.end))

    def character(self, char: str) -> None:
        if char.isspace():
            if char in "\n\r\u2028\u2029":
                self._mark(",")
            self._space = True
        elif char in _KEPT:
            self._mark(char)
        elif char in _PAUSES:
            self._mark(_PAUSES[char])
            self._space = True
        elif unicodedata.category(char)[0] in _SIGNIFICANT:
            self._put_space(char)
            self._text += char
        else:
            self._space = True

    def finish(self) -> Spoken:
        return Spoken(self._text.rstrip(",、， "), tuple(self._spans))

    def _mark(self, mark: str) -> None:
        """A pause is said once: a mark after a mark is dropped, unless it is the stronger."""
        if not self._text:
            return
        last = self._text[-1]
        if last in _KEPT:
            if last in _ENDS or mark not in _ENDS:
                return
            self._text = self._text[:-1]
        self._text += mark
        self._space = True

    def _put_space(self, first: str) -> None:
        """Words that touch what was said before are kept apart, except among Chinese characters."""
        if self._text and not (is_han(first) and is_han(self._text[-1])):
            touching = self._text[-1] not in "，。！？；：、" and (self._space or first.isalnum())
            if touching and not self._text.endswith(" "):
                self._text += " "
        self._space = False


def is_han(char: str) -> bool:
    """Whether `char` is a Chinese character."""
    return "\u3400" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff" or "\U00020000" <= char <= "\U0003ffff"
