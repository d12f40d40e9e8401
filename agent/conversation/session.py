"""The conversation: a state machine that is told what happens, and when, and says what is to be done.

`receive(input, now)` opens no socket, starts no thread and reads no clock, so that a conversation can be replayed bit
for bit and tested on a virtual clock. `now` is in seconds and never goes back.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from pydantic import ValidationError

from agent import asr
from agent.asr import Hypothesis
from agent.audio import TIMELINE_RATE
from agent.audio.codecs import WireFormat
from agent.conversation import inputs as told
from agent.conversation.answering import Answering
from agent.conversation.context import Context, ConversationSettings
from agent.conversation.effects import Effect
from agent.conversation.hearing import Hearing, Utterance
from agent.conversation.history import Item, item_from_wire
from agent.conversation.ledger import Ledger
from agent.conversation.playback import Playback
from agent.conversation.stage import Stage
from agent.conversation.turns import WINDOW_MS, TurnEvent
from agent.realtime import events as wire
from agent.realtime.events import Json, ServerEvent, WireError
from agent.realtime.session_config import SemanticVad, ServerVad
from avatar.behaviour import Mood, StageBehaviour

CANNOT_HEAR = "Speech in this language cannot be understood by the recogniser that runs here; typing works."


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
        self._stage = Stage(now, behaviour, self._emit)
        self._playback = Playback(self._context, self._stage)
        self._answering = Answering(self._context, self._playback)
        self._hearing = Hearing(self._context)
        self._away = False
        """Whether the player is gone and may come back."""
        self._configure()
        self._emit(wire.SessionCreated(session=self.session_to_wire()))

    # ------------------------------------------------------------------ the one entrance
    def receive(self, event: told.Input, now: float) -> list[Effect]:
        """Take one input; returns what is to be done, in order."""
        match event:
            case told.FromClient(client_event):
                self._from_client(client_event, now)
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

    def deadline(self) -> float | None:
        """When `receive(Tick(), …)` is due, if nothing else happens before."""
        parts = (self._answering, self._hearing, self._stage, self._playback)
        return min((time for time in (part.deadline() for part in parts) if time is not None), default=None)

    # ------------------------------------------------------------------ what can be asked
    def session_to_wire(self) -> Json:
        """The session as clients see it."""
        body = self._context.config.model_dump()
        if not body["audio"]["output"]["voice"]:
            body["audio"]["output"]["voice"] = self._context.voice
        return body | {"id": self._context.id, "object": "realtime.session"}

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
        detection = self._detection()
        speculate = self._context.settings.speculate and not self._away
        if unsettled is not None and speculate and detection and detection.create_response:
            self._answering.guess(unsettled, now)
        self._answering.advance(now, self._stage.sample(now))
        if self._answering.waits and not (self._answering.active or self._hearing.pending or self._away):
            self._answering.respond_now(now)
        self._playback.release(now)
        self._stage.enter(self._state(now), now)
        self._stage.tick(now)

    def _state(self, now: float) -> Mood:
        if self._hearing.listening:
            return "listening"
        if self._playback.sounding(now):
            return "speaking"
        return "thinking" if self._hearing.pending or self._answering.active else "idle"

    # ------------------------------------------------------------------ the visitor speaks
    def _detection(self) -> ServerVad | SemanticVad | None:
        return self._context.config.audio.input.turn_detection

    def _window(self, window: told.Window, now: float) -> None:
        if not self._context.understands:
            return
        detection = self._detection()
        interrupts = detection is not None and detection.interrupt_response
        audible = self._answering.active or self._playback.sounding(now)
        match self._hearing.window(window, interruptible=interrupts and audible):
            case TurnEvent.ONSET:
                self._playback.hold(now)
            case TurnEvent.REJECTED:
                self._stage.phrase_ended(now)
                self._playback.resume(now)
            case TurnEvent.STARTED if detection is not None:
                self._turn_started(interrupts, now)
            case TurnEvent.PAUSED:
                self._stage.phrase_ended(now)
            case TurnEvent.RESUMED:
                self._answering.drop_guess()
            case TurnEvent.ENDED:
                self._turn_ended(now)
        if self._hearing.overlong:
            self._turn_ended(now)

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
        if self._detection() is not None:
            end = (utterance.last_voiced + 1) * WINDOW_MS
            self._emit(wire.SpeechStopped(item_id=utterance.item_id, audio_end_ms=end))
        item = Item(utterance.item_id, spoken=True)
        before = self._history.add(item)
        self._emit(wire.AudioCommitted(item_id=item.id, previous_item_id=before))
        self._announce(item, before, now)

    def _announce(self, item: Item, before: str | None, now: float) -> None:
        self._emit(wire.ItemAdded(previous_item_id=before, item=item.to_wire(now)))
        self._emit(wire.ItemDone(previous_item_id=before, item=item.to_wire(now)))

    def _recognized(self, result: told.Recognized) -> None:
        utterance = self._hearing.recognized(result)
        text = result.hypothesis.text
        if utterance is not None and utterance is self._hearing.current and text and self._hearing.listening:
            self._emit(wire.Partial(item_id=utterance.item_id, text=text))

    def _understood(self, utterance: Utterance, heard: Hypothesis, now: float) -> None:
        """The turn's words are known: answer them."""
        self._hearing.drop(utterance)
        item = self._history.find(utterance.item_id)
        if item is None:
            return
        item.text = heard.text
        ids: Json = {"item_id": item.id, "content_index": 0}
        if heard.text:
            self._emit(wire.TranscriptionDelta(**ids, delta=heard.text))
        usage = {"type": "duration", "seconds": round(utterance.fed / asr.RATE, 3)}
        self._emit(wire.TranscriptionCompleted(**ids, transcript=heard.text, usage=usage))
        detection = self._detection()
        if self._away:
            self._answering.drop_guess()
        elif self._answering.waits:
            self._answering.respond_now(now)
        elif detection is not None and detection.create_response:
            self._answering.answer(utterance, heard, now)
        else:
            self._answering.drop_guess()
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
        self._answering.interrupt("client_cancelled", now)
        self._playback.player_left()

    def _player_came(self, now: float) -> None:
        """A question nothing was heard in answer to is answered now."""
        if not self._away:
            return
        self._away = False
        detection, messages = self._detection(), self._history.messages(now)
        if detection is not None and detection.create_response and messages and messages[-1].role == "user":
            self._answering.respond_later(wire.ResponseIn())

    # ------------------------------------------------------------------ clients
    def _from_client(self, event: wire.AnyClientEvent, now: float) -> None:
        try:
            self._handle(event, now)
        except WireError as error:
            error.event_id = error.event_id or event.event_id
            self._emit(error.to_event())

    def _handle(self, event: wire.AnyClientEvent, now: float) -> None:  # noqa: PLR0912 -- one case an event
        match event:
            case wire.UpdateSession():
                self._update(event)
            case wire.CommitAudio():
                if self._hearing.current is None:
                    raise WireError("input_audio_buffer_commit_empty", "There is no sound to commit: append some.")
                self._turn_ended(now)
            case wire.ClearAudio():
                self._clear_audio(now)
            case wire.CreateItem(item=given, previous_item_id=previous):
                item = item_from_wire(given, self._context.settings.new_id)
                before = self._history.add(item, previous)
                self._answering.drop_guess()
                self._announce(item, before, now)
            case wire.RetrieveItem(item_id=item_id):
                # Pipecat survives a retrieval that fails only by this code; the others are named after it.
                item = self._history.get(item_id, "item_retrieve_invalid_item_id")
                self._emit(wire.ItemRetrieved(item=item.to_wire(now)))
            case wire.DeleteItem(item_id=item_id):
                self._delete(item_id, now)
            case wire.TruncateItem():
                self._truncate(event, now)
            case wire.CreateResponse(response=wanted):
                if self._hearing.pending and not self._answering.active:
                    self._answering.respond_later(wanted)
                else:
                    self._answering.respond(wanted, now)
            case wire.CancelResponse():
                if not self._answering.active and not self._playback.sounding(now):
                    # Pipecat knows this by its code, livekit by how the message begins.
                    raise WireError("response_cancel_not_active", "Cancellation failed: no active response found.")
                self._answering.interrupt("client_cancelled", now)
            case wire.Playout():
                self._playback.report(event, now)
                if event.heard_samples > 0:
                    self._answering.first_heard(event.item_id, now - event.heard_samples / TIMELINE_RATE)
            case wire.Greet():
                if len(self._history) == 0:
                    self._answering.say(self._context.settings.greeting.get(self._context.language, ""), now)
            case _:
                raise WireError("unsupported_event", f"{event.type} is not supported here.", param="type")

    def _update(self, event: wire.UpdateSession) -> None:
        try:
            self._context.config = self._context.config.merged(event.session)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            param = ".".join(["session", *(str(part) for part in first["loc"])])
            raise WireError("invalid_value", f"{param}: {first['msg']}.", param=param) from error
        avatar = event.session.avatar
        if avatar is not None and avatar.patience is not None:
            self._context.patience = avatar.patience
        self._configure()
        self._emit(wire.SessionUpdated(session=self.session_to_wire()))
        voice = self._context.config.audio.output.voice
        if voice and voice not in self._context.settings.known_voices:
            message = f"There is no voice {str(voice)[:64]!r} here; {self._context.voice} speaks instead."
            self._emit(wire.Notice(code="unknown_voice", message=message))
        if not self._context.understands:
            self._emit(wire.Notice(code="cannot_hear_language", message=CANNOT_HEAR))

    def _configure(self) -> None:
        """Listen as the session now says."""
        if not self._context.understands:
            self._hearing.clear()
        detection, turns = self._detection(), self._context.settings.turns
        if isinstance(detection, ServerVad):
            turns = replace(
                turns,
                threshold=detection.threshold,
                silence_ms=detection.silence_duration_ms,
                judged=False,
                pause_ms=max(WINDOW_MS, min(turns.pause_ms, detection.silence_duration_ms)),
                prefix_ms=detection.prefix_padding_ms,
            )
        elif isinstance(detection, SemanticVad):
            turns = replace(turns, eagerness=detection.eagerness, patience=self._context.patience)
        self._hearing.configure(turns, detection=detection is not None)

    def _clear_audio(self, now: float) -> None:
        self._hearing.clear()
        self._answering.drop_guess()
        self._playback.resume(now)
        self._emit(wire.AudioCleared())

    def _delete(self, item_id: str, now: float) -> None:
        self._history.get(item_id, "item_delete_invalid_item_id")
        if self._answering.gives(item_id):
            self._answering.interrupt("client_cancelled", now)
        self._history.delete(item_id)
        self._playback.forget(item_id)
        self._answering.drop_guess()
        self._emit(wire.ItemDeleted(item_id=item_id))

    def _truncate(self, event: wire.TruncateItem, now: float) -> None:
        """The client's last word on what it played. An `audio_end_ms` beyond what was sent is clamped to that."""
        item = self._history.get(event.item_id, "item_truncate_invalid_item_id")
        ledger = item.ledger
        if ledger is None or event.content_index != 0:
            raise WireError(
                "invalid_value", "Only the first part of a spoken message of ours can be truncated.", param="item_id"
            )
        if self._answering.gives(item.id):
            self._answering.interrupt("client_cancelled", now)
        elif self._playback.playing is ledger:
            self._playback.stop(now)
        heard = ledger.truncate(event.audio_end_ms * TIMELINE_RATE // 1000)
        if heard < ledger.produced:
            item.status = "incomplete"
        end = heard * 1000 // TIMELINE_RATE
        self._emit(wire.ItemTruncated(item_id=item.id, content_index=event.content_index, audio_end_ms=end))
