"""How English says times of day, dates and years."""

import re

from agent.tts.text import english_numbers as say
from agent.tts.text import english_tables as tables
from agent.tts.text.patterns import ALONE, either, ends_sentence
from agent.tts.text.rules import Piece, Rule, Speech, rule

_MONTH = rf"(?:{either(tables.MONTHS)}|(?:{either(tables.MONTH_SHORT)})\b\.?)"
_DAY = either(tables.DAY_SHORT)
_DAY_OF_MONTH = r"(?P<number>(?P<day>[0-3]?[0-9])(?:st|nd|rd|th)?)"
_YEAR_AFTER = r"(?:,?\s+(?P<year>[12][0-9]{3})(?!\w|-[0-9]))?"
_AMPM = r"(?P<ampm>[ap]\.?m\b\.?|[AP]\.?M\b\.?)"


def _clock(match: re.Match[str]) -> Speech | None:
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    minutes = "" if minute == 0 else f" oh {say.cardinal(minute)}" if minute < 10 else f" {say.cardinal(minute)}"
    if match["ampm"]:
        stop = "." if match["ampm"].endswith(".") and ends_sentence(match) else ""
        digits_end = match.end("minute" if match["minute"] else "hour")
        return [
            Piece(f"{say.cardinal(hour)}{minutes}", match.start("hour"), digits_end),
            Piece(f"{match['ampm'][0].lower()} m{stop}", *match.span("ampm")),
        ]
    if minute == 0 and hour in (0, 12, 24):
        return "noon" if hour == 12 else "midnight"
    half = " p m" if 12 < hour < 24 else " a m" if hour in (0, 24) else ""
    if not minutes and not half:
        return f"{say.cardinal(hour)} o'clock"
    return f"{say.cardinal(hour % 12 or 12)}{minutes}{half}"


def _iso_date(match: re.Match[str]) -> Speech | None:
    return _date(int(match[3]), int(match[2]), match[1])


def _numeric_date(match: re.Match[str]) -> Speech | None:
    first, second, year = int(match[1]), int(match[3]), match[4]
    if second > 12 >= first:  # the American order; otherwise day first
        first, second = second, first
    return _date(first, second, year if len(year) == 4 else f"20{year}")


def _date(day: int, month: int, year: str) -> str | None:
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return None
    return f"the {say.ordinal(day)} of {tables.MONTHS[month - 1]} {say.year(int(year))}"


def _month(name: str) -> str:
    return tables.MONTH_SHORT.get(name.rstrip("."), name.rstrip("."))


def _pieces(match: re.Match[str], *parts: tuple[str, str]) -> list[Piece]:
    """Pieces of (words, group) for those groups that matched."""
    return [Piece(words, *match.span(group)) for words, group in parts if match[group] is not None]


def _year_of(match: re.Match[str]) -> str:
    return say.year(int(match["year"])) if match["year"] else ""


def _day_month(match: re.Match[str]) -> Speech | None:
    if not 1 <= int(match["day"]) <= 31:
        return None
    the = "" if re.search(r"(?i)\bthe\s+$", match.string[max(0, match.start() - 8) : match.start()]) else "the "
    of = "" if match["of"] else "of "
    return _pieces(
        match,
        (f"{the}{say.ordinal(int(match['day']))}", "number"),
        ("of", "of"),
        (f"{of}{_month(match['month'])}", "month"),
        (_year_of(match), "year"),
    )


def _month_day(match: re.Match[str]) -> Speech | None:
    if not 1 <= int(match["day"]) <= 31:
        return None
    return _pieces(
        match,
        (_month(match["month"]), "month"),
        (f"the {say.ordinal(int(match['day']))}", "number"),
        (_year_of(match), "year"),
    )


def _day_name(match: re.Match[str]) -> Speech | None:
    return tables.DAY_SHORT[match["day"]] + ("." if match[0].endswith(".") and ends_sentence(match) else "")


def _bare_year(match: re.Match[str]) -> Speech | None:
    """A number of four digits is a year, unless it seems to count something: "1234 people"."""
    if match["counted"]:
        before = match.string[max(0, match.start() - 12) : match.start()].lower().split()
        if not before or before[-1] not in ("in", "since", "from", "until", "till", "by", "before", "after"):
            return None
    return say.year(int(match[1]))


TIME: tuple[Rule, ...] = (
    rule(rf"{ALONE}([12][0-9]{{3}})-([01][0-9])-([0-3][0-9])(?![0-9-])", _iso_date),
    rule(
        rf"{ALONE}([0-3]?[0-9])([/.])([0-3]?[0-9])\2([12][0-9]{{3}}|[0-9]{{2}})(?![0-9/.]*[0-9])",
        _numeric_date,
    ),
    rule(
        rf"{ALONE}(?P<hour>[01]?[0-9]|2[0-4]):(?P<minute>[0-5][0-9])(?::[0-5][0-9])?(?![0-9:])(?:\s?{_AMPM})?",
        _clock,
    ),
    rule(rf"{ALONE}(?P<hour>1[0-2]|0?[1-9])(?:\.(?P<minute>[0-5][0-9]))?\s?{_AMPM}", _clock),
    rule(rf"{ALONE}{_DAY_OF_MONTH}\s+(?:(?P<of>of)\s+)?(?P<month>{_MONTH})(?!\w){_YEAR_AFTER}", _day_month),
    rule(rf"{ALONE}(?P<month>{_MONTH})\s+{_DAY_OF_MONTH}(?![\w:]|[.,][0-9]){_YEAR_AFTER}", _month_day),
    rule(rf"{ALONE}(?:{either(tables.MONTH_SHORT)})\.?(?=\s+[0-9])", lambda m: _month(m.group())),
    rule(rf"{ALONE}(?P<day>{_DAY})(?:\.|(?=\s?[-–,/]\s?(?:{_DAY})\b)|(?=\s+[0-9]))", _day_name),
    rule(rf"(?<=[–-])(?P<day>{_DAY})\b", _day_name),
    rule(rf"(?<=[a-z])\s?–\s?(?=[A-Z])|(?<=Mon|Tue|Wed|Thu|Fri|Sat|Sun)-(?=(?:{_DAY})\b)", "to"),
    rule(r"(?<!\w)'?([12][0-9]{2}0|[2-9]0)'?s\b", lambda m: say.decade(int(m[1]))),
)
YEARS: tuple[Rule, ...] = (
    rule(
        rf"{ALONE}(1[1-9][0-9]{{2}}|20[0-9]{{2}})(?!\w|[.,][0-9])"
        r"(?:(?=(?P<counted>\s+(?:[a-z]+s|people|children|men|women)\b)))?",
        _bare_year,
    ),
)
"""After the amounts, which may look like years."""
