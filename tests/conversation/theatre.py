"""A theatre for conversations: a virtual clock, a scripted visitor, a simulated loudspeaker, and stub engines.

The engines are stubs (STUB in their names): the recogniser knows the script, the dialogue engine has its lines, the
synthesiser speaks words of even length. The conversation core is the real one.
"""

import base64
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agent.asr import Hypothesis
from agent.asr.steady import Steady
from agent.conversation import effects as asked
from agent.conversation import inputs as told
from agent.conversation.context import ConversationSettings
from agent.conversation.ledger import SpokenWord
from agent.conversation.prosody import Tune
from agent.conversation.session import Conversation
from agent.conversation.turns import TurnSettings
from agent.llm import TextDelta
from agent.realtime import events as wire
from agent.realtime.session_config import SessionConfig
from avatar.behaviour import Behaviour
from avatar.blendshapes import FaceTrack

RATE = 24_000
WINDOW = 0.032


@dataclass
class Says:
    """The visitor's voice from `start` to `end`, ending like `tune`; the stub recogniser hears `words` in it."""

    start: float
    end: float
    words: str = "where is the cafe"
    confidence: float = 1.0
    tune: Tune = Tune.FALL


@dataclass
class StubSpeech:
    """Words of `word` seconds and `pause` after a sentence, synthesised `speed` times faster than real time."""

    word: float = 0.3
    pause: float = 0.12
    speed: float = 20.0


@dataclass
class Loudspeaker:
    """A client that plays what it gets, `latency` s after it came, and (if it reports) says truly what was heard."""

    latency: float = 0.05
    reports: bool = True
    item: str = ""
    received: int = 0
    played: float = 0.0
    playing: bool = False
    stopped: dict[str, int] = field(default_factory=dict)
    _from: float = 0.0

    def position(self, now: float) -> int:
        """Samples of the current item that have left the loudspeaker, truly."""
        if not self.playing:
            return int(self.played)
        return min(self.received, int(self.played + max(0.0, now - self._from) * RATE))

    def receive(self, item: str, samples: int, now: float) -> None:
        if item != self.item:
            self.item, self.received, self.played, self.playing = item, 0, 0.0, False
        if self.position(now) >= self.received:
            self.played, self._from, self.playing = float(self.position(now)), now + self.latency, True
        self.received += samples

    def freeze(self, now: float) -> None:
        self.played, self.playing = float(self.position(now)), False

    def go_on(self, now: float) -> None:
        self._from, self.playing = now, True


