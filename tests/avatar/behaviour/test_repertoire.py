"""The table that a designer edits, and what of it the words bring."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.behaviour import repertoire
from avatar.behaviour.cues import Cue, CueReader
from avatar.behaviour.feelings import felt_in
from avatar.behaviour.repertoire import CHANNELS, FILE, RepertoireError, columns, default

TEXT = FILE.read_text(encoding="utf-8")


def test_every_gesture_begins_and_ends_at_rest() -> None:
    for gesture in default().gestures.values():
        ends = gesture.at(np.array([-1.0, 0.0, gesture.seconds, gesture.seconds + 5]), 1.0)
        assert not ends.any(), gesture.name
        assert gesture.at(np.linspace(0, gesture.seconds, 50), 1.0).any(), gesture.name


def test_every_occasion_is_answered() -> None:
    assert set(default().choices) == {"phrase_end", "accent", "idle", "listening", "thinking"}
    nods = [g for g in default().choices["phrase_end"][0] if g.at(np.array([0.14]), 1.0)[0, columns("pitch")[0]] < -2]
    assert len(nods) == len(default().choices["phrase_end"][0])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mouthSmile = 0.12", "mouthSmyle = 0.12", "moods.idle.mouthSmyle: there is no shape mouthSmyle"),
        ("mouthSmile = 0.12", "mouthSmile = 1.2", "moods.idle.mouthSmile: .* less than or equal to 1"),
        ("[moods.thinking]", "[moods.asleep]", "moods.asleep: .*'idle', 'listening', 'thinking' or 'speaking'"),
        ("idle = [7, 21]", "idle = [21, 7]", "pace.seconds.idle: 21 … 7 is not in order"),
        ("[[0, 0], [0.14, -3.0], [0.28, 0]]", "[[0, 0], [0.14, -3.0]]", "gestures.nod: curve.pitch must begin at"),
        ("[0.28, 0]]", "[0.10, 0]]", "gestures.nod: curve.pitch: the seconds must grow"),
        ("[0.14, -3.0]", "[0.14, -80]", "gestures.nod: pitch = -80 is not between -30 and 30"),
        ("when = { phrase_end = 4 }", "when = { always = 4 }", "gestures.nod.when.always"),
        ("[gestures.nod]", "[gestures.Nod]", "'Nod' must be a name of small letters"),
        ("[gestures.nod]", "[gestures.happy]", "happy is both a feeling and a gesture"),
        ("[feelings.animated]", "[feelings.moved]", "feelings.animated is missing"),
        ("size = [0.8, 1.2]", "sise = [0.8, 1.2]", "gestures.nod.sise: Extra inputs"),
        ("[gestures.nod]", "[gestures.nod", "not valid TOML"),
    ],
)
def test_a_wrong_entry_is_named_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "table.toml"
    assert old in TEXT
    path.write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(RepertoireError, match=message) as raised:
        repertoire.read(path)
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RepertoireError, match="No such file"):
        repertoire.read(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "feeling"),
    [
        ("I'm so glad you came!", "happy"),
        ("I am not happy with it.", "neutral"),
        ("Sorry, I didn't catch that. Could you say it again?", "puzzled"),
        ("Unfortunately the café is closed.", "sorry"),
        ("What would you like to know?", "asking"),
        ("He asked \u201cwhere?\u201d", "asking"),
        ("The library opens at nine.", "neutral"),
        ("不好意思，我没听清，请再说一遍好吗？", "puzzled"),
        ("恭喜你！", "happy"),
        ("我不高兴。", "neutral"),
        ("图书馆九点开门。", "neutral"),
        ("", "neutral"),
    ],
)
def test_words_bring_feelings(text: str, feeling: str) -> None:
    assert felt_in(text, default())[0] == feeling


def test_more_words_and_an_exclamation_mark_make_it_stronger() -> None:
    some, more = felt_in("I am glad.", default())[1], felt_in("I am glad, this is great!", default())[1]
    assert 0 < some < more <= 1


def read(pieces: Iterable[str]) -> tuple[str, list[Cue]]:
    """A whole text without its tags, and where they stood."""
    reader = CueReader(default().names)
    parts = [*(reader.push(piece) for piece in pieces), reader.flush()]
    return "".join(plain for plain, _ in parts), [cue for _, cues in parts for cue in cues]


@pytest.mark.parametrize(
    ("text", "plain", "cues"),
    [
        ("[smile] Hello. [nod] Yes.", "Hello. Yes.", [Cue(0, "smile"), Cue(7, "nod")]),
        ("Well,[Happy] good", "Well, good", [Cue(5, "happy")]),
        ("See [1] and [this].", "See [1] and [this].", []),
        ("a[[nod]b", "a[b", [Cue(2, "nod")]),
        ("[ nod ]", "", [Cue(0, "nod")]),
        ("[nod", "[nod", []),
        ("Great [smile]! Yes [nod], so.", "Great! Yes, so.", [Cue(6, "smile"), Cue(11, "nod")]),
        ("Well [nod] [smile] done", "Well done", [Cue(5, "nod"), Cue(5, "smile")]),
        ("Bye. [nod]", "Bye.", [Cue(5, "nod")]),
        ("Two  spaces stay ", "Two  spaces stay ", []),
        ("[nod] [smile] Hi", "Hi", [Cue(0, "nod"), Cue(0, "smile")]),
    ],
)
def test_tags_are_taken_out_and_nothing_else(text: str, plain: str, cues: list[Cue]) -> None:
    assert read([text]) == (plain, cues)


PIECES = st.sampled_from(["[nod]", "[", "]", "[smi", "le]", " ", "Hi", "[1]", "[happy] ", "你", "x" * 40])


@given(st.lists(PIECES, max_size=12), st.lists(st.integers(0, 100), max_size=10))
def test_how_text_is_cut_up_on_its_way_in_changes_no_cue(pieces: list[str], cuts: list[int]) -> None:
    text = "".join(pieces)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    assert read(text[a:b] for a, b in pairwise(edges)) == read([text])


def test_channels_are_the_shapes_and_five_angles() -> None:
    assert len(CHANNELS) == 57
    assert columns("browInnerUp") == [CHANNELS.index("browInnerUp")]
    assert [CHANNELS[i] for i in columns("mouthSmile")] == ["mouthSmileLeft", "mouthSmileRight"]
    assert columns("look_pitch") == [56]
    assert columns("nothing") == []


OWNERS = """
[moods.listening]
mouthSmile = 0.3

