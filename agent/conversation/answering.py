"""Answers: begun early, on words that may still change; public when the words are settled; else thrown away.

One response at a time goes into the conversation. Others may be given beside it, out of band: they leave nothing in the
history, no voice interrupts them, and what they sound like is the client's to play or not.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace

from agent.asr import Hypothesis
from agent.conversation import inputs as told
from agent.conversation.context import Context
from agent.conversation.effects import Abandon, Measure, Speak, Stage, Think
from agent.conversation.floor import paced
from agent.conversation.hearing import Utterance
from agent.conversation.output import ReplySettings
from agent.conversation.playback import Playback
from agent.conversation.prompting import prompt_for, settings_for, tokens_in
from agent.conversation.reply import CancelReason, Reply
from agent.llm import Prompt, TextDelta
from agent.realtime import events as wire
from agent.realtime.events import ResponseIn, WireError

UNHEARD_MS = 800
"""Voice in which no word was recognised is answered from this length on; shorter, it was no speech."""
MAX_BESIDE = 8
"""Out-of-band responses at once."""


class Answering:
    """At most one reply to the conversation is in the making: private while it is a guess, public once committed."""

    def __init__(self, context: Context, playback: Playback) -> None:
        self._context = context
        self._playback = playback
        self._reply: Reply | None = None
        self._beside: dict[int, Reply] = {}
        self._generation = 0
        self._wanted: ResponseIn | None = None
        self._latency: _Latency | None = None

    @property
    def active(self) -> bool:
        """Whether a response to the conversation is being given."""
        return self._reply is not None and not self._reply.private

    def gives(self, item_id: str) -> bool:
        """Whether `item_id` is what the response under way speaks."""
        ledger = self._reply.ledger if self._reply is not None else None
        return ledger is not None and ledger.item_id == item_id

    def _of(self, generation: int) -> Reply | None:
        if self._reply is not None and self._reply.generation == generation:
            return self._reply
        return self._beside.get(generation)

    def has_room(self, generation: int) -> bool:
        """Whether more text of that reply may come. Of one that is over, anything may: it is dropped."""
        reply = self._of(generation)
        return reply is None or reply.has_room

    def deadline(self) -> float | None:
        """When `advance` has something to do, if nothing comes in."""
        replies = [*self._beside.values()]
        if self._reply is not None and not self._playback.held:
            replies.append(self._reply)
        return min((due for due in (reply.deadline() for reply in replies) if due is not None), default=None)

    # ------------------------------------------------------------------ what starts a reply
    def guess(self, utterance: Utterance, now: float) -> None:
        """Prepare the reply to what is believed of a turn that has paused, or has ended but is not settled."""
        best = utterance.best()
        if best is None or not best.text or best.confidence < self._context.settings.min_confidence:
            return
        if self._reply is not None and (not self._reply.private or self._reply.heard_as == best.text):
            return
        self.drop_guess()
        asked = utterance.slowed(best)
        with suppress(WireError):  # it is told when the answer is due
            self._begin(ResponseIn(), now, heard_as=best.text, slowed=asked, settle=False).heard_as = best.text

    def answer(self, utterance: Utterance, heard: Hypothesis, now: float) -> None:
        """Answer what was heard. What was not understood is never guessed at."""
        self._latency = _Latency(now)
        reply = self._reply
        if not heard.text and utterance.voiced_ms < UNHEARD_MS:
            self.drop_guess()
        elif not heard.text or heard.confidence < self._context.settings.min_confidence:
            self.say(self._context.settings.not_caught.get(self._context.language, ""), now)
        elif self.active:
            self._wanted = ResponseIn()
        elif reply is not None and reply.heard_as == heard.text:
            reply.publish(now)
        else:
            self.respond_unasked(now)

    def respond(self, wanted: ResponseIn, now: float) -> None:
        """Give a response. Raises WireError when that cannot be."""
        if wanted.conversation == "none":
            self._respond_beside(wanted, now)
            return
        self._check_free()
        self.drop_guess()
        self._latency = self._latency or _Latency(now)
        self._begin(wanted, now).publish(now)

    def respond_unasked(self, now: float, *, idle: bool = False) -> None:
        """Give a response that no client asked for; one that cannot be given is an error to be told. idle: nobody has
        said anything for a while."""
        self.drop_guess()
        if idle:
            self._latency = None
        try:
            self._begin(ResponseIn(), now, idle=idle).publish(now)
        except WireError as error:
            self._context.emit(error.to_event())

    def _respond_beside(self, wanted: ResponseIn, now: float) -> None:
        if len(self._beside) >= MAX_BESIDE:
            raise WireError("too_many_responses", f"{MAX_BESIDE} out-of-band responses are being given: wait for one.")
        reply = self._make(wanted, prompt_for(self._context, wanted, now), self._context.pace)
        self._beside[reply.generation] = reply
        reply.publish(now)

    def _check_free(self) -> None:
        if self.active and self._reply is not None:
            raise WireError(
                "conversation_already_has_active_response",
                f"{self._reply.id} is still being given: cancel it or wait for response.done.",
            )

    def respond_later(self, wanted: ResponseIn) -> None:
        """Give a response as soon as the words of the turn before it are known. Raises WireError where one waits."""
        if self._wanted is not None:
            raise WireError(
                "conversation_already_has_active_response", "A response waits for the words before it: cancel it first."
            )
        self._wanted = wanted

    @property
    def waits(self) -> bool:
        """Whether a response was asked for before it could be given."""
        return self._wanted is not None

    def respond_now(self, now: float) -> None:
        """Give the response that was asked for earlier."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            try:
                self.respond(wanted, now)
            except WireError as error:
                self._context.emit(error.to_event())

    def say(self, text: str, now: float) -> None:
        """Say a text of our own, unless something is being said."""
        self.drop_guess()
        if text and not self.active:
            settings = settings_for(self._context, ResponseIn())
            settings = replace(settings, speed=settings.speed * self._context.pace)
            reply = self._reply = self._new_reply(settings)
            reply.publish(now)
            reply.think(TextDelta(text), now)
            reply.think_no_more(None, now)

    # ------------------------------------------------------------------ what ends one
    def drop_guess(self) -> None:
        """What was prepared for words that turned out otherwise is thrown away."""
        if self._reply is not None and self._reply.private:
            self._context.do(Abandon(self._reply.generation))
            self._reply = None

    def interrupt(self, reason: CancelReason, now: float) -> None:
        """The reply is over here and now, in the making and in the loudspeaker."""
        self.drop_guess()
        reply, self._reply = self._reply, None
        if reply is not None:
            self._context.do(Abandon(reply.generation))
            reply.cancel(reason, now)
        self._playback.stop(now)

    def cancel(self, response_id: str | None, now: float) -> None:
        """A client cancels: the response of that id, or the one to the conversation. Raises WireError."""
        beside = next((one for one in self._beside.values() if one.id == response_id), None)
        if beside is not None:
            self._cancel_beside(beside, now)
            return
        if response_id is None and self._wanted is not None and not self.active:
            self._wanted = None
            return
        known = response_id is None or (self._reply is not None and self._reply.id == response_id and self.active)
        # What has left, but was not heard to its end yet, is cut off by a cancel without an id.
        if not known or not (self.active or self._playback.sounding(now)):
            # Pipecat knows this by its code, livekit by how the message begins.
            raise WireError(
                "response_cancel_not_active",
                "Cancellation failed: no active response found.",
                param="response_id" if response_id is not None else None,
            )
        self.interrupt("client_cancelled", now)

    def stop_all(self, now: float) -> None:
        """Nobody is there to be answered."""
        self.interrupt("client_cancelled", now)
        for reply in list(self._beside.values()):
            self._cancel_beside(reply, now)

    def _cancel_beside(self, reply: Reply, now: float) -> None:
        del self._beside[reply.generation]
        self._context.do(Abandon(reply.generation))
        reply.cancel("client_cancelled", now)

    # ------------------------------------------------------------------ what goes on in between
    def made(self, event: told.Thought | told.ThoughtEnded | told.Spoke | told.SentenceEnded, now: float) -> None:
        """Something of a reply was made. What belongs to one that is over is dropped here, and only here."""
        reply = self._of(event.generation)
        if reply is None:
            return
        match event:
            case told.Thought(_, delta):
                reply.think(delta, now)
            case told.ThoughtEnded(_, error):
                reply.think_no_more(error, now)
            case told.Spoke():
                reply.spoke(event, now)
            case told.SentenceEnded():
                reply.sentence_ended(event)

    def advance(self, now: float, stage: int) -> None:
        """Ask for the next sentences, send what is due, and let go of replies all of which has left."""
        self._advance_beside(now, stage)
        reply = self._reply
        if reply is None:
            return
        self._ask_to_speak(reply)
        if not self._playback.held:
            reply.pump(now, stage)
        if reply.private:
            return
        if reply.ledger is not None:
            self._playback.follow(reply.ledger)
        if self._latency is not None and self._latency.note(reply):
            for name, seconds in self._latency.stages.items():
                self._context.do(Measure(name, seconds))
        if not reply.active:
            self._context.do(Abandon(reply.generation))
            self._reply = None

    def _advance_beside(self, now: float, stage: int) -> None:
        for reply in list(self._beside.values()):
            self._ask_to_speak(reply)
            reply.pump(now, stage)
            if not reply.active:
                self._context.do(Abandon(reply.generation))
                del self._beside[reply.generation]

    def _ask_to_speak(self, reply: Reply) -> None:
        sentence = reply.next_sentence()
        if sentence is not None:
            index, (text, cues) = sentence
            self._context.do(Speak(reply.generation, index, text, reply.settings.voice, reply.settings.speed, cues))

    def first_heard(self, item_id: str, at: float) -> None:
        """The first sample of `item_id` left the loudspeaker at `at`: tell where the time went."""
        latency = self._latency
        if latency is None or latency.item_id != item_id:
            return
        self._latency = None
        stages = latency.stages
        stages["first_heard"] = max(0.0, at - latency.since)
        self._context.do(Measure("first_heard", stages["first_heard"]))
        shown = {str(stage): round(seconds * 1000, 1) for stage, seconds in stages.items()}
        self._context.emit(wire.Timings(response_id=latency.response_id, ms=shown))

    def measured(self, stage: Stage, seconds: float) -> None:
        """A stage before the reply took this long."""
        if self._latency is not None:
            self._latency.stages[stage] = seconds

    # ------------------------------------------------------------------ making one
    def _begin(
        self,
        wanted: ResponseIn,
        now: float,
        *,
        heard_as: str = "",
        slowed: float = 1.0,
        idle: bool = False,
        settle: bool = True,
    ) -> Reply:
        """A reply to the conversation, private. slowed: by how much the words it is prepared for change the pace.
        Raises WireError."""
        self._context.check_room()
        prompt = prompt_for(self._context, wanted, now, heard_as=heard_as, idle=idle, settle=settle)
        self._reply = self._make(wanted, prompt, paced(self._context.pace, slowed))
        return self._reply

    def _make(self, wanted: ResponseIn, prompt: Prompt, pace: float) -> Reply:
        settings = settings_for(self._context, wanted)
        settings = replace(settings, input_tokens=tokens_in(prompt), speed=settings.speed * pace)
        reply = self._new_reply(settings)
        self._context.do(Think(reply.generation, prompt))
        return reply

    def _new_reply(self, settings: ReplySettings) -> Reply:
        self._generation += 1
        return Reply(self._generation, settings, self._context)


@dataclass(slots=True)
class _Latency:
    """How long an answer took, stage by stage, in seconds from when the turn's words were known."""

    since: float
    stages: dict[Stage, float] = field(default_factory=dict)
    response_id: str = ""
    item_id: str = ""

    def note(self, reply: Reply) -> bool:
        """Note when its first sample left; whether that was just now."""
        if self.response_id or reply.ledger is None or reply.first_sent is None:
            return False
        self.response_id, self.item_id = reply.id, reply.ledger.item_id
        marks: dict[Stage, float | None] = {
            "llm_first_text": reply.first_text,
            "tts_first_audio": reply.first_audio,
            "first_sent": reply.first_sent,
        }
        self.stages |= {name: max(0.0, at - self.since) for name, at in marks.items() if at is not None}
        return True
