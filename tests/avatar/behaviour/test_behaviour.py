"""What ten minutes of each mood look like, against the ranges measured on people."""

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatar.behaviour import Behaviour, Mood, Style, lay_over
from avatar.behaviour.gaze import saccade_seconds
from avatar.blendshapes import INDEX, MOUTH, FaceTrack

RATE = 24_000
MINUTES = 10
SMILE, BLINK = INDEX["mouthSmileLeft"], INDEX["eyeBlinkLeft"]
MOODS: tuple[Mood, ...] = ("idle", "listening", "thinking", "speaking")


@lru_cache
def watched(mood: Mood, seed: int = 1) -> FaceTrack:
    behaviour = Behaviour(seed)
    behaviour.set_mood(mood, 0)
    return behaviour.frames(MINUTES * 60 * RATE)


def lids(track: FaceTrack) -> np.ndarray:
    return track.weights[:, INDEX["eyeBlinkLeft"]]


def crossings(values: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Times (seconds, between frames) at which `values` rises and falls through `level`."""
    before, after = values[:-1], values[1:]
    at = np.arange(len(before)) + (level - before) / np.where(after == before, 1, after - before)
    return at[(before < level) & (after >= level)] / 60, at[(before >= level) & (after < level)] / 60


@pytest.mark.parametrize("mood", MOODS)
def test_every_frame_is_sound_and_subtle(mood: Mood) -> None:
    track = watched(mood)
    assert np.isfinite(track.weights).all()
    assert track.weights.min() >= 0
    assert track.weights.max() <= 1
    assert np.degrees(np.abs(track.head)).max() < 12
    assert np.degrees(np.abs(track.gaze)).max() < 30
    still = [i for i, name in enumerate(INDEX) if not name.startswith("eye")]
    assert track.weights[:, still].max() < 0.55
    assert np.percentile(track.weights[:, still].max(axis=1), 50) < 0.15


@pytest.mark.parametrize(
    ("mood", "low", "high"), [("idle", 8, 21), ("listening", 10.5, 32.5), ("speaking", 10.5, 32.5)]
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_blinks_a_minute(mood: Mood, low: float, high: float, seed: int) -> None:
    down, _ = crossings(lids(watched(mood, seed)), 0.5)
    assert low <= len(down) / MINUTES <= high


@pytest.mark.parametrize("mood", ["idle", "listening", "speaking"])
def test_blinks_are_irregular_and_close_faster_than_they_open(mood: Mood) -> None:
    values = lids(watched(mood))
    down, up = crossings(values, 0.5)
    intervals = np.diff(down)
    assert 0.6 <= intervals.std() / intervals.mean() <= 1.3
    widths = 1000 * (up[: len(down)] - down[: len(up)])
    assert 100 <= np.median(widths) <= 135
    assert np.percentile(widths, 10) >= 95
    assert np.percentile(widths, 90) <= 197
    steps = np.diff(values)
    assert (steps > 0.02).sum() < 0.7 * (steps < -0.02).sum()
    peaks = values[1:-1][(values[1:-1] >= values[:-2]) & (values[1:-1] > values[2:])]
    assert peaks.min() > 0.9


def at_partner(track: FaceTrack) -> np.ndarray:
    """Eyes in space within five degrees of the partner."""
    return np.degrees(np.hypot(*(track.gaze + track.head[:, :2]).T)) < 5


@pytest.mark.parametrize(("mood", "low", "high"), [("listening", 0.60, 0.85), ("speaking", 0.30, 0.60)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_share_of_looking_at_the_partner(mood: Mood, low: float, high: float, seed: int) -> None:
    track = watched(mood, seed)
    looking = at_partner(track)
    assert low <= looking.mean() <= high
    assert abs((np.degrees(np.hypot(*track.gaze.T)) < 6).mean() - looking.mean()) < 0.05
    edges = np.flatnonzero(np.diff(looking.astype(int)))
    bouts = np.diff(np.concatenate([[0], edges]))[0 if looking[0] else 1 :: 2] / 60
    assert 1.6 <= bouts.mean() <= 2.8


@pytest.mark.parametrize("mood", ["idle", "listening", "speaking"])
def test_who_looks_aside_does_not_look_evasive(mood: Mood) -> None:
    track = watched(mood)
    aside = np.degrees(np.hypot(*(track.gaze + track.head[:, :2]).T))[~at_partner(track)]
    assert 8 < np.median(aside) < 12
    assert np.percentile(aside, 95) < 14


def test_a_thinker_looks_away() -> None:
    assert at_partner(watched("thinking")).mean() < 0.3


def test_saccades_follow_the_main_sequence() -> None:
    """Measured by peak speed, which frames of 60 Hz show better than duration: amplitude × 1.875 / duration for the
    minimum-jerk profile, less what averaging over a frame takes."""
    track = watched("speaking")
    eyes = np.degrees(track.gaze + track.head[:, :2]).astype(np.float64)
    moved = np.hypot(*np.diff(eyes, axis=0).T)
    moving = np.concatenate([[False], moved > 0.02, [False]])
    begins, ends = np.flatnonzero(~moving[:-1] & moving[1:]), np.flatnonzero(moving[:-1] & ~moving[1:])
    seen = 0
    for begin, end in zip(begins, ends, strict=True):
        size = float(np.hypot(*(eyes[end] - eyes[begin])))
        if size < 5 or end >= len(eyes) - 1:
            continue
        seen += 1
        assert abs((end - begin) / 60 - saccade_seconds(size)) <= 2.05 / 60
    assert seen > 100
    assert saccade_seconds(10) == pytest.approx(0.046)


def test_lids_follow_the_gaze_and_a_blink_beats_them() -> None:
    track = watched("speaking")
    down = track.weights[:, INDEX["eyeLookDownLeft"]]
    out, inwards = track.weights[:, INDEX["eyeLookOutLeft"]], track.weights[:, INDEX["eyeLookInLeft"]]
    assert not ((down > 0) & (track.gaze[:, 1] > 1e-6)).any()
    assert not ((out > 0) & (track.gaze[:, 0] < -1e-6)).any()
    assert not ((inwards > 0) & (track.gaze[:, 0] > 1e-6)).any()
    shut = lids(track) > 0.94
    assert shut.any()
    assert down[shut].max() < 0.05


def test_breathing() -> None:
    nostrils = watched("idle").weights[:, INDEX["noseSneerLeft"]]
    rises, _ = crossings(nostrils, 0.015)
    assert 11 <= len(rises) / MINUTES <= 16


def dips(track: FaceTrack) -> np.ndarray:
    """The head's pitch without what is slower than a nod, degrees."""
    pitch = np.degrees(track.head[:, 1]).astype(np.float64)
    return pitch - np.convolve(np.pad(pitch, 45, mode="edge"), np.ones(91) / 91, "valid")


def test_a_listener_nods_after_a_phrase() -> None:
    """Against the same person to whom nothing was said: the difference is the answer and nothing else."""
    asked, quiet = Behaviour(5), Behaviour(5)
    onsets, speeds, shrinking, smiles = [], [], [], []
    for behaviour in (asked, quiet):
        behaviour.set_mood("listening", 0)
    for i in range(60):
        end = (10 * i + 5) * RATE
        asked.frames(end + RATE // 10)
        quiet.frames(end + RATE // 10)
        asked.phrase_ended(end)
        with_nod, without = asked.frames(end + 5 * RATE), quiet.frames(end + 5 * RATE)
        nod = np.degrees(with_nod.head[:, 1] - without.head[:, 1])
        smiles.append(float((with_nod.weights[:, SMILE] - without.weights[:, SMILE]).max()))
        np.testing.assert_array_equal(with_nod.weights[:, BLINK], without.weights[:, BLINK])
        moving = np.flatnonzero(nod < -0.02)
        if not len(moving):
            continue
        onsets.append((with_nod.start_sample / 400 + moving[0]) / 60 - end / RATE)
        lows = np.flatnonzero((nod[1:-1] < nod[:-2]) & (nod[1:-1] <= nod[2:]) & (nod[1:-1] < -0.3)) + 1
        if len(lows) > 1:
            speeds.append(60 / np.diff(lows).mean())
            shrinking.append(bool((np.diff(nod[lows]) > 0).all()))
        assert nod.min() > -6
    assert 40 <= len(onsets) < 60
    assert min(onsets) >= 0.2
    assert max(onsets) <= 0.72
    assert len(speeds) > 10
    assert min(speeds) >= 2.55
    assert max(speeds) <= 6.5
    assert all(shrinking)
    assert 0.1 < np.mean(np.array(smiles) > 0.08) < 0.5
    assert max(smiles) < 0.3


def test_a_speaker_does_not_nod_at_an_old_phrase() -> None:
    late, quiet = Behaviour(5), Behaviour(5)
    for behaviour in (late, quiet):
        behaviour.set_mood("listening", 0)
        behaviour.set_mood("speaking", 5 * RATE + 2400)
        behaviour.frames(5 * RATE)
    late.phrase_ended(5 * RATE)
    np.testing.assert_array_equal(late.frames(8 * RATE).head, quiet.frames(8 * RATE).head)


def test_moods_are_eased_into() -> None:
    behaviour = Behaviour(4)
    for i in range(40):
        behaviour.set_mood(MOODS[i % 4], i * RATE)
    track = behaviour.frames(40 * RATE)
    slow = [i for name, i in INDEX.items() if not name.startswith("eye")]
    assert np.abs(np.diff(track.weights[:, slow], axis=0)).max() < 0.06
    assert np.degrees(np.abs(np.diff(track.head, axis=0))).max() < 0.8


def test_a_face_at_rest_is_friendly_and_a_listener_attentive() -> None:
    def mean(mood: Mood, name: str) -> float:
        return float(watched(mood).weights[:, INDEX[name]].mean())

    assert 0.03 < mean("idle", "mouthSmileLeft") < 0.16
    assert mean("listening", "browInnerUp") > mean("idle", "browInnerUp") + 0.03
    assert mean("thinking", "browDownLeft") > 0.05
    assert abs(np.degrees(watched("listening").head[:, 2]).mean()) > 1


@given(cuts=st.lists(st.integers(0, 20 * RATE), max_size=20), seed=st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_cutting_changes_nothing(cuts: list[int], seed: int) -> None:
    whole, cut = Behaviour(seed), Behaviour(seed)
    for behaviour in (whole, cut):
        behaviour.set_mood("listening", RATE)
        behaviour.set_mood("thinking", 5 * RATE + 123)
        behaviour.set_mood("speaking", 9 * RATE)
        behaviour.phrase_ended(3 * RATE)
        behaviour.express("happy", 2 * RATE)
        behaviour.express("shrug", 12 * RATE + 77)
        behaviour.express("neutral", 14 * RATE)
        behaviour.set_style(Style(0.9), 6 * RATE)
        behaviour.turn_ends(16 * RATE)
    parts = [cut.frames(end) for end in [*sorted(cuts), 20 * RATE]]
    once = whole.frames(20 * RATE)
    np.testing.assert_allclose(np.concatenate([p.weights for p in parts]), once.weights, atol=1e-6)
    np.testing.assert_allclose(np.concatenate([p.head for p in parts]), once.head, atol=1e-6)
    np.testing.assert_allclose(np.concatenate([p.gaze for p in parts]), once.gaze, atol=1e-6)


def test_seeds_differ_and_repeat() -> None:
    assert not np.array_equal(watched("idle", 1).head, watched("idle", 2).head)
    again = Behaviour(1)
    again.set_mood("idle", 0)
    np.testing.assert_array_equal(again.frames(RATE).weights, watched("idle").weights[:60])


def test_a_later_word_on_the_mood_overrules_an_earlier_one() -> None:
    told, plain = Behaviour(1), Behaviour(1)
    told.set_mood("speaking", 3 * RATE)
    told.set_mood("listening", 2 * RATE)
    plain.set_mood("listening", 2 * RATE)
    np.testing.assert_array_equal(told.frames(6 * RATE).weights, plain.frames(6 * RATE).weights)


def test_lips_always_win_the_mouth() -> None:
    stage = watched("listening").between(0, RATE)
    reply = FaceTrack.from_weights(4000, np.full((60, 52), 0.5, np.float32))
    seen = lay_over(stage, reply)
    assert (seen.weights[:, MOUTH] == 0.5).all()
    assert (seen.weights[:, ~MOUTH] >= 0.5).all()
    assert seen.start_sample == 4000
    np.testing.assert_array_equal(seen.head, stage.head)
    with pytest.raises(ValueError, match="60 stage frames cannot carry 0 reply frames"):
        lay_over(stage, reply.between(0, 0))


def test_idling_has_no_loop() -> None:
    """No stretch of it comes again: neither the head's way nor the gestures, at any distance from 2 s to 5 minutes."""
    track = watched("idle")
    slow = [INDEX["mouthSmileLeft"], INDEX["browInnerUp"], INDEX["browOuterUpLeft"]]
    for curve in (*track.head.T, *track.weights[:, slow].T):
        values = curve[::6].astype(np.float64)
        values = (values - values.mean()) / values.std()
        spectrum = np.fft.rfft(values, 2 * len(values))
        alike = np.fft.irfft(np.abs(spectrum) ** 2)[: len(values)] / np.arange(len(values), 0, -1)
        assert alike[50:3000].max() < 0.6
    made = track.weights[:, INDEX["browOuterUpLeft"]] > 0.12
    starts = np.flatnonzero(~made[:-1] & made[1:]) / 60
    assert len(starts) > 5
    assert np.std(np.diff(starts)) > 5


def test_idling_is_varied() -> None:
    """Ten minutes hold smiles, brows, tilts, glances and pressed lips, and between them rest."""
    weights = watched("idle").weights
    for name in ("mouthSmileLeft", "browOuterUpLeft", "mouthPressLeft", "noseSneerLeft"):
        shown = weights[:, INDEX[name]]
        assert shown.max() > np.median(shown) + 0.05, name
    quiet = weights[:, [INDEX["browOuterUpLeft"], INDEX["mouthPressLeft"]]].max(axis=1) < 0.08
    assert 0.6 < quiet.mean() < 0.98


@pytest.mark.parametrize("seed", [1, 2])
def test_thinking_is_seen_within_a_second(seed: int) -> None:
    behaviour = Behaviour(seed)
    behaviour.frames(5 * RATE)
    before = behaviour.frames(6 * RATE)
    behaviour.set_mood("thinking", 6 * RATE)
    after = behaviour.frames(8 * RATE)
    assert not at_partner(after)[45:90].all()
    changed = np.abs(after.weights[:, ~LIDS].mean(axis=0) - before.weights[:, ~LIDS].mean(axis=0))
    assert changed.max() > 0.05


LIDS = np.array([name.startswith("eye") for name in INDEX])


def test_the_turn_is_handed_over_with_the_eyes() -> None:
    """At the end of a turn they rest on the partner, in the midst of one only as often as ever."""
    ends, midst = [], []
    for seed in range(40):
        behaviour = Behaviour(seed)
        behaviour.set_mood("speaking", 0)
        behaviour.turn_ends(9 * RATE)
        behaviour.set_mood("idle", 9 * RATE)
        looks = at_partner(behaviour.frames(10 * RATE))
        ends.append(looks[9 * 60 - 20 : 9 * 60 + 30].mean())
        midst.append(looks[4 * 60 : 7 * 60].mean())
    assert np.mean(ends) > 0.95
    assert np.mean(midst) < 0.65


def test_a_feeling_holds_and_a_gesture_ends() -> None:
    plain, told = Behaviour(3), Behaviour(3)
    told.express("sorry", RATE)
    told.express("no_such_thing", RATE)
    told.express("neutral", 6 * RATE)
    told.express("big_smile", 12 * RATE)
    one, other = plain.frames(20 * RATE), told.frames(20 * RATE)
    change = other.weights - one.weights
    assert change[3 * 60 : 6 * 60, INDEX["browInnerUp"]].min() > 0.3
    assert change[3 * 60 : 6 * 60, SMILE].max() <= 0
    assert np.abs(change[8 * 60 : 12 * 60]).max() < 0.01
    assert change[12 * 60 : 15 * 60, SMILE].max() > 0.4
    assert np.abs(change[16 * 60 :]).max() < 0.01


def test_a_calm_person_moves_less_and_blinks_and_looks_as_much() -> None:
    calm, lively = Behaviour(2, Style(0.0)), Behaviour(2, Style(1.0))
    for behaviour in (calm, lively):
        behaviour.set_mood("listening", 0)
    less, more = calm.frames(180 * RATE), lively.frames(180 * RATE)
    assert 2 < more.head.std() / less.head.std() < 4
    assert np.degrees(np.abs(more.head)).max() < 15
    np.testing.assert_array_equal(less.weights[:, BLINK], more.weights[:, BLINK])
    np.testing.assert_array_equal(at_partner(less), at_partner(more))


def test_reduced_motion_stills_the_head_smoothly_and_nothing_else() -> None:
    behaviour, plain = Behaviour(2), Behaviour(2)
    behaviour.set_style(Style(reduced_motion=True), 10 * RATE)
    still, usual = behaviour.frames(60 * RATE), plain.frames(60 * RATE)
    assert still.head[12 * 60 :].std() < 0.3 * usual.head[12 * 60 :].std()
    assert np.degrees(np.abs(np.diff(still.head, axis=0))).max() < 0.8
    expression = ~LIDS
    np.testing.assert_allclose(still.weights[:, expression], usual.weights[:, expression], atol=1e-6)


def looking_for(directions: list[tuple[float, tuple[float, float] | None]], style: Style | None = None) -> FaceTrack:
    """Thirty seconds of a listener who is told at these seconds where the visitor is."""
    behaviour = Behaviour(3, style)
    behaviour.set_mood("listening", 0)
    for second, direction in directions:
        behaviour.visitor_at(direction, round(second * RATE))
    return behaviour.frames(30 * RATE)


def looks(track: FaceTrack) -> np.ndarray:
    """Where the eyes look in space, shape (n, 2), radians."""
    return track.gaze + track.head[:, :2]


@pytest.mark.parametrize("direction", [(0.3, 0.0), (-0.3, 0.1), (0.05, -0.15)])
@pytest.mark.parametrize("reduced", [False, True])
def test_the_eyes_find_the_visitor_whom_a_camera_sees(direction: tuple[float, float], reduced: bool) -> None:
    style = Style(reduced_motion=reduced)
    track, ahead = looking_for([(5.0, direction)], style), looking_for([], style)
    before, after = slice(0, 300), slice(480, None)
    assert np.array_equal(looks(track)[before], looks(ahead)[before])
    moved = np.median(looks(track)[after], axis=0) - np.median(looks(ahead)[after], axis=0)
    assert np.abs(moved - direction).max() < 0.03
    turned = float(np.median(track.head[after, 0]) - np.median(ahead.head[after, 0]))
    assert abs(turned) <= (0.15 if reduced else 0.6) * abs(direction[0]) + 0.01, "the head goes part of the way"
    at_visitor = np.degrees(np.hypot(*(looks(track)[after] - direction).T)) < 5
    assert 0.55 < at_visitor.mean() < 0.9, "it looks away now and then, as ever"


def test_a_moving_visitor_is_followed_and_a_lost_one_let_go() -> None:
    walk = [(5 + k / 5, (0.01 * k, 0.0)) for k in range(40)]
    track = looking_for([*walk, (18.0, None)])
    ahead = looking_for([])
    shift = looks(track)[:, 0] - looks(ahead)[:, 0]
    middle = float(np.median(shift[8 * 60 : 10 * 60]))
    assert 0.1 < middle < 0.25
    assert np.median(shift[14 * 60 : 18 * 60]) > 0.33
    assert abs(np.median(shift[21 * 60 :])) < 0.02
    assert np.abs(np.diff(track.head[:, 0])).max() < 0.012, "the head glides"
    assert np.degrees(np.abs(track.gaze)).max() < 33.5


def test_a_visitor_who_is_suddenly_elsewhere_is_found_by_a_saccade() -> None:
    track = looking_for([(5.0, (-0.2, 0.0)), (10.0, (0.2, 0.0))])
    yaw = np.degrees(looks(track)[:, 0])
    arrived = int(np.argmax(yaw[600:] > 8))
    assert arrived <= 8, "its eyes are there within an eighth of a second, unless they looked away"


def test_a_visitor_beyond_reach_is_looked_at_from_the_corner_of_the_eye() -> None:
    track = looking_for([(1.0, (1.0, -1.0))])
    assert np.degrees(np.abs(track.gaze)).max() < 33.5
    assert np.degrees(track.head[:, 0]).max() < 20
