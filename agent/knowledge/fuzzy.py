"""Finds the known word that a misheard or misspelled one was meant to be."""

from collections import defaultdict
from collections.abc import Iterable

_SHORTEST = 4
_SOUNDS = (
    ("tch", "C"), ("ch", "C"), ("sh", "C"), ("ph", "f"), ("gh", ""), ("ck", "k"), ("qu", "kw"), ("kn", "n"),
    ("wr", "r"), ("wh", "w"), ("ce", "se"), ("ci", "si"), ("cy", "si"), ("c", "k"), ("x", "ks"), ("z", "s"),
    ("q", "k"), ("dg", "j"), ("g", "k"), ("j", "C"), ("d", "t"), ("b", "p"), ("v", "f"), ("th", "t"),
)  # fmt: skip


def sound(word: str) -> str:
    """A word's consonants as they sound, roughly: "night" and "knite" are alike, so are "tower" and "tour"."""
    for spelled, heard in _SOUNDS:
        word = word.replace(spelled, heard)
    body = "".join(char for char in word[1:] if char not in "aeiouyhw")
    key = ("" if word[:1] in "aeiouyhw" else word[:1]) + body
    return "".join(char for i, char in enumerate(key) if i == 0 or key[i - 1] != char)


class Lexicon:
    """Words to be found again by their spelling but for one letter, or by their sound."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = {word for word in words if word.isascii() and not word.isdigit()}
        self._by_rest: defaultdict[str, set[str]] = defaultdict(set)
        self._by_sound: defaultdict[str, set[str]] = defaultdict(set)
        for word in self._words:
            if len(word) >= _SHORTEST:
                self._by_sound[sound(word)].add(word)
                for rest in _one_less(word):
                    self._by_rest[rest].add(word)

    def __contains__(self, word: str) -> bool:
        return word in self._words

    def nearest(self, word: str) -> str | None:
        """The known word most like `word`, or None when none is near. Short words and numbers have no neighbours."""
        if len(word) < _SHORTEST or not word.isascii() or word.isdigit():
            return None
        key = sound(word)
        spelled = {known for rest in _one_less(word) for known in self._by_rest.get(rest, ())}
        near = {
            known
            for known in spelled
            if known[0] == word[0] and distance(word, known) == 1 and (len(word) > _SHORTEST or sound(known) == key)
        }
        if len(key) >= 3:
            near |= {known for known in self._by_sound.get(key, ()) if distance(word, known) <= max(2, len(word) // 3)}
        return min(near, key=lambda known: (distance(word, known), known), default=None)


def _one_less(word: str) -> set[str]:
    return {word} | {word[:i] + word[i + 1 :] for i in range(len(word))}


def distance(a: str, b: str) -> int:
    """How many letters must be put in, left out or changed (Levenshtein, 1966)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (x != y))
    return row[-1]
