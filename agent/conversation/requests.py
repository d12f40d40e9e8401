"""What a client asks of the conversation: its messages, one after another."""

from collections.abc import Callable
from dataclasses import replace

from pydantic import ValidationError

from agent.audio import TIMELINE_RATE
from agent.conversation.answering import Answering
from agent.conversation.bounds import room_for_messages
from agent.conversation.context import Context
from agent.conversation.effects import CorrectedLate
from agent.conversation.floor import paced, slowed
from agent.conversation.hearing import Hearing
from agent.conversation.history import Item, item_from_wire
from agent.conversation.playback import Playback
from agent.conversation.recorded import recorded_in
from agent.conversation.turns import WINDOW_MS
from agent.realtime import events as wire
from agent.realtime.events import WireError
from agent.realtime.session_config import SemanticVad, ServerVad

MOST_PENDING = 4
"""Turns whose words are waited for."""
CANNOT_HEAR = "Speech in this language cannot be understood by the recogniser that runs here; typing works."


class Requests:
    """Honours a client's messages. `commit` ends the visitor's turn."""

    def __init__(
        self,
        context: Context,
        hearing: Hearing,
        answering: Answering,
        playback: Playback,
        commit: Callable[[float], None],
    ) -> None:
        self._context = context
        self._emit = context.emit
        self._history = context.history
        self._hearing = hearing
        self._answering = answering
        self._playback = playback
        self._commit = commit

    def handle(self, event: wire.AnyClientEvent, now: float) -> None:
        """Do what the message asks. What cannot be done is answered by a typed error, and changes nothing."""
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
                self._commit(now)
            case wire.ClearAudio():
                self._clear_audio(now)
            case wire.CreateItem():
                self._create(event, now)
            case wire.RetrieveItem(item_id=item_id):
                # Pipecat survives a retrieval that fails only by this code; the others are named after it.
                item = self._history.get(item_id, "item_retrieve_invalid_item_id")
                self._emit(wire.ItemRetrieved(item=item.to_wire(now)))
            case wire.DeleteItem(item_id=item_id):
                self._delete(item_id, now)
            case wire.TruncateItem():
                self._truncate(event, now)
            case wire.CreateResponse(response=wanted):
                self._respond(wanted, now)
            case wire.CancelResponse(response_id=response_id):
                self._answering.cancel(response_id, now)
            case wire.Playout():
                self._playback.report(event, now)
                if event.heard_samples > 0:
                    self._answering.first_heard(event.item_id, now - event.heard_samples / TIMELINE_RATE)
            case wire.Greet():
                if len(self._history) == 0:
                    self._answering.say(self._context.settings.greeting.get(self._context.language, ""), now)
            case _:
                raise WireError("unsupported_event", f"{event.type} is not supported here.", param="type")

    def _respond(self, wanted: wire.ResponseIn, now: float) -> None:
        """What goes into the conversation waits for the words of the turn before it."""
        unsettled = self._hearing.pending and not self._answering.active
        if unsettled and wanted.conversation == "auto":
            self._answering.respond_later(wanted)
        else:
            self._answering.respond(wanted, now)

    # ------------------------------------------------------------------ the session
    def _update(self, event: wire.UpdateSession) -> None:
        try:
            config = self._context.config.merged(event.session)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            param = ".".join(["session", *(str(part) for part in first["loc"])])
            raise WireError("invalid_value", f"{param}: {first['msg']}.", param=param) from error
        if {"instructions", "tools"} & event.session.model_fields_set:
            room_for_messages(
                self._context.settings.input_tokens, config.instructions, config.tools, ("session", "session")
            )
        self._context.config = config
        avatar = event.session.avatar
        if avatar is not None and avatar.patience is not None:
            self._context.patience = avatar.patience
        if avatar is not None:
            self._context.ours = True
            self._context.style = avatar.styled(self._context.style)
        self.configure()
        self._emit(wire.SessionUpdated(session=self._context.session_to_wire()))
        voice = self._context.config.audio.output.voice
        if voice and voice not in self._context.settings.known_voices:
            message = f"There is no voice {voice[:64]!r} here; {self._context.voice} speaks instead."
            self._emit(wire.Notice(code="unknown_voice", message=message))
        if not self._context.understands:
            self._emit(wire.Notice(code="cannot_hear_language", message=CANNOT_HEAR))

    def configure(self) -> None:
        """Listen as the session now says."""
        if not self._context.understands:
            self._hearing.clear()
        detection, turns = self._context.detection, self._context.settings.turns
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

    # ------------------------------------------------------------------ what was said
    def _create(self, event: wire.CreateItem, now: float) -> None:
        """A new item. Where it is recorded speech, its words follow as those of a turn do."""
        new_id = self._context.settings.new_id
        sound = recorded_in(event.item, self._context.config.audio.input.format.type)
        if sound is None:
            item = item_from_wire(event.item, new_id)
        else:
            self._check_hearing()
            item = Item(event.item.id or new_id("item"), spoken=True)
        self._context.check_room()
        before = self._context.add(item, event.previous_item_id)
        self._answering.drop_guess()
        if item.role == "user":
            self._context.pace = paced(self._context.pace, slowed(item.text))
        self._context.announce(item, before, now)
        if sound is not None:
            self._hearing.take(item.id, sound, now)

    def _check_hearing(self) -> None:
        """Raises WireError where recorded speech cannot be taken now."""
        if not self._context.understands:
            raise WireError("unsupported_content_type", CANNOT_HEAR, param="item.content")
        if len(self._hearing.pending) >= MOST_PENDING:
            message = f"{MOST_PENDING} turns wait for their words: send more when these are transcribed."
            raise WireError("too_many_pending", message, param="item.content")

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
        believed = ledger.heard_text(now)
        heard = ledger.truncate(event.audio_end_ms * TIMELINE_RATE // 1000)
        if ledger.heard_text(now) != believed:
            self._corrected(item)
        if heard < ledger.produced:
            item.status = "incomplete"
        end = heard * 1000 // TIMELINE_RATE
        self._emit(wire.ItemTruncated(item_id=item.id, content_index=event.content_index, audio_end_ms=end))

    def _corrected(self, item: Item) -> None:
        """What was heard of `item` is not what prompts took it to be. A guess is made anew; an answer that is being
        given, or was, stays as it is, and is counted."""
        self._answering.drop_guess()
        items = list(self._history)
        later = items[items.index(item) + 1 :]
        if self._answering.active or any(one.role == "assistant" for one in later):
            self._context.do(CorrectedLate())
