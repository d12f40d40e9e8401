"""How English text is said: rules from the most particular to the most general."""

import re

from agent.tts.text import english_numbers as say
from agent.tts.text import english_tables as tables
from agent.tts.text.english_amounts import AMOUNTS, NUMBERS
from agent.tts.text.english_time import TIME, YEARS
from agent.tts.text.markup import MARKUP, WORD
from agent.tts.text.patterns import ALONE, either, ends_sentence
from agent.tts.text.rules import Piece, Rule, Speech, rule

_DOMAIN = (
    rf"{ALONE}(?:[a-z0-9-]{{1,63}}\.){{1,5}}(?:com|org|net|edu|gov|info|io|example|uk|eu|de|fr|museum)\b"
    r"(?:/[\w./-]{0,80}\w)?"
)
_MARKS = {".": " dot ", "@": " at ", "/": " slash ", "-": " dash ", "_": " underscore ", ":": " colon ", "+": " plus "}


def _address(match: re.Match[str]) -> Speech | None:
    """An address of mail or web, its marks in words, without what a listener does not need."""
    text = re.sub(r"^(?:https?://)?(?:www\.)?", "", match.group(), flags=re.IGNORECASE)
    text = re.split(r"[?#]", text)[0].rstrip("/")
    text = re.sub(r"[.@/_:+-]", lambda mark: _MARKS[mark.group()], text)
    text = re.sub(r"[0-9]+", lambda run: f" {say.identifier(run.group())} ", text)
    return re.sub(r"[^\w-]+", " ", text)


def _abbreviation(match: re.Match[str]) -> Speech | None:
    words = tables.ABBREVIATIONS[match.group()]
    return f"{words}." if match.group().endswith(".") and ends_sentence(match) else words


def _saint_or_street(match: re.Match[str]) -> Speech | None:
    before = match.string[max(0, match.start() - 40) : match.start()].split()
    named = bool(before) and before[-1][:1].isupper() and before[-1] not in ("The", "At", "In", "Near", "Visit")
    if re.match(r"\s+[A-Z]", match.string[match.end() : match.end() + 3]) and not named:
        return "Saint"
    return "Street." if ends_sentence(match) and match.group().endswith(".") else "Street"


_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def _roman(match: re.Match[str]) -> Speech | None:
    """ "Henry VIII" is "Henry the eighth", "Chapter IV" is "Chapter four"."""
    name, numeral = match["name"], match["numeral"]
    values = [_ROMAN[char] for char in numeral]
    total = sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))
    if name in tables.REGNAL:
        if numeral == "I" and not re.match(r"\s*(?:[.,;:!?)]|'s\b|of\b|was\b|\Z)", match.string[match.end() :][:6]):
            return None  # the pronoun: "Elizabeth I think was late"
        words = f"the {say.ordinal(total)}"
    elif name in tables.NUMBERED:
        words = say.cardinal(total)
    else:
        return None
    return [Piece(name, *match.span("name")), Piece(words, *match.span("numeral"))]


def _letters(text: str) -> str:
    """Letters one by one. Not "A", which a voice may take for the article."""
    return " ".join("eigh" if char in "Aa" else char.upper() for char in text if char.isalpha())


def _dotted(match: re.Match[str]) -> Speech | None:
    return _letters(match.group()) + ("." if ends_sentence(match) else "")


def _capitals(match: re.Match[str]) -> Speech | None:
    word = match["word"]
    if word in tables.SPOKEN_AS_WORDS or word in tables.SHOUTED or (len(word) > 3 and re.search("[AEIOU]", word)):
        return match.group()
    letters = [char for char in match.string[:400] if char.isalpha()]
    if len(letters) > 12 and sum(map(str.isupper, letters)) > 0.8 * len(letters):
        return match.group()  # the whole text shouts
    return _letters(word) + ("'s" if match["plural"] else "")


def _mixed(match: re.Match[str]) -> Speech | None:
    """Names of letters and digits: "MP3", "A4", "H2O", "COVID-19"."""
    words = []
    for run in re.findall(r"[0-9]+|[A-Za-z]+", match.group()):
        if run.isdigit():
            words.append(say.identifier(run))
        elif len(run) == 1 or (len(run) <= 3 and run.isupper()):
            words.append(_letters(run))
        else:
            words.append(run)
    return " ".join(words)


ENGLISH: tuple[Rule, ...] = (
    *MARKUP,
    rule(r"(?:https?://|www\.)[^\s<>()\[\]\"']{1,300}(?<![.,!?;:*_])", _address, re.IGNORECASE),
    rule(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}", _address, re.ASCII),
    rule(_DOMAIN, _address, re.IGNORECASE | re.ASCII),
    *TIME,
    *AMOUNTS,
    *YEARS,
    rule(rf"{ALONE}(?=[A-Za-z]{{0,20}}[0-9])(?=[0-9]{{0,20}}[A-Za-z])[A-Za-z0-9]{{1,40}}(?!\w)", _mixed),
    rule(rf"{ALONE}[A-Z][A-Za-z]{{1,19}}-[0-9]{{1,4}}(?!\w)", _mixed),
    *NUMBERS,
    rule(rf"{ALONE}(?:{either(tables.ABBREVIATIONS)})(?!\w)", _abbreviation),
    rule(r"(?<!\w)St\b\.?(?!\w)", _saint_or_street),
    rule(r"(?<!\w)(?P<name>[A-Z][a-z]{2,14})\s(?P<numeral>[IVXLC]{1,7})(?![\w-])", _roman),
    rule(r"(?<!\w)(?:[A-Z]\.){2,6}(?![A-Za-z])", _dotted),
    rule(r"(?<!\w)[A-Z]\.(?=\s?[A-Z])", lambda m: m.group()[0]),
    rule(r"(?<!\w)([A-Z]{1,3})&([A-Z]{1,3})(?!\w)", lambda m: f"{_letters(m[1])} and {_letters(m[2])}"),
    rule(r"(?<![\w'])(?P<word>[A-Z]{2,5})(?P<plural>'?s)?(?!\w)(?!-[A-Za-z])", _capitals),
    rule(r"(?<=\w)\s?&\s?(?=\w)", "and"),
    rule(rf"(?<!\w)[{re.escape(''.join(tables.SIGNS))}](?=\s|\w)", lambda m: tables.SIGNS[m.group()]),
    *WORD,
)
