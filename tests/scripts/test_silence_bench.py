"""A short slice of scripts.bench.silence: where nobody speaks there is no text and no answer."""

from collections.abc import Iterator

import numpy as np
import pytest

from agent import asr
from scripts.bench.silence import SOUNDS, Heard, Recogniser, listen
from scripts.bench.synthesis import speak


@pytest.fixture(scope="module", params=asr.ENGINES)
def recogniser(request: pytest.FixtureRequest) -> Iterator[Recogniser]:
    with Recogniser(request.param) as started:
        yield started


def test_no_text_comes_out_of_silence_noise_music_and_keyboards(recogniser: Recogniser) -> None:
    heard = Heard()
    for k, make in enumerate(SOUNDS.values()):
        listen(make(12.0, np.random.default_rng(k)), recogniser, heard)
    assert heard.minutes > 0.7
    assert heard.turns == 0


def test_the_sounds_are_the_same_for_the_same_seed_and_can_be_heard() -> None:
    for name, make in SOUNDS.items():
        first, again = (make(4.0, np.random.default_rng(5)) for _ in range(2))
        assert np.array_equal(first, again)
        assert first.dtype == np.float32
        assert np.abs(first).max() <= 1
        assert name == "silence" or np.sqrt(np.mean(first**2)) > 1e-4


def test_a_voice_in_the_same_place_is_heard(recogniser: Recogniser) -> None:
    """So that the others may not pass because nothing listens."""
    heard, quiet = Heard(), np.zeros(16_000, np.float32)
    voice = speak("what are your opening hours", "en-us", 16_000)
    voice = voice * np.float32(0.08 / np.sqrt(np.mean(voice**2)))
    listen(np.concatenate([quiet, voice, quiet, quiet]), recogniser, heard)
    assert heard.begun == 1
    assert heard.answered == 1
