"""What the training voices say: our own sentences, their words in other orders, dictionary words and invented ones.

Order and sense do not matter to a mouth; the variety of neighbours does.
"""

import json
import re
from functools import cache
from pathlib import Path

import numpy as np

SENTENCES: dict[str, list[str]] = json.loads(Path(__file__).with_name("texts.json").read_text("utf-8"))
"""By language, as espeak-ng names it."""

_ONSETS = (*"p b m f v w t d n l s z k g h r j sh ch th pr bl fl st tr kl sp sm".split(), "")  # noqa: SIM905
_VOWELS = tuple("a e i o u ai ou ee oo ar or".split())  # noqa: SIM905
_CODAS = (*"p b m f v t d n l s k ng sh mp st nt".split(), *[""] * 8)  # noqa: SIM905
_LABIAL = tuple("pbmmfv")
_INVENTABLE = frozenset("en de es it pl nl sv pt cs id et da fi ca ro hu".split())  # noqa: SIM905


@cache
def dictionary() -> tuple[str, ...]:
    """English words of CMUdict as pocketsphinx carries it (BSD), common spelling only."""
    from pocketsphinx import get_model_path  # noqa: PLC0415

    path = Path(str(get_model_path("en-us/cmudict-en-us.dict")))
    words = (line.split(" ", 1)[0] for line in path.read_text("utf-8").splitlines())
    return tuple(word for word in words if word.isalpha() and 2 < len(word) < 12)


@cache
def characters() -> tuple[str, ...]:
    """The 3755 common Chinese characters: level 1 of GB 2312."""
    rows = (bytes([0xA0 + row, 0xA0 + cell]) for row in range(16, 56) for cell in range(1, 95))
    return tuple(code.decode("gb2312", "ignore") for code in rows if code.decode("gb2312", "ignore"))


def text(language: str, rng: np.random.Generator, sentences: dict[str, list[str]] = SENTENCES) -> str:
    """Something to say, 2 to 8 seconds long at a normal pace."""
    lines = sentences[language]
    kind = rng.random()
    if kind < 0.3:
        return str(rng.choice(lines))
    if language == "cmn":
        return "".join(_chinese_phrase(rng) for _ in range(rng.integers(1, 4)))
    words = [word for line in lines for word in re.findall(r"[^\s,.?!¿।]+", line)]
    chosen = [str(rng.choice(words)) for _ in range(rng.integers(4, 10))]
    if language == "en":
        chosen = [str(rng.choice(dictionary())) if rng.random() < 0.65 else word for word in chosen]
    if language in _INVENTABLE:
        chosen = [_invented(rng) if rng.random() < 0.2 else word for word in chosen]
    if rng.random() < 0.4:
        chosen.insert(int(rng.integers(1, len(chosen))), ",")
    return re.sub(r" ,", ",", " ".join(chosen)) + str(rng.choice([".", ".", "?", "!"]))


def _chinese_phrase(rng: np.random.Generator) -> str:
    return "".join(str(rng.choice(characters())) for _ in range(rng.integers(2, 8))) + str(rng.choice(["，", "。"]))


def _invented(rng: np.random.Generator) -> str:
    """A word of one to three syllables, rich in lips."""
    syllables = []
    for _ in range(rng.integers(1, 4)):
        onset = rng.choice(_LABIAL) if rng.random() < 0.35 else rng.choice(_ONSETS)
        coda = rng.choice(["m", "p", "b", "f", "v"]) if rng.random() < 0.15 else rng.choice(_CODAS)
        syllables.append(f"{onset}{rng.choice(_VOWELS)}{coda}")
    return "".join(syllables)
