"""One response: text comes in, is spoken sentence by sentence, and leaves at the pace of the sound."""

from collections import deque
from typing import Literal

from agent.audio import TIMELINE_RATE
from agent.conversation import tokens
from agent.conversation.context import Context
from agent.conversation.inputs import SentenceEnded, Spoke
from agent.conversation.ledger import Ledger, SpokenWord
from agent.conversation.output import Output, ReplySettings, SpokenSentence, Status
from agent.conversation.wording import Sentence, Wording
from agent.llm import Citation, Delta, LimitReached, TextDelta, ToolCall
from agent.realtime import events as wire
from agent.realtime.events import Json
from agent.tts.sentences import is_whole

AHEAD = 8 * TIMELINE_RATE
"""Sound synthesised ahead of what was sent. Beyond it the synthesiser waits, and so, in turn, does the text."""

SENTENCES_AHEAD = 16
"""Sentences of text that may wait for the voice before the dialogue engine is made to wait."""

CancelReason = Literal["turn_detected", "client_cancelled"]


class Reply:
    """One response. Private until `publish`: before it nothing leaves, and the history knows nothing of it."""

    def __init__(self, generation: int, settings: ReplySettings, context: Context) -> None:
        self.generation = generation
        self.settings = settings
        self.id = context.settings.new_id("resp")
        self.status: Status = "in_progress"
        self.heard_as = ""
        """The visitor's words that this reply was prepared for, while it is private."""
        self.first_text: float | None = None
        self.first_audio: float | None = None
        self.first_sent: float | None = None
        self._context = context
        self._emit = context.emit
        self._output = Output(self.id, settings, context)
        self._wording = Wording(context.settings.repertoire)
        self._thinking = True
        self._to_speak: deque[Sentence] = deque()
        self._speaking: str | None = None
        self._begun: SpokenSentence | None = None
        self._index = 0
        self._to_send: deque[SpokenSentence] = deque()
        self._text = ""
        self._calls = 0
        """Tokens of the tool calls made."""
        self._ending: Status = "completed"
        self._details: Json = {}

    # ------------------------------------------------------------------ what can be asked
    @property
    def ledger(self) -> Ledger | None:
        """The spoken item's ledger, once something was said."""
        message = self._output.message
        return message.ledger if message is not None else None

    @property
    def active(self) -> bool:
        return self.status == "in_progress"

    @property
    def has_room(self) -> bool:
        """Whether more text may come: not while many sentences wait for the voice."""
        return len(self._to_speak) < SENTENCES_AHEAD

    @property
    def private(self) -> bool:
        return self._output.private

    def to_wire(self, now: float) -> Json:
        """The response as clients see it. `status_details` is there even when null: pipecat demands the key."""
        form: Json = {"type": self.settings.audio_format}
        if self.settings.audio_format == "audio/pcm":
            form["rate"] = TIMELINE_RATE
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": self.status,
            "status_details": {"type": self.status, **self._details} if self._details else None,
            "output": [item.to_wire(now) for item in self._output.items] if not self.active else [],
            "conversation_id": None if self.settings.out_of_band else self._context.conversation_id,
            "output_modalities": list(self.settings.modalities),
            "max_output_tokens": self.settings.max_output_tokens,
            "audio": {"output": {"format": form, "voice": self.settings.voice}},
            "usage": None if self.active else self._usage(),
            "metadata": self.settings.metadata,
        }

    def _usage(self) -> Json:
        """By our own estimate: there is no tokeniser that all engines share."""
        tokens_in, tokens_out = self.settings.input_tokens, tokens.estimate(self._text) + self._calls
        return {
            "total_tokens": tokens_in + tokens_out,
            "input_tokens": tokens_in,
            "output_tokens": tokens_out,
            "input_token_details": {"text_tokens": tokens_in, "audio_tokens": 0, "cached_tokens": 0},
            "output_token_details": {"text_tokens": tokens_out, "audio_tokens": 0},
        }

    def publish(self, now: float) -> None:
        """From here on the reply is real."""
        self._output.publish(wire.ResponseCreated(response=self.to_wire(now)))

    # ------------------------------------------------------------------ text comes in
    def think(self, delta: Delta, now: float) -> None:
        """More from the dialogue engine."""
        if not self._thinking:
            return
        self._take(delta, now)
        if not self._thinking:
            self._queue(self._wording.flush())

    def _take(self, delta: Delta, now: float) -> None:
        match delta:
            case TextDelta(text):
                self._take_words(self._wording.read(text), now)
            case ToolCall(_, name, arguments):
                self._calls += tokens.estimate(name + arguments)
                if self._over_limit:
                    self._reach_limit()
                else:
                    self._output.call_tool(delta, now)
            case Citation():
                self._output.cite(delta, now)
            case LimitReached():
                self._reach_limit()

    def _take_words(self, text: str, now: float) -> None:
        """Text that is said, shown and remembered."""
        text = self._within_limit(text)
        if not text:
            return
        self.first_text = self.first_text or now
        if self.settings.speaks:
            self._output.open_message(now)
            self._queue(self._wording.push(text))
        else:
            self._output.text(text, now)

    def think_no_more(self, error: str | None, now: float) -> None:
        """The dialogue engine is done, or failed; then a sentence that it left unfinished is not said."""
        if not self._thinking:
            return
        self._take_words(self._wording.rest(), now)
        self._thinking = False
        rest = self._wording.flush()
        self._queue(rest if error is None else [one for one in rest if is_whole(one.text)])
        if error is not None:
            self._fail("dialogue_failed")

    def _fail(self, code: str) -> None:
        self._ending, self._details = "failed", {"error": {"type": "server_error", "code": code}}

    @property
    def _over_limit(self) -> bool:
        limit = self.settings.max_output_tokens
        return limit != "inf" and self._calls + tokens.estimate(self._text) > limit

    def _within_limit(self, text: str) -> str:
        """As much of more text as may be."""
        limit = self.settings.max_output_tokens
        before = len(self._text)
        whole = self._text + text
        kept = whole if limit == "inf" else tokens.cut(whole, limit - self._calls)
        self._text += kept[before:]
        if kept != whole:
            self._reach_limit()
        return kept[before:]

    def _reach_limit(self) -> None:
        """Nothing more is taken from the dialogue engine. What there is is said to its end."""
        self._thinking = False
        self._ending, self._details = "incomplete", {"reason": "max_output_tokens"}

    def _queue(self, sentences: list[Sentence]) -> None:
        self._to_speak += sentences

    # ------------------------------------------------------------------ speech comes in
    def next_sentence(self) -> tuple[int, Sentence] | None:
        """The sentence to synthesise now, if it is time for one: one at a time, and while private only the first."""
        ledger = self.ledger
        if self._speaking is not None or not self._to_speak or not self.active or ledger is None:
            return None
        if (self.private and self._index > 0) or ledger.produced - ledger.sent > AHEAD:
            return None
        sentence = self._to_speak.popleft()
        self._speaking, self._begun = sentence.text, None
        return self._index, sentence

    def spoke(self, piece: Spoke, now: float) -> None:
        """A piece of the current sentence's sound."""
        ledger = self.ledger
        if piece.index != self._index or self._speaking is None or ledger is None or not self.active:
            return
        self.first_audio = self.first_audio or now
        sentence = self._begin_sentence(ledger)
        base = len(ledger.transcript) - len(self._speaking)
        words = [
            SpokenWord(word.start_char + base, word.end_char + base, word.start, word.end, word.source)
            for word in piece.words
        ]
        ledger.append(piece.pcm, words, piece.phones, piece.frames)
        sentence.words.extend(words)
        if sentence not in self._to_send:  # a voice that streams tells of words as it comes to them
            self._output.words(words)

    def sentence_ended(self, end: SentenceEnded) -> None:
        """The current sentence was spoken, or could not be."""
        if end.index != self._index or self._speaking is None:
            return
        ledger = self.ledger
        if ledger is not None and self.active and end.error is None:
            self._begin_sentence(ledger)
        if end.error is not None:
            self._fail("speech_failed")
        self._speaking, self._begun = None, None
        self._index += 1

    def _begin_sentence(self, ledger: Ledger) -> SpokenSentence:
        """Put the current sentence into the transcript, once."""
        if self._begun is None:
            assert self._speaking is not None
            before = len(ledger.transcript)
            ledger.begin_sentence(self._speaking)
            self._begun = SpokenSentence(ledger.produced, ledger.transcript[before:], [])
            self._to_send.append(self._begun)
        return self._begun

    # ------------------------------------------------------------------ sound goes out
    @property
    def made(self) -> bool:
        """Nothing more will be produced."""
        return not self._thinking and not self._to_speak and self._speaking is None

    def pump(self, now: float, stage: int) -> None:
        """Send what is due. Call it when something was produced and when `deadline` has come."""
        if self.private or not self.active:
            return
        ledger = self.ledger
        if ledger is not None:
            ledger.complete = ledger.complete or self.made
            self._pace(ledger, now, stage)
        if self.made and (ledger is None or ledger.sent >= ledger.produced):
            self._finish(self._ending, now)

    def _pace(self, ledger: Ledger, now: float, stage: int) -> None:
        if not (ledger.pacer.running or ledger.waits_for_client) and ledger.produced > ledger.sent:
            ledger.start(now, stage)
            self._anchor(ledger, now, stage)
        elif ledger.starve(now):
            self._anchor(ledger, now, stage)
        due = ledger.due(now)
        if due <= ledger.sent and not (ledger.complete and self._to_send):
            return
        self.first_sent = self.first_sent or now
        while self._to_send and (self._to_send[0].start < due or (ledger.complete and due >= ledger.produced)):
            self._output.announce(self._to_send.popleft())
        pcm, tracks = ledger.take(due)
        for track in tracks:
            self._output.frames(track)
        self._output.sound(pcm)

    def deadline(self) -> float | None:
        """When `pump` has something to do next, if nothing else happens."""
        ledger = self.ledger
        if ledger is None or self.private or not self.active:
            return None
        if ledger.sent < ledger.produced:
            return ledger.pacer.next_due(ledger.sent)
        return ledger.pacer.time_of(ledger.produced)

    def _anchor(self, ledger: Ledger, now: float, stage: int) -> None:
        self._emit(
            wire.Anchor(
                item_id=ledger.item_id,
                content_index=ledger.content_index,
                stage_sample=stage,
                item_sample=ledger.heard(now),
                playing=ledger.pacer.running,
            )
        )

    # ------------------------------------------------------------------ the end
    def cancel(self, reason: CancelReason, now: float) -> None:
        """Cut off: what was heard stays, the rest was never said."""
        if not self.active:
            return
        self._details = {"reason": reason}
        if self.ledger is not None:
            self.ledger.cut(now)
        if self.private:
            self.status = "cancelled"
            return
        self._finish("cancelled", now)

    def _finish(self, status: Status, now: float) -> None:
        self.status = status
        self._output.close(status, now)
        self._emit(wire.ResponseDone(response=self.to_wire(now)))
