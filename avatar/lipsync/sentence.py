"""The mouth of one stretch of speech that nobody timed: from its sound, and from its text where that is known."""

import numpy as np
from numpy.typing import NDArray

from agent.audio import TIMELINE_RATE, Pcm
from avatar.blendshapes import SAMPLES_PER_FRAME
from avatar.lipsync.audio import AudioMouth, Smoother, likeliest_sounds
from avatar.lipsync.features import HOP
from avatar.lipsync.follow import Path
from avatar.lipsync.growing import Growing
from avatar.lipsync.known_text import KnownText
from avatar.lipsync.network import ROW, Heard, LipNetwork, Rows, samples_needed
from avatar.lipsync.phones import CHANNELS
from avatar.lipsync.pronounce import Pronunciation
from avatar.lipsync.sounds import SOUND, SOUNDS, VISEME_OF

_SIL = SOUND["sil"]
BLOCK = 8
"""Rows of 10 ms that are made from the text at once."""
LAG = 7
"""Rows beyond such a block that its text's path is followed before it is decided."""
EARLY = 0.75
"""Rows by which a mouth that follows the sound alone is shown early, to make up for its smoothing (ROWS_LATE): all that
the declared look-ahead leaves."""
_AROUND = 2
"""Rows around a row by whose mean with it what was told loses its tremor."""
_AUDIO_LATE = 1
"""Rows by which the mouth of the sound alone comes late, beside a text."""
_REST = 0.3
"""Seconds after the end in which the mouth comes to rest."""
_KEPT = 3000
"""Rows that are kept for whoever asks what was said: a microphone never ends."""


