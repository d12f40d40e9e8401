from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tts import Phone
from avatar.behaviour import Behaviour, Style, lay_over
from avatar.behaviour.prosody import prosody
from avatar.behaviour.repertoire import CHANNELS, HEAD, columns, default
from avatar.behaviour.speech import SpeechMotion
from avatar.blendshapes import INDEX, MOUTH, NAMES, FaceTrack, Frames
from avatar.lipsync import TimedLips
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
    off = np.abs(12 * (found.log_f0 - np.log2(pitch[::400])))[voiced]
    assert np.median(off) < 0.5
    assert (off > 6).mean() < 0.005
    assert correlation(found.level_db, 20 * np.log10(loud[::400])) > 0.95


def test_silence_noise_and_nonsense_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert np.isfinite(prosody(noise, 0, 60).log_f0).mean() < 0.1
    assert not np.isfinite(prosody(np.zeros(RATE, np.float32), 0, 60).log_f0).any()
    broken = np.full(RATE, np.nan, np.float32)
    motion = SpeechMotion()
    motion.add(broken, 0)
    motion.add(np.zeros(3, np.float32), RATE)
    assert np.isfinite(motion.frames(2 * RATE)).all()


def test_the_head_follows_pitch_and_loudness() -> None:
    pcm, pitch, loud = voice(40)
    motion = SpeechMotion(3)
    for start in range(0, len(pcm), 4 * RATE):
        motion.add(pcm[start : start + 4 * RATE], start)
    moved = motion.frames(len(pcm))
    head = moved[:, HEAD]
    rng = np.random.default_rng(0)
    for heard, axis in ((np.log2(pitch[::400]), 1), (loud[::400], 2)):
        turned = head[:, axis]
        shuffled = [abs(correlation(heard, np.roll(turned, int(rng.integers(300, 2000))))) for _ in range(20)]
        assert abs(correlation(heard, turned)) >= 0.3
        assert abs(correlation(heard, turned)) > 2 * np.percentile(shuffled, 95)
    brow = moved[:, INDEX["browInnerUp"]]
    assert correlation(np.log2(pitch[::400]), brow) >= 0.3
    assert brow.max() < 0.6
    assert np.abs(head).max() < 10
    assert np.abs(np.diff(head, axis=0)).max() < 1.5


