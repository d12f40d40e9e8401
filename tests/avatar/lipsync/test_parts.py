"""The parts of hearing: features, what follows a text, rows that are kept, and the speech that training makes."""

from pathlib import Path as File

import numpy as np
import pytest

from agent.audio import TIMELINE_RATE as RATE
from agent.tts import Phone, SpeechChunk, Word
from avatar.lipsync.audio import Smoother
from avatar.lipsync.features import BANDS, HOP, SILENCE, Leveller, LogMel
from avatar.lipsync.follow import Follower, Path, spans
from avatar.lipsync.growing import Growing
from avatar.lipsync.network import FOLDER, LipModelError, LipNetwork
from avatar.lipsync.pronounce import Pronunciation, PronunciationError, pronunciation_of
from avatar.lipsync.sounds import SOUND, SOUNDS, VISEME_OF, sounds_of
from scripts.lipsync import augment
from scripts.lipsync.texts import SENTENCES, text
from scripts.lipsync.voices import CHOICE_VARIANTS, HELD_LANGUAGES, HELD_VARIANTS, language_of, repaired, variants


def test_features_are_the_same_however_sound_is_cut() -> None:
    rng = np.random.default_rng(1)
    pcm = (0.1 * rng.standard_normal(RATE)).astype(np.float32)
    whole = LogMel().push(pcm)
    assert whole.shape == (len(pcm) // HOP, BANDS)
    mel = LogMel()
    parts = [mel.push(part) for part in np.split(pcm, np.sort(rng.integers(0, len(pcm), 40)))]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)
    np.testing.assert_allclose(LogMel().push(np.zeros(RATE, np.float32)), SILENCE, atol=1e-6)


def test_a_faint_voice_is_raised_and_a_normal_one_left() -> None:
    faint = Leveller().push(np.full(200, 0.005, np.float32))
    assert faint[0] < 2.5
    assert faint[-1] == pytest.approx(10, rel=0.02)
    np.testing.assert_allclose(Leveller().push(np.full(200, 0.2, np.float32)), 1.0)
    np.testing.assert_allclose(Leveller().push(np.zeros(200, np.float32)), 1.0)


def test_what_is_far_fainter_than_the_voice_is_quiet() -> None:
    leveller = Leveller()
    peaks = np.array([0.001, 0.3, 0.001, 0.001, 0.003, 0.001], np.float32)
    leveller.push(peaks)
    assert leveller.quiet[0] > 1000  # nothing has been said yet
    assert leveller.quiet[1:] == [0, 1, 2, 0, 1]


@pytest.mark.parametrize(
    ("symbol", "sound"),
    [
        ("p", "p"),
        ("ˈm", "m"),
        ("pʰ", "p"),
        ("v", "v"),
        ("tʃ", "tʃ"),
        ("dʒ", "dʒ"),
        ("ts", "ts"),
        ("ɑː", "AA"),
        ("", "sil"),
    ],
)
def test_sounds_of_symbols(symbol: str, sound: str) -> None:
    assert SOUNDS[sounds_of(symbol)[0]] == sound
    assert len(SOUNDS) == len(VISEME_OF) == len(set(SOUNDS))


def test_a_text_is_found_in_its_sounds() -> None:
    said = Pronunciation(
        (Phone("m", 0, 0.1), Phone("ɑː", 0.1, 0.3), Phone("p", 0.3, 0.4), Phone("uː", 0.4, 0.6)), frozenset({0, 2})
    )
    path = Path(said)
    truth = ["sil"] * 20 + ["m"] * 8 + ["AA"] * 25 + ["sil"] * 15 + ["p"] * 9 + ["UU"] * 20 + ["sil"] * 20
    sure = np.full((len(truth), len(SOUNDS)), 0.1 / len(SOUNDS), np.float32)
    sure[np.arange(len(truth)), [SOUND[name] for name in truth]] += 0.9
    follower = Follower(path, np.full(len(SOUNDS), 1 / len(SOUNDS)))
    follower.push(sure)
    found = spans(follower.states(0, len(truth)), path, 0)
    assert [(path.symbols[unit], a, b) for unit, a, b in found] == [
        ("m", 20, 28),
        ("ɑː", 28, 53),
        ("p", 68, 77),
        ("uː", 77, 97),
    ]
    assert np.mean(follower.evidence) > -0.5
    wrong = Follower(path, np.full(len(SOUNDS), 1 / len(SOUNDS)))
    wrong.push(np.roll(sure, 7, axis=1))
    assert np.mean(wrong.evidence) < -2


