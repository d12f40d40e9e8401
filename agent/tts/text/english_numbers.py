"""English number words."""

import re

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
LARGEST = 10**15 - 1
"""Beyond this a number is said digit by digit."""


def cardinal(number: int) -> str:
    """105 → "one hundred and five". Digit by digit beyond LARGEST."""
    if number < 0:
        return f"minus {cardinal(-number)}"
    if number > LARGEST:
        return digits(str(number)) if number.bit_length() < 4000 else "a very large number"
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return f"{_ONES[hundreds]} hundred" + (f" and {cardinal(rest)}" if rest else "")
    scale, name = next(pair for pair in _SCALES if number >= pair[0])
    count, rest = divmod(number, scale)
    join = " and " if 0 < rest < 100 else " "
    return f"{cardinal(count)} {name}" + (f"{join}{cardinal(rest)}" if rest else "")


def ordinal(number: int) -> str:
    """22 → "twenty-second"."""
    head, last = re.fullmatch(r"(.*?)([a-z]+)", cardinal(number)).groups()  # type: ignore[union-attr]
    if last in _ORDINALS:
        return head + _ORDINALS[last]
    return head + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def year(number: int) -> str:
    """1905 → "nineteen oh five", 2025 → "twenty twenty-five", 2005 → "two thousand and five"."""
    century, rest = divmod(number, 100)
    if not 1100 <= number < 10000 or (century % 10 == 0 and rest < 10):
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def decade(number: int) -> str:
    """1990 → "nineteen nineties", 80 → "eighties"."""
    if number >= 1000:
        century, rest = divmod(number, 100)
        return f"{cardinal(century)} {decade(rest)}" if rest else f"{year(number)}s"
    words = cardinal(number)
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def digits(text: str) -> str:
    """ "407" → "four zero seven"; what is no digit is left out."""
    return " ".join(_ONES[int(char)] for char in text if char in "0123456789")


def identifier(text: str) -> str:
    """The number in a name: "380" → "three eighty", "12" → "twelve", "007" → "zero zero seven"."""
    if text.startswith("0") or len(text) > 4:
        return digits(text)
    if len(text) == 3 and text[1:] != "00":
        return f"{_ONES[int(text[0])]} {'oh ' if text[1] == '0' else ''}{cardinal(int(text[1:]))}"
    return year(int(text)) if len(text) == 4 else cardinal(int(text))


def split_number(text: str) -> tuple[str, str]:
    """A written number's whole part and decimals, as digits: "1,234.50" → ("1234", "50"), "12,5" → ("12", "5")."""
    if match := re.fullmatch(r"([0-9]{1,3}(?:[,' .][0-9]{3})+)(?:[.,]([0-9]+))?", text):
        separators = set(re.findall(r"[,' .]", match[1]))
        if len(separators) == 1 and (match[2] is not None or separators != {"."}):
            return re.sub(r"[,' .]", "", match[1]), match[2] or ""
    whole, _, decimals = text.replace(" ", "").replace("'", "").partition("," if text.count(",") == 1 else ".")
    return re.sub(r"[^0-9]", "", whole) or "0", re.sub(r"[^0-9]", "", decimals)


def number(text: str) -> str:
    """A written number, its sign included, in words."""
    sign = "minus " if text.startswith("-") else ""
    whole, decimals = split_number(text.lstrip("+-"))
    if len(whole) > 15 or (len(whole) > 1 and whole.startswith("0") and not decimals):
        words = digits(whole)
    else:
        words = cardinal(int(whole))
    return f"{sign}{words}" + (f" point {digits(decimals)}" if decimals else "")
