"""One face from all layers. Who wins where, from the lowest layer to the highest:

| layer      | owns                                    | over the layers below                                        |
|------------|-----------------------------------------|--------------------------------------------------------------|
| expression | brows, cheeks, smile, lid tension       | the mood's lies at the bottom; what is felt adds             |
| breath     | nostrils; a little of the head's pitch  | adds                                                         |
| head       | posture, drift                          | adds                                                         |
| gestures   | whatever their curves move              | adds; the eyes too, beside where the gaze has them           |
| gaze       | eyeballs; eyeLook (lids); head's share  | adds to the head; the eyes take back what the head turned    |
| blink      | eyeBlink                                | beats eyeLook, eyeWide and eyeSquint as far as lids are shut |
| reply      | jaw, mouth, tongue, cheekPuff           | replaces the mouth; adds brows, cheeks, head and gaze        |

So lips always win the mouth, and a blink always closes the eye. The reply is laid over the stage where it is shown
(`lay_over`); the stage knows nothing of it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from avatar.behaviour.blink import Blinks
from avatar.behaviour.breath import HEAD_PITCH, NOSTRILS, Breath
from avatar.behaviour.gaze import Gaze
from avatar.behaviour.gestures import Gestures
from avatar.behaviour.head import Head
from avatar.behaviour.mood import Expression
from avatar.behaviour.moods import Mood
from avatar.behaviour.motion import Curve, Ease
from avatar.behaviour.repertoire import HEAD, LOOK, WEIGHTS, Repertoire, columns, default
from avatar.behaviour.style import Style, scale
from avatar.blendshapes import FPS, INDEX, MOUTH, NAMES, SAMPLES_PER_FRAME, FaceTrack, Frames

_NOSTRILS = columns("noseSneer")
_BLINK = columns("eyeBlink")
_LIDS = np.array([i for i, n in enumerate(NAMES) if n.startswith(("eyeLook", "eyeWide", "eyeSquint"))])
_STYLE_SETTLE = 1.0
_EYES_TURN = np.radians(33.0)
"""As far as eyes turn in a head. Only somebody who stands far to the side is looked at from the corner of the eye."""
_LOOK_BEFORE_END = 0.7
"""Seconds before the end of our turn at which we look at the one whose turn it will be."""

_LOOKS = (
    (0, 1.0, 32.0, "eyeLookOutLeft", "eyeLookInRight"),
    (0, -1.0, 32.0, "eyeLookInLeft", "eyeLookOutRight"),
    (1, 1.0, 24.0, "eyeLookUpLeft", "eyeLookUpRight"),
    (1, -1.0, 30.0, "eyeLookDownLeft", "eyeLookDownRight"),
)
"""Axis of the gaze, its sign, the degrees at which the shapes reach 1, and the shapes."""
_LOOK_AXIS = np.array([axis for axis, *_ in _LOOKS for _ in range(2)])
_LOOK_GAIN = np.array([sign / np.radians(full) for _, sign, full, *_ in _LOOKS for _ in range(2)])
_LOOK_SHAPES = np.array([INDEX[name] for _, _, _, *names in _LOOKS for name in names])


def eye_look(gaze: Curve) -> Curve:
    """The weights of the eight eyeLook shapes, shape (n, 8), for yaw and pitch relative to the head, shape (n, 2),
    radians. They move lids only: the eyeballs are turned by the gaze itself."""
    looks: Curve = gaze[:, _LOOK_AXIS] * _LOOK_GAIN
    return np.minimum(np.maximum(looks, 0.0), 1.0)


class Behaviour:
    """One session's behaviour on the stage clock: StageBehaviour. The same seed and the same calls give the same face,
    however `frames` is cut."""

    def __init__(self, seed: int = 0, style: Style | None = None, repertoire: Repertoire | None = None) -> None:
        streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(6)]
        self._repertoire = repertoire or default()
        self._style = style or Style()
        self._amounts = Ease((self._style.face, self._style.head), _STYLE_SETTLE)
        self._expression = Expression(streams[0], self._repertoire)
        self._breath = Breath(streams[1])
        self._head = Head(streams[2])
        self._gaze = Gaze(streams[3])
        self._blinks = Blinks(streams[4])
        self._gestures = Gestures(streams[5], self._repertoire)
        self._mood: Mood = "idle"
        self._moods: list[tuple[int, Mood]] = []
        """Moods to come: (first frame, mood), in order."""
        self._changes: list[tuple[int, Callable[[float], None]]] = []
        """What else is to come: (first frame, what to do then, told the seconds), in order."""
        self._given = 0

    def set_mood(self, mood: Mood, at_sample: int) -> None:
        """See StageBehaviour. It overrules moods announced earlier for that moment or a later one."""
        frame = self._frame(at_sample)
        self._moods = [change for change in self._moods if change[0] < frame]
        self._moods.append((frame, mood))

    def set_style(self, style: Style, at_sample: int) -> None:
        """See StageBehaviour."""

        def change(now: float) -> None:
            self._style = style
            self._amounts.retarget(now, (style.face, style.head))

        self._plan(at_sample, change)

    def phrase_ended(self, at_sample: int) -> None:
        """See StageBehaviour."""
        self._gestures.answer(at_sample / (FPS * SAMPLES_PER_FRAME), self._given / FPS)

    def turn_ends(self, at_sample: int) -> None:
        """See StageBehaviour."""
        self._plan(at_sample - round(_LOOK_BEFORE_END * FPS) * SAMPLES_PER_FRAME, self._gaze.hand_over)

    def visitor_at(self, direction: tuple[float, float] | None, at_sample: int) -> None:
        """See StageBehaviour."""
        self._plan(at_sample, lambda now: self._gaze.partner_at(direction, now))

    def express(self, name: str, at_sample: int) -> None:
        """See StageBehaviour."""
        if name in self._repertoire.gestures:
            self._gestures.perform(name, self._frame(at_sample) / FPS)
        elif name in self._repertoire.feelings:
            self._plan(at_sample, lambda now: self._expression.feel(name, now))

    def frames(self, end_sample: int) -> FaceTrack:
        """See StageBehaviour."""
        start, end = self._given, max(self._given, -(-end_sample // SAMPLES_PER_FRAME))
        weights = np.zeros((end - start, 52), np.float32)
        head = np.zeros((end - start, 3), np.float32)
        gaze = np.zeros((end - start, 2), np.float32)
        while self._given < end:
            stop = self._until_change(end)
            part = slice(self._given - start, stop - start)
            self._render(np.arange(self._given, stop) / FPS, weights[part], head[part], gaze[part])
            self._given = stop
        return FaceTrack(start * SAMPLES_PER_FRAME, weights, head, gaze)

    def _frame(self, at_sample: int) -> int:
        """The frame at that moment, or the first that was not yet given out."""
        return max(self._given, -(-at_sample // SAMPLES_PER_FRAME))

    def _plan(self, at_sample: int, change: Callable[[float], None]) -> None:
        self._changes.append((self._frame(at_sample), change))
        self._changes.sort(key=lambda planned: planned[0])

    def _until_change(self, end: int) -> int:
        """Make the changes that are due; returns where the next one is, at most `end`."""
        while self._moods and self._moods[0][0] <= self._given:
            self._mood = self._moods.pop(0)[1]
            if self._mood == "speaking":
                self._gestures.forget_answers(self._given / FPS)
        while self._changes and self._changes[0][0] <= self._given:
            self._changes.pop(0)[1](self._given / FPS)
        return min([end, *(frame for frame, _ in (*self._moods[:1], *self._changes[:1]))])

    def _render(self, times: Curve, weights: Frames, head: Frames, gaze: Frames) -> None:
        """One stretch of one mood, written into the given frames."""
        shown, moved = self._expression.render(times, self._mood)
        moved += self._gestures.render(times, self._mood, self._style.pace)
        amounts = self._amounts.at(times)
        scale(moved, amounts[:, :1], amounts[:, 1:])
        fill = self._breath.render(times, self._mood)
        shown += moved[:, WEIGHTS]
        shown[:, _NOSTRILS] += NOSTRILS * fill[:, None]

        turned: NDArray[np.float64] = self._head.render(times, self._mood)
        turned[:, 1] += HEAD_PITCH * fill
        eyes, follow = self._gaze.render(times, self._mood)
        turned[:, :2] += follow
        turned = amounts[:, 1:] * turned + np.radians(moved[:, HEAD])
        relative = (eyes + np.radians(moved[:, LOOK]) - turned[:, :2]).clip(-_EYES_TURN, _EYES_TURN)

        shown[:, _LOOK_SHAPES] += eye_look(relative)
        shut = np.maximum(self._blinks.render(times, self._mood)[:, None], shown[:, _BLINK])
        shown[:, _LIDS] *= 1 - shut.max(axis=1, keepdims=True)
        shown[:, _BLINK] = shut
        weights[:] = np.clip(shown, 0.0, 1.0)
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
