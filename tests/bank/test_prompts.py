"""What is read aloud: enough of it, each once, and in an order that wastes nobody's breath."""

import random

import pytest

from agent.bank.prompts import BREATH_S, Language, Prompt, coverage, ordered, own, prompts
from agent.bank.store import BankError
from scripts.bank_prompts import FOLDER

LANGUAGES: tuple[Language, ...] = ("en", "zh")


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_500_of_our_own_and_no_two_are_alike(language: Language) -> None:
    found = prompts(language)
    assert len(found) >= 500
    assert len({one.id for one in found}) == len({one.text for one in found}) == len(found)
    assert {one.style for one in found} >= {
        "neutral", "question", "exclamation", "warm", "urgent", "laughter", "counting", "names",
    }  # fmt: skip
    assert all(0.4 < one.seconds < 12 and one.pairs for one in found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_is_made_of_the_texts(language: Language) -> None:
    lines = (FOLDER / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and line[0] not in "#="] == [one.text for one in prompts(language)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [10, 50, 150])
def test_the_first_of_them_cover_more_in_less_time_than_any_others(language: Language, count: int) -> None:
    everything = list(prompts(language))
    best = ordered(everything, most=count)
    seconds = sum(one.seconds + BREATH_S for one in best)
    rng = random.Random(1)
    for _ in range(20):
        others, spent = [], 0.0
        for one in rng.sample(everything, len(everything)):
            if spent < seconds:
                others.append(one)
                spent += one.seconds + BREATH_S
        assert coverage(best, language) > coverage(others, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_ten_minutes_have_nearly_all(language: Language) -> None:
    best = ordered(prompts(language))
    assert best[:20] == ordered(prompts(language), most=20)
    assert coverage(best[:50], language) > 0.8
    assert coverage(best[:150], language) > 0.95
    assert coverage(best, language) == 1
    assert set(best) == set(prompts(language))


def test_what_was_said_already_is_not_asked_for_first() -> None:
    everything = prompts("en")
    first = ordered(everything, most=40)
    rest = [one for one in everything if one not in first]
    adapted = ordered(rest, first, 40)
    unaware = ordered(rest, most=40)
    assert coverage([*first, *adapted], "en") > coverage([*first, *unaware], "en")


def test_questions_and_exclamations_are_among_the_first() -> None:
    first = ordered(prompts("en"), most=50)
    assert {one.style for one in first} == {"neutral", "question", "exclamation"}
    assert [one.style for one in ordered(prompts("en"), most=110)[100:]].count("neutral") == 0


def test_a_message_of_the_persons_own_is_a_prompt_too() -> None:
    mine = own("en", "mine_1", "See you later, alligator.")
    assert (mine.style, mine.text) == ("message", "See you later, alligator.")
    assert mine in ordered([*prompts("en"), mine])
    with pytest.raises(BankError, match="no prompts"):
        prompts("fr")  # type: ignore[arg-type]
    assert isinstance(mine, Prompt)
