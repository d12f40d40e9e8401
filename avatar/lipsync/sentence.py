"""The mouth of one stretch of speech that nobody timed: from its sound, and from its text where that is known."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent.audio import TIMELINE_RATE, Pcm
from avatar.blendshapes import SAMPLES_PER_FRAME
from avatar.lipsync.audio import audio_rows, visemes_heard
from avatar.lipsync.coarticulation import constrain, dominance_curves, rest_filled
from avatar.lipsync.features import HOP
from avatar.lipsync.follow import Follower, Path, spans
from avatar.lipsync.network import Heard, LipNetwork
from avatar.lipsync.phones import CHANNELS, Segment, segment
from avatar.lipsync.pronounce import Pronunciation
from avatar.lipsync.sounds import SOUND, SOUNDS, VISEME_OF

_SIL = SOUND["sil"]
BLOCK = 4
"""Rows of 10 ms that are made from the text at once."""
LAG = 12
_TEXT_SHARE = 0.6
"""What the text says of the shape, the sound saying the rest. Seals and bites are the text's alone."""
_PAST, _COMING = 45, 0.35
"""Rows of the path before a block, and seconds of text after what was heard, that can touch the block."""
_TRUSTED, _DOUBTED = -1.5, -1.7
"""Running evidence for the text (see Follower.evidence) above which it decides, and below which only the sound does."""
_USUAL = -1.0
"""The evidence where a text is what is heard: assumed before anything was."""
_REMEMBERED = 60.0
"""Rows of speech that the running evidence weighs."""
_REST = 0.3
"""Seconds after the end in which the mouth comes to rest."""

_KEPT = 3000
"""Rows of sound without a text that are kept for whoever asks what was said: a microphone never ends."""

Rows = NDArray[np.float32]


