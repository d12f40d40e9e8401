"""The mouth of a reply from whatever is known of its speech: timed phones, its text, or nothing but its sound."""

from collections.abc import Sequence

import numpy as np

from agent.audio import TIMELINE_RATE, Pcm
from agent.tts import Phone
from avatar.blendshapes import SAMPLES_PER_FRAME, FaceTrack
from avatar.lipsync.coarticulation import TimedLips
from avatar.lipsync.network import LOOKAHEADS, LipNetwork, samples_needed, shipped
from avatar.lipsync.phones import ARKIT_CHANNEL, ARKIT_COLUMN, VISEMES
from avatar.lipsync.pronounce import Pronunciation
from avatar.lipsync.sentence import BLOCK, EARLY, LAG, HeardSentence
from avatar.lipsync.track import Source

LIVE, BUFFERED = LOOKAHEADS
"""Look-aheads, in frames of 10 ms: for a live microphone, and for sound that can wait."""


def declared_ms(lookahead: int, rows_beyond: int = 0) -> int:
    """The most sound, in milliseconds, that must be known beyond any frame of 60 a second: the network's look-ahead and
    `rows_beyond` rows of 10 ms more."""
    early = 0.0 if rows_beyond else EARLY
    rows = [max(0, int(np.ceil(k * 5 / 3 - 0.5 + early - 1e-9))) for k in range(12)]  # row j stands at (j + ½)·10 ms
    most = max(samples_needed(j + rows_beyond, lookahead) - k * SAMPLES_PER_FRAME for k, j in enumerate(rows))
    return -(-most * 1000 // TIMELINE_RATE)


class Lips:
    """MouthTrack for one reply.

    A sentence that comes with phones follows them, to the sample and with no look-ahead. One that comes with none
    follows its sound; and its text as well, if `expect` told how that is pronounced, for as long as that is what is
    heard. A sentence ends when the next begins (its text is not "") or with `end`.
    """

    def __init__(self, network: LipNetwork | None = None, lookahead: int = BUFFERED, lag: int | None = LAG) -> None:
        """`network`: the one that comes with the package where None, loaded when first needed. `lookahead`: LIVE or
        BUFFERED. `lag`: see HeardSentence."""
        self._network = network
        self._look = lookahead
        self._lag = lag
        self._timed = TimedLips()
        self._heard: list[HeardSentence] = []
        self._source: Source = "timed"
        self._expected: Pronunciation | None = None
        self._given = 0
        self._ended = True

    @property
    def source(self) -> Source:
        """What the lips of the latest sentence were made from."""
        if self._source == "text":
            text = self._heard[-1].text
            return "text" if text is not None and text.followed >= 0.5 * text.heard_speech else "audio"
        return self._source

    @property
    def lookahead_ms(self) -> int:
        """How much sound beyond a frame must be known before it is final, in the latest sentence."""
        if self._source == "timed":
            return 0
        return declared_ms(self._look, LAG + BLOCK - 1 if self._source == "text" else 0)

    def expect(self, pronunciation: Pronunciation | None) -> None:
        """How the text of the next sentence is pronounced; it helps if that comes without phones."""
        self._expected = pronunciation

    def add(self, phones: Sequence[Phone], pcm: Pcm, start_sample: int, text: str) -> None:
        """See MouthTrack. Raises ValueError when `start_sample` is negative, and LipModelError."""
        if start_sample < 0:
            raise ValueError(f"start_sample {start_sample} is negative")
        if text or self._ended or (phones and self._source != "timed"):
            self._begin(phones, start_sample)
        if self._source == "timed":
            self._timed.add(phones, pcm, start_sample, text)
            return
        sentence = self._heard[-1]
        missing = start_sample - sentence.end_sample
        sentence.push(np.concatenate([np.zeros(max(0, missing), np.float32), pcm]) if missing > 0 else pcm)

    def _begin(self, phones: Sequence[Phone], start_sample: int) -> None:
        self.end()
        self._ended = False
        if phones:
            self._source = "timed"
        else:
            self._source = "text" if self._expected is not None else "audio"
            network = self._network or shipped()
            self._heard.append(HeardSentence(network, start_sample, self._look, self._expected, self._lag))
            self._heard = [
                s for s in self._heard if s.rest_sample > self._given * SAMPLES_PER_FRAME or s is self._heard[-1]
            ]
        self._expected = None

    def end(self) -> None:
        """The sentence is over: all its frames are final now, silence being taken to follow."""
        if not self._ended and self._source != "timed":
            self._heard[-1].end()
        self._ended = True

    def ready(self, end_sample: int) -> int:
        """The sample before which, and before `end_sample`, frames are final."""
        if self._ended or self._source == "timed":
            return end_sample
        return min(end_sample, self._heard[-1].ready_sample)

    def frames(self, end_sample: int) -> FaceTrack:
        """See MouthTrack."""
        first = self._given
        track = self._timed.frames(max(first * SAMPLES_PER_FRAME, self.ready(end_sample)))
        self._given = first + len(track)
        for sentence in self._heard if len(track) else ():
            rows = sentence.frames(first, self._given)[:, ARKIT_CHANNEL]
            rows += track.weights[:, ARKIT_COLUMN]
            track.weights[:, ARKIT_COLUMN] = np.minimum(rows, 1, out=rows)
            sentence.forget(self._given - 1)
        return track

    def visemes(self, start_sample: int, end_sample: int) -> list[str]:
        """The Oculus viseme being said at each frame in [start, end); silence where nothing is known."""
        first, end = -(-start_sample // SAMPLES_PER_FRAME), -(-end_sample // SAMPLES_PER_FRAME)
        named = self._timed.visemes(start_sample, end_sample)
        for sentence in self._heard:
            for i, viseme in enumerate(sentence.visemes(first, end)):
                if viseme != "sil":
                    named[i] = VISEMES[viseme].oculus
        return named

    @property
    def rest_sample(self) -> int:
        """Where the mouth has come to rest after all that was added."""
        return max([self._timed.rest_sample, *(s.rest_sample for s in self._heard)])


class MirrorLips:
    """A mouth that follows a live microphone, and who speaks into it, as closely as it can.

    `push` takes what came from the microphone and gives the frames that are final, LIVE frames of 10 ms and a step
    behind (`lookahead_ms`).
    """

    def __init__(self, network: LipNetwork | None = None) -> None:
        self._lips = Lips(network, LIVE)
        self._samples = 0
        self.lookahead_ms = declared_ms(LIVE)

    def push(self, pcm: Pcm) -> FaceTrack:
        """`pcm` has shape (n,) at 24 kHz. The frames stand on the timeline of all that was pushed."""
        self._lips.add((), pcm, self._samples, "")
        self._samples += len(pcm)
        return self._lips.frames(self._samples)
