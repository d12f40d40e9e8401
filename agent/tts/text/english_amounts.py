"""How English says prices, measures, fractions, telephone numbers and all other numbers."""

import re

from agent.tts.text import english_numbers as say
from agent.tts.text import english_tables as tables
from agent.tts.text.patterns import ALONE, either
from agent.tts.text.rules import Piece, Rule, Speech, rule

_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)"
_LOOSE = (
    r"(?:[0-9]{1,3}(?:[,'][0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]{1,2}(?![0-9])"
    r"|[0-9]+,[0-9]{1,2}(?![0-9,])|[0-9]+(?:\.[0-9]+)?)"
)
"""Also with a decimal comma: only where a currency or a unit says that it is one number."""
_MINUS = r"(?:(?<![\w)\].])-)?"
_CURRENCY = either(tables.CURRENCIES)
_MULTIPLE = rf"(?:\s?(?P<multiple>{either(tables.MULTIPLES)})(?!\w))?"
_AFTER_AMOUNT = r"(?<=[0-9%€$£])|(?<=[0-9\s][ap]m)|(?<=[ap]\.m\.)|(?<=°C)|(?<=°F)"


def _money(match: re.Match[str]) -> Speech | None:
    names = tables.CURRENCIES[match["currency"]]
    many = names[1]
    minus = "minus " if match["sign"] else ""
    number = minus + say.number(match["number"])
    if match["until"]:
        number += f" to {say.number(match['until'])}"
    if multiple := match["multiple"]:
        words = f"{tables.MULTIPLES[multiple]} {many}"
        start, end = match.span("multiple")
        if end == match.end() and match.string[start - 1].isspace():
            return [Piece(number, match.start(), start - 1), Piece(words, start, end)]
        return f"{number} {words}"
    whole, decimals = say.split_number(match["number"])
    if match["until"] or len(whole) > 15 or len(decimals) not in (0, 2):
        return f"{number} {many}"
    return minus + _price(int(whole), int(decimals or 0), names)


def _price(major: int, minor: int, names: tuple[str, str, str, str]) -> str:
    """ "twelve euros fifty"; small change alone, or below ten, is named: "two pounds and five pence"."""
    one, many, hundredth, hundredths = names
    change = f"{say.cardinal(minor)} {hundredth if minor == 1 else hundredths}"
    if major == 0 and minor:
        return change
    price = f"{say.cardinal(major)} {one if major == 1 else many}"
    if minor >= 10:
        return f"{price} {say.cardinal(minor)}"
    return f"{price} and {change}" if minor else price


def _measure(match: re.Match[str]) -> Speech | None:
    one, many = tables.UNITS[match["unit"]]
    unit = one if match["number"].lstrip("-") in ("1", "1.0") else many
    return [Piece(say.number(match["number"]), *match.span("number")), Piece(unit, *match.span("unit"))]


def _fraction(match: re.Match[str]) -> Speech | None:
    top, bottom = int(match["top"]), int(match["bottom"])
    whole = f"{say.cardinal(int(match['whole']))} and " if match["whole"] else ""
    if bottom < 2 or (top >= bottom and whole):
        return None
    if bottom > 20 or top >= bottom:
        return f"{whole}{say.cardinal(top)} over {say.cardinal(bottom)}"
    name = {2: "half", 4: "quarter"}.get(bottom, say.ordinal(bottom))
    if top == 1:
        return f"{whole}{'a' if whole else 'one'} {name}"
    return f"{whole}{say.cardinal(top)} {'halves' if bottom == 2 else f'{name}s'}"


def _drawn_fraction(match: re.Match[str]) -> Speech | None:
    fraction = tables.FRACTIONS[match["fraction"]]
    return f"{say.number(match['whole'])} and {fraction}" if match["whole"] else fraction


_PHONE = (
    r"(?<![\w.])(?:\+[0-9]{1,3}|\(?0[0-9]{1,5}\)?|\([0-9]{2,5}\)|[0-9]{2,5})"
    r"(?:[ .-]?\(?[0-9]{2,8}\)?){1,6}(?![\w.-]*[0-9])(?<=[0-9])"
)


