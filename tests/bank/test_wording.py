"""A take with its own words, with another's, and broken off: told apart in English and Chinese."""

import numpy as np
import pytest

from agent.bank.prompts import Language, prompts
from agent.bank.wording import wording
from avatar.lipsync.pronounce import Pronouncer, Pronunciation
from scripts.bench.synthesis import speak

RATE = 48_000
VOICES: dict[Language, tuple[str, ...]] = {"en": ("en-us", "en+f3", "en-gb-scotland"), "zh": ("cmn", "cmn+f2")}


async def pronounced(*texts: str) -> list[Pronunciation]:
    pronouncer = Pronouncer()
    await pronouncer.start()
    try:
        return [await pronouncer.pronounce(text) for text in texts]
    finally:
        await pronouncer.stop()


@pytest.mark.asyncio
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_words_are_told_from_others_and_a_whole_sentence_from_half_of_one(language: Language) -> None:
    texts = [one.text for one in prompts(language)[40:46]]
    said = await pronounced(*texts)
    for k, text in enumerate(texts):
        voice = VOICES[language][k % len(VOICES[language])]
        pcm = speak(text, voice, RATE)
        right = wording(pcm, RATE, said[k])
        assert not right.doubtful, (text, right)
        assert wording(pcm, RATE, said[k - 1]).doubtful, (text, texts[k - 1])
        half = text.split()[: len(text.split()) // 2] if language == "en" else [text[: len(text) // 2]]
        assert wording(speak(" ".join(half), voice, RATE), RATE, said[k]).reached < 0.85


@pytest.mark.asyncio
async def test_it_says_something_of_anything() -> None:
    (text,) = await pronounced("Good morning.")
    for pcm in (np.zeros(RATE, np.float32), np.zeros(10, np.float32), np.random.default_rng(1).normal(0, 0.1, RATE)):
        assert wording(pcm.astype(np.float32), RATE, text).doubtful
    assert not wording(np.zeros(RATE, np.float32), RATE, Pronunciation((), frozenset())).doubtful