class HeardSentence:
    """Rows of 10 ms of the mouth's channels, and then frames of 60 a second on the reply's timeline.

    `rows_known` rows are final. `text_share` tells how far the text decided lately, 0…1.
    """

    def __init__(
        self,
        network: LipNetwork,
        start_sample: int,
        lookahead: int,
        pronunciation: Pronunciation | None = None,
        lag: int | None = LAG,
    ) -> None:
        """`lag`: rows that the text's path is followed beyond the one it decides; None: to the end of the sound."""
        self.start_sample = start_sample
        self._lag = lag
        self._stream = network.stream(lookahead)
        path = Path(pronunciation) if pronunciation is not None else None
        self._follower = Follower(path, network.prior) if path is not None and path.units else None
        self._samples = 0
        self._forgotten = 0
        self._ended = False
        self._shapes: Rows = np.zeros((0, len(CHANNELS)), np.float32)
        self._audio: Rows = np.zeros((0, len(CHANNELS)), np.float32)
        self._said: NDArray[np.intp] = np.zeros(0, np.intp)
        self._speech: NDArray[np.bool_] = np.zeros(0, bool)
        self._rows: Rows = self._audio
        self._labels: NDArray[np.intp] = self._said
        self._evidence = _USUAL
        self._trust = 1.0
        self.followed = 0.0
        """Rows of speech, counted as far as the text decided them."""
        self.heard_speech = 0
        """Rows of speech."""

    def push(self, pcm: Pcm) -> None:
        """The next of the sound: shape (n,), 24 kHz."""
        self._samples += len(pcm)
        self._take(self._stream.push(pcm))

    def end(self) -> None:
        """Nothing more comes: silence follows, in which the mouth comes to rest."""
        if not self._ended:
            self._ended = True
            after = round(_REST * TIMELINE_RATE) + (self._stream.lookahead + 3) * HOP
            self._take(self._stream.push(np.zeros(after, np.float32)))

    def _take(self, heard: Heard) -> None:
        if len(heard):
            self._shapes = np.concatenate([self._shapes, heard.channels])
            self._audio = np.concatenate([self._audio, audio_rows(heard)])
            self._said = np.concatenate([self._said, visemes_heard(heard)])
            self._speech = np.concatenate([self._speech, heard.sounds[:, _SIL] < 0.5])
            if self._follower is not None:
                self._follower.push(heard.sounds)
        if self._follower is None:
            self._rows, self._labels = self._audio, self._said
            return
        if self._lag is None:
            if self._ended:
                self._follow(self._follower, len(self._audio), len(self._audio))
            return
        while (until := len(self._rows) + BLOCK) <= len(self._audio) - (0 if self._ended else self._lag):
            # Never more than is known then, however the sound was cut.
            self._follow(self._follower, until, min(len(self._audio), until + self._lag))

    def _follow(self, follower: Follower, until: int, now: int) -> None:
        """The next rows, until row `until`, from the text and the sound of the rows before `now`."""
        first = len(self._rows)
        begin = max(0, first - _PAST)
        path = follower.path
        states = follower.states(begin, now)
        said = _segments(spans(states.tolist(), path, begin), path, now)
        times = (np.arange(first, until) + 0.5) / 100
        timeline = rest_filled(said, begin / 100, now / 100 + _COMING)
        curves = _TEXT_SHARE * dominance_curves(timeline, times)
        curves += (1 - _TEXT_SHARE) * self._shapes[first:until]
        constrain(curves, timeline, times)
        here = states[first - begin : until - begin]
        trust = self._trusted(follower, first, until)
        mixed = trust[:, None] * curves + (1 - trust[:, None]) * self._audio[first:until]
        self._rows = np.concatenate([self._rows, mixed.astype(np.float32)])
        labels = np.where(trust > 0.5, path.sound[here], self._said[first:until])
        self._labels = np.concatenate([self._labels, labels])
        speech = self._speech[first:until]
        self.heard_speech += int(speech.sum())
        self.followed += float(trust[speech].sum())

    def _trusted(self, follower: Follower, first: int, until: int) -> NDArray[np.float64]:
        """How far the text decides in each row, moving by at most a tenth a row."""
        out = np.empty(until - first)
        for row in range(first, until):
            if self._speech[row]:
                self._evidence += (follower.evidence[row] - self._evidence) / _REMEMBERED
            wanted = np.clip((self._evidence - _DOUBTED) / (_TRUSTED - _DOUBTED), 0, 1)
            self._trust += float(np.clip(wanted - self._trust, -0.1, 0.1))
            out[row - first] = self._trust
        return out

    @property
    def ready_sample(self) -> int:
        """Frames before this place on the reply's timeline are final."""
        if self._ended:
            return self.rest_sample
        last = self.start_sample + (self._forgotten + len(self._rows) - 0.5) * HOP
        return max(self.start_sample, int(last // SAMPLES_PER_FRAME + 1) * SAMPLES_PER_FRAME)

    @property
    def end_sample(self) -> int:
        """Where the sound that was pushed ends."""
        return self.start_sample + self._samples

    @property
    def rest_sample(self) -> int:
        """Where the mouth has come to rest after what was pushed."""
        return self.start_sample + self._samples + round(_REST * TIMELINE_RATE)

    def frames(self, first: int, end: int) -> Rows:
        """The channels at the frames [first, end) of the reply's timeline (frame k at sample 400·k), shape (n, 14);
        rest outside of what is known."""
        rows, at = self._places(first, end)
        if not len(rows):
            return np.zeros((end - first, len(CHANNELS)), np.float32)
        low = np.clip(np.floor(at).astype(int), 0, len(rows) - 1)
        high = np.minimum(low + 1, len(rows) - 1)
        part = np.clip(at - low, 0, 1)[:, None].astype(np.float32)
        out = (1 - part) * rows[low] + part * rows[high]
        out[(at < -1 - self._forgotten) | (at > len(rows) - 0.5)] = 0
        return np.asarray(out, np.float32)

    def visemes(self, first: int, end: int) -> list[str]:
        """The viseme class being said at each of the frames; "sil" outside of what is known."""
        labels, at = self._labels, self._places(first, end)[1]
        nearest = np.round(at).astype(int)
        return [VISEME_OF[labels[i]] if 0 <= i < len(labels) else SOUNDS[_SIL] for i in nearest]

    def _places(self, first: int, end: int) -> tuple[Rows, NDArray[np.float64]]:
        samples = np.arange(first, end) * SAMPLES_PER_FRAME - self.start_sample
        return self._rows, samples / HOP - 0.5 - self._forgotten

    def forget(self, frame: int) -> None:
        """Frames before `frame` will not be asked for again. With a text everything is kept: texts end."""
        kept = int((frame * SAMPLES_PER_FRAME - self.start_sample) // HOP) - 2
        if self._follower is None and kept - self._forgotten > _KEPT:
            drop = kept - self._forgotten
            self._forgotten = kept
            self._shapes, self._audio, self._said = self._shapes[drop:], self._audio[drop:], self._said[drop:]
            self._speech = self._speech[drop:]
            self._rows, self._labels = self._audio, self._said


def _segments(found: Sequence[tuple[int, int, int]], path: Path, now: int) -> list[Segment]:
    """Targets of the followed units, and of those that the text lets expect after row `now`."""
    out = []
    at = now / 100
    for i, (unit, first, end) in enumerate(found):
        sound, usual = path.units[unit]
        until = end / 100
        if i == len(found) - 1 and end == now:  # still being said
            until = max(at, first / 100 + usual)
        out.append(segment(VISEME_OF[sound], first / 100, until, nasal=SOUNDS[sound] == "m"))
    if found and found[-1][2] == now:
        expected = out[-1].end
        for sound, usual in path.units[found[-1][0] + 1 :]:
            if expected > at + _COMING:
                break
            out.append(segment(VISEME_OF[sound], expected, expected + usual, nasal=SOUNDS[sound] == "m"))
            expected += usual
    return out
