"""Matching: stems, synonyms, misheard words, and a confidence that means something."""

import pytest

from agent.knowledge import Passage
from agent.knowledge.fuzzy import Lexicon, distance
from agent.knowledge.search import Index
from agent.knowledge.terms import Terms, stem


def passage(heading: str, text: str, language: str = "en") -> Passage:
    return Passage("Guide", heading, "guide.md", text, language)


@pytest.fixture
def index() -> Index:
    passages = [
        passage("Cloakroom", "Leave your coats and bags on the left of the entrance."),
        passage("Tin Orchestra", "Eleven tin musicians play at every full hour."),
        passage("Tickets", "A ticket costs nine euros."),
        passage("Dogs", "Guide dogs are welcome."),
        passage("", "The museum has stood by the harbour since 1926."),
    ]
    return Index(passages, Terms([["price", "cost", "costs", "how much"], ["dog", "puppy"]]))


@pytest.mark.parametrize(
    ("word", "same"),
    [
        ("tickets", "ticket"),
        ("stories", "story"),
        ("stopped", "stop"),
        ("playing", "play"),
        ("machines", "machine"),
        ("closes", "closed"),
    ],
)
def test_stems_of_a_word_are_one(word: str, same: str) -> None:
    assert stem(word) == stem(same)


@pytest.mark.parametrize(("word", "other"), [("bus", "bu"), ("glass", "glas"), ("ring", "r"), ("red", "r")])
def test_stems_keep_what_is_no_ending(word: str, other: str) -> None:
    assert stem(word) != other


def test_terms_of_both_languages() -> None:
    terms = Terms([["price", "how much"], ["洗手间", "厕所"]])
    assert terms.of("How much is the cafe's cake?") == ["pric", "caf", "cak"]
    assert terms.of("请问厕所在哪里") == ["洗手间"]
    assert terms.of("耐心钟") == ["耐心", "心钟"]
    assert terms.of("the of and") == []


@pytest.mark.parametrize(
    ("heard", "meant"),
    [("tickits", "tickets"), ("orchastra", "orchestra"), ("musium", "museum"), ("harber", "harbour")],
)
def test_a_misheard_word_is_found(heard: str, meant: str) -> None:
    assert Lexicon(["tickets", "orchestra", "museum", "harbour", "dogs"]).nearest(heard) == meant


@pytest.mark.parametrize("word", ["cat", "1926", "elephant", "married", "你好"])
def test_a_word_like_no_other_is_left(word: str) -> None:
    assert Lexicon(["tickets", "carried", "1927", "cut"]).nearest(word) is None


def test_distance() -> None:
    assert distance("kitten", "sitting") == 3
    assert distance("", "abc") == 3
    assert distance("same", "same") == 0


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("where can i leave my coat", "Cloakroom"),
        ("is there a cloak room", "Cloakroom"),
        ("tell me about the tin orchastra", "Tin Orchestra"),
        ("how much is a ticket", "Tickets"),
        ("can my puppy come in", "Dogs"),
    ],
)
def test_the_passage_is_found(index: Index, question: str, heading: str) -> None:
    found = index.search(question)
    assert found is not None
    assert found.passage.heading == heading


def test_a_question_of_strange_words_finds_nothing(index: Index) -> None:
    assert index.search("quantum chromodynamics") is None
    assert index.search("") is None
    assert index.search("the of and") is None


def test_confidence_falls_with_every_word_that_is_not_known(index: Index) -> None:
    sure, less, least = (
        index.search(q) for q in ("ticket costs", "ticket costs rocket", "rocket costs on jupiter zeppelin")
    )
    assert sure is not None
    assert less is not None
    assert least is not None
    assert sure.confidence > less.confidence > least.confidence


def test_an_earlier_question_lends_its_words(index: Index) -> None:
    alone, leaning = index.search("and for dogs"), index.search("how much", "a ticket")
    assert alone is not None
    assert leaning is not None
    assert leaning.passage.heading == "Tickets"


def test_one_passage_is_enough() -> None:
    found = Index([passage("Hours", "Open at ten.")], Terms()).search("hours")
    assert found is not None
    assert 0 <= found.confidence <= 1


def test_an_empty_index_finds_nothing() -> None:
    assert Index([], Terms()).search("hours") is None
