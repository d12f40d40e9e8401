"""Chinese number words."""

_DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿", "万亿")
LARGEST = 10**16 - 1
"""Beyond this a number is said digit by digit."""


def cardinal(number: int) -> str:
    """205 → "两百零五". Digit by digit beyond LARGEST."""
    if number < 0:
        return f"负{cardinal(-number)}"
    if number > LARGEST:
        return digits(str(number)) if number.bit_length() < 4000 else "很大的数"
    if number == 0:
        return "零"
    spoken, gap = "", False
    for power in range(3, -1, -1):
        group = number // 10 ** (4 * power) % 10000
        if group == 0:
            gap = gap or bool(spoken)
            continue
        if spoken and (gap or group < 1000):
            spoken += "零"
        spoken += _group(group, leading=not spoken, last=power == 0) + _GROUPS[power]
        gap = False
    return spoken


def _group(number: int, *, leading: bool, last: bool) -> str:
    """A number below 10,000. At the head of the number a two before 百, 千, 万 and 亿 is 两."""
    spoken, zero = "", False
    for place in range(3, -1, -1):
        digit = number // 10**place % 10
        if digit == 0:
            zero = bool(spoken)
            continue
        if zero:
            spoken += "零"
        zero = False
        if digit == 1 and place == 1 and not spoken and leading:
            spoken += "十"
        elif digit == 2 and leading and not spoken and (place >= 2 or (place == 0 and not last)):
            spoken += "两" + _PLACES[place]
        else:
            spoken += _DIGITS[digit] + _PLACES[place]
    return spoken


def counting(number: int) -> str:
    """As `cardinal`, for counting things: 2 is 两."""
    return "两" if number == 2 else cardinal(number)


def digits(text: str, *, phone: bool = False) -> str:
    """ "305" → "三零五"; on the telephone 1 is 幺. What is no digit is left out."""
    names = _DIGITS.replace("一", "幺") if phone else _DIGITS
    return "".join(names[int(char)] for char in text if char in "0123456789")


def number(text: str, *, counted: bool = False) -> str:
    """A written number, its sign included. `counted`: a measure word follows."""
    sign = "负" if text.startswith("-") else ""
    whole, _, decimals = text.lstrip("+-").replace(",", "").partition(".")
    whole = whole or "0"
    if len(whole) > 16 or (len(whole) > 1 and whole.startswith("0") and not decimals):
        words = digits(whole)
    elif counted and not decimals:
        words = counting(int(whole))
    else:
        words = cardinal(int(whole))
    return f"{sign}{words}" + (f"点{digits(decimals)}" if decimals else "")
