"""The playout ledger: one timeline for all that a reply is, and what of it was heard.

Offsets are samples at 24 kHz from the item's first. Face frame k stands at sample 400·k.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from agent.audio import TIMELINE_RATE, Pcm
from agent.realtime.pacer import ROUNDING, Pacer
from agent.tts import WordSource
from avatar.blendshapes import FaceTrack

KEEP = 10 * TIMELINE_RATE
"""Sound is kept this long after it was heard: an echo of it may still come in at the microphone."""

TRUST = 0.5
"""Seconds for which a client's last report is carried forward; it reports every 0.2."""

STALLED_LEAD = round(1.5 * TIMELINE_RATE)
"""Samples that a client which plays nothing may hold beyond what was heard: it may want more to begin with than we
lead by."""

DRY = round(0.05 * TIMELINE_RATE)
"""A client that stands so close to the end of what it was sent waits for us."""

MAX_ANCHORS = 256
"""Newest ties to the stage clock that are kept: a report comes every 0.2 s."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of the item's transcript, characters [start_char, end_char), sounding over samples [start, end)."""

    start_char: int
    end_char: int
    start: int
    end: int
    source: WordSource

    @property
    def midpoint(self) -> int:
        """A word counts as heard when this sample was."""
        return (self.start + self.end) // 2


@dataclass(frozen=True, slots=True)
class SpokenPhone:
    """A phone in IPA over samples [start, end)."""

    symbol: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Report:
    at: float
    heard: int
    playing: bool


