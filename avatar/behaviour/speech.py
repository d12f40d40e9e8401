"""What a speaker's face and head do with the voice and the words, on the reply's own timeline.

Heads of speakers follow F0 and amplitude closely (Munhall et al., "Visual prosody and speech intelligibility", 2004),
and brows and head underline accents. Cheeks, brows and the mouth's corners show what is felt. All this is added to
what the stage does, but for the mouth's corners, which lie under the lips.
"""

import numpy as np

from agent.audio import Pcm
from avatar.behaviour.feelings import arousal, felt_in
from avatar.behaviour.gestures import Gestures
from avatar.behaviour.motion import Curve, Ease
from avatar.behaviour.prosody import EDGE, LOUDNESS_RANGE_DB, QUIET_DB, STRESS_APART, Prosody, prosody, stresses
from avatar.behaviour.repertoire import CHANNELS, HEAD, Repertoire, columns, default
from avatar.behaviour.style import Style, scale
from avatar.blendshapes import FPS, SAMPLES_PER_FRAME

_YAW, _PITCH, _ROLL, _BROW, _CHEEK, _AROUSAL = range(6)
_FOLLOWERS = 6
_OMEGA = np.array([7.0, 16.0, 13.0, 20.0, 12.0, 4.0])
"""Natural frequency of each follower, rad/s: a head turns slowly, its chin follows the tone of the phrase, and it
sways with the beat of the syllables. Excitement comes and goes slowest."""
_AHEAD = (9, 8, 7, 4, 4, 12)
"""Frames by which each starts early, so that it arrives with the voice: about its spring's delay, 120 / omega."""
_FOLLOW = np.exp(-_OMEGA / FPS)
_SHAPES = (("browInnerUp", _BROW, 1.0), ("browOuterUp", _BROW, 0.7), ("cheekSquint", _CHEEK, 1.0))
_ACCENT_LEAD = 0.2
"""Seconds by which the gesture for a stressed word begins before its stress."""
_LATEST_ACCENT = 7
"""Frames by which it may begin late and still seem to belong to the stress."""
_SETTLE = 0.6
_SHORTEST_RUN = 3
_LEAN = (-0.035, 0.035)
_MEMORY = 90
"""Frames of what came before a piece of speech that it is heard with: an engine may give pieces shorter than a word."""


