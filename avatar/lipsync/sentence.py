"""The mouth of one stretch of speech that nobody timed: from its sound, and from its text where that is known."""

import numpy as np

from agent.audio import TIMELINE_RATE, Pcm
from avatar.blendshapes import SAMPLES_PER_FRAME
from avatar.lipsync.audio import TOLD_LATE, AudioMouth, Smoother, likeliest_sounds
from avatar.lipsync.features import HOP
from avatar.lipsync.follow import Path
from avatar.lipsync.growing import Growing
from avatar.lipsync.known_text import KnownText
from avatar.lipsync.network import ROW, Heard, LipNetwork, Rows
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
        self._heard = Growing(ROW)
        """With a text: what the network told, before any smoothing."""
        self._told = Growing(ROW)
        self._audio = Growing(len(CHANNELS))
        self._mixed = Growing(len(CHANNELS))
        self._smoother = Smoother(1, 2, 1)
        self._decided = 0
        self._labels = Growing(2)
        """With a text: how far it decided each row, and the sound that it has there."""

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
        if self.text is None:
            self._shape(heard)
            return
        self._heard.append(heard.told)
        known = self._heard.end
        if self._lag is None:
            if self._ended:
                self._decide(self.text, known - TOLD_LATE, known)
            return
        while (until := self._decided + BLOCK) <= known - (TOLD_LATE if self._ended else self._lag):
            # Never from more than is known just then, so that the cutting of the sound changes nothing.
            self._decide(self.text, until, min(known, until + self._lag))

    def _shape(self, heard: Heard) -> None:
        smooth, audio = self._mouth.push(heard)
        self._told.append(smooth.told)
        self._audio.append(audio)

    def _decide(self, text: KnownText, until: int, now: int) -> None:
        """Rows until `until` from the text and the sound of the rows before `now`."""
        first, self._decided = self._decided, until
        text.hear(Heard(0, self._heard.between(text.heard, now)).sounds)
        self._shape(Heard(0, self._heard.between(self._audio.end, until + TOLD_LATE)))
        told = Heard(first, self._told.between(first + TOLD_LATE, until + TOLD_LATE))
        audio = self._audio.between(first + TOLD_LATE, until + TOLD_LATE)
        mixed, trust, sounds = text.rows(first, now, told.channels, audio, told.sounds[:, _SIL] < 0.5)
        # Smoothing makes rows one late: the very first is left out, so that the others stand where they belong.
        self._mixed.append(self._smoother.push(mixed.astype(np.float32))[0 if first else 1 :])
        self._labels.append(np.stack([trust, sounds], axis=1).astype(np.float32))

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
        at = (np.arange(first, end) * SAMPLES_PER_FRAME - self.start_sample) / HOP + self._shift
        low = np.floor(at).astype(np.intp)
        part = (at - low).astype(np.float32)[:, None]
        out = rows.at(low) * (1 - part) + rows.at(low + 1) * part
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
        late = 0 if self.text is None else TOLD_LATE
        said = likeliest_sounds(Heard(0, self._told.at(nearest + late)).sounds)
        if self.text is not None:
            trust, sounds = self._labels.at(nearest).T
            said = np.where(trust > 0.5, sounds, said).astype(np.intp)
        return [VISEME_OF[sound] for sound in np.where(known, said, _SIL)]

    def forget(self, frame: int) -> None:
        """Frames before `frame` will not be asked for again. With a text everything is kept: texts end."""
        row = int((frame * SAMPLES_PER_FRAME - self.start_sample) // HOP) - _KEPT
        if self.text is None and row > self._audio.start + _KEPT:
            self._told.forget(row)
            self._audio.forget(row)