class Theatre:
    """Runs one conversation on a virtual clock."""

    def __init__(
        self,
        script: list[Says],
        lines: Callable[[list[str]], str] = lambda heard: "One two three four five. Six seven eight nine ten.",
        *,
        speech: StubSpeech | None = None,
        loudspeaker: Loudspeaker | None = None,
        face: bool = False,
        refine_after: float = 0.15,
        settings: dict[str, Any] | None = None,
        config: SessionConfig | None = None,
    ) -> None:
        self.now = 0.0
        self.script = script
        self.lines = lines
        self.speech = speech or StubSpeech()
        self.loudspeaker = loudspeaker or Loudspeaker()
        self.refine_after = refine_after
        self.sent: list[tuple[float, wire.ServerEvent]] = []
        self.prompts: list[tuple[float, Any]] = []
        self.spoken: list[asked.Speak] = []
        self.measured: list[asked.Measure] = []
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._abandoned: set[int] = set()
        self._begun = False
        self._offsets: dict[int, int] = {}
        self._fed: dict[int, tuple[float, int]] = {}
        self._steady: dict[int, Steady] = {}
        ids = itertools.count()
        defaults: dict[str, Any] = {
            "config": config or SessionConfig(),
            "turns": TurnSettings(),
            "voices": {"en": "stub"},
            "known_voices": frozenset({"stub"}),
            "greeting": {"en": "Hello, I am an AI."},
            "not_caught": {"en": "Sorry, I did not catch that."},
            "min_confidence": 0.5,
            "new_id": lambda prefix: f"{prefix}_{next(ids)}",
        }
        base = ConversationSettings(**(defaults | (settings or {})))
        self.conversation = Conversation(base, lambda: Behaviour(1), 0.0)
        if face:
            self.tell(told.FaceWanted(True))

    # ------------------------------------------------------------------ running
    def at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (when, next(self._order), what))

    def client(self, when: float, message: str) -> None:
        """A client's message at a time."""
        self.at(when, lambda: self.tell(told.FromClient(wire.parse(message))))

    def run(self, until: float, *, of: float | None = None) -> "Theatre":
        """Let everything happen up to `until`. The microphone and the client's reports go on for the `of` seconds of
        the first call, `until` where not given."""
        if not self._begun:
            self._begun = True
            for k in range(int((of or until) / WINDOW)):
                self.at((k + 1) * WINDOW, lambda k=k: self._window(k))
            if self.loudspeaker.reports:
                for k in range(int((of or until) / 0.2)):
                    self.at(k * 0.2, self._report)
        while True:
            deadline = self.conversation.deadline()
            due = self._queue[0][0] if self._queue else None
            if deadline is not None and (due is None or deadline <= due):
                if deadline > until:
                    break
                self.now = max(self.now, deadline)
                self.tell(told.Tick())
            elif due is not None and due <= until:
                self.now = max(self.now, due)
                heapq.heappop(self._queue)[2]()
            else:
                break
        self.now = until
        return self

    def tell(self, event: told.Input) -> None:
        for effect in self.conversation.receive(event, self.now):
            self._perform(effect)

    # ------------------------------------------------------------------ what came of it
    def events(self, kind: type[wire.ServerEvent]) -> list[tuple[float, Any]]:
        return [(at, event) for at, event in self.sent if isinstance(event, kind)]

    def names(self) -> list[str]:
        return [type(event).__name__ for _, event in self.sent]

    def messages(self) -> list[tuple[str, str]]:
        """The history as a prompt made now would have it."""
        return [(m.role, m.text) for m in self.conversation._history.messages(self.now)]

    # ------------------------------------------------------------------ the visitor
    def _voiced(self, when: float) -> bool:
        return any(says.start <= when < says.end for says in self.script)

    def _window(self, k: int) -> None:
        when = (k + 0.5) * WINDOW
        voiced = self._voiced(when)
        last = next((says for says in reversed(self.script) if says.start <= when), None)
        tune = last.tune if last is not None and not voiced else Tune.UNKNOWN
        self.tell(told.Window(np.zeros(512, np.float32), 0.95 if voiced else 0.02, voiced, tune))

    def _heard(self, start: float, end: float) -> Hypothesis:
        """What the stub recogniser makes of the script between two times."""
        words: list[str] = []
        confidence = 1.0
        for says in self.script:
            if says.start < end and says.end > start:
                every = says.words.split()
                share = min(1.0, (end - says.start) / (says.end - says.start))
                words += every[: round(share * len(every))]
                confidence = min(confidence, says.confidence)
        return Hypothesis(" ".join(words), confidence)

    def _report(self) -> None:
        speaker = self.loudspeaker
        if speaker.item and (speaker.playing or speaker.position(self.now)):
            self._playout(speaker.item)

    def _playout(self, item: str) -> None:
        speaker = self.loudspeaker
        self.tell(
            told.FromClient(
                wire.Playout(
                    type="visavis.playout",
                    item_id=item,
                    heard_samples=speaker.position(self.now),
                    playing=speaker.playing and speaker.position(self.now) < speaker.received,
                )
            )
        )

    # ------------------------------------------------------------------ doing what is asked
    def _perform(self, effect: asked.Effect) -> None:
        match effect:
            case asked.Send(event):
                self.sent.append((self.now, event))
                self._client_receives(event)
            case asked.Listen(turn):
                self._fed[turn] = (-1.0, 0)
                self._steady[turn] = Steady(16_000)
            case asked.Feed(turn, pcm):
                start, samples = self._fed[turn]
                samples += len(pcm)
                if start < 0:
                    start = self.now - len(pcm) / 16_000
                self._fed[turn] = (start, samples)
                heard = self._heard(start, self.now)
                steady = self._steady[turn].characters(heard.text, samples)
                result = told.Recognized(turn, heard, samples, refined=False, steady=steady)
                self.at(self.now + 0.01, lambda: self.tell(result))
            case asked.Refine(turn):
                start, samples = self._fed[turn]
                refined = told.Recognized(turn, self._heard(start, self.now), samples, refined=True)
                self.at(self.now + self.refine_after, lambda: self.tell(refined))
            case asked.Think(generation, prompt):
                self.prompts.append((self.now, prompt))
                text = self.lines([m.text for m in prompt.messages if m.role == "user"])
                self.at(self.now + 0.002, lambda: self.tell(told.Thought(generation, TextDelta(text))))
                self.at(self.now + 0.002, lambda: self.tell(told.ThoughtEnded(generation)))
            case asked.Speak():
                self.spoken.append(effect)
                self._speak(effect)
            case asked.Abandon(generation):
                self._abandoned.add(generation)
            case asked.Measure():
                self.measured.append(effect)
            case asked.Unlisten() | asked.Skew():
                pass

    def _speak(self, order: asked.Speak) -> None:
        """A stub synthesiser: each word is `word` seconds, in pieces of one word."""
        at, character = self.now + 0.002, 0
        pieces = order.text.split()
        for k, word in enumerate(pieces):
            length = round(self.speech.word * RATE) + (round(self.speech.pause * RATE) if k == len(pieces) - 1 else 0)
            start_char = order.text.index(word, character)
            character = start_char + len(word)
            bare = len(word.rstrip(".,!?"))
            at += length / RATE / self.speech.speed
            self.at(at, lambda s=start_char, e=start_char + bare, n=length: self._spoke(order, s, e, n))
        self.at(at, lambda: self._sentence_ended(order))

    def _spoke(self, order: asked.Speak, start_char: int, end_char: int, samples: int) -> None:
        if order.generation in self._abandoned:
            return
        start = self._offsets.get(order.generation, 0)
        self._offsets[order.generation] = start + samples
        word = SpokenWord(start_char, end_char, start, start + round(self.speech.word * RATE), "engine")
        first, last = -(-start // 400), -(-(start + samples) // 400)
        frames = FaceTrack.from_weights(first * 400, np.zeros((last - first, 52), np.float32))
        pcm = np.full(samples, 0.1, np.float32)
        self.tell(told.Spoke(order.generation, order.index, pcm, (word,), (), frames))

    def _sentence_ended(self, order: asked.Speak) -> None:
        if order.generation not in self._abandoned:
            self.tell(told.SentenceEnded(order.generation, order.index))

    # ------------------------------------------------------------------ the client
    def _client_receives(self, event: wire.ServerEvent) -> None:
        speaker = self.loudspeaker
        match event:
            case wire.AudioDelta(item_id=item, delta=delta):
                speaker.receive(item, len(base64.b64decode(delta)) // 2, self.now)
            case wire.Hold() if speaker.reports:  # others are not told, and play on what they have
                speaker.freeze(self.now)
            case wire.Resume() if speaker.reports:
                speaker.go_on(self.now)
            case wire.Stop(item_id=item):
                speaker.freeze(self.now)
                speaker.stopped[item] = speaker.position(self.now)
                speaker.received = speaker.position(self.now)
                if speaker.reports:
                    self.at(self.now, lambda: self._playout(item))
