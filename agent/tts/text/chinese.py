"""How Chinese text is said. Names and words in Latin letters are left to the voice."""

import re

from agent.tts.text import chinese_numbers as say
from agent.tts.text.markup import MARKUP, WORD
from agent.tts.text.patterns import either
from agent.tts.text.rules import Piece, Rule, Speech, rule

_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)"
_RANGE = r"\s?[-–—~～至到]\s?"
_ALONE = r"(?<![0-9.])"

_CURRENCIES = {
    "¥": "元",
    "￥": "元",
    "CNY": "元",
    "RMB": "元",
    "$": "美元",
    "US$": "美元",
    "USD": "美元",
    "HK$": "港元",
    "NT$": "新台币",
    "€": "欧元",
    "EUR": "欧元",
    "£": "英镑",
    "GBP": "英镑",
    "₩": "韩元",
    "JPY": "日元",
}
_UNITS = {
    "km/h": "公里每小时",
    "m/s": "米每秒",
    "km²": "平方公里",
    "m²": "平方米",
    "㎡": "平方米",
    "m³": "立方米",
    "km": "公里",
    "cm": "厘米",
    "mm": "毫米",
    "m": "米",
    "kg": "公斤",
    "mg": "毫克",
    "g": "克",
    "ml": "毫升",
    "mL": "毫升",
    "L": "升",
    "l": "升",
    "ms": "毫秒",
    "min": "分钟",
    "s": "秒",
    "h": "小时",
    "kHz": "千赫",
    "Hz": "赫兹",
    "GB": "G B",
    "MB": "M B",
    "kW": "千瓦",
    "W": "瓦",
    "°": "度",
}
_SIGNS = {"&": "和", "=": "等于", "+": "加", "@": "at"}
_MEASURES = (
    "个|位|名|张|只|条|本|件|台|辆|家|间|座|栋|块|元|美元|欧元|角|点|小时|分钟|秒|天|周|星期|种|次|遍|把|杯|瓶|碗|"
    "公里|千米|米|公斤|千克|斤|吨|升|岁|句|篇|部|场|趟|双|对|层楼|页|项|样|幅|枚|套|段|架|艘|颗|份|万|亿|千|百|倍|口"
)


def _clock(match: re.Match[str]) -> Speech | None:
    hour, minute = int(match["hour"]), int(match["minute"])
    return f"{say.counting(hour)}点{_minutes(minute)}"


def _minutes(minute: int) -> str:
    if minute == 0:
        return ""
    if minute == 30:
        return "半"
    return f"{'零' if minute < 10 else ''}{say.cardinal(minute)}分"


