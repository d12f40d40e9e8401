"""The conversation: a state machine that is told what happens, and when, and says what is to be done.

`receive(input, now)` opens no socket, starts no thread and reads no clock, so that a conversation can be replayed bit
for bit and tested on a virtual clock. `now` is in seconds and never goes back.
"""

from collections.abc import Callable
from dataclasses import dataclass

from agent.asr import Hypothesis
from agent.audio import TIMELINE_RATE
from agent.audio.codecs import WireFormat
from agent.conversation import inputs as told
from agent.conversation.answering import Answering
from agent.conversation.context import Context, ConversationSettings
from agent.conversation.effects import Effect, Measure
from agent.conversation.floor import paced
from agent.conversation.hearing import Hearing, Utterance
from agent.conversation.history import Item
from agent.conversation.idle import Idle
from agent.conversation.ledger import Ledger
from agent.conversation.playback import Playback
from agent.conversation.requests import Requests
from agent.conversation.stage import Stage
from agent.conversation.transcription import Transcription
from agent.conversation.turns import WINDOW_MS, TurnEvent
from agent.realtime import events as wire
from agent.realtime.events import Json, ServerEvent
from agent.realtime.session_config import ServerVad
from avatar.behaviour import Mood, StageBehaviour, Style
from avatar.behaviour.repertoire import Repertoire


@dataclass(frozen=True, slots=True)
class Insight:
    """The stage clock, what the person is doing, and what plays."""

    stage_sample: int
    state: Mood
    playing: Ledger | None
    held: bool


