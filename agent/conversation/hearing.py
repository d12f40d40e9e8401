"""The visitor's turn as it is heard: windows in, recognition asked for, and in the end the words that count."""

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from agent.asr import RATE, Hypothesis
from agent.audio import Pcm
from agent.conversation.clauses import Completion
from agent.conversation.context import Context
from agent.conversation.effects import Feed, Listen, Refine, Unlisten
from agent.conversation.endpoint import EAGERNESS, EndpointSettings, Pace, wait_ms
from agent.conversation.inputs import Recognized, Window
from agent.conversation.interruption import Claim
from agent.conversation.prosody import Tune
from agent.conversation.turns import WINDOW_MS, Evidence, TurnDetector, TurnEvent, TurnSettings

WINDOW = 512
"""Samples at 16 kHz in a window."""
PATIENCE = 1.5
"""Seconds that a doubtful stream result waits for the refined one after the turn's end."""
NOTHING = 0.15
"""Words that are believed this little were none: of what nobody said, a refined result is believed less (the bench of
the recogniser's confidence has .01 for humming, .09 for tones), and English is believed .43 and more."""
GLIMPSE_MS = 200
"""Voice shorter than any word that is said to somebody."""
LIMIT = 8.0
"""Seconds after the turn's end beyond which the recogniser is not waited for."""
LONGEST_PAUSE_MS = 1200
"""A turn that begins so soon after the last one's end was the same turn: its speaker was cut short."""
MAX_WINDOWS = 300 * 1000 // WINDOW_MS
"""A turn longer than 300 s is ended."""


@dataclass(slots=True)
class Utterance:
    """One turn of the visitor's, from the first window of its prefix on."""

    turn: int
    item_id: str
    first_window: int
    fed: int = 0
    stream: Recognized | None = None
    refined: Recognized | None = None
    refining: bool = False
    ended_at: float | None = None
    last_voiced: int = 0
    voiced_ms: int = 0
    silence_ms: int = 0
    """Silence between the last voiced window and the end of the turn."""
    failed: bool = False
    told: str = ""
    """What clients have been told of its words."""
    given: bool = False
    """Whether it came as an item, with its sound, instead of being spoken here: it is answered only when asked to."""

    @property
    def needed(self) -> int:
        """Samples at 16 kHz, from the first window on, that hold all of the voice."""
        return (self.last_voiced + 1 - self.first_window) * WINDOW

    @property
    def claim(self) -> Claim:
        """What the words believed now lay claim to, whether or not they cover all that was voiced."""
        results = [result for result in (self.refined, self.stream) if result is not None]
        latest = max(results, key=lambda result: result.samples, default=None)
        return latest.claim if latest is not None and latest.claim is not None else Claim.NONE

    def covering(self) -> Recognized | None:
        """What is believed now, if it covers all that was voiced."""
        for result in (self.refined, self.stream):
            if result is not None and result.samples >= self.needed:
                return result
        return None

    def best(self) -> Hypothesis | None:
        """The words believed now, if they cover all that was voiced."""
        result = self.covering()
        return result.hypothesis if result is not None else None

    def slowed(self, heard: Hypothesis) -> float:
        """By how much the words `heard` of it change the voice's pace."""
        results = (result for result in (self.refined, self.stream) if result is not None)
        return next((result.slowed or 1.0 for result in results if result.hypothesis is heard), 1.0)


