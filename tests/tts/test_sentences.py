"""The splitter's cuts: right for English and Chinese, and the same however the text comes in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.tts.sentences import MAX_CHARS, SentenceSplitter

TEXT = st.text(alphabet=st.sampled_from(list("abAB 12.,!?;:\n\"')…。！？，”Drmg*")), max_size=700) | st.text(
    max_size=80
)


def split(text: str, *cuts: int) -> list[str]:
    splitter = SentenceSplitter()
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [piece for a, b in pairwise(edges) for piece in splitter.push(text[a:b])]
    pieces += splitter.flush()
    at = 0
    for start, piece in pieces:
        assert start == at
        at += len(piece)
    return [piece for _, piece in pieces]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello. How are you? Fine!", ["Hello.", "How are you?", "Fine!"]),
        ("Dr. Smith lives at St. James Square. He is in.", ["Dr. Smith lives at St. James Square.", "He is in."]),
        ("It costs 3.50 euros. Really.", ["It costs 3.50 euros.", "Really."]),
        (
            "We open at 9 a.m. and close at 5 p.m. Please come.",
            ["We open at 9 a.m. and close at 5 p.m.", "Please come."],
        ),
        ("Bring coins, e.g. small ones. Thanks.", ["Bring coins, e.g. small ones.", "Thanks."]),
        ('She said "Stop!" and left. I stayed.', ['She said "Stop!" and left.', "I stayed."]),
        ('He said "Go." Then he went.', ['He said "Go."', "Then he went."]),
        ("Visit example.org. It is good.", ["Visit example.org.", "It is good."]),
        ("Wait... what? No.", ["Wait... what?", "No."]),
        ("J. S. Bach wrote it. True.", ["J. S. Bach wrote it.", "True."]),
        ("It was I. You knew.", ["It was I.", "You knew."]),
        ("The room is No. 5. It is cold.", ["The room is No. 5.", "It is cold."]),
        ("- one\n- two\n", ["- one", "- two"]),
        ("1. Open the door.\n2. Come in.", ["1. Open the door.", "2. Come in."]),
        ("Coins, stamps, etc. The rest is upstairs.", ["Coins, stamps, etc.", "The rest is upstairs."]),
        ("你好。我们开门了！欢迎光临。", ["你好。", "我们开门了！", "欢迎光临。"]),
        ("他说：“来吧。”然后走了。好。", ["他说：“来吧。”", "然后走了。", "好。"]),
        ("We are **open.** Come in!", ["We are **open.**", "Come in!"]),
        ("No stop at the end", ["No stop at the end"]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [piece.strip() for piece in split(text)] == expected


def test_a_sentence_comes_out_as_soon_as_the_next_begins() -> None:
    splitter = SentenceSplitter()
    assert splitter.push("We are open.") == []
    assert splitter.push(" ") == []
    assert splitter.push("C") == [(0, "We are open. ")]


def test_the_first_piece_may_end_at_a_clause_and_later_ones_do_not() -> None:
    clause = "The museum stands at the end of the old harbour, beside the lighthouse. "
    assert split(clause + clause) == [clause[:49], clause[49:], clause]


def test_the_first_chinese_piece_may_end_at_a_clause() -> None:
    assert split("博物馆位于老港口的尽头灯塔旁边，每天上午十点开门。") == [
        "博物馆位于老港口的尽头灯塔旁边，",
        "每天上午十点开门。",
    ]


@pytest.mark.parametrize("unit", ["a", "word ", "word, ", "字"])
def test_no_piece_is_longer_than_the_bound(unit: str) -> None:
    pieces = split(unit * 400)
    assert max(map(len, pieces)) <= MAX_CHARS
    assert min(map(len, pieces[:-1])) > MAX_CHARS // 3 or unit == "word, "


@given(TEXT, st.lists(st.integers(0, 10_000), max_size=30))
def test_nothing_is_lost_and_chunking_changes_nothing(text: str, cuts: list[int]) -> None:
    pieces = split(text, *cuts)
    assert "".join(pieces) == text
    assert pieces == split(text)
    assert pieces == split(text, *range(len(text)))
    assert all(0 < len(piece) <= MAX_CHARS for piece in pieces)
