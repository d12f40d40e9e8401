"""Names of gestures and feelings in brackets, in the text of a reply: "[nod] Yes." They are done, never said."""

import re
from collections.abc import Container
from dataclasses import dataclass

_LONGEST = 36
"""Characters of the longest tag, its brackets included."""
_CLOSING = ".,;:!?…)]}\"'’”。，；：！？、）】》」』"
_MAY_BE = re.compile(r"\[\s?[A-Za-z_]{0,32}\s?\]?")
_TAG = re.compile(r"\[\s?([A-Za-z_]{1,32})\s?\]")


@dataclass(frozen=True, slots=True)
class Cue:
    """Do `name` when the character at `char` is said."""

    char: int
    name: str


class CueReader:
    """Text in, in pieces of any size; the same text out without its tags, and where they stood. What stands in brackets
    and is no name that is known is text. How the text was cut up on its way in changes nothing."""

    def __init__(self, names: Container[str]) -> None:
        self._names = names
        self._waiting = ""
        """The beginning of what may become a tag."""
        self._given = 0
        self._space = False
        """The last character is a space that was not yet given out."""
        self._tagged = self._joined = False
        """Whether a tag was the last that was read, and whether one space after it was left out already."""

    def push(self, text: str) -> tuple[str, list[Cue]]:
        """Add text; returns what of it is certain, and its cues. A cue's place counts in all the text given out."""
        return self._read(self._waiting + text, final=False)

    def flush(self) -> tuple[str, list[Cue]]:
        """The text is complete: returns the rest of it."""
        text, cues = self._read(self._waiting, final=True)
        return text + (" " if self._space and not self._tagged else ""), cues

    def _read(self, text: str, *, final: bool) -> tuple[str, list[Cue]]:
        self._waiting = ""
        given: list[str] = []
        cues: list[Cue] = []
        at = 0
        while at < len(text):
            opening = text.find("[", at)
            self._give(text[at : opening if opening >= 0 else len(text)], given)
            if opening < 0:
                break
            tag = _TAG.match(text, opening)
            if tag and tag[1].lower() in self._names:
                cues.append(Cue(self._given + self._space, tag[1].lower()))
                self._tagged, self._joined = True, False
                at = tag.end()
            elif not final and len(text) - opening < _LONGEST and _unfinished(text[opening:]):
                self._waiting = text[opening:]
                break
            else:
                self._give("[", given)
                at = opening + 1
        return "".join(given), cues

    def _give(self, text: str, given: list[str]) -> None:
        """Of the spaces on either side of a tag one is left, before a closing mark and at the beginning none."""
        if self._tagged and text.startswith(" ") and not self._joined and (self._space or not self._given):
            self._joined = True
            text = text[1:]
        if not text:
            return
        if self._tagged and text[0] in _CLOSING:
            self._space = False
        self._tagged = False
        text = " " * self._space + text
        self._space = text.endswith(" ")
        text = text[:-1] if self._space else text
        self._given += len(text)
        given.append(text)


def _unfinished(text: str) -> bool:
    found = _MAY_BE.match(text)
    return found is not None and found.end() == len(text) and not text.endswith("]")
