"""Alignment of recorded speech to its text, and phone recognition without one."""

from itertools import pairwise

import numpy as np
import pytest

from agent.asr import RATE, RecognizerError
from agent.asr.align import align_words, allphone
from agent.asr.arpabet import IPA, guess, ipa
from agent.audio import Pcm
from scripts.bench.synthesis import speak

TEXT = "The shop sells maps for €12, said Zorpington."


def with_lead(seconds: float) -> Pcm:
    speech = speak("The shop sells maps for twelve euros, said Zorpington.", "en-us")
    lead = np.random.default_rng(0).standard_normal(int(seconds * RATE)).astype(np.float32) * np.float32(1e-3)
    return np.concatenate([lead, speech, lead[: RATE // 4]])


async def test_shown_words_and_phones_are_found_in_the_sound() -> None:
    alignment = await align_words(with_lead(0.5), TEXT)
    shown = [TEXT[word.start_char : word.end_char] for word in alignment.words]
    assert [word.strip(",.") for word in shown] == ["The", "shop", "sells", "maps", "for", "€12", "said", "Zorpington"]
    assert 0.4 < alignment.words[0].start < 0.7
    assert all(a.end <= b.start + 0.011 for a, b in pairwise(alignment.words))
    money = alignment.words[shown.index(next(word for word in shown if "12" in word))]
    assert money.end - money.start > 0.5, "two spoken words, one shown"
    phones = alignment.phones
    assert phones[0].symbol == ""
    assert all(a.end == pytest.approx(b.start, abs=0.002) for a, b in pairwise(phones)), "in order and without gaps"
    assert not any(a.symbol == b.symbol == "" for a, b in pairwise(phones))
    said = "".join(phone.symbol for phone in phones)
    assert "ʃɑp" in said
    assert "mæps" in said


async def test_alignment_follows_the_sound_when_it_is_moved() -> None:
    early, late = [(await align_words(with_lead(lead), TEXT)).phones for lead in (0.3, 0.8)]
    shifts = [b.start - a.start for a, b in zip(early[1:], late[1:], strict=True)]
    assert np.median(shifts) == pytest.approx(0.5, abs=0.02)


async def test_sibilants_stand_where_the_high_frequencies_are() -> None:
    pcm = with_lead(0.3)
    for phone in (await align_words(pcm, TEXT)).phones:
        if phone.symbol in {"s", "ʃ"}:
            middle = int((phone.start + phone.end) / 2 * RATE)
            spectrum = np.abs(np.fft.rfft(pcm[middle - 160 : middle + 160] * np.hanning(320))) ** 2
            assert spectrum[50:].sum() > spectrum[:50].sum(), f"{phone} has its energy above 2.5 kHz"


async def test_a_text_that_was_not_said_gives_phones_and_no_words() -> None:
    alignment = await align_words(with_lead(0.3), "Nothing of this has anything to do with whatever was recorded.")
    assert alignment.words == ()
    assert len(alignment.phones) > 10


@pytest.mark.parametrize("text", ["", "你好", "你好 hello please", "!!! ..."])
async def test_a_text_without_english_words_is_as_none(text: str) -> None:
    assert (await align_words(with_lead(0.3), text)).phones == await allphone(with_lead(0.3))


async def test_phones_without_a_text() -> None:
    phones = await allphone(with_lead(0.5))
    assert phones[0].symbol == ""
    assert phones[0].end == pytest.approx(0.5, abs=0.15)
    assert len({phone.symbol for phone in phones}) > 8
    assert phones[-1].end <= len(with_lead(0.5)) / RATE


@pytest.mark.parametrize("samples", [0, 601 * RATE])
async def test_nothing_and_too_much_are_refused(samples: int) -> None:
    with pytest.raises(RecognizerError, match="at most 600 s long and not empty"):
        await allphone(np.zeros(samples, np.float32))


def test_every_phone_has_its_symbol_and_short_ah_is_schwa() -> None:
    assert len(set(IPA.values())) == len(IPA) == 39
    assert (ipa("AH", 0.05), ipa("AH", 0.12), ipa("SIL", 0.1), ipa("+NOISE+", 0.1)) == ("ə", "ʌ", "", "")


@pytest.mark.parametrize(
    ("word", "phones"), [("zorp", "Z AO R P"), ("blicker", "B L IH K ER"), ("snight", "S N AY T"), ("123", "")]
)
def test_spelling_gives_a_plausible_pronunciation(word: str, phones: str) -> None:
    assert guess(word) == phones
