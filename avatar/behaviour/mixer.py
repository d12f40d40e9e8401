"""One face from all layers. Who wins where, from the lowest layer to the highest:

| layer      | owns                                    | over the layers below                                        |
|------------|-----------------------------------------|--------------------------------------------------------------|
| expression | brows, cheeks, smile, lid tension       | lies at the bottom                                           |
| breath     | nostrils; a little of the head's pitch  | adds                                                         |
| head       | posture, drift, nods                    | adds                                                         |
| gaze       | eyeballs; eyeLook (lids); head's share  | adds to the head; the eyes take back what the head turned    |
| blink      | eyeBlink                                | beats eyeLook, eyeWide and eyeSquint as far as lids are shut |
| reply      | jaw, mouth, tongue, cheekPuff           | replaces the mouth; adds brows, cheeks and head              |

So lips always win the mouth, and a blink always closes the eye. The reply is laid over the stage where it is shown
(`lay_over`); the stage knows nothing of it.
"""

import numpy as np
from numpy.typing import NDArray

from avatar.behaviour.blink import Blinks
from avatar.behaviour.breath import HEAD_PITCH, NOSTRILS, Breath
from avatar.behaviour.gaze import Gaze
from avatar.behaviour.head import Head
from avatar.behaviour.mood import SHAPES, Expression
from avatar.behaviour.moods import Mood
from avatar.behaviour.motion import Curve
from avatar.blendshapes import FPS, INDEX, MOUTH, NAMES, SAMPLES_PER_FRAME, FaceTrack, Frames


def _columns(name: str) -> list[int]:
    return [INDEX[n] for n in (name, name + "Left", name + "Right") if n in INDEX]


_EXPRESSION = [(i, column) for i, name in enumerate(SHAPES) for column in _columns(name)]
_EXPRESSION_FROM = np.array([i for i, _ in _EXPRESSION])
_EXPRESSION_TO = np.array([column for _, column in _EXPRESSION])
_NOSTRILS = _columns("noseSneer")
_BLINK = _columns("eyeBlink")
_LIDS = np.array([i for i, n in enumerate(NAMES) if n.startswith(("eyeLook", "eyeWide", "eyeSquint"))])

_LOOKS = (
    (0, 1.0, 32.0, "eyeLookOutLeft", "eyeLookInRight"),
    (0, -1.0, 32.0, "eyeLookInLeft", "eyeLookOutRight"),
    (1, 1.0, 24.0, "eyeLookUpLeft", "eyeLookUpRight"),
    (1, -1.0, 30.0, "eyeLookDownLeft", "eyeLookDownRight"),
)
"""Axis of the gaze, its sign, the degrees at which the shapes reach 1, and the shapes."""
_LOOK_AXIS = np.array([axis for axis, *_ in _LOOKS for _ in range(2)])
_LOOK_GAIN = np.array([sign / np.radians(full) for _, sign, full, *_ in _LOOKS for _ in range(2)])
_LOOK = np.array([INDEX[name] for _, _, _, *names in _LOOKS for name in names])


def eye_look(gaze: Curve) -> Curve:
    """The weights of the eight eyeLook shapes, shape (n, 8), for yaw and pitch relative to the head, shape (n, 2),
    radians. They move lids only: the eyeballs are turned by the gaze itself."""
    looks: Curve = gaze[:, _LOOK_AXIS] * _LOOK_GAIN
    return np.minimum(np.maximum(looks, 0.0), 1.0)


class Behaviour:
    """One session's behaviour on the stage clock: StageBehaviour. The same seed and the same calls give the same face,
    however `frames` is cut."""

    def __init__(self, seed: int = 0) -> None:
        streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(5)]
        self._expression = Expression(streams[0])
        self._breath = Breath(streams[1])
        self._head = Head(streams[2])
        self._gaze = Gaze(streams[3])
        self._blinks = Blinks(streams[4])
        self._mood: Mood = "idle"
        self._moods: list[tuple[int, Mood]] = []
        """Changes to come: (first frame, mood), in order."""
        self._given = 0

    def set_mood(self, mood: Mood, at_sample: int) -> None:
        """See StageBehaviour. It overrules changes announced earlier for that moment or a later one."""
        frame = max(self._given, -(-at_sample // SAMPLES_PER_FRAME))
        self._moods = [change for change in self._moods if change[0] < frame]
        self._moods.append((frame, mood))

    def phrase_ended(self, at_sample: int) -> None:
        """See StageBehaviour."""
        self._head.answer(at_sample / (FPS * SAMPLES_PER_FRAME), self._given / FPS)

    def frames(self, end_sample: int) -> FaceTrack:
        """See StageBehaviour."""
        start, end = self._given, max(self._given, -(-end_sample // SAMPLES_PER_FRAME))
        weights = np.zeros((end - start, 52), np.float32)
        head = np.zeros((end - start, 3), np.float32)
        gaze = np.zeros((end - start, 2), np.float32)
        while self._given < end:
            while self._moods and self._moods[0][0] <= self._given:
                self._mood = self._moods.pop(0)[1]
            stop = min(end, self._moods[0][0]) if self._moods else end
            part = slice(self._given - start, stop - start)
            self._render(np.arange(self._given, stop) / FPS, weights[part], head[part], gaze[part])
            self._given = stop
        return FaceTrack(start * SAMPLES_PER_FRAME, weights, head, gaze)

    def _render(self, times: Curve, weights: Frames, head: Frames, gaze: Frames) -> None:
        """One stretch of one mood, written into the given frames."""
        weights[:, _EXPRESSION_TO] = self._expression.render(times, self._mood)[:, _EXPRESSION_FROM]
        fill = self._breath.render(times, self._mood)
        weights[:, _NOSTRILS] = NOSTRILS * fill[:, None]
        turned: NDArray[np.float64] = self._head.render(times, self._mood)
        turned[:, 1] += HEAD_PITCH * fill
        eyes, follow = self._gaze.render(times, self._mood)
        turned[:, :2] += follow
        relative = eyes - turned[:, :2]
        weights[:, _LOOK] = eye_look(relative)
        shut = self._blinks.render(times, self._mood)
        weights[:, _LIDS] *= (1 - shut)[:, None]
        weights[:, _BLINK] = shut[:, None]
        head[:] = turned
        gaze[:] = relative


def lay_over(stage: FaceTrack, reply: FaceTrack) -> FaceTrack:
    """What is seen while a reply plays: both tracks must have the same length; the result stands where the reply's
    frames stand. Raises ValueError when the lengths differ."""
    if len(stage) != len(reply):
        raise ValueError(f"{len(stage)} stage frames cannot carry {len(reply)} reply frames")
    weights = np.where(MOUTH, reply.weights, stage.weights + reply.weights).clip(0.0, 1.0)
    head = stage.head + reply.head
    return FaceTrack(reply.start_sample, weights.astype(np.float32), head, stage.gaze + reply.gaze)