def test_a_pronunciation_may_pause_before_words() -> None:
    phones = (Phone("m", 0.0, 0.1), Phone("a", 0.1, 0.2), Phone("", 0.2, 0.25), Phone("b", 0.25, 0.3))
    words = (Word(0, 2, 0.0, 0.2, "engine"), Word(3, 4, 0.25, 0.3, "engine"))
    made = pronunciation_of(SpeechChunk(np.zeros(10, np.float32), 10, phones, words))
    assert [p.symbol for p in made.phones] == ["m", "a", "b"]
    assert made.pauses == {0, 2}
    assert issubclass(PronunciationError, RuntimeError)


def test_rows_keep_their_numbers() -> None:
    rows = Growing(2)
    rows.append(np.arange(1400, dtype=np.float32).reshape(700, 2))
    rows.forget(600)
    rows.append(np.full((3, 2), 7, np.float32))
    assert (rows.start, rows.end) == (600, 703)
    assert rows.between(650, 651).tolist() == [[1300, 1301]]
    assert rows.at(np.array([0, 9999])).tolist() == [[1200, 1201], [7, 7]]


def test_smoothing_is_cut_anywhere() -> None:
    rows = np.random.default_rng(2).random((50, 3)).astype(np.float32)
    whole, cut = Smoother(1, 2, 1), Smoother(1, 2, 1)
    parts = [cut.push(part) for part in (rows[:1], rows[1:1], rows[1:20], rows[20:])]
    np.testing.assert_allclose(np.concatenate(parts), whole.push(rows), atol=1e-6)


def test_weights_of_another_version_are_refused() -> None:
    with pytest.raises(LipModelError, match="sounds are not this version's"):
        LipNetwork((FOLDER / "lipsync.onnx").read_bytes(), {"sounds": []})


def test_the_network_that_is_shipped_is_the_one_described() -> None:
    import hashlib  # noqa: PLC0415
    import json  # noqa: PLC0415

    manifest = json.loads((FOLDER / "lipsync.json").read_text("utf-8"))
    weights = (FOLDER / "lipsync.onnx").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == manifest["sha256"]
    assert len(weights) == manifest["bytes"] <= 3_000_000
    card = File(FOLDER).parent / "cards" / "lipsync.md"
    assert manifest["sha256"] in card.read_text("utf-8")


def test_training_texts_are_seeded_and_varied() -> None:
    for language in SENTENCES:
        first, again = (text(language, np.random.default_rng(5)) for _ in range(2))
        assert first == again
        assert len({text(language, np.random.default_rng(i)) for i in range(20)}) > 10


def test_what_is_held_back_is_not_trained_on() -> None:
    from scripts.lipsync.voices import ESPEAK_SHARES  # noqa: PLC0415

    assert not {*HELD_VARIANTS, *CHOICE_VARIANTS} & set(variants())
    assert not set(HELD_VARIANTS) & set(CHOICE_VARIANTS)
    assert not set(HELD_LANGUAGES) & {language_of(voice) for voice in ESPEAK_SHARES}
    assert len({language_of(voice) for voice in ESPEAK_SHARES}) >= 12


def test_augmentation_keeps_the_time() -> None:
    rng = np.random.default_rng(3)
    click = np.zeros(RATE, np.float32)
    click[RATE // 2 : RATE // 2 + 240] = 0.5
    others = [0.1 * rng.standard_normal(RATE).astype(np.float32)]
    for seed in range(12):
        changed, factor = augment.changed(click + 1e-3 * others[0], others, np.random.default_rng(seed))
        assert len(changed) == pytest.approx(RATE * factor, rel=0.04)
        assert np.isfinite(changed).all()
        assert np.abs(changed).max() <= 1.05
    for spoil in (augment.g711, lambda pcm: augment.opus(pcm, 24)):
        back = spoil(click)
        assert len(back) == len(click)
        assert abs(int(np.argmax(np.abs(back))) - RATE // 2 - 120) < 200
    for seed in range(20):
        assert np.isfinite(augment.not_speech(np.random.default_rng(seed))).all()


def test_closures_that_were_told_as_silence_go_to_their_stops() -> None:
    from scripts.bench.timed_speech import TimedSpeech  # noqa: PLC0415

    phones = (
        Phone("a", 0, 0.1),
        Phone("", 0.1, 0.14),
        Phone("p", 0.14, 0.2),
        Phone("", 0.2, 0.5),
        Phone("t", 0.5, 0.6),
    )
    made = repaired(TimedSpeech("espeak cmn", "", np.zeros(10, np.float32), phones))
    assert [(p.symbol, p.start, p.end) for p in made.phones] == [
        ("a", 0, 0.1),
        ("p", 0.1, 0.2),
        ("", 0.2, 0.5),
        ("t", 0.5, 0.6),
    ]