class SpeechMotion:
    """Head, brows, cheeks and corners of the mouth of one reply, produced strictly forward. Frames never change once
    given out."""

    def __init__(self, seed: int = 0, style: Style | None = None, repertoire: Repertoire | None = None) -> None:
        self._rng, gestures = np.random.default_rng(seed).spawn(2)
        self._style = style or Style()
        self._repertoire = repertoire or default()
        self._gestures = Gestures(gestures, self._repertoire)
        self._sway = float(self._rng.uniform(0.03, 0.05))
        """Radians for the loudest syllables, always to the same side: a person has one, which no reply changes."""
        self._lean = float(self._rng.uniform(*_LEAN))
        """Radians to the left for the loudest syllables of this sentence."""
        self._given = 0
        self._targets: Curve = np.zeros((0, _FOLLOWERS))
        """Of the frames from `_kept_from` on, as far as they are known."""
        self._kept_from = 0
        self._position = np.zeros(_FOLLOWERS)
        self._velocity = np.zeros(_FOLLOWERS)
        self._voiced: Curve = np.zeros(0)
        self._levels: Curve = np.zeros(0)
        self._loudest = QUIET_DB + LOUDNESS_RANGE_DB
        self._before = Prosody(np.zeros(0), np.zeros(0))
        self._last_stress = -STRESS_APART
        self._feeling = Ease(np.zeros(len(CHANNELS)), _SETTLE)
        self._told: str | None = None
        """The feeling that was asked for: it holds against what the words bring."""
        self._felt: Curve = np.zeros(len(CHANNELS))
        """What is felt while there is speech; past it the face rests."""
        self._resting = False
        self._changes: list[tuple[int, Curve]] = []
        """Feelings to come: (first frame, movement), in order."""

    def restyle(self, style: Style) -> None:
        """As lively as that from the next frame on."""
        self._style = style

    def add(self, pcm: Pcm, start_sample: int, text: str = "", *, end_sample: int | None = None) -> None:
        """One chunk of the reply's speech: `pcm` has shape (n,), 24 kHz, and begins at `start_sample`. `text`: the
        sentence that begins with it, or "" in the midst of one. `end_sample`: only the frames before it come of this
        chunk; what sounds beyond helps to hear them."""
        first = max(self._given, -(-start_sample // SAMPLES_PER_FRAME))
        end = -(-(start_sample + len(pcm) if end_sample is None else end_sample) // SAMPLES_PER_FRAME)
        if text:
            self._lean = float(self._rng.uniform(*_LEAN))
        if end <= first:
            return
        if self._resting:
            self._change(first, self._felt)
        if text and self._told is None:
            name, strength = felt_in(text, self._repertoire)
            self._change(first, strength * self._repertoire.feelings[name].movement)
        heard = prosody(pcm, first * SAMPLES_PER_FRAME - start_sample, end - first)
        targets = self._aim(heard, first)
        for follower, ahead in enumerate(_AHEAD):
            led = np.minimum(np.arange(len(targets)) + ahead, len(targets) - 1)
            targets[:, follower] = targets[led, follower]
        kept = self._targets[self._given - self._kept_from :]
        grown = np.zeros((max(end, self._known) - self._given, _FOLLOWERS))
        grown[: len(kept)] = kept
        grown[first - self._given : end - self._given] = targets
        self._targets, self._kept_from = grown, self._given

    @property
    def _known(self) -> int:
        """The frame before which there is speech."""
        return self._kept_from + len(self._targets)

    def express(self, name: str, at_sample: int) -> None:
        """From `at_sample` on, make the gesture or feel the feeling of that name; a feeling holds until the next one.
        A name that is not in the repertoire is no matter."""
        at = max(self._given, -(-at_sample // SAMPLES_PER_FRAME))
        if name in self._repertoire.gestures:
            self._gestures.perform(name, at / FPS)
        elif name in self._repertoire.feelings:
            self._told = name if name != "neutral" else None
            self._change(at, self._repertoire.feelings[name].movement)

    def frames(self, end_sample: int) -> Curve:
        """The movement of the frames from where the last call stopped that stand before `end_sample`: shape (n, 57) as
        CHANNELS, shapes (which may be below 0) and degrees."""
        start, end = self._given, max(self._given, -(-end_sample // SAMPLES_PER_FRAME))
        moved = np.zeros((end - start, len(CHANNELS)))
        while self._given < end:
            stop = self._until_change(end)
            times = np.arange(self._given, stop) / FPS
            part = moved[self._given - start : stop - start]
            part += self._feeling.at(times)
            part += self._gestures.sum(times)
            self._given = stop
        followed = self._follow(start, end)
        for name, which, gain in _SHAPES:
            moved[:, columns(name)] += gain * np.maximum(followed[:, [which]], 0.0)
        excited = followed[:, [_AROUSAL]]
        moved += np.maximum(excited, 0) * self._repertoire.feelings["animated"].movement
        moved += np.maximum(-excited, 0) * self._repertoire.feelings["subdued"].movement
        moved[:, HEAD] += np.degrees(followed[:, [_YAW, _PITCH, _ROLL]])
        scale(moved, self._style.face, self._style.head)
        return moved

    def _until_change(self, end: int) -> int:
        """Make the changes of feeling that are due; returns where the next one is, at most `end`. Past the last sound
        nothing is felt any more."""
        known = self._known
        while self._changes and self._changes[0][0] <= self._given:
            self._felt = self._changes.pop(0)[1]
            self._feeling.retarget(self._given / FPS, self._felt)
            self._resting = False
        if self._given >= known and not self._resting:
            self._feeling.retarget(self._given / FPS, np.zeros(len(CHANNELS)))
            self._resting = True
        later = [at for at in (*(at for at, _ in self._changes[:1]), known) if at > self._given]
        return min([end, *later])

    def _change(self, frame: int, movement: Curve) -> None:
        """Feel that from `frame` on, until the next change."""
        self._changes.append((frame, movement))
        self._changes.sort(key=lambda change: change[0])

    def _follow(self, start: int, end: int) -> Curve:
        """The followers' positions at frames [start, end): shape (n, 6)."""
        at = np.empty((end - start, _FOLLOWERS))
        rest = np.zeros(_FOLLOWERS)
        for i in range(end - start):
            target = self._targets[start + i - self._kept_from] if start + i < self._known else rest
            # One exact step of a critically damped spring towards a target that stands still for the step.
            offset = self._position - target
            slope = self._velocity + _OMEGA * offset
            self._position = target + (offset + slope / FPS) * _FOLLOW
            self._velocity = (self._velocity - _OMEGA * slope / FPS) * _FOLLOW
            at[i] = self._position
        return at

    def _aim(self, heard: Prosody, first: int) -> Curve:
        """Where the followers should be, shape (n, 6); and the stressed words' accents."""
        count = len(heard.level_db)
        voiced = np.isfinite(heard.log_f0)
        self._voiced = np.concatenate([self._voiced, heard.log_f0[voiced]])[-3000:]
        self._levels = np.concatenate([self._levels, heard.level_db[voiced]])[-3000:]
        self._loudest = max(self._loudest, float(np.percentile(heard.level_db, 95)))
        heard = Prosody(*(np.concatenate(pair) for pair in zip(self._before, heard, strict=True)))
        self._before = Prosody(heard.log_f0[-_MEMORY:], heard.level_db[-_MEMORY:])
        level = np.clip(1 + (heard.level_db - self._loudest) / LOUDNESS_RANGE_DB, 0.0, 1.0)
        speaking = np.clip(level / 0.3, 0.0, 1.0)
        semitones = np.zeros(len(level))
        targets = np.zeros((len(level), _FOLLOWERS))
        where = np.flatnonzero(np.isfinite(heard.log_f0))
        if len(where) >= _SHORTEST_RUN:
            usual = float(np.median(self._voiced))
            relative = 12 * (heard.log_f0[where] - usual)
            semitones = np.clip(np.interp(np.arange(len(level)), where, relative), -6.0, 6.0)
            targets[:, _AROUSAL] = arousal(heard, usual, float(np.median(self._levels)))
        for stress in stresses(semitones, level):
            self._underline(first + count - len(level) + stress, first)
        targets[:, _YAW] = self._lean * level
        targets[:, _PITCH] = 0.018 * semitones * speaking + 0.02 * level
        targets[:, _ROLL] = self._sway * level
        targets[:, _BROW] = (0.05 * np.clip(semitones - 1, 0, 5) + 0.06 * np.clip((level - 0.7) / 0.3, 0, 1)) * speaking
        targets[:, _CHEEK] = 0.10 * np.clip((level - 0.5) / 0.5, 0, 1)
        return targets[-count:]

    def _underline(self, stress: int, first: int) -> None:
        """An accent for the stressed syllable at frame `stress`, if that is news and its time has not passed: frames
        before `first` can be changed no more."""
        if stress < max(first - EDGE, self._last_stress + STRESS_APART):
            return
        self._last_stress = stress
        start = stress - round(_ACCENT_LEAD * FPS)
        if start >= first - _LATEST_ACCENT:
            self._gestures.accent(max(first, start) / FPS)
