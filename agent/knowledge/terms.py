"""Words as they are matched: without endings, without those that say nothing, and one for all that mean the same."""

import re
import unicodedata
from collections.abc import Iterable

from agent.tts.text.rules import is_han

_STOP_WORDS = (
    "a about after again all also am an and any are as at be because been being but by can could did do does "
    "doing else for from get got had has have having he hello her here hey hi him his how i if in into is it its "
    "just know let like may me might more my no not now of off ok okay on one or our out please really say she "
    "should so some tell than thank thanks that the their them then there these they thing this those to too um "
    "uh us very want was we well were what when where which who whom why will with would yeah yes you your s t "
    "re ve ll d m im id ive dont gonna wanna anything something somebody someone much many lot exactly actually "
    "maybe near give us called before while during since until already ever never yet make made "
    "down up go come"
)
_STOP = frozenset(_STOP_WORDS.split())
_STOP_ZH = re.compile(
    "请问|一下|告诉|知道|什么|怎么样|怎么|怎样|哪里|哪儿|哪些|哪个|可以|能不能|可不可以|有没有|"
    "是不是|我们|你们|他们|这个|那个|这里|那里|这儿|那儿|需要|应该|想要|多少|"
    "[的了吗呢吧啊呀嘛是在有我你您他她它们也都和与就还要想能会请给对把被让这那个哪谁么不没很]"
)


def stem(word: str) -> str:
    """An English word without its commonest endings: plural, -ing, -ed, -ly, -er."""
    if len(word) <= 3 or not word.isascii():
        return word
    for ending, instead, least in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            base = word[: len(word) - len(ending)] + instead
            if instead == "" and len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lsz":
                base = base[:-1]  # "stopped"
            return base.removesuffix("e") if len(base) > 3 else base
    return word.removesuffix("e") if len(word) > 3 else word


_ENDINGS = (
    ("sses", "ss", 2),
    ("ies", "y", 2),
    ("ied", "y", 2),
    ("ss", "ss", 1),
    ("us", "us", 1),
    ("ings", "", 3),
    ("ing", "", 3),
    ("edly", "", 3),
    ("ed", "", 3),
    ("ly", "", 3),
    ("es", "e", 2),
    ("s", "", 2),
)


def words(text: str) -> list[str]:
    """The English words of a text, small, without accents or apostrophes."""
    small = unicodedata.normalize("NFKD", text.lower()).replace("’", "'")
    small = "".join(char for char in small if not unicodedata.combining(char))
    return [word.replace("'", "") for word in re.findall(r"[a-z0-9]+(?:'[a-z]+)?", re.sub(r"'s\b", "", small))]


_CUES = (
    (re.compile(r"\b(?:when|what time)\b|什么时候|几点|哪天"), "?when"),
    (re.compile(r"\bwhere\b|哪里|哪儿|在哪"), "?where"),
    (re.compile(r"\bwho(?:se)?\b|谁"), "?who"),
    (re.compile(r"\bhow many\b|多少个|几个"), "?how many"),
    (re.compile(r"\bhow long\b|多久|多长"), "?how long"),
)
CUE = "?"
"""What a term that only says what kind of thing is asked for begins with."""


class Terms:
    """Turns text into terms. `synonyms`: groups of words or phrases, each said by the group's first term."""

    def __init__(self, synonyms: Iterable[Iterable[str]] = ()) -> None:
        self._phrases: dict[tuple[str, ...], str] = {}
        self._han: dict[str, str] = {}
        for group in synonyms:
            first, *others = group
            for member in (first, *others):
                if any(map(is_han, member)):
                    self._han[member] = first
                else:
                    self._phrases[tuple(map(stem, words(member)))] = stem(words(first)[0])
        self._longest = max((len(phrase) for phrase in self._phrases), default=1)
        self._han_pattern = re.compile("|".join(sorted(map(re.escape, self._han), key=len, reverse=True)) or r"(?!)")

    def of(self, text: str) -> list[str]:
        """The terms of `text`, in order: stems of English words, pairs of neighbouring Chinese characters."""
        return self._english(words(text)) + self._chinese(text)

    def cues(self, text: str) -> list[str]:
        """What kind of thing a question, or a list of words that questions may use, asks for: a time, a place …"""
        small = text.lower()
        return [cue for pattern, cue in _CUES if pattern.search(small)]

    def _english(self, said: list[str]) -> list[str]:
        stems = [stem(word) for word in said]
        terms: list[str] = []
        at = 0
        while at < len(stems):
            for length in range(min(self._longest, len(stems) - at), 0, -1):
                known = self._phrases.get(tuple(stems[at : at + length]))
                if known is not None:
                    terms.append(known)
                    at += length
                    break
            else:
                if said[at] not in _STOP and (len(said[at]) > 1 or said[at].isdigit()):
                    terms.append(stems[at])
                at += 1
        return terms

    def _chinese(self, text: str) -> list[str]:
        terms: list[str] = []

        def known(match: re.Match[str]) -> str:
            terms.append(self._han[match.group()])
            return " "

        rest = _STOP_ZH.sub(" ", self._han_pattern.sub(known, text))
        run = ""
        for char in [*rest, " "]:
            if is_han(char):
                run += char
                continue
            terms += [run] if len(run) == 1 else [run[i : i + 2] for i in range(len(run) - 1)]
            run = ""
        return terms