def _date(match: re.Match[str]) -> Speech | None:
    month, day = int(match["month"]), int(match["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{say.digits(match['year'])}年{say.cardinal(month)}月{say.cardinal(day)}日"


def _money(match: re.Match[str]) -> Speech | None:
    unit = _CURRENCIES[match["currency"]]
    more = match["multiple"] or ""
    minus = "负" if match["sign"] else ""
    number = (
        re.sub(r"(\.[0-9]*?)0+$", r"\1", match["number"]).rstrip(".") if "." in match["number"] else match["number"]
    )
    until = f"到{say.number(match['until'], counted=True)}" if match["until"] else ""
    return f"{minus}{say.number(number, counted=True)}{until}{more}{unit}"


def _percent(match: re.Match[str]) -> Speech | None:
    sign = "负" if match["sign"] else ""
    until = f"到百分之{say.number(match['until'])}" if match["until"] else ""
    of = {"%": "百", "‰": "千"}[match["of"]]
    return f"{sign}{of}分之{say.number(match['number'])}{until}"


def _temperature(match: re.Match[str]) -> Speech | None:
    below = "零下" if match["sign"] else ""
    scale = "华氏度" if match["scale"] == "°F" else "摄氏度"
    until = f"到{say.number(match['until'])}" if match["until"] else ""
    return f"{below}{say.number(match['number'])}{until}{scale}"


def _measure(match: re.Match[str]) -> Speech | None:
    return [
        Piece(say.number(match["number"], counted=True), *match.span("number")),
        Piece(_UNITS[match["unit"]], *match.span("unit")),
    ]


def _fraction(match: re.Match[str]) -> Speech | None:
    return f"{say.number(match[2])}分之{say.number(match[1])}"


def _phone(match: re.Match[str]) -> Speech | None:
    groups = re.findall(r"[0-9]+", match.group())
    if not 7 <= sum(map(len, groups)) <= 15:
        return None
    plus = "加" if match.group().startswith("+") else ""
    return plus + "，".join(say.digits(group, phone=True) for group in groups)


def _host(match: re.Match[str]) -> Speech | None:
    return re.sub(r"[.-]+", " 点 ", match["host"])


def _mail(match: re.Match[str]) -> Speech | None:
    return f"{match['user']} at {match['host'].replace('.', ' 点 ')}"


_SIGN = r"(?P<sign>(?<![0-9])-)?"
_UNTIL = rf"(?:{_RANGE}(?P<until>{_NUMBER}))?"
_MULTIPLE = "(?P<multiple>[万亿百千]*)"
_PHONE = (
    r"(?<![\w.])(?:\+[0-9]{1,3}[ -]?)?(?:1[0-9]{10}|(?:\(?0[0-9]{2,3}\)?[ -]?)[0-9]{7,8}"
    r"|[0-9]{3,4}(?:[ -][0-9]{3,4}){1,3})(?![0-9])"
)

CHINESE: tuple[Rule, ...] = (
    *MARKUP,
    rule(r"[0-9]{17,}", lambda m: say.digits(m.group())),
    rule(r"https?://(?:www\.)?(?P<host>[\w.-]{1,100})[^\s，。！？；、）]{0,200}", _host, re.ASCII),
    rule(r"(?P<user>[\w.+-]{1,64})@(?P<host>[\w-]{1,64}(?:\.[\w-]{1,64}){1,8})", _mail, re.ASCII),
    rule(
        rf"{_ALONE}(?P<year>[12][0-9]{{3}})(?P<separator>[-/.])(?P<month>[01]?[0-9])(?P=separator)"
        r"(?P<day>[0-3]?[0-9])(?![0-9])",
        _date,
    ),
    rule(rf"{_ALONE}[0-9]{{4}}(?=\s?年|[-–—~～至到][0-9]{{4}}\s?年)", lambda m: say.digits(m.group())),
    rule(
        rf"{_ALONE}(?P<hour>[01]?[0-9]|2[0-4])[:：](?P<minute>[0-5][0-9])(?:[:：][0-5][0-9])?(?![0-9])",
        _clock,
    ),
    rule(rf"{_ALONE}{_SIGN}(?P<currency>{either(_CURRENCIES)})\s?(?P<number>{_NUMBER}){_UNTIL}{_MULTIPLE}", _money),
    rule(
        rf"{_ALONE}{_SIGN}(?P<number>{_NUMBER}){_UNTIL}{_MULTIPLE}\s?(?P<currency>{either(_CURRENCIES)})(?![A-Za-z])",
        _money,
    ),
    rule(rf"{_ALONE}{_SIGN}(?P<number>{_NUMBER})(?:%?{_RANGE}(?P<until>{_NUMBER}))?\s?(?P<of>[%‰])", _percent),
    rule(rf"{_ALONE}{_SIGN}(?P<number>{_NUMBER}){_UNTIL}\s?(?P<scale>°C|℃|°F)", _temperature),
    rule(rf"{_ALONE}(?P<number>{_NUMBER})\s?(?P<unit>{either(_UNITS)})(?![A-Za-z/²³])", _measure),
    rule(_PHONE, _phone, re.ASCII),
    rule(rf"{_ALONE}([0-9]{{1,4}})/([0-9]{{1,4}})(?![0-9/])", _fraction),
    rule(rf"(?<=第){_NUMBER}", lambda m: say.number(m.group())),
    rule(rf"{_ALONE}{_NUMBER}(?=\s?(?:{_MEASURES}))", lambda m: say.number(m.group(), counted=True)),
    rule(r"(?<=[0-9])\s?[-–—~～]\s?(?=[0-9])", "到"),
    rule(r"(?<=[0-9])\s?[×*]\s?(?=[0-9])", "乘以"),
    rule(rf"{_ALONE}[0-9]+(?:\.[0-9]+){{2,4}}", lambda m: "点".join(map(say.digits, m.group().split(".")))),
    rule(rf"(?:(?<![\w)])-)?{_NUMBER}", lambda m: say.number(m.group())),
    rule(r"(?<![A-Za-z0-9])[A-Z]{2,5}(?![a-z])", lambda m: " ".join(m.group())),
    rule(rf"[{re.escape(''.join(_SIGNS))}](?=[\w\s])", lambda m: _SIGNS[m.group()]),
    *WORD,
)