class Conversation:
    """One visitor's conversation."""

    def __init__(self, settings: ConversationSettings, behaviour: Callable[[], StageBehaviour], now: float) -> None:
        self._context = Context(settings)
        self._emit = self._context.emit
        self._history = self._context.history
        self._stage = Stage(now, settings.style, behaviour, self._emit)
        self._playback = Playback(self._context, self._stage)
        self._answering = Answering(self._context, self._playback)
        self._hearing = Hearing(self._context)
        self._transcription = Transcription(self._context)
        self._idle = Idle()
        self._requests = Requests(self._context, self._hearing, self._answering, self._playback, self._turn_ended)
        self._away = False
        """Whether the player is gone and may come back."""
        self._requests.configure()
        self._emit(wire.SessionCreated(session=self.session_to_wire()))
        about = {"id": self._context.conversation_id, "object": "realtime.conversation"}
        self._emit(wire.ConversationCreated(conversation=about))

    # ------------------------------------------------------------------ the one entrance
    def receive(self, event: told.Input, now: float) -> list[Effect]:
        """Take one input; returns what is to be done, in order."""
        match event:
            case told.FromClient(wire.Express() as wish):
                self._express(wish, now)
            case told.FromClient(wire.Visitor(seen=seen, yaw=yaw, pitch=pitch)):
                self._stage.visitor((yaw, pitch) if seen else None, now)
            case told.FromClient(client_event):
                if isinstance(client_event, wire.CreateItem) and client_event.item.role == "user":
                    self._idle.somebody()
                self._requests.handle(client_event, now)
            case told.Window():
                self._window(event, now)
            case told.Recognized():
                self._recognized(event)
            case told.RecognitionFailed(turn):
                self._hearing.failed(turn)
            case told.Thought() | told.ThoughtEnded() | told.Spoke() | told.SentenceEnded():
                self._answering.made(event, now)
            case told.FaceWanted(wanted):
                self._stage.watch(wanted, now)
            case told.PlayerLeft():
                self._player_left(now)
            case told.PlayerCame():
                self._player_came(now)
            case told.Tick():
                pass
        self._advance(now)
        return self._context.take_effects()

    def _express(self, wish: wire.Express, now: float) -> None:
        if wish.expression in self.repertoire.names:
            self._stage.express(wish.expression, now)
            return
        known = ", ".join(self.repertoire.names)
        message = f"expression: there is no such expression; there are: {known}."
        error = wire.WireError("invalid_value", message, param="expression", event_id=wish.event_id)
        self._emit(error.to_event())

    def deadline(self) -> float | None:
        """When `receive(Tick(), …)` is due, if nothing else happens before."""
        parts = (self._answering, self._hearing, self._stage, self._playback)
        return min((time for time in (part.deadline() for part in parts) if time is not None), default=None)

    # ------------------------------------------------------------------ what can be asked
    def session_to_wire(self) -> Json:
        """The session as clients see it."""
        return self._context.session_to_wire()

    def describe(self, now: float, role: wire.ClientRole, hears: list[str]) -> ServerEvent:
        """What a client that asked for the face is told first."""
        return wire.VisavisSession(
            session_id=self._context.id,
            role=role,
            authority=self._playback.authority,
            stage_rate=TIMELINE_RATE,
            stage_now=self._stage.sample(now),
            voice=self._context.voice,
            language=self._context.language,
            capabilities={"hears": hears},
        )

    def resumed(self, now: float) -> ServerEvent:
        """What a client that comes back is told: the items as they stand, and what was heard of ours."""
        spoken = [item.ledger for item in self._history if item.ledger is not None]
        heard = [
            {"item_id": one.item_id, "content_index": one.content_index, "heard_samples": one.heard(now)}
            for one in spoken
        ]
        return wire.Resumed(items=[item.to_wire(now) for item in self._history], heard=heard)

    def inspect(self, now: float) -> Insight:
        """What a look inside shows."""
        return Insight(self._stage.sample(now), self._stage.state, self._playback.playing, self._playback.held)

    @property
    def playing(self) -> Ledger | None:
        """What plays at the client, or played last and was not cut off: to be looked at, never changed."""
        return self._playback.playing

    @property
    def input_format(self) -> WireFormat:
        """How the client's sound is coded."""
        return self._context.config.audio.input.format.type

    @property
    def style(self) -> Style:
        """How lively the person is."""
        return self._context.style

    @property
    def repertoire(self) -> Repertoire:
        """What the face can do."""
        return self._context.settings.repertoire

    def has_room(self, generation: int) -> bool:
        """Whether more text of that reply may come; if not, the dialogue engine should wait for the voice."""
        return self._answering.has_room(generation)

    # ------------------------------------------------------------------ going on
    def _advance(self, now: float) -> None:
        """Let everything go on that can."""
        final = self._hearing.final(now)
        while final is not None:
            self._understood(*final, now)
            final = self._hearing.final(now)
        unsettled = self._hearing.unsettled()
        detection = self._context.detection
        speculate = self._context.settings.speculate and not self._away
        if unsettled is not None and speculate and detection and detection.create_response:
            self._answering.guess(unsettled, now)
        replying = self._answering.active  # a written reply may be over as soon as it has begun
        self._answering.advance(now, self._stage.sample(now))
        if self._answering.waits and not (self._answering.active or self._hearing.pending or self._away):
            self._answering.respond_now(now)
        self._playback.release(now)
        if replying or self._answering.active or self._playback.sounding(now):
            self._idle.replying()
        self._stage.restyle(self._context.style, now)
        self._stage.enter(self._state(now), now)
        self._stage.tick(now)

    def _state(self, now: float) -> Mood:
        if self._hearing.listening:
            return "listening"
        if self._playback.sounding(now):
            return "speaking"
        return "thinking" if self._hearing.pending or self._answering.active else "idle"

    # ------------------------------------------------------------------ the visitor speaks
    def _window(self, window: told.Window, now: float) -> None:
        if not self._context.understands:
            return
        detection = self._context.detection
        interrupts = detection is not None and detection.interrupt_response
        audible = self._answering.active or self._playback.sounding(now)
        match self._hearing.window(window, interruptible=interrupts and audible):
            case TurnEvent.ONSET:
                self._playback.hold(now)
                if self._playback.held:
                    voiced = self._hearing.detector.windows - self._hearing.detector.onset
                    self._context.do(Measure("hold", voiced * WINDOW_MS / 1000))
            case TurnEvent.REJECTED:
                self._playback.resume(now)
            case TurnEvent.STARTED if detection is not None:
                self._turn_started(interrupts, now)
            case TurnEvent.PAUSED:
                self._stage.phrase_ended(now - self._hearing.detector.silence_ms / 1000)
            case TurnEvent.RESUMED:
                self._answering.drop_guess()
            case TurnEvent.ENDED:
                self._turn_ended(now)
        if self._hearing.overlong:
            self._turn_ended(now)
        self._watch_silence(now)

    def _watch_silence(self, now: float) -> None:
        """Speak up when nothing was said for as long as the session's `idle_timeout_ms`, which is told as an empty item
        of the visitor's; or, to a visitor of our own page, for as long as the owner wants it, and nothing is told."""
        detection, windows = self._context.detection, self._hearing.detector.windows
        timeout_ms = detection.idle_timeout_ms if isinstance(detection, ServerVad) else None
        since = self._idle.window(
            windows,
            speaking=self._away or self._hearing.current is not None or bool(self._hearing.pending),
            timeout_ms=self._own_timeout_ms() if timeout_ms is None else timeout_ms,
        )
        if since is None or detection is None:
            return
        if timeout_ms is not None:
            item_id = self._context.settings.new_id("item")
            times = {"audio_start_ms": since * WINDOW_MS, "audio_end_ms": windows * WINDOW_MS}
            self._emit(wire.TimeoutTriggered(item_id=item_id, **times))
            self._committed(item_id, now)
        if detection.create_response:
            self._answering.respond_unasked(now, idle=True)

    def _own_timeout_ms(self) -> int | None:
        """The owner's, for a client of ours whose visitor has said something, and is waited for by voice."""
        seconds = self._context.settings.idle_prompt_seconds
        wanted = seconds > 0 and self._context.ours and self._idle.visited and self._context.detection is not None
        return round(seconds * 1000) if wanted else None

    def _turn_started(self, interrupts: bool, now: float) -> None:
        self._playback.decided(now)
        utterance = self._hearing.current
        assert utterance is not None
        start = self._hearing.detector.onset * WINDOW_MS
        self._emit(wire.SpeechStarted(item_id=utterance.item_id, audio_start_ms=start))
        if interrupts:
            self._answering.interrupt("turn_detected", now)

    def _turn_ended(self, now: float) -> None:
        """The turn is committed; its words follow as soon as they are known."""
        utterance = self._hearing.end(now)
        if utterance is None:
            return
        if self._context.detection is not None:
            end = (utterance.last_voiced + 1) * WINDOW_MS
            self._emit(wire.SpeechStopped(item_id=utterance.item_id, audio_end_ms=end))
        self._committed(utterance.item_id, now)
        self._transcription.grew(utterance)

    def _committed(self, item_id: str, now: float) -> None:
        item = Item(item_id, spoken=True)
        before = self._context.add(item)
        self._emit(wire.AudioCommitted(item_id=item.id, previous_item_id=before))
        self._context.announce(item, before, now)

    def _recognized(self, result: told.Recognized) -> None:
        utterance = self._hearing.recognized(result)
        if utterance is None:
            return
        text = result.hypothesis.text
        if utterance is self._hearing.current:
            if text and self._hearing.listening:
                self._emit(wire.Partial(item_id=utterance.item_id, text=text))
            if not (self._hearing.listening and self._hearing.detection):
                return  # clients know of no such item yet
        self._transcription.grew(utterance)

    def _understood(self, utterance: Utterance, heard: Hypothesis, now: float) -> None:
        """The turn's words are known: answer them."""
        self._hearing.drop(utterance)
        item = self._history.find(utterance.item_id)
        if item is None:
            return
        item.text = heard.text
        if heard.text:
            self._idle.somebody()
        self._context.pace = paced(self._context.pace, utterance.slowed(heard))
        if utterance.best() is not None:
            self._transcription.completed(utterance, heard)
        else:
            self._transcription.failed(utterance)
        detection = self._context.detection
        if self._away:
            self._answering.drop_guess()
        elif self._answering.waits:
            if not self._hearing.pending:
                self._answering.respond_now(now)
        elif utterance.given:
            self._answering.drop_guess()  # it was made without these words
        elif detection is not None and detection.create_response:
            self._answering.answer(utterance, heard, now)
        else:
            self._answering.drop_guess()
        if utterance.given:
            return
        assert utterance.ended_at is not None
        self._answering.measured("endpoint", utterance.silence_ms / 1000)
        self._answering.measured("asr", now - utterance.ended_at)

    # ------------------------------------------------------------------ the player goes and comes
    def _player_left(self, now: float) -> None:
        """What was being said by either side ends here: nobody hears it."""
        if self._away:
            return
        self._away = True
        if self._hearing.listening:
            self._turn_ended(now)
        self._hearing.clear()
        self._answering.stop_all(now)
        self._playback.player_left()

    def _player_came(self, now: float) -> None:
        """A question nothing was heard in answer to is answered now."""
        if not self._away:
            return
        self._away = False
        detection, messages = self._context.detection, self._history.messages(now)
        asked = bool(messages) and messages[-1].role == "user" and not self._answering.waits
        if detection is not None and detection.create_response and asked:
            self._answering.respond_later(wire.ResponseIn())
