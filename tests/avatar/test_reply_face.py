import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tts import Phone
from avatar.behaviour.speech import SpeechMotion, prosody
from avatar.blendshapes import INDEX, MOUTH, NAMES
from avatar.reply_face import RESTING_SMILE, ReplyFace

RATE = 24_000


def voice(seconds: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A buzz with the melody and the syllables of speech: pcm, and pitch (Hz) and loudness (0…1) at each sample."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE

    def wander(hertz: float) -> np.ndarray:
        knots = rng.normal(0, 1, int(seconds * hertz) + 3)
        return np.interp(t * hertz, np.arange(len(knots)), knots)

    pitch = 130 * 2 ** (0.2 * wander(2.5))
    loud = np.clip(0.5 + 0.35 * wander(4.0), 0.03, 1)
    phase = np.cumsum(pitch) / RATE
    buzz = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 9))
    return (0.3 * loud * buzz).astype(np.float32), pitch, loud


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def test_pitch_and_level_are_found() -> None:
    pcm, pitch, loud = voice(5)
    found = prosody(pcm, 0, 300)
    voiced = np.isfinite(found.log_f0)
    assert voiced.mean() > 0.9
    assert np.median(np.abs(12 * (found.log_f0 - np.log2(pitch[::400])))[voiced]) < 0.5
    assert correlation(found.level_db, 20 * np.log10(loud[::400])) > 0.95


def test_silence_noise_and_nonsense_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert np.isfinite(prosody(noise, 0, 60).log_f0).mean() < 0.1
    assert not np.isfinite(prosody(np.zeros(RATE, np.float32), 0, 60).log_f0).any()
    broken = np.full(RATE, np.nan, np.float32)
    motion = SpeechMotion()
    motion.add(broken, 0)
    motion.add(np.zeros(3, np.float32), RATE)
    track = motion.frames(2 * RATE)
    assert np.isfinite(track.head).all()
    assert np.isfinite(track.weights).all()


def test_the_head_follows_pitch_and_loudness() -> None:
    pcm, pitch, loud = voice(40)
    motion = SpeechMotion(3)
    for start in range(0, len(pcm), 4 * RATE):
        motion.add(pcm[start : start + 4 * RATE], start)
    track = motion.frames(len(pcm))
    rng = np.random.default_rng(0)
    for heard, axis in ((np.log2(pitch[::400]), 1), (loud[::400], 2)):
        head = track.head[:, axis]
        shuffled = [abs(correlation(heard, np.roll(head, int(rng.integers(300, 2000))))) for _ in range(20)]
        assert abs(correlation(heard, head)) >= 0.3
        assert abs(correlation(heard, head)) > 2 * np.percentile(shuffled, 95)
    brow = track.weights[:, INDEX["browInnerUp"]]
    assert correlation(np.log2(pitch[::400]), brow) >= 0.3
    assert brow.max() < 0.4
    assert np.degrees(np.abs(track.head)).max() < 9
    assert np.degrees(np.abs(np.diff(track.head, axis=0))).max() < 1.5


def speech(seed: int) -> tuple[list[Phone], np.ndarray]:
    rng = np.random.default_rng(seed)
    edges = np.cumsum(rng.uniform(0.05, 0.2, 12))
    symbols = rng.choice(["m", "ɑː", "s", "uː", "f", "t", "iː", "b", ""], 11)
    phones = [Phone(str(s), float(a), float(b)) for s, a, b in zip(symbols, edges[:-1], edges[1:], strict=True)]
    return phones, voice(edges[-1] + 0.2, seed)[0]


@given(cuts=st.lists(st.integers(0, 5 * RATE), max_size=10), seed=st.integers(0, 20), eager=st.booleans())
@settings(max_examples=20, deadline=None)
def test_neither_cuts_nor_the_moment_of_adding_change_a_frame(cuts: list[int], seed: int, eager: bool) -> None:
    (first, pcm_a), (second, pcm_b) = speech(seed), speech(seed + 100)
    end = len(pcm_a) + len(pcm_b) + RATE // 2
    whole = ReplyFace(seed=seed)
    whole.add(first, pcm_a, 0, "a")
    whole.add(second, pcm_b, len(pcm_a), "b")
    once = whole.frames(end)
    cut = ReplyFace(seed=seed)
    cut.add(first, pcm_a, 0, "a")
    parts = [cut.frames(len(pcm_a))] if eager else []
    cut.add(second, pcm_b, len(pcm_a), "b")
    parts += [cut.frames(c) for c in [*sorted(cuts), end]]
    np.testing.assert_array_equal(np.concatenate([p.weights for p in parts])[: len(once)], once.weights)
    np.testing.assert_array_equal(np.concatenate([p.head for p in parts])[: len(once)], once.head)


def test_the_reply_rests_as_the_stage_does() -> None:
    phones, pcm = speech(1)
    face = ReplyFace()
    face.add(phones, pcm, 0, "…")
    track = face.frames(len(pcm) + 2 * RATE)
    assert track.weights[MOUTH.nonzero()[0]].max() <= 1
    rest = {name: float(w) for name, w in zip(NAMES, track.weights[-1], strict=True) if w > 1e-3}
    assert set(rest) == {"mouthSmileLeft", "mouthSmileRight"}
    assert rest["mouthSmileLeft"] == np.float32(RESTING_SMILE)
    assert np.abs(track.head[-1]).max() < 1e-3
    assert not track.gaze.any()
    assert face.visemes(0, 400) == ["sil"]
    assert face.rest_sample > len(pcm)