class HeardSentence:
    """Rows of 10 ms of the mouth's channels, and from them frames of 60 a second on the reply's timeline."""

    def __init__(
        self,
        network: LipNetwork,
        start_sample: int,
        lookahead: int,
        pronunciation: Pronunciation | None = None,
        lag: int | None = LAG,
    ) -> None:
        """`lag`: rows beyond a block that are heard before it is decided; None: all of the sound."""
        self.start_sample = start_sample
        self._lag = lag
        self._stream = network.stream(lookahead)
        self._mouth = AudioMouth()
        path = Path(pronunciation) if pronunciation is not None else None
        self.text = KnownText(path, network.prior) if path is not None and path.units else None
        self._shift = -0.5 if self.text is not None else EARLY - 0.5
        self._samples = 0
        self._ended = False
        self._unheard: list[Pcm] = []
        """With a text: sound that no block needs yet. To hear it block by block costs half."""
        self._heard = Growing(ROW)
        """What the network told."""
        self._audio = Growing(len(CHANNELS))
        self._mixed = Growing(len(CHANNELS))
        self._smoother = Smoother(1, 2, 1)
        self._decided = 0
        self._labels = Growing(2)
        """With a text: how far it decided each row, and the sound that it has there."""

    def push(self, pcm: Pcm) -> None:
        """The next of the sound: shape (n,), 24 kHz."""
        self._samples += len(pcm)
        if self.text is None:
            self._shape(self._hear(pcm))
            return
        self._unheard.append(pcm)
        last = self._decided + BLOCK + (self._lag or 0) - 1
        if self._samples >= samples_needed(last, self._stream.lookahead):
            self._take(self.text)

    def end(self) -> None:
        """Nothing more comes: silence follows, in which the mouth comes to rest."""
        if self._ended:
            return
        self._ended = True
        after = np.zeros(round(_REST * TIMELINE_RATE) + (self._stream.lookahead + 3) * HOP, np.float32)
        if self.text is None:
            self._shape(self._hear(after))
        else:
            self._unheard.append(after)
            self._take(self.text)

    def _hear(self, pcm: Pcm) -> Rows:
        told = self._stream.push(pcm).told
        self._heard.append(told)
        return told

    def _shape(self, told: Rows) -> None:
        self._audio.append(self._mouth.push(told))

    def _take(self, text: KnownText) -> None:
        """Hear what was not heard, and decide what can be decided."""
        self._hear(np.concatenate(self._unheard))
        self._unheard = []
        known = self._heard.end
        if self._lag is None:
            if self._ended:
                self._decide(text, known - _AROUND, known)
            return
        while (until := self._decided + BLOCK) <= known - (_AROUND if self._ended else self._lag):
            # Never from more than is known just then, so that the cutting of the sound changes nothing.
            self._decide(text, until, min(known, until + self._lag))

    def _decide(self, text: KnownText, until: int, now: int) -> None:
        """Rows until `until` from the text and the sound of the rows before `now`."""
        first, self._decided = self._decided, until
        text.hear(Heard(0, self._heard.between(text.heard, now)).sounds)
        self._shape(self._heard.between(self._audio.end, until + _AUDIO_LATE))
        told = Heard(first, self._told(np.arange(first, until), _AROUND))
        audio = self._audio.between(first + _AUDIO_LATE, until + _AUDIO_LATE)
        mixed, trust, sounds = text.rows(first, now, told.channels, audio, told.sounds[:, _SIL] < 0.5)
        # Smoothing makes rows one late: the very first is left out, so that the others stand where they belong.
        self._mixed.append(self._smoother.push(mixed.astype(np.float32))[0 if first else 1 :])
        self._labels.append(np.stack([trust, sounds], axis=1).astype(np.float32))

    def _told(self, numbers: NDArray[np.intp], reach: int) -> Rows:
        """What the network told of these rows, without its tremor: the mean of so many rows on either side, the nearer
        the heavier."""
        out = (reach + 1) * self._heard.at(numbers)
        for away in range(1, reach + 1):
            out += (reach + 1 - away) * (self._heard.at(numbers - away) + self._heard.at(numbers + away))
        out /= (reach + 1) ** 2
        return out

    @property
    def _rows(self) -> Growing:
        return self._audio if self.text is None else self._mixed

    @property
    def ready_sample(self) -> int:
        """Frames before this place on the reply's timeline are final."""
        if self._ended:
            return self.rest_sample
        last = self.start_sample + (self._rows.end - 1 - self._shift) * HOP
        return max(self.start_sample, int(last // SAMPLES_PER_FRAME + 1) * SAMPLES_PER_FRAME)

    @property
    def end_sample(self) -> int:
        """Where the sound that was pushed ends."""
        return self.start_sample + self._samples

    @property
    def rest_sample(self) -> int:
        """Where the mouth has come to rest after what was pushed."""
        return self.end_sample + round(_REST * TIMELINE_RATE)

    def frames(self, first: int, end: int) -> Rows:
        """The channels at the frames [first, end) of the reply's timeline (frame k at sample 400·k), shape (n, 14);
        rest outside of what is known."""
        rows = self._rows
        if end <= first or rows.end == rows.start:
            return np.zeros((max(0, end - first), len(CHANNELS)), np.float32)
        at = np.arange(first, end) * (SAMPLES_PER_FRAME / HOP) + (self._shift - self.start_sample / HOP)
        low = np.floor(at)
        part = (at - low).astype(np.float32)[:, None]
        below = low.astype(np.intp)
        out = rows.at(below)
        out += (rows.at(below + 1) - out) * part
        if at[0] < -1 or at[-1] > rows.end - 0.5:
            out[(at < -1) | (at > rows.end - 0.5)] = 0
        return out

    def visemes(self, first: int, end: int) -> list[str]:
        """The viseme class being said at each of the frames; "sil" outside of what is known."""
        at = (np.arange(first, end) * SAMPLES_PER_FRAME - self.start_sample) / HOP + self._shift
        nearest = np.rint(at).astype(np.intp)
        known = (nearest >= self._rows.start) & (nearest < self._rows.end)
        if not known.any():
            return [SOUNDS[_SIL]] * len(at)
        late = 1 if self.text is None else 0
        said = likeliest_sounds(Heard(0, self._told(nearest - late, 1)).sounds)
        if self.text is not None:
            trust, sounds = self._labels.at(nearest).T
            said = np.where(trust > 0.5, sounds, said).astype(np.intp)
        return [VISEME_OF[sound] for sound in np.where(known, said, _SIL)]

    def forget(self, frame: int) -> None:
        """Frames before `frame` will not be asked for again. With a text everything is kept: texts end."""
        row = int((frame * SAMPLES_PER_FRAME - self.start_sample) // HOP) - _KEPT
        if self.text is None and row > self._audio.start + _KEPT:
            self._heard.forget(row)
            self._audio.forget(row)