@pytest.mark.parametrize("piece", [20 * RATE, 5600])
def test_stressed_words_are_underlined(piece: int) -> None:
    """A voice as even as a hum, but for one louder, higher syllable every two seconds."""
    t = np.arange(20 * RATE) / RATE
    stress = np.exp(-(((t % 2 - 1) / 0.09) ** 2))
    syllables = 0.5 + 0.1 * np.cos(2 * np.pi * 4 * t)
    phase = np.cumsum(130 * 2 ** (0.3 * stress)) / RATE
    pcm = (0.2 * (syllables + 0.8 * stress) * sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 6))).astype(
        np.float32
    )
    with_accents, without = SpeechMotion(1), SpeechMotion(1, repertoire=replace(default(), chances={}))
    for motion in (with_accents, without):
        for start in range(0, len(pcm), piece):
            motion.add(pcm[start : start + piece], start)
    accents = with_accents.frames(len(pcm)) - without.frames(len(pcm))
    moved = np.flatnonzero(np.abs(accents).max(axis=1) > 0.01) / 60
    assert len(moved)
    assert (np.abs(moved % 2 - 1) < 0.9).all()
    underlined = {int(time // 2) for time in moved}
    assert (5 if piece > RATE else 2) <= len(underlined) <= 10
    shapes = {CHANNELS[i] for i in np.flatnonzero(np.abs(accents).max(axis=0) > 0.01)}
    assert {"browInnerUp", "browOuterUpLeft", "pitch"} <= shapes
    assert shapes.isdisjoint(name for name, mouth in zip(NAMES, MOUTH, strict=True) if mouth)


def test_an_excited_voice_brightens_the_face() -> None:
    """The same ten seconds twice: quiet, flat and slow, then loud, high and lively."""
    t = np.arange(10 * RATE) / RATE

    def said(level: float, base: float, melody: float, syllables: float) -> np.ndarray:
        phase = np.cumsum(base * 2 ** (melody * np.sin(2 * np.pi * 0.7 * t))) / RATE
        loud = level * np.clip(0.55 + 0.5 * np.cos(2 * np.pi * syllables * t), 0.05, 1)
        return (loud * sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 6))).astype(np.float32)

    motion = SpeechMotion(1, repertoire=replace(default(), chances={}))
    calm, excited = said(0.05, 110, 0.05, 2.5), said(0.25, 160, 0.4, 6.0)
    motion.add(np.concatenate([calm, excited]), 0)
    shown = motion.frames(20 * RATE)
    low, high = shown[2 * 60 : 9 * 60].mean(axis=0), shown[12 * 60 : 19 * 60].mean(axis=0)
    for name in ("cheekSquintLeft", "mouthSmileLeft", "browOuterUpLeft"):
        assert high[INDEX[name]] > low[INDEX[name]] + 0.04, name


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
    whole.add(first, pcm_a, 0, "I am glad!")
    whole.express("wink", len(pcm_a) // 2)
    whole.add(second, pcm_b, len(pcm_a), "Sorry?")
    once = whole.frames(end)
    cut = ReplyFace(seed=seed)
    cut.add(first, pcm_a, 0, "I am glad!")
    cut.express("wink", len(pcm_a) // 2)
    parts = [cut.frames(len(pcm_a))] if eager else []
    cut.add(second, pcm_b, len(pcm_a), "Sorry?")
    parts += [cut.frames(c) for c in [*sorted(cuts), end]]
    np.testing.assert_allclose(np.concatenate([p.weights for p in parts])[: len(once)], once.weights, atol=1e-6)
    np.testing.assert_allclose(np.concatenate([p.head for p in parts])[: len(once)], once.head, atol=1e-6)


def test_the_reply_rests_as_the_stage_does() -> None:
    phones, pcm = speech(1)
    face = ReplyFace()
    face.add(phones, pcm, 0, "…")
    track = face.frames(len(pcm) + 2 * RATE)
    assert track.weights[MOUTH.nonzero()[0]].max() <= 1
    rest = {name: float(w) for name, w in zip(NAMES, track.weights[-1], strict=True) if w > 1e-3}
    assert set(rest) == {"mouthSmileLeft", "mouthSmileRight"}
    assert rest["mouthSmileLeft"] == pytest.approx(RESTING_SMILE, abs=1e-3)
    assert np.abs(track.head[-1]).max() < 1e-3
    np.testing.assert_array_equal(track.gaze, -track.head[:, :2])
    assert face.visemes(0, 400) == ["sil"]
    assert face.rest_sample > len(pcm)


def opening(weights: Frames) -> np.ndarray:
    """How far the lips are apart: avatar-independent, left and right averaged."""

    def of(name: str) -> np.ndarray:
        return weights[:, columns(name)].mean(axis=1)

    return np.clip(
        of("jawOpen") - of("mouthClose") + 0.35 * of("mouthLowerDown") + 0.25 * of("mouthUpperUp")
        + 0.10 * of("mouthFunnel") - 0.12 * of("mouthPress") - 0.15 * of("mouthRollLower"),
        0, None,
    )  # fmt: skip


SAID = ["m", "ɑː", "p", "iː", "b", "uː", "m", "ɛ", "f", "ɔː", "v", "æ", "w", "ʌ", "ʃ", "oʊ"]


@pytest.mark.parametrize("feeling", [name for name in default().feelings if name != "neutral"])
def test_the_lips_win_whatever_is_felt(feeling: str) -> None:
    """With a lively person's strongest feeling and every gesture at once, the mouth's shapes, its closures above all,
    are the lips' own; only its corners move, and not where lips are rounded."""
    phones = [Phone(s, 0.1 + 0.12 * i, 0.22 + 0.12 * i) for i, s in enumerate(SAID * 3)]
    pcm = voice(6.5, 4)[0]
    alone, face = TimedLips(), ReplyFace(style=Style(1.0))
    stage = Behaviour(1)
    stage.set_mood("speaking", 0)
    face.express(feeling, 0)
    for i, gesture in enumerate(default().gestures):
        face.express(gesture, i * RATE // 8)
        stage.express(gesture, i * RATE // 8)
    alone.add(phones, pcm, 0, "")
    face.add(phones, pcm, 0, "Great, wonderful! Sorry!")
    lips, mixed = alone.frames(len(pcm)).weights, lay_over(stage.frames(len(pcm)), face.frames(len(pcm))).weights
    corners = columns("mouthSmile") + columns("mouthFrown") + columns("mouthDimple")
    own = MOUTH.copy()
    own[corners] = False
    np.testing.assert_array_equal(mixed[:, own], lips[:, own])
    np.testing.assert_array_equal(opening(mixed), opening(lips))
    closed = opening(lips) <= 0.12 * np.percentile(opening(lips), 95)
    assert closed.sum() > 60
    rounded = lips[:, [INDEX["mouthPucker"], INDEX["mouthFunnel"]]].sum(axis=1) > 0.5
    assert rounded.sum() > 60
    assert (mixed[rounded][:, corners] - lips[rounded][:, corners]).max() <= RESTING_SMILE + 1e-6


def test_the_words_are_felt() -> None:
    pcm = voice(3)[0]

    def smile(text: str, cue: str = "") -> float:
        face = ReplyFace(seed=1)
        if cue:
            face.express(cue, 0)
        face.add(SCHWA, pcm, 0, text)
        face.end()
        return float(face.frames(len(pcm)).weights[90:, INDEX["mouthSmileLeft"]].mean())

    assert smile("I am so glad!") > smile("It is on the left.") + 0.2
    assert smile("Unfortunately not.") < RESTING_SMILE
    assert smile("Unfortunately not.", "happy") > RESTING_SMILE + 0.2


def test_a_feeling_ends_with_the_reply_and_holds_across_its_sentences() -> None:
    pcm = voice(2)[0]
    face = ReplyFace()
    face.express("happy", 0)
    face.add(SCHWA, pcm, 0, "One.")
    face.end()
    first = face.frames(3 * RATE).weights[:, INDEX["cheekSquintLeft"]]
    face.add(SCHWA, pcm, 3 * RATE, "Two.")
    face.end()
    second = face.frames(8 * RATE).weights[:, INDEX["cheekSquintLeft"]]
    assert first[90:118].min() > 0.25
    assert second[90:118].min() > 0.25
    assert second[-1] < 0.01


SCHWA = [Phone("ə", 0.0, 0.1)]
"""For the motion any phones will do; without them the lips would have to listen."""


@lru_cache
def conversation(seed: int, style: Style) -> tuple[np.ndarray, FaceTrack, np.ndarray, np.ndarray]:
    """Ten minutes of listening, thinking, speaking and resting as they are seen: the mood at each frame, the face, and
    of the frames at which there is a voice its pitch (octaves) and loudness."""
    pcm, pitch, loud = voice(120)
    rng = np.random.default_rng(seed)
    behaviour, at = Behaviour(seed, style), 0
    moods: list[str] = []
    seen: list[FaceTrack] = []
    heard: list[np.ndarray] = []
    while at < 600 * RATE:
        for mood, shortest, longest in (
            ("listening", 3, 8),
            ("thinking", 0.4, 1.2),
            ("speaking", 4, 12),
            ("idle", 0.3, 2),
        ):
            count = int(rng.uniform(shortest, longest) * 60)
            end = at + count * 400
            behaviour.set_mood(mood, at)
            if mood == "listening":
                behaviour.phrase_ended(at + count * 200)
            if mood == "speaking":
                behaviour.turn_ends(end)
            track = behaviour.frames(end)
            if mood == "speaking":
                first = int(rng.integers(len(pcm) - count * 400)) // 400 * 400
                part = slice(first, first + count * 400)
                face = ReplyFace(seed=at, style=style)
                face.add(SCHWA, pcm[part], 0, "")
                face.end()
                track = lay_over(track, face.frames(count * 400))
                heard.append(np.stack([np.log2(pitch[part][::400]), loud[part][::400]]))
            seen.append(track)
            moods += [mood] * count
            at = end
    whole = FaceTrack(
        0,
        np.concatenate([track.weights for track in seen]),
        np.concatenate([track.head for track in seen]),
        np.concatenate([track.gaze for track in seen]),
    )
    return np.array(moods), whole, *np.concatenate(heard, axis=1)


STYLES = [Style(), Style(1.0)]


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_ten_minutes_of_conversation_stay_within_what_people_do(style: Style) -> None:
    moods, face, _, _ = conversation(1, style)
    partner = np.degrees(np.hypot(*(face.gaze + face.head[:, :2]).T)) < 5
    assert 0.60 <= partner[moods == "listening"].mean() <= 0.85
    assert 0.30 <= partner[moods == "speaking"].mean() <= 0.60
    lids = face.weights[:, INDEX["eyeBlinkLeft"]]
    shut = (lids[1:] >= 0.5) & (lids[:-1] < 0.5)
    assert 10.5 <= shut.sum() / (len(lids) / 3600) <= 32.5
    assert np.degrees(np.abs(face.head)).max() < 16
    assert np.degrees(np.abs(face.gaze)).max() < 32


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_over_ten_minutes_the_head_that_is_seen_follows_the_voice(style: Style) -> None:
    moods, face, pitch, loud = conversation(1, style)
    head = face.head[moods == "speaking"]
    rng = np.random.default_rng(0)
    for heard, axis in ((pitch, 1), (loud, 2)):
        shuffled = [abs(correlation(heard, np.roll(head[:, axis], int(rng.integers(600, 9000))))) for _ in range(20)]
        assert correlation(heard, head[:, axis]) >= 0.3
        assert max(shuffled) < 0.15
