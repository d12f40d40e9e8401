"""What is said aloud to agree, and how it is recognised again."""

from collections.abc import Sequence
from datetime import date
from itertools import cycle

import pytest

from agent.safety.consent.statement import CODES, Locale, character_errors, compose, draw, heard_code

CODE = ("apple", "river", "tiger", "candle")


def test_codes_are_drawn_anew_without_a_word_twice() -> None:
    codes = {draw("en") for _ in range(50)}
    assert len(codes) > 45
    assert all(len(set(code)) == 4 for code in codes)
    again = cycle(["apple", "apple", "river", "river", "tiger", "candle"])

    def choose(_: Sequence[str]) -> str:
        return next(again)

    assert draw("en", choose) == CODE


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_there_are_64_words_and_no_two_are_alike(locale: Locale) -> None:
    assert len(set(CODES[locale])) == 64


def test_the_statement_says_who_what_for_what_until_when_and_the_code() -> None:
    asked = compose("en", "Ada Field", (("face", "voice"), ("speak", "train")), date(2027, 3, 1), CODE)
    assert asked.text == (
        "I am Ada Field. I allow my voice and my face to be used to speak for me and to make a computer voice of it, "
        "until 1 March 2027. The code is apple, river, tiger, candle."
    )
    asked = compose("zh", "小明", (("voice",), ("speak",)), None, ("苹果", "大海", "钢琴", "火车"))
    assert asked.text == "我是小明。我同意使用我的声音，替我说话，直到我收回为止。口令是苹果、大海、钢琴、火车。"


def test_the_code_is_heard_in_order_and_a_misspelling_is_forgiven() -> None:
    asked = compose("en", "Ada", (("voice",), ("speak",)), None, CODE)
    assert heard_code(asked, asked.text) == 1
    assert heard_code(asked, "the code is apple rivers tiger candles") == 1
    assert heard_code(asked, "apple river") == 0.5
    assert heard_code(asked, "candle tiger river apple") == 0.25
    assert heard_code(asked, "") == 0
    chinese = compose("zh", "小明", (("voice",), ("speak",)), None, ("苹果", "大海", "钢琴", "火车"))
    assert heard_code(chinese, "口令 是 苹果 大海 钢琴 火车") == 1
    assert heard_code(chinese, "苹果 大海") == 0.5


def test_errors_are_counted_by_the_character() -> None:
    asked = compose("en", "Ada", (("voice",), ("speak",)), None, CODE)
    assert character_errors(asked, asked.text.upper()) == 0
    assert 0 < character_errors(asked, asked.text.replace("apple", "ample")) < 0.05
    assert character_errors(asked, "") == 1
