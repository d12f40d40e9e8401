"""What is said aloud to give a consent, with a code that was drawn for this once, and whether that is what was heard.

The code shows that the words were said for this, and not cut out of something else. Whether it was heard never refuses
anybody: where a recogniser does not understand a person, a witness confirms instead.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from agent.knowledge.fuzzy import distance
from agent.safety.consent.entries import Modality, Purpose

Locale = Literal["en", "zh"]
WORDS = 4
THRESHOLD = 0.75
"""Share of the code's words that must be heard, in order."""
_CLOSE = 0.34
"""Letters of a word that may be wrong: recognisers misspell."""
TEMPLATE = "1"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CODES: dict[Locale, tuple[str, ...]] = {
    "en": _words("""
        apple anchor animal autumn bottle bridge butter button camera candle carpet castle cherry circle coffee copper
        corner cotton desert dinner doctor dragon engine family farmer finger flower forest garden ginger guitar
        hammer harbor honey island jacket kitchen ladder lemon letter market meadow mirror monkey morning mountain
        ocean orange paper pencil pepper piano pillow planet pocket rabbit ribbon river saddle silver spider summer
        table tiger
    """),
    "zh": _words("""
        苹果 香蕉 西瓜 葡萄 草莓 樱桃 柠檬 牛奶 面包 鸡蛋 米饭 白菜 土豆 黄瓜 辣椒 蘑菇 老虎 狮子 大象 猴子 兔子 熊猫
        蝴蝶 蜜蜂 海豚 孔雀 骆驼 松鼠 太阳 月亮 星星 白云 大海 高山 森林 草原 沙漠 河流 春天 夏天 秋天 冬天 早晨 黄昏
        钢琴 吉他 电影 图书 铅笔 书包 雨伞 手表 眼镜 毛巾 窗户 桌子 椅子 花园 火车 飞机 轮船 汽车 灯笼 风筝
    """),
}
_MINE: dict[Locale, dict[tuple[Modality, ...], str]] = {
    "en": {("voice",): "my voice", ("face",): "my face", ("voice", "face"): "my voice and my face"},
    "zh": {("voice",): "我的声音", ("face",): "我的脸", ("voice", "face"): "我的声音和我的脸"},
}
_FOR: dict[Locale, dict[Purpose, str]] = {
    "en": {
        "speak": "to speak for me",
        "talking_avatar": "to let a talking figure look and sound like me",
        "export": "to be copied to other machines",
        "train": "to make a computer voice of it",
    },
    "zh": {
        "speak": "替我说话",
        "talking_avatar": "让数字人用我的样子说话",
        "export": "复制到别的机器",
        "train": "制作电脑语音",
    },
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be said."""

    locale: Locale
    text: str
    code: tuple[str, ...]


def draw(locale: Locale, choose: Callable[[Sequence[str]], str] = secrets.choice) -> tuple[str, ...]:
    """A new code: 4 of 64 words, none twice."""
    words: list[str] = []
    while len(words) < WORDS:
        word = choose(CODES[locale])
        if word not in words:
            words.append(word)
    return tuple(words)


def compose(
    locale: Locale,
    name: str,
    about: tuple[tuple[Modality, ...], tuple[Purpose, ...]],
    until: date | None,
    code: tuple[str, ...],
) -> Asked:
    """The statement, in words that can be read aloud. `about`: what of the person, and for what."""
    modalities, purposes = about
    mine = _MINE[locale][tuple(sorted(set(modalities), reverse=True))]
    reasons = [_FOR[locale][purpose] for purpose in purposes]
    if locale == "zh":
        end = f"到{until.year}年{until.month}月{until.day}日为止" if until else "直到我收回为止"
        text = f"我是{name}。我同意使用{mine}，{'，'.join(reasons)}，{end}。口令是{'、'.join(code)}。"
    else:
        end = f"until {until.day} {until:%B} {until.year}" if until else "until I take it back"
        joined = f"{', '.join(reasons[:-1])} and {reasons[-1]}" if len(reasons) > 1 else reasons[0]
        text = f"I am {name}. I allow {mine} to be used {joined}, {end}. The code is {', '.join(code)}."
    return Asked(locale, text, code)


def heard_code(asked: Asked, heard: str) -> float:
    """The share of the code's words, in order, in what a recogniser heard: 0…1."""
    said = _plain(asked.locale, heard)
    at = found = 0
    for word in asked.code:
        place = next((k for k in range(at, len(said)) if _alike(asked.locale, said, k, word)), None)
        if place is not None:
            found, at = found + 1, place + 1
    return found / len(asked.code)


def character_errors(asked: Asked, heard: str) -> float:
    """Wrong, missing and added characters per character of the statement."""
    wanted, got = ("".join(_plain(asked.locale, text)) for text in (asked.text, heard))
    return distance(wanted, got) / len(wanted)


def _plain(locale: Locale, text: str) -> list[str]:
    if locale == "zh":
        return re.findall(r"[\u4e00-\u9fff0-9]", text)
    return re.findall(r"[a-z0-9']+", text.lower())


def _alike(locale: Locale, said: list[str], at: int, word: str) -> bool:
    if locale == "zh":
        return said[at : at + len(word)] == list(word)
    return distance(said[at], word) <= _CLOSE * len(word)
