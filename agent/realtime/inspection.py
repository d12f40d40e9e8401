"""The ledger laid open for whoever looks for why a reply was slow: `visavis.debug`, for the owner's eyes alone.

It only looks: the conversation is the same with it and without.
"""

from collections import deque

import numpy as np

from agent.conversation import effects as asked
from agent.conversation.inputs import Input
from agent.conversation.ledger import Ledger, SpokenPhone, SpokenWord
from agent.conversation.session import Insight
from agent.realtime.events import Debug, Json, Timings
from agent.realtime.runner import Runner
from avatar.blendshapes import INDEX, SAMPLES_PER_FRAME, FaceTrack

EVERY = 0.2
"""Seconds between two events, at least: they go out when something happens, and the face alone makes that often."""
KEPT_TURNS = 8

_JAW, _CLOSE = INDEX["jawOpen"], INDEX["mouthClose"]


def watch(runner: Runner) -> None:
    """Somebody of this conversation looks inside from now on; everybody who does is told all there is once more."""
    for observer in runner.observers:
        if isinstance(observer, Inspector):
            observer.begin_again()
            return
    runner.observers.append(Inspector(runner))


class Inspector:
    """Watches one conversation and tells those of its listeners who asked. Words, phones and frames are told once
    each, as they are produced."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._turns: deque[Json] = deque(maxlen=KEPT_TURNS)
        self._interruption: dict[str, float] = {}
        self._ledger: Ledger | None = None
        self._next = 0.0
        self.begin_again()

    def begin_again(self) -> None:
        """Tell everything of the present item once more."""
        self._words = self._phones = self._frames = 0

    def saw(self, event: Input, now: float, effects: list[asked.Effect]) -> None:
        """The conversation did something; `event` itself says nothing that its ledger does not."""
        for effect in effects:
            if isinstance(effect, asked.Send) and isinstance(effect.event, Timings):
                self._turns.append({"response_id": effect.event.response_id, "ms": effect.event.ms})
            elif isinstance(effect, asked.Measure) and effect.stage in ("hold", "decide"):
                if effect.stage == "hold":
                    self._interruption.clear()
                self._interruption[f"{effect.stage}_ms"] = round(effect.seconds * 1000, 1)
        if now >= self._next:
            self._next = now + EVERY
            self._tell(now)

    def close(self) -> None:
        """Nothing is left behind."""

    def _tell(self, now: float) -> None:
        listeners = [listener for listener in self._runner.listeners if listener.debug]
        if not listeners:
            return
        insight = self._runner.conversation.inspect(now)
        if insight.playing is not None and insight.playing is not self._ledger:
            self._ledger = insight.playing
            self.begin_again()
        item = self._item(self._ledger, insight, now) if self._ledger is not None else None
        message = Debug(
            stage_now=insight.stage_sample,
            state=insight.state,
            item=item,
            turns=list(self._turns),
            interruption=dict(self._interruption) or None,
        ).to_json()
        for listener in listeners:
            listener.put(message)

    def _item(self, ledger: Ledger, insight: Insight, now: float) -> Json:
        words, phones = ledger.words[self._words :], ledger.phones[self._phones :]
        frames = ledger.frames_from(self._frames * SAMPLES_PER_FRAME)
        item = {
            "item_id": ledger.item_id,
            "content_index": ledger.content_index,
            "produced": ledger.produced,
            "sent": ledger.sent,
            "heard": ledger.heard(now),
            "complete": ledger.complete,
            "playing": insight.playing is ledger and ledger.pacer.running and not ledger.finished(now),
            "held": insight.held,
            "reported": ledger.reported,
            "stalls": [
                {"item_sample": sample, "seconds": round(seconds, 3)} for sample, seconds in ledger.stalls_by(now)
            ],
            "first_word": self._words,
            "words": [_word(word, ledger.transcript) for word in words],
            "first_phone": self._phones,
            "phones": [_phone(phone) for phone in phones],
            "first_frame": frames[0].start_sample // SAMPLES_PER_FRAME if frames else self._frames,
            "mouth": [opening for track in frames for opening in _openings(track)],
        }
        self._words += len(words)
        self._phones += len(phones)
        if frames:
            self._frames = frames[-1].end_sample // SAMPLES_PER_FRAME
        return item


def _word(word: SpokenWord, transcript: str) -> Json:
    return {
        "text": transcript[word.start_char : word.end_char],
        "start_sample": word.start,
        "end_sample": word.end,
        "source": word.source,
    }


def _phone(phone: SpokenPhone) -> Json:
    return {"symbol": phone.symbol, "start_sample": phone.start, "end_sample": phone.end}


def _openings(track: FaceTrack) -> list[int]:
    """How far apart the lips are at each frame, in percent: the jaw's opening less what the lips take back of it."""
    opening = track.weights[:, _JAW] - track.weights[:, _CLOSE]
    return [int(value) for value in np.rint(np.clip(opening, 0, 1) * 100)]