class Ledger:
    """What one spoken item is made of (`produced`), what left for the client (`sent`) and what was `heard`.

    Invariants: 0 ≤ heard ≤ sent ≤ produced; offsets never change once given out; a starved or held reply adds no
    samples, so offsets stand still through it.
    """

    def __init__(self, item_id: str, content_index: int = 0) -> None:
        self.item_id = item_id
        self.content_index = content_index
        self.transcript = ""
        self.words: list[SpokenWord] = []
        self.phones: list[SpokenPhone] = []
        self.produced = 0
        self.sent = 0
        self.complete = False
        self.anchors: list[tuple[int, int]] = []
        self.stalls: list[tuple[int, float]] = []
        self.pacer = Pacer()
        self._blocks: deque[tuple[int, Pcm]] = deque()
        self._frames: deque[FaceTrack] = deque()
        self._frames_sent = 0
        self._report: _Report | None = None
        self._final: int | None = None
        self._cut = False
        self._stalled_at: float | None = None
        self._client_stands = False
        self._untold = False

    # ------------------------------------------------------------------ what is produced
    def begin_sentence(self, text: str) -> int:
        """Append a sentence's display text, as it stood with the space after it; returns where it begins."""
        start = len(self.transcript)
        self.transcript += text
        return start

    def append(
        self, pcm: Pcm, words: Iterable[SpokenWord], phones: Iterable[SpokenPhone], frames: FaceTrack | None
    ) -> None:
        """Append sound, shape (n,) at 24 kHz, with the words and phones that begin in it and the frames that stand
        before its end. Raises ValueError when something does not continue what is here."""
        if self.complete:
            raise ValueError(f"{self.item_id} is complete: nothing can be appended")
        end = self.produced + len(pcm)
        new_words = list(words)
        last = self.words[-1].start if self.words else 0
        for word in new_words:
            if not (last <= word.start <= word.end and 0 <= word.start_char < word.end_char <= len(self.transcript)):
                raise ValueError(f"{self.item_id}: word {word} does not continue the transcript")
            last = word.start
        if frames is not None and len(frames):
            if self._frames and frames.start_sample != self._frames[-1].end_sample:
                raise ValueError(f"{self.item_id}: frames at {frames.start_sample} leave a gap")
            self._frames.append(frames)
        self.words += new_words
        self.phones += phones
        if len(pcm):
            self._blocks.append((self.produced, pcm))
        self.produced = end

    # ------------------------------------------------------------------ what is sent
    def take(self, until: int) -> tuple[Pcm, list[FaceTrack]]:
        """Hand over the sound in [sent, until) and the frames not yet handed over that stand before `until`."""
        until = min(until, self.produced)
        pcm = self.sound(self.sent, until)
        frames = []
        for track in self._frames:
            if track.end_sample > self._frames_sent and track.start_sample < until:
                part = track.between(max(self._frames_sent, track.start_sample), until)
                if len(part):
                    frames.append(part)
                    self._frames_sent = part.end_sample
        self.sent = max(self.sent, until)
        return pcm, frames

    def sound(self, start: int, end: int) -> Pcm:
        """The sound in [start, end) that is still kept, shape (≤ end - start,)."""
        parts = [p[max(0, start - s) : max(0, end - s)] for s, p in self._blocks if s < end and s + len(p) > start]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def frames_from(self, sample: int) -> list[FaceTrack]:
        """The frames still kept that stand at `sample` or after it, in order."""
        parts = (track.between(sample, track.end_sample) for track in self._frames if track.end_sample > sample)
        return [part for part in parts if len(part)]

    def release(self, now: float) -> None:
        """Let go of sound and frames heard more than ten seconds ago."""
        limit = self.heard(now) - KEEP
        while self._blocks and self._blocks[0][0] + len(self._blocks[0][1]) <= limit:
            self._blocks.popleft()
        while self._frames and self._frames[0].end_sample <= limit:
            self._frames.popleft()

    # ------------------------------------------------------------------ what is heard
    def start(self, now: float, stage: int) -> None:
        """Playback begins or goes on now: the pacer runs, and the ledger is anchored on the stage clock."""
        self._end_stall(now)
        heard = self.heard(now)
        if self._untold:
            self.pacer.stand(now, heard)
            self._untold = False
        self.pacer.run(now)
        if self._report is not None:
            self._report = _Report(now, heard, playing=True)
        self.anchor(now, stage)

    def anchor(self, now: float, stage: int) -> None:
        """Tie this timeline to the stage clock where it stands now."""
        self.anchors.append((stage, self.heard(now)))
        del self.anchors[:-MAX_ANCHORS]

    def starve(self, now: float) -> bool:
        """Stand still when all that was produced has played and more is to come; True when it just began to."""
        if self.pacer.running and not self.complete and self.pacer.position(now) >= self.produced:
            self.pacer.stand(now, self.produced)
            self._stalled_at = now
            return True
        return False

    def client_stands(self, now: float) -> bool:
        """A client says that it plays nothing, though it was sent more and is not held: its buffer ran dry on the way,
        or its sound is suspended. Stand where it stands; True when it just began to."""
        if self._client_stands or self._cut or self.finished(now):
            return False
        heard = self.heard(now)
        if not self.pacer.running or heard >= self.sent - DRY:
            return False
        self.pacer.stand(now, heard)
        self._stalled_at, self._client_stands = now, True
        return True

    def client_plays(self, now: float) -> bool:
        """A client says that it plays. Run on from where it is, if it stood; True then."""
        if not self._client_stands:
            return False
        self._end_stall(now)
        self.pacer.stand(now, self.heard(now))
        self.pacer.run(now)
        return True

    def _end_stall(self, now: float) -> None:
        self.stalls = self.stalls_by(now)
        self._stalled_at, self._client_stands = None, False

    def stalls_by(self, now: float) -> list[tuple[int, float]]:
        """The sample and the seconds of every stall, with the one that lasts yet."""
        if self._stalled_at is None:
            return self.stalls
        return [*self.stalls, (self.pacer.position(now), now - self._stalled_at)]

    @property
    def waits_for_client(self) -> bool:
        """Whether sound stands still until the client plays again."""
        return self._client_stands

    def due(self, now: float) -> int:
        """Samples [0, due) should have left by now."""
        due = self.pacer.position(now) + STALLED_LEAD if self._client_stands else self.pacer.due(now)
        return min(due, self.produced)

    def hold(self, now: float) -> None:
        """Freeze: somebody may be interrupting. A client that reports is told so and stands still; any other plays on
        what it was sent."""
        if self._report is None:
            self._untold = True
            return
        self.pacer.stand(now, self.heard(now))
        self._report = _Report(now, self.heard(now), playing=False)

    def report(self, now: float, heard: int, playing: bool) -> None:
        """The playing client's true position. Clamped to what was sent."""
        if self._final is None:
            self._report = _Report(now, max(0, min(heard, self.sent)), playing)

    def cut(self, now: float) -> int:
        """The reply was cut off: nothing more will be produced or played. Returns the estimate of what was heard,
        which a report or a truncation may still correct."""
        self._end_stall(now)
        heard = self.heard(now)
        self.pacer.stand(now, heard)
        self._report = _Report(now, heard, playing=False)
        self.complete = self._cut = True
        return heard

    def truncate(self, heard: int) -> int:
        """The client's last word on what was heard: idempotent and final, clamped to what was sent."""
        if self._final is None:
            self._final = max(0, min(heard, self.sent))
        return self._final

    def heard(self, now: float) -> int:
        """Samples [0, heard) left the loudspeaker."""
        if self._final is not None:
            return self._final
        if self._report is None:
            return min(self.sent, self.pacer.position(now))
        ahead = min(now - self._report.at, TRUST) if self._report.playing else 0.0
        return min(self.sent, self._report.heard + int(ahead * TIMELINE_RATE + ROUNDING))

    @property
    def reported(self) -> bool:
        """Whether a client tells us what it plays."""
        return self._report is not None

    def ends_at(self) -> float | None:
        """When all of it will have been heard, as far as that can be told without another report."""
        if self._final is not None or not self.complete:
            return None
        if self._report is None:
            held_back = self._untold and self.sent < self.produced
            return None if held_back else self.pacer.time_of(self.produced)
        left = (self.produced - self._report.heard) / TIMELINE_RATE
        return self._report.at + left if self._report.playing and left <= TRUST else None

    @property
    def whole(self) -> bool:
        """All of it was produced and nothing of it was taken back, by a cut or a truncation."""
        return self.complete and not self._cut and (self._final is None or self._final >= self.produced)

    def finished(self, now: float) -> bool:
        """Everything was produced, sent and, within a frame, heard."""
        return self.complete and (self._final is not None or self.heard(now) >= self.produced - 400)

    def heard_text(self, now: float) -> str:
        """The transcript up to the first word whose midpoint was not heard."""
        heard = self.heard(now)
        if self.complete and not self._cut and heard >= self.produced:
            return self.transcript  # one that was cut has text that was never spoken
        unheard = next((w for w in self.words if w.midpoint > heard), None)
        if unheard is None:
            last = self.words[-1].end_char if self.words else 0
            return self._through_punctuation(last)
        return self.transcript[: unheard.start_char].rstrip()

    def _through_punctuation(self, end: int) -> str:
        """The transcript to `end` and the closing punctuation after it, but no further word."""
        while end < len(self.transcript) and not self.transcript[end].isalnum() and not self.transcript[end].isspace():
            end += 1
        return self.transcript[:end].rstrip()