def _phone(match: re.Match[str]) -> Speech | None:
    """Seven to fifteen digits that begin or are grouped like a telephone number, group by group."""
    text = match.group()
    groups = re.findall(r"[0-9]+", text)
    looks = re.search(r"^[+0(]|^[0-9]{3}-[0-9]{4}$|(?:[ .-][0-9]+){2}", text)
    if looks is None or not 7 <= sum(map(len, groups)) <= 15:
        return None
    return ("plus " if text.startswith("+") else "") + ", ".join(map(say.digits, groups))


AMOUNTS: tuple[Rule, ...] = (
    rule(r"[0-9]{16,}", lambda m: say.digits(m.group())),
    rule(
        rf"(?P<sign>(?<![\w)\]])-)?(?P<currency>{_CURRENCY})\s?(?P<number>{_LOOSE})"
        rf"(?:[–-](?:{_CURRENCY})?(?P<until>{_LOOSE}))?{_MULTIPLE}(?!\w)",
        _money,
    ),
    rule(
        rf"{ALONE}(?P<sign>(?<![\w)\]])-)?(?P<number>{_LOOSE})(?:[–-](?P<until>{_LOOSE}))?{_MULTIPLE}"
        rf"\s?(?P<currency>{_CURRENCY})(?!\w)",
        _money,
    ),
    rule(rf"{ALONE}(?P<number>{_MINUS}{_LOOSE})\s?(?P<unit>{either(tables.UNITS)})(?![\w/²³])", _measure),
    rule(rf"{ALONE}[1-9][0-9]{{0,2}}(?:(?: [0-9]{{3}}){{2,4}}| 000)(?![0-9])", lambda m: say.number(m.group())),
    rule(_PHONE, _phone),
    rule(rf"{ALONE}24/7(?!\w)", "twenty-four seven"),
    rule(
        rf"{ALONE}(?:(?P<whole>[0-9]{{1,3}})\s)?(?P<top>[0-9]{{1,3}})[/⁄](?P<bottom>[0-9]{{1,3}})(?![\w/])",
        _fraction,
    ),
    rule(rf"(?:(?P<whole>[0-9]{{1,6}})\s?)?(?P<fraction>[{''.join(tables.FRACTIONS)}])", _drawn_fraction),
    rule(rf"{ALONE}([0-9]{{1,9}})(?:st|nd|rd|th)\b", lambda m: say.ordinal(int(m[1])), re.IGNORECASE),
    rule(rf"{ALONE}([0-9]{{1,4}}(?:\.[0-9]+)?)[x×](?!\w)", lambda m: f"{say.number(m[1])} times"),
    rule(rf"({_AFTER_AMOUNT})\s?(?:–|—|(?<!\s)-(?!\s))\s?(?=[€$£¥]?[0-9])", "to"),
    rule(rf"{ALONE}[0-9]{{1,4}}(?=x[0-9])", lambda m: say.number(m.group())),
    rule(r"(?<=[0-9])(?:\s?[×*]\s?|x)(?=[0-9])", "times"),
    rule(rf"(?<!\w)({either(tables.BEFORE_NUMBER)})\s?(?=[€$£¥]?[0-9])", lambda m: tables.BEFORE_NUMBER[m[1]]),
    rule(r"(?<=[0-9])\+(?!\w)", "plus"),
    rule(
        rf"{ALONE}([0-9]{{1,4}})\.([0-9]{{1,4}})\.([0-9]{{1,4}})(?:\.([0-9]{{1,4}}))?(?!\w)",
        lambda m: " dot ".join(say.identifier(part) for part in m.groups() if part),
    ),
)
NUMBERS: tuple[Rule, ...] = (rule(rf"{_MINUS}{_NUMBER}", lambda m: say.number(m.group())),)
"""Last: any number that nothing else has claimed."""
