import pytest

from agent.tts import Phone
from avatar.blendshapes import INDEX
from avatar.lipsync.phones import (
    ARKIT_COLUMN,
    CHANNELS,
    OCULUS,
    VISEMES,
    ipa_of_arpabet,
    ipa_of_pinyin,
    segments,
    visemes_of,
)


def test_every_viseme_names_known_shapes_in_range() -> None:
    assert {v.oculus for v in VISEMES.values()} == set(OCULUS)
    for viseme in VISEMES.values():
        assert all(name in CHANNELS and 0 < weight <= 1 for name, weight in viseme.weights)
    assert len(set(ARKIT_COLUMN)) == len(ARKIT_COLUMN)
    assert INDEX["mouthPressLeft"] in ARKIT_COLUMN


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("", ("sil",)),
        ("_:", ("sil",)),
        ("ˈɑː", ("AA",)),
        ("pʰ", ("PP",)),
        ("aɪ", ("AA", "IH")),
        ("ˈaɪɚ", ("AA", "IH", "ER")),
        ("dʒ", ("CH",)),
        ("t͡ʃ", ("CH",)),
        ("n̩", ("nn",)),
        ("ts.h", ("CH",)),
        ("ʈʂʰ", ("CH",)),
        ("tɕh", ("IH_SH",)),
        ("s.", ("CH",)),
        ("ˈi.", ("IH",)),
        ("i̪", ("IH",)),
        ("ˈər", ("ER",)),
        ("ˈiɛ", ("IY", "EH")),
        ("onɡ", ("OO", "nn", "kk")),
        ("a˥˩", ("AA",)),
        ("ma4", ("PP", "AA")),
        ("☃", ("AX",)),
    ],
)
def test_symbols_as_engines_write_them(symbol: str, expected: tuple[str, ...]) -> None:
    assert visemes_of(symbol) == expected


def test_arpabet_ah_is_two_vowels() -> None:
    assert ipa_of_arpabet("AH1") == "ʌ"
    assert ipa_of_arpabet("AH0") == "ə"
    assert ipa_of_arpabet("ah", 0.05) == "ə"
    assert ipa_of_arpabet("ah", 0.12) == "ʌ"
    assert ipa_of_arpabet("AH1", 0.05) == "ʌ"
    assert ipa_of_arpabet("SIL") == ipa_of_arpabet("+NSN+") == ""


@pytest.mark.parametrize(
    ("syllable", "expected"),
    [
        ("ma1", ("m", "a")),
        ("zhong1", ("ʈʂ", "ʊ", "ŋ")),
        ("shi4", ("ʂ", "ʅ")),
        ("si4", ("s", "ɿ")),
        ("qu4", ("tɕʰ", "y")),
        ("xue2", ("ɕ", "ɥ", "ɛ")),
        ("lv4", ("l", "y")),
        ("nü3", ("n", "y")),
        ("yi1", ("i",)),
        ("you3", ("j", "o", "ʊ")),
        ("yuan2", ("ɥ", "ɛ", "n")),
        ("wo3", ("w", "o")),
        ("wen2", ("w", "ə", "n")),
        ("wei4", ("w", "e", "ɪ")),
        ("er2", ("ɑ", "ɻ")),
    ],
)
def test_pinyin(syllable: str, expected: tuple[str, ...]) -> None:
    assert ipa_of_pinyin(syllable) == expected
    assert all("AX" not in visemes_of(p) or p in "əɤ" for p in expected)


def test_what_is_no_pinyin_is_refused() -> None:
    with pytest.raises(ValueError, match="'blorp1' is not a pinyin syllable"):
        ipa_of_pinyin("blorp1")


def test_segments_split_diphthongs_and_leave_out_what_has_no_time() -> None:
    made = segments(
        [Phone("aʊ", 0.0, 0.2), Phone("b", 0.2, 0.3), Phone("m", 0.3, 0.3), Phone("m", float("nan"), 1)], 1.0
    )
    assert [(s.viseme, round(s.start, 3), round(s.end, 3)) for s in made] == [
        ("AA", 1.0, 1.12),
        ("UH", 1.12, 1.2),
        ("PP", 1.2, 1.3),
    ]
    assert made[-1].held_from == pytest.approx(1.21)
    assert made[-1].held_until == pytest.approx(1.265)