[feelings.proud]
shapes = { mouthSmile = 0.3, browOuterUp = 0.2 }
words = { en = ["proud"] }

[gestures.salute]
curve.pitch = [[0, 0], [0.3, 4], [0.8, 0]]
when = { idle = 3 }

[gestures.nod]
curve.pitch = [[0, 0], [0.2, -6], [0.5, 0]]

[pace.chance]
phrase_end = 0
"""


def test_an_owner_s_table_changes_only_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OWNERS, encoding="utf-8")
    table, usual = repertoire.with_changes(repertoire.read_changes(path)), default()
    assert set(table.names) == {*usual.names, "proud", "salute"}
    assert table.moods["listening"][columns("mouthSmile")[0]] == pytest.approx(0.3)
    assert np.array_equal(table.moods["speaking"], usual.moods["speaking"])
    assert table.gestures["nod"].seconds == pytest.approx(0.5)
    assert "nod" not in [gesture.name for gesture in table.choices["phrase_end"][0]], "it has no `when` any more"
    assert "salute" in [gesture.name for gesture in table.choices["idle"][0]]
    assert table.chances["phrase_end"] == 0
    assert {name: chance for name, chance in table.chances.items() if name != "phrase_end"} == {
        name: chance for name, chance in usual.chances.items() if name != "phrase_end"
    }
    assert table.seconds == usual.seconds
    assert felt_in("I am so proud.", table)[0] == "proud"


def test_without_an_owner_s_table_there_is_the_usual_one() -> None:
    assert repertoire.with_changes(repertoire.read_changes(None)) is default()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[gestures.salute]\ncurve.pich = [[0, 0], [1, 0]]", "gestures.salute.curve.pich: there is no shape pich"),
        ("[feelings.nod]\nshapes = {}", "nod is both a feeling and a gesture"),
        ("gestures = 3", "gestures: "),
        ("[pace]\nseconds = 3", "pace.seconds: "),
        ("[dances.tango]", "dances: Extra inputs"),
        ("[gestures", "not valid TOML"),
    ],
)
def test_what_is_wrong_in_an_owner_s_table_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RepertoireError, match=message) as raised:
        repertoire.read_changes(path)
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)


def test_an_owner_s_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RepertoireError, match=r"gone\.toml: No such file"):
        repertoire.read_changes(tmp_path / "gone.toml")
