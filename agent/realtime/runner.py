"""Runs one conversation: does what the core asks with real engines and clocks, and tells it what came of it."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from agent.asr import Recognizer
from agent.conversation import effects as asked
from agent.conversation.inputs import Input, Tick
from agent.conversation.session import Conversation
from agent.llm import DialogueEngine
from agent.realtime.events import EXTENSION, AudioDelta, Error, ServerEvent, State
from agent.realtime.pronouncing import Pronouncing
from agent.realtime.recognition import Recognition
from agent.realtime.reply_maker import ReplyMaker
from agent.realtime.underway import Underway
from agent.server import metrics
from agent.tts import Synthesizer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engines:
    """What the conversations share."""

    recognizer: Recognizer
    dialogue: DialogueEngine
    synthesizer: Synthesizer
    pronouncing: Pronouncing = field(default_factory=Pronouncing)


@dataclass(slots=True, eq=False)
class Listener:
    """A socket that is told what happens. `face`: it asked for the extension. `sound`: it plays. `debug`: it looks
    inside."""

    put: Callable[[str], None]
    face: bool = False
    sound: bool = True
    debug: bool = False


class Observer(Protocol):
    """Sees all that a conversation is told and asks for; a recording, for one. It changes nothing."""

    def saw(self, event: Input, now: float, effects: list[asked.Effect]) -> None: ...

    def close(self) -> None:
        """The conversation is over."""
        ...


class Runner:
    """One conversation, its engines' work in progress, and its sockets. Lives on the event loop alone."""

    def __init__(self, conversation: Conversation, engines: Engines, clock: Callable[[], float]) -> None:
        self.conversation = conversation
        self.listeners: list[Listener] = []
        self.observers: list[Observer] = []
        self.underway = Underway()
        self.followed = False
        """Whether viewers may come, so that replies need a face although nobody asks for one yet."""
        self._engines = engines
        self._clock = clock
        self._inbox: deque[Input] = deque()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._recognitions: dict[int, Recognition] = {}
        self._makers: dict[int, ReplyMaker] = {}
        self._gauge = metrics.session_started()

    def now(self) -> float:
        return self._clock()

    def tell(self, event: Input) -> None:
        """Tell the conversation something, and do what it asks."""
        self._inbox.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._inbox:
                told, now = self._inbox.popleft(), self._clock()
                effects = self.conversation.receive(told, now)
                for observer in self.observers:
                    observer.saw(told, now, effects)
                for effect in effects:
                    self._perform(effect)
        finally:
            self._busy = False
        self._rearm()

    def close(self) -> None:
        """End everything that is in progress."""
        if self._timer is not None:
            self._timer.cancel()
        for recognition in self._recognitions.values():
            recognition.close()
        for maker in self._makers.values():
            maker.abandon()
        for observer in self.observers:
            observer.close()
        self.observers.clear()
        self._gauge.ended()

    def _rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self.conversation.deadline()
        if deadline is not None:
            delay = max(0.0, deadline - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self.tell, Tick())

    def _perform(self, effect: asked.Effect) -> None:
        match effect:
            case asked.Send(event):
                self.send(event)
            case asked.Feed(turn, pcm):
                self._recognitions[turn].feed(pcm)
            case asked.Listen(turn):
                self._recognitions[turn] = Recognition(self._engines.recognizer, turn, self.tell)
            case asked.Refine(turn):
                self._recognitions[turn].refine()
            case asked.Unlisten(turn):
                self._recognitions.pop(turn).close()
            case asked.Think(generation):
                self._maker(generation).think(effect)
            case asked.Speak(generation):
                self._maker(generation).speak(effect)
            case asked.Abandon(generation):
                maker = self._makers.pop(generation, None)
                if maker is not None:
                    maker.abandon()
            case asked.Measure(stage, seconds):
                metrics.stage(stage, seconds)
            case asked.Skew(seconds):
                metrics.skew(seconds)
            case asked.CorrectedLate():
                metrics.corrected_late()

    def _maker(self, generation: int) -> ReplyMaker:
        if generation not in self._makers:
            engines = self._engines
            watched = self.followed or any(listener.face for listener in self.listeners)
            self._makers[generation] = ReplyMaker(
                generation,
                engines.dialogue,
                engines.synthesizer,
                self.tell,
                with_face=watched,
                style=self.conversation.style,
                repertoire=self.conversation.repertoire,
                pronouncing=engines.pronouncing,
                has_room=self.conversation.has_room,
            )
        return self._makers[generation]

    def send(self, event: ServerEvent) -> None:
        """To everyone who may see it."""
        if isinstance(event, State):
            self._gauge.state(event.state)
        elif isinstance(event, Error):
            metrics.error(str(event.error.get("code")))
        self.underway.saw(event)
        ours = type(event) in EXTENSION
        sound = isinstance(event, AudioDelta)
        told = [one for one in self.listeners if (one.face or not ours) and (one.sound or not sound)]
        if told:
            message = event.to_json()
            for listener in told:
                listener.put(message)