class Hearing:
    """Listens by voice activity, or, with `detection` off, from the first window after a commit to the next commit.

    An utterance is `current` while it is spoken and `pending` from its end until its words are known.
    """

    def __init__(self, context: Context) -> None:
        self.detector = TurnDetector(context.settings.turns)
        self.detection = True
        self.current: Utterance | None = None
        self.pending: deque[Utterance] = deque()
        self._context = context
        self._turns = 0
        self._prefix: deque[Pcm] = deque()
        self._pace = Pace()
        self._endpoint = EndpointSettings()
        self._ended_at: int | None = None
        self._judged = (Completion.UNSURE, Tune.UNKNOWN)

    def configure(self, turns: TurnSettings, *, detection: bool) -> None:
        """Listen like this from now on."""
        self.detector.settings = turns
        self.detection = detection
        self._endpoint = replace(EAGERNESS[turns.eagerness], shortest_ms=turns.silence_ms, patience=turns.patience)

    @property
    def listening(self) -> bool:
        """Whether the visitor has the floor."""
        return self.detector.speaking if self.detection else self.current is not None

    def unsettled(self) -> Utterance | None:
        """The turn whose words may be guessed at: it has ended but is not settled, or it has paused."""
        spoken = next((one for one in self.pending if not one.given), None)
        return spoken or (self.current if self.detector.paused else None)

    def window(self, window: Window, interruptible: bool) -> TurnEvent | None:
        """One window of the microphone. Returns what it changed."""
        silence = self.detector.silence_ms + WINDOW_MS
        event = self._detect(window, interruptible) if self.detection else self._push_to_talk()
        self._prefix.append(window.pcm)
        if self.current is not None:
            self._feed(self.current, [window.pcm])
        elif event in (TurnEvent.ONSET, TurnEvent.STARTED):
            self._open()
        if self.current is not None:
            self.current.last_voiced = self.detector.last_voiced if self.detection else self.detector.windows - 1
            self.current.voiced_ms = self.detector.voiced * WINDOW_MS if self.detection else self.current.fed // 16
            self._changed(self.current, event, silence)
        prefix = self.detector.settings.prefix_ms // WINDOW_MS + 3
        while len(self._prefix) > prefix:
            self._prefix.popleft()
        return event

    def _changed(self, utterance: Utterance, event: TurnEvent | None, silence: int) -> None:
        match event:
            case TurnEvent.STARTED:
                self._learn_from_a_cut()
            case TurnEvent.REJECTED:
                if utterance.best() is None:
                    self._refine(utterance)
            case TurnEvent.DISMISSED:
                self.drop(utterance)
            case TurnEvent.ENDED:
                self._pace.ended(*self._judged)
            case TurnEvent.PAUSED:
                self._refine(utterance)
            case TurnEvent.RESUMED:
                utterance.refined, utterance.refining = None, False
                self._pace.paused(silence)

    def _learn_from_a_cut(self) -> None:
        """A turn that follows at once upon the last was part of it: such are this speaker's pauses."""
        if self._ended_at is not None:
            gap = (self.detector.onset - self._ended_at - 1) * WINDOW_MS
            if gap <= LONGEST_PAUSE_MS:
                self._pace.paused(gap)
            self._ended_at = None

    def _detect(self, window: Window, interruptible: bool) -> TurnEvent | None:
        detector = self.detector
        claim = self.current.claim if self.current is not None else Claim.NONE
        wait = self._wait(window.tune) if detector.paused and detector.settings.judged else None
        probability = 0.0 if window.echo else window.probability
        return detector.feed(Evidence(probability, interruptible, window.tonal, window.echo, claim, wait))

    def _wait(self, tune: Tune) -> int:
        """The silence that ends the turn under way, as far as can be told now."""
        heard = self.current.covering() if self.current is not None else None
        words = Completion.UNSURE
        if heard is not None and heard.hypothesis.confidence >= self._context.settings.min_confidence:
            words = heard.completion or words
        self._judged = words, tune
        return wait_ms(words, tune, self._pace, self._endpoint)

    def _push_to_talk(self) -> TurnEvent | None:
        self.detector.windows += 1
        return TurnEvent.STARTED if self.current is None else None

    def _open(self) -> None:
        """Begin an utterance with the sound from before its first voiced window."""
        self._turns += 1
        before = self.detector.settings.prefix_ms // WINDOW_MS
        wanted = self.detector.windows - max(0, self.detector.onset - before) if self.detection else 1
        sound = list(self._prefix)[-wanted:]
        self.current = Utterance(self._turns, self._context.settings.new_id("item"), self.detector.windows - len(sound))
        self._context.do(Listen(self._turns))
        self._feed(self.current, sound)

    def _feed(self, utterance: Utterance, windows: list[Pcm]) -> None:
        sound = np.concatenate(windows)
        utterance.fed += len(sound)
        self._context.do(Feed(utterance.turn, sound))

    def _refine(self, utterance: Utterance) -> None:
        utterance.refining, utterance.refined = True, None
        self._context.do(Refine(utterance.turn))

    @property
    def overlong(self) -> bool:
        """Whether the utterance has outgrown its bound and must be ended."""
        return self.current is not None and self.current.fed >= MAX_WINDOWS * WINDOW

    def end(self, now: float) -> Utterance | None:
        """The turn is over: the utterance that now waits for its words, if there was one."""
        silence = self.detector.silence_ms if self.detection else 0
        self.detector.reset()
        self._ended_at = self.detector.last_voiced if self.detection else None
        utterance, self.current = self.current, None
        if utterance is None:
            return None
        utterance.silence_ms = silence
        utterance.ended_at = now
        if not utterance.refining and utterance.refined is None:
            self._refine(utterance)
        self.pending.append(utterance)
        return utterance

    def take(self, item_id: str, sound: Pcm, now: float) -> None:
        """Recognise `sound`, shape (n * WINDOW,), which came at once: it waits for its words like a turn that has ended
        when it would have, spoken from now on."""
        self._turns += 1
        seconds, last = len(sound) / RATE, len(sound) // WINDOW - 1
        utterance = Utterance(
            self._turns,
            item_id,
            first_window=0,
            ended_at=now + seconds,
            last_voiced=last,
            voiced_ms=round(1000 * seconds),
            given=True,
        )
        self._context.do(Listen(utterance.turn))
        self._feed(utterance, [sound])
        self._refine(utterance)
        self.pending.append(utterance)

    def drop(self, utterance: Utterance) -> None:
        """Forget an utterance: it was none, or its words are known."""
        self._context.do(Unlisten(utterance.turn))
        if utterance is self.current:
            self.current = None
        else:
            self.pending.remove(utterance)

    def clear(self) -> None:
        """Forget what was heard of an unfinished turn."""
        self.detector.reset()
        self._prefix.clear()
        if self.current is not None:
            self.drop(self.current)

    # ------------------------------------------------------------------ words
    def _utterance(self, turn: int) -> Utterance | None:
        known = [*self.pending, *([self.current] if self.current is not None else [])]
        return next((utterance for utterance in known if utterance.turn == turn), None)

    def recognized(self, result: Recognized) -> Utterance | None:
        """Take a result; the utterance it is about, if that is still wanted."""
        utterance = self._utterance(result.turn)
        if utterance is None:
            return None
        if not result.refined:
            utterance.stream = result
        elif utterance.refining:
            utterance.refined, utterance.refining = result, False
        return utterance

    def failed(self, turn: int) -> None:
        """The recogniser gave up on `turn`."""
        utterance = self._utterance(turn)
        if utterance is not None:
            utterance.failed = True

    def _next(self) -> list[Utterance]:
        """The oldest turn that was spoken here and the oldest that was given: neither waits for the other's words."""
        spoken = next((one for one in self.pending if not one.given), None)
        recorded = next((one for one in self.pending if one.given), None)
        return [one for one in (spoken, recorded) if one is not None]

    def final(self, now: float) -> tuple[Utterance, Hypothesis] | None:
        """A pending utterance and the words that count, once they can be had; nothing changes them afterwards."""
        for utterance in self._next():
            words = self._words(utterance, now)
            if words is not None:
                return utterance, words
        return None

    def _words(self, utterance: Utterance, now: float) -> Hypothesis | None:
        """The words that count, once they can be had.

        A refined result counts if it is there. A stream result the recogniser is sure of does not wait for it, unless
        there was next to no voice: a stream finds a word in two windows of music.
        """
        assert utterance.ended_at is not None
        best = utterance.best()
        if best is not None and best.confidence < NOTHING and not utterance.refining:
            best = Hypothesis("", 0.0)  # music has words, too, for a recogniser that looks for nothing else
        if best is None:
            return Hypothesis("", 0.0) if utterance.failed or now >= utterance.ended_at + LIMIT else None
        doubtful = best.confidence < self._context.settings.min_confidence or utterance.voiced_ms < GLIMPSE_MS
        better_comes = utterance.refining and not utterance.failed and now < utterance.ended_at + PATIENCE
        return None if doubtful and better_comes else best

    def deadline(self) -> float | None:
        """When `final` is worth asking again, if nothing comes in."""
        return min((self._due(utterance) for utterance in self._next()), default=None)

    @staticmethod
    def _due(utterance: Utterance) -> float:
        assert utterance.ended_at is not None
        return utterance.ended_at + (PATIENCE if utterance.best() is not None else LIMIT)
