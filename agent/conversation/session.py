"""The conversation: a state machine that is told what happens, and when, and says what is to be done.

`receive(input, now)` opens no socket, starts no thread and reads no clock, so that a conversation can be replayed bit for
bit and tested on a virtual clock. `now` is in seconds and never goes back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from agent.asr import Hypothesis
from agent.conversation import inputs as told
from agent.conversation.effects import Abandon, Effect, Measure, Send, Speak, Think
from agent.conversation.hearing import Hearing, Utterance
from agent.conversation.history import History, Item, item_from_wire
from agent.conversation.ledger import Ledger
from agent.conversation.reply import Reply, ReplySettings
from agent.conversation.stage import Stage
from agent.conversation.turns import WINDOW_MS, TurnEvent, TurnSettings
from agent.llm import Message, Prompt, TextDelta
from agent.realtime import events as wire
from agent.realtime.events import Json, ServerEvent, WireError, new_id
from agent.realtime.session_config import SemanticVad, ServerVad, SessionConfig
from avatar.behaviour import Mood, StageBehaviour

UNHEARD_MS = 700
"""Voice in which no word was recognised is answered from this length on; shorter, it was no speech."""
EAGERNESS_MS = {"low": 700, "high": 192}
"""Silence that ends a turn under semantic_vad; for medium and auto the default."""


@dataclass(frozen=True, slots=True)
class ConversationSettings:
    """What does not change in a conversation. Texts and voices are by language ("en", "zh")."""

    config: SessionConfig
    turns: TurnSettings = TurnSettings()
    language: str = "en"
    voices: Mapping[str, str] = field(default_factory=dict)
    """The default voice of each language."""
    known_voices: frozenset[str] = frozenset()
    greeting: Mapping[str, str] = field(default_factory=dict)
    not_caught: Mapping[str, str] = field(default_factory=dict)
    min_confidence: float = 0.0
    speculate: bool = True


class Conversation:
    """One visitor's conversation."""

    def __init__(self, settings: ConversationSettings, behaviour: Callable[[], StageBehaviour], now: float) -> None:
        self.id = new_id("sess")
        self.conversation_id = new_id("conv")
        self.settings = settings
        self.config = settings.config
        self.history = History()
        self.ledgers: dict[str, Ledger] = {}
        self.stage = Stage(now, behaviour, self._emit)
        self._effects: list[Effect] = []
        self._hearing = Hearing(settings.turns, settings.min_confidence, self._effects.append)
        self._reply: Reply | None = None
        self._playing: Ledger | None = None
        self._held = False
        self._generation = 0
        self._wanted: wire.CreateResponse | None = None
        self._last_answer: _Answer | None = None
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
                self._recognized(event, now)
            case told.RecognitionFailed(turn):
                self._hearing.failed(turn)
            case told.Thought() | told.ThoughtEnded() | told.Spoke() | told.SentenceEnded():
                self._made(event, now)
            case told.FaceWanted(wanted):
                self.stage.watch(wanted, now)
            case told.PlayerLeft():
                self._emit(wire.Authority(authority="pacer"))
            case told.Tick():
                pass
        self._advance(now)
        done, self._effects[:] = list(self._effects), []
        return done

    def deadline(self) -> float | None:
        """When `receive(Tick(), …)` is due, if nothing else happens before."""
        playing = self._playing
        end = playing.pacer.time_of(playing.produced) if playing is not None and self._reply is None else None
        times = [
            self._reply.deadline() if self._reply is not None and not self._held else None,
            self._hearing.deadline(),
            self.stage.deadline(),
            end,
        ]
        return min((time for time in times if time is not None), default=None)

    def describe(self, now: float, role: str, hears: list[str]) -> ServerEvent:
        """What a client that asked for the face is told first."""
        return wire.VisavisSession(
            session_id=self.id,
            role="viewer" if role == "viewer" else "player",
            authority="player",
            stage_rate=24_000,
            stage_now=self.stage.sample(now),
            voice=self.voice,
            language=self.language,
            capabilities={"hears": hears},
        )

    @property
    def language(self) -> str:
        """The language of the conversation now: "en", "zh" …"""
        transcription = self.config.audio.input.transcription
        wanted = transcription.language if transcription is not None else None
        return (wanted or self.settings.language).split("-")[0].lower()

    @property
    def voice(self) -> str:
        """The voice of the next sentence. One that we do not have stands for the language's default: stock clients
        ask for voices of their own service."""
        wanted = self.config.audio.output.voice
        if isinstance(wanted, str) and wanted in self.settings.known_voices:
            return wanted
        voices = self.settings.voices
        return voices.get(self.language) or next(iter(voices.values()), "")

    # ------------------------------------------------------------------ helpers
    def _do(self, effect: Effect) -> None:
        self._effects.append(effect)

    def _emit(self, event: ServerEvent) -> None:
        self._effects.append(Send(event))

    def session_to_wire(self) -> Json:
        body = self.config.model_dump()
        if not body["audio"]["output"]["voice"]:
            body["audio"]["output"]["voice"] = self.voice
        return body | {"id": self.id, "object": "realtime.session"}

    def _configure(self) -> None:
        """Listen as the session now says."""
        detection = self.config.audio.input.turn_detection
        base = self.settings.turns
        self._hearing.detection = detection is not None
        if isinstance(detection, ServerVad):
            base = TurnSettings(
                threshold=detection.threshold,
                silence_ms=detection.silence_duration_ms,
                pause_ms=min(base.pause_ms, detection.silence_duration_ms),
                prefix_ms=detection.prefix_padding_ms,
            )
        elif isinstance(detection, SemanticVad) and detection.eagerness in EAGERNESS_MS:
            base = TurnSettings(
                threshold=base.threshold, silence_ms=EAGERNESS_MS[detection.eagerness], prefix_ms=base.prefix_ms
            )
        self._hearing.detector.settings = base

    def _detection(self) -> ServerVad | SemanticVad | None:
        return self.config.audio.input.turn_detection

    def _audible(self, now: float) -> bool:
        """Whether a reply sounds, or is about to."""
        if self._reply is not None and not self._reply.private:
            return True
        return self._playing is not None and not self._playing.finished(now)

    # ------------------------------------------------------------------ the visitor speaks
    def _window(self, window: told.Window, now: float) -> None:
        detection = self._detection()
        interruptible = detection is not None and detection.interrupt_response and self._audible(now)
        event = self._hearing.window(window, interruptible)
        match event:
            case TurnEvent.ONSET:
                self._hold(now)
            case TurnEvent.REJECTED:
                self._resume(now)
            case TurnEvent.STARTED if detection is not None:
                self._turn_started(now)
            case TurnEvent.PAUSED:
                self.stage.phrase_ended(now)
            case TurnEvent.RESUMED:
                self._drop_private()
            case TurnEvent.ENDED:
                self._turn_ended(now)
        if self._hearing.overlong:
            self._turn_ended(now)

    def _turn_started(self, now: float) -> None:
        utterance = self._hearing.current
        assert utterance is not None
        start = self._hearing.detector.onset * WINDOW_MS
        self._emit(wire.SpeechStarted(item_id=utterance.item_id, audio_start_ms=start))
        detection = self._detection()
        if detection is not None and detection.interrupt_response:
            self._interrupt("turn_detected", now)

    def _turn_ended(self, now: float) -> None:
        """The turn is committed; its words follow as soon as they are known."""
        utterance = self._hearing.end(now)
        if utterance is None:
            return
        end = (utterance.last_voiced + 1) * WINDOW_MS
        if self._detection() is not None:
            self._emit(wire.SpeechStopped(item_id=utterance.item_id, audio_end_ms=end))
        item = Item(utterance.item_id, spoken=True)
        before = self.history.add(item)
        self._emit(wire.AudioCommitted(item_id=item.id, previous_item_id=before))
        self._emit(wire.ItemAdded(previous_item_id=before, item=item.to_wire(now)))
        self._emit(wire.ItemDone(previous_item_id=before, item=item.to_wire(now)))

    def _recognized(self, result: told.Recognized, now: float) -> None:
        utterance = self._hearing.recognized(result)
        if utterance is None:
            return
        text = result.hypothesis.text
        if utterance is self._hearing.current and text and not self._hearing.detector.undecided:
            self._emit(wire.Partial(item_id=utterance.item_id, text=text))

    def _understood(self, utterance: Utterance, heard: Hypothesis, now: float) -> None:
        """The turn's words are known: answer them."""
        self._hearing.drop(utterance)
        item = self.history.get(utterance.item_id)
        item.text = heard.text
        ids: Json = {"item_id": item.id, "content_index": 0}
        if heard.text:
            self._emit(wire.TranscriptionDelta(**ids, delta=heard.text))
        usage = {"type": "duration", "seconds": round(utterance.fed / 16_000, 3)}
        self._emit(wire.TranscriptionCompleted(**ids, transcript=heard.text, usage=usage))
        assert utterance.ended_at is not None
        silence = (self._hearing.detector.windows - 1 - utterance.last_voiced) * WINDOW_MS / 1000
        self._last_answer = _Answer(now, {"endpoint": silence, "asr": now - utterance.ended_at})
        detection = self._detection()
        if self._wanted is not None:
            self._drop_private()
            self._create_response(self._take_wanted(), now)
        elif detection is not None and detection.create_response:
            self._answer(utterance, heard, now)
        else:
            self._drop_private()

    def _answer(self, utterance: Utterance, heard: Hypothesis, now: float) -> None:
        """Answer what was heard; what was not understood is never guessed at."""
        if not heard.text and utterance.voiced_ms < UNHEARD_MS:
            self._drop_private()
        elif not heard.text or heard.confidence < self.settings.min_confidence:
            self._drop_private()
            self._say(self.settings.not_caught.get(self.language, ""), now)
        elif self._reply is not None and self._reply.private and self._reply.heard_as == heard.text:
            self._reply.publish(now)
        elif self._reply is not None and not self._reply.private:
            self._wanted = wire.CreateResponse(type="response.create")
        else:
            self._drop_private()
            self._begin_reply(self._reply_settings(None), now).publish(now)

    def _speculate(self, now: float) -> None:
        """Prepare the reply while waiting for the turn to end or its words to be settled."""
        utterance = self._hearing.pending[0] if self._hearing.pending else self._hearing.current
        detection = self._detection()
        if utterance is None or detection is None or not (detection.create_response and self.settings.speculate):
            return
        paused = utterance.ended_at is not None or self._hearing.detector.paused
        best = utterance.best()
        if not paused or best is None or not best.text or best.confidence < self.settings.min_confidence:
            return
        if self._reply is not None and (not self._reply.private or self._reply.heard_as == best.text):
            return
        self._drop_private()
        self._begin_reply(self._reply_settings(None), now, heard_as=best.text)

    # ------------------------------------------------------------------ replies
    def _reply_settings(self, wanted: wire.ResponseIn | None) -> ReplySettings:
        config = self.config
        modalities = (wanted.output_modalities if wanted else None) or config.output_modalities
        return ReplySettings(
            modalities=tuple(modalities),
            voice=self.voice,
            speed=config.audio.output.speed,
            language=self.language,
            conversation_id=self.conversation_id,
            out_of_band=wanted is not None and wanted.conversation == "none",
            metadata=wanted.metadata if wanted else None,
            max_output_tokens=(wanted.max_output_tokens if wanted else None) or config.max_output_tokens,
        )

    def _begin_reply(self, settings: ReplySettings, now: float, heard_as: str = "", **prompt: object) -> Reply:
        """Begin a private reply and ask for its text."""
        reply = self._new_reply(settings)
        reply.heard_as = heard_as
        self._do(Think(reply.generation, self._prompt(now, heard_as, **prompt)))
        return reply

    def _new_reply(self, settings: ReplySettings) -> Reply:
        self._generation += 1
        self._reply = Reply(self._generation, settings, self.history, self._emit)
        return self._reply

    def _prompt(
        self, now: float, heard_as: str = "", instructions: object = None, tools: object = None, choice: object = None
    ) -> Prompt:
        config = self.config
        limit = config.max_output_tokens
        return Prompt(
            messages=self.history.messages(now, [Message("user", heard_as)] if heard_as else []),
            instructions=str(instructions or config.instructions),
            language=self.language,
            tools=tools if isinstance(tools, list) else config.tools,
            tool_choice=choice if isinstance(choice, str | dict) else config.tool_choice,
            max_output_tokens=limit if isinstance(limit, int) else None,
        )

    def _say(self, text: str, now: float) -> None:
        """Say a text of our own."""
        if not text or self._reply is not None:
            return
        reply = self._new_reply(self._reply_settings(None))
        reply.publish(now)
        reply.think(TextDelta(text), now)
        reply.think_no_more(None)

    def _drop_private(self) -> None:
        """What was prepared for words that turned out otherwise is thrown away."""
        if self._reply is not None and self._reply.private:
            self._do(Abandon(self._reply.generation))
            self._reply = None

    def _made(self, event: told.Thought | told.ThoughtEnded | told.Spoke | told.SentenceEnded, now: float) -> None:
        """Something of a reply was made. What belongs to an older one is dropped here, and only here."""
        reply = self._reply
        if reply is None or event.generation != reply.generation:
            return
        match event:
            case told.Thought(_, delta):
                reply.think(delta, now)
            case told.ThoughtEnded(_, error):
                reply.think_no_more(error)
            case told.Spoke():
                reply.spoke(event, now)
            case told.SentenceEnded():
                reply.sentence_ended(event)

    def _advance(self, now: float) -> None:
        """Let everything go on that can."""
        final = self._hearing.final(now)
        while final is not None:
            self._understood(*final, now)
            final = self._hearing.final(now)
        self._speculate(now)
        reply = self._reply
        if reply is not None:
            sentence = reply.next_sentence()
            if sentence is not None:
                settings = reply.settings
                self._do(Speak(reply.generation, *sentence, voice=settings.voice, speed=settings.speed))
            if not self._held:
                reply.pump(now, self.stage.sample(now))
            self._follow(reply, now)
        if self._reply is None and self._wanted is not None and not self._hearing.pending:
            self._create_response(self._take_wanted(), now)
        for ledger in self.ledgers.values():
            ledger.release(now)
        self.stage.enter(self._state(now), now)
        self.stage.tick(now)

    def _follow(self, reply: Reply, now: float) -> None:
        """Keep hold of what the reply plays, and let go of the reply when all of it has left."""
        ledger = reply.ledger
        if ledger is not None and not reply.private:
            self.ledgers[ledger.item_id] = self._playing = ledger
        if reply.first_sent is not None and self._last_answer is not None:
            self._last_answer.sent(reply)
        if not reply.active:
            self._do(Abandon(reply.generation))
            self._reply = None

    def _take_wanted(self) -> wire.CreateResponse:
        assert self._wanted is not None
        wanted, self._wanted = self._wanted, None
        return wanted

    def _state(self, now: float) -> Mood:
        if self._hearing.detector.speaking or (self._hearing.current is not None and not self._hearing.detection):
            return "listening"
        playing = self._playing
        if playing is not None and playing.anchors and not playing.finished(now):
            return "speaking"
        if self._hearing.pending or (self._reply is not None and not self._reply.private):
            return "thinking"
        return "idle"

    # ------------------------------------------------------------------ interruption
    def _hold(self, now: float) -> None:
        """Somebody may be interrupting: freeze what plays."""
        ledger = self._playing
        if ledger is None or ledger.finished(now):
            return
        self._held = True
        ledger.hold(now)
        self._emit(wire.Hold(item_id=ledger.item_id, content_index=ledger.content_index))

    def _resume(self, now: float) -> None:
        """It was a cough: play on from the held sample."""
        ledger = self._playing
        if ledger is None or not self._held:
            return
        self._held = False
        ledger.start(now, self.stage.sample(now))
        self._emit(wire.Resume(item_id=ledger.item_id, content_index=ledger.content_index))

    def _interrupt(self, reason: str, now: float) -> None:
        """The reply is over here and now: history keeps what was heard of it."""
        self._held = False
        self._drop_private()
        reply, ledger = self._reply, self._playing
        if reply is not None:
            self._do(Abandon(reply.generation))
            reply.cancel("client_cancelled" if reason == "client_cancelled" else "turn_detected", now)
            ledger = reply.ledger or ledger
            self._reply = None
        if ledger is not None and not ledger.finished(now):
            self._cut(ledger, now)
        self._playing = None

    def _cut(self, ledger: Ledger, now: float) -> None:
        ledger.cut(now)
        item = next((item for item in self.history if item.id == ledger.item_id), None)
        if item is not None:
            item.status = "incomplete"
        self._emit(wire.Stop(item_id=ledger.item_id, content_index=ledger.content_index))

    # ------------------------------------------------------------------ clients
    def _from_client(self, event: wire.AnyClientEvent, now: float) -> None:
        try:
            self._handle(event, now)
        except WireError as error:
            error.event_id = error.event_id or event.event_id
            self._emit(error.to_event())

    def _handle(self, event: wire.AnyClientEvent, now: float) -> None:
        match event:
            case wire.UpdateSession():
                self._update(event)
            case wire.CommitAudio():
                self._commit(now)
            case wire.ClearAudio():
                self._hearing.clear()
                self._drop_private()
                self._resume(now)
                self._emit(wire.AudioCleared())
            case wire.CreateItem(item=given, previous_item_id=previous):
                item = item_from_wire(given)
                before = self.history.add(item, previous)
                self._drop_private()
                self._emit(wire.ItemAdded(previous_item_id=before, item=item.to_wire(now)))
                self._emit(wire.ItemDone(previous_item_id=before, item=item.to_wire(now)))
            case wire.RetrieveItem(item_id=item_id):
                self._emit(wire.ItemRetrieved(item=self.history.get(item_id).to_wire(now)))
            case wire.DeleteItem(item_id=item_id):
                self._delete(item_id, now)
            case wire.TruncateItem():
                self._truncate(event, now)
            case wire.CreateResponse():
                self._create_response(event, now)
            case wire.CancelResponse():
                self._cancel(event, now)
            case wire.Playout():
                self._playout(event, now)
            case wire.Greet():
                if len(self.history) == 0:
                    self._say(self.settings.greeting.get(self.language, ""), now)
            case _:
                raise WireError("unsupported_event", f"{event.type} is not supported here.", param="type")

    def _update(self, event: wire.UpdateSession) -> None:
        try:
            self.config = self.config.merged(event.session)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            param = ".".join(["session", *(str(part) for part in first["loc"])])
            raise WireError("invalid_value", f"{param}: {first['msg']}.", param=param) from error
        self._configure()
        self._emit(wire.SessionUpdated(session=self.session_to_wire()))

    def _commit(self, now: float) -> None:
        if self._hearing.current is None:
            raise WireError("input_audio_buffer_commit_empty", "There is no sound to commit: append some first.")
        self._turn_ended(now)

    def _delete(self, item_id: str, now: float) -> None:
        reply = self._reply
        if reply is not None and reply.ledger is not None and reply.ledger.item_id == item_id:
            self._interrupt("client_cancelled", now)
        self.history.delete(item_id)
        self.ledgers.pop(item_id, None)
        self._drop_private()
        self._emit(wire.ItemDeleted(item_id=item_id))

    def _truncate(self, event: wire.TruncateItem, now: float) -> None:
        item = self.history.get(event.item_id)
        if item.ledger is None:
            raise WireError("invalid_value", "Only a spoken message of ours can be truncated.", param="item_id")
        reply = self._reply
        if reply is not None and reply.ledger is item.ledger:
            self._interrupt("client_cancelled", now)
        elif not item.ledger.finished(now):
            self._cut(item.ledger, now)
        heard = item.ledger.truncate(event.audio_end_ms * 24)
        if heard < item.ledger.produced:
            item.status = "incomplete"
        self._emit(wire.ItemTruncated(item_id=item.id, content_index=0, audio_end_ms=heard // 24))

    def _create_response(self, event: wire.CreateResponse, now: float) -> None:
        if self._reply is not None and not self._reply.private:
            raise WireError(
                "conversation_already_has_active_response",
                f"{self._reply.id} is still being given: cancel it or wait for response.done.",
            )
        if self._hearing.pending:
            self._wanted = event
            return
        self._drop_private()
        wanted = event.response
        self._last_answer = self._last_answer or _Answer(now, {})
        self._begin_reply(
            self._reply_settings(wanted),
            now,
            instructions=wanted.instructions,
            tools=wanted.tools,
            choice=wanted.tool_choice,
        ).publish(now)

    def _cancel(self, event: wire.CancelResponse, now: float) -> None:
        reply = self._reply
        active = reply is not None and not reply.private and event.response_id in (None, reply.id)
        if not active and (self._playing is None or self._playing.finished(now)):
            raise WireError("response_cancel_not_active", "There is no response to cancel.")
        self._interrupt("client_cancelled", now)

    def _playout(self, event: wire.Playout, now: float) -> None:
        ledger = self.ledgers.get(event.item_id)
        if ledger is None:
            return
        skew = (event.heard_samples - ledger.pacer.position(now)) / 24_000
        ledger.report(now, event.heard_samples, event.playing)
        self._do(Measure("skew", skew))
        stage = self.stage.sample(now)
        ledger.anchors.append((stage, ledger.heard(now)))
        self._emit(
            wire.Anchor(
                item_id=ledger.item_id,
                content_index=ledger.content_index,
                stage_sample=stage,
                item_sample=ledger.heard(now),
                playing=event.playing,
            )
        )
        if event.heard_samples > 0 and self._last_answer is not None and self._last_answer.item_id == ledger.item_id:
            self._tell_timings(self._last_answer, now - event.heard_samples / 24_000)

    def _tell_timings(self, answer: "_Answer", first_heard: float) -> None:
        """Where the time went between the visitor's last word and our first."""
        self._last_answer = None
        stages = answer.stages | {"first_heard": max(0.0, first_heard - answer.since)}
        for stage, seconds in stages.items():
            self._do(Measure(stage, seconds))
        shown = {stage: round(seconds * 1000, 1) for stage, seconds in stages.items()}
        self._emit(wire.Timings(response_id=answer.response_id, ms=shown))


@dataclass(slots=True)
class _Answer:
    """How long an answer took, stage by stage, in seconds from when the turn's words were known."""

    since: float
    stages: dict[str, float]
    response_id: str = ""
    item_id: str = ""

    def sent(self, reply: Reply) -> None:
        """Its first sample has left."""
        if self.response_id or reply.ledger is None:
            return
        self.response_id, self.item_id = reply.id, reply.ledger.item_id
        marks = {
            "llm_first_text": reply.first_text,
            "tts_first_audio": reply.first_audio,
            "first_sent": reply.first_sent,
        }
        self.stages |= {name: max(0.0, at - self.since) for name, at in marks.items() if at is not None}
