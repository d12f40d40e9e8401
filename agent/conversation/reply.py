"""One response: text comes in, is spoken sentence by sentence, and leaves at the pace of the sound."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agent.audio import TIMELINE_RATE
from agent.audio.codecs import WireEncoder, WireFormat
from agent.conversation import tokens
from agent.conversation.context import Context
from agent.conversation.history import Item
from agent.conversation.inputs import SentenceEnded, Spoke
from agent.conversation.ledger import Ledger, SpokenWord
from agent.llm import Citation, Delta, LimitReached, TextDelta, ToolCall
from agent.realtime import events as wire
from agent.realtime.events import Json, ServerEvent
from agent.tts.sentences import SentenceSplitter

AHEAD = 8 * TIMELINE_RATE
"""Sound synthesised ahead of what was sent. Beyond it the synthesiser waits, and so, in turn, does the text."""

SENTENCES_AHEAD = 16
"""Sentences of text that may wait for the voice before the dialogue engine is made to wait."""

MANY = 1_000_000_000
"""Tokens, where there is no limit."""

CancelReason = Literal["turn_detected", "client_cancelled"]
Status = Literal["in_progress", "completed", "cancelled", "failed", "incomplete"]


@dataclass(frozen=True, slots=True)
class ReplySettings:
    """How a response is to be given."""

    modalities: tuple[Literal["text", "audio"], ...] = ("audio",)
    voice: str = ""
    speed: float = 1.0
    out_of_band: bool = False
    metadata: dict[str, str] | None = None
    max_output_tokens: int | Literal["inf"] = "inf"
    audio_format: WireFormat = "audio/pcm"
    input_tokens: int = 0
    """How long its prompt was."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A spoken sentence that waits for its first sample to leave."""

    start: int
    text: str
    words: list[SpokenWord]


class Reply:
    """One response. Private until `publish`: before it nothing leaves, and the history knows nothing of it."""

    def __init__(self, generation: int, settings: ReplySettings, context: Context) -> None:
        self.generation = generation
        self.settings = settings
        self.id = context.settings.new_id("resp")
        self.status: Status = "in_progress"
        self.private = True
        self.heard_as = ""
        """The visitor's words that this reply was prepared for, while it is private."""
        self.first_text: float | None = None
        self.first_audio: float | None = None
        self.first_sent: float | None = None
        self._context = context
        self._history = context.history
        self._emit = context.emit
        self._held_back: list[Callable[[], None]] = []
        self._items: list[Item] = []
        self._message: Item | None = None
        self._splitter = SentenceSplitter()
        self._encoder = WireEncoder(settings.audio_format)
        self._thinking = True
        self._to_speak: deque[str] = deque()
        self._speaking: str | None = None
        self._begun: _Sentence | None = None
        self._index = 0
        self._to_send: deque[_Sentence] = deque()
        self._text = ""
        self._calls = 0
        """Tokens of the tool calls made."""
        self._ending: Status = "completed"
        self._details: Json = {}

    # ------------------------------------------------------------------ what can be asked
    @property
    def ledger(self) -> Ledger | None:
        """The spoken item's ledger, once something was said."""
        return self._message.ledger if self._message is not None else None

    @property
    def active(self) -> bool:
        return self.status == "in_progress"

    @property
    def has_room(self) -> bool:
        """Whether more text may come: not while many sentences wait for the voice."""
        return len(self._to_speak) < SENTENCES_AHEAD

    @property
    def speaks(self) -> bool:
        return "audio" in self.settings.modalities

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
            "output": [item.to_wire(now) for item in self._items] if not self.active else [],
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

    # ------------------------------------------------------------------ publishing
    def publish(self, now: float) -> None:
        """From here on the reply is real."""
        self.private = False
        self._emit(wire.ResponseCreated(response=self.to_wire(now)))
        for action in self._held_back:
            action()
        self._held_back.clear()

    def _when_public(self, action: Callable[[], None]) -> None:
        if self.private:
            self._held_back.append(action)
        else:
            action()

    def _send(self, event: ServerEvent) -> None:
        self._when_public(lambda: self._emit(event))

    # ------------------------------------------------------------------ text comes in
    def think(self, delta: Delta, now: float) -> None:
        """More from the dialogue engine."""
        if not self._thinking:
            return
        self._take(delta, now)
        if not self._thinking:
            self._queue(self._splitter.flush())

    def _take(self, delta: Delta, now: float) -> None:
        match delta:
            case TextDelta(text):
                text = self._within_limit(text)
                if not text:
                    return
                self.first_text = self.first_text or now
                message = self._open_message(now)
                if self.speaks:
                    self._queue(self._splitter.push(text))
                else:
                    message.text += text
                    self._send(wire.TextDelta(**self._part_ids(), delta=text))
            case ToolCall(_, name, arguments):
                self._calls += tokens.estimate(name + arguments)
                if self._left() < 0:
                    self._reach_limit()
                else:
                    self._call_tool(delta, now)
            case LimitReached():
                self._reach_limit()
            case Citation(title, source, passage):
                item = self._open_message(now)
                self._send(
                    wire.Cited(response_id=self.id, item_id=item.id, title=title, source=source, passage=passage)
                )

    def think_no_more(self, error: str | None) -> None:
        """The dialogue engine is done, or failed."""
        if not self._thinking:
            return
        self._thinking = False
        self._queue(self._splitter.flush())
        if error is not None:
            self._fail("dialogue_failed")

    def _fail(self, code: str) -> None:
        self._ending, self._details = "failed", {"error": {"type": "server_error", "code": code}}

    def _left(self) -> int:
        """Tokens that may yet come."""
        limit = self.settings.max_output_tokens
        return MANY if limit == "inf" else limit - self._calls - tokens.estimate(self._text)

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

    def _queue(self, pieces: list[tuple[int, str]]) -> None:
        self._to_speak += [text for _, text in pieces if text.strip()]

    def _open_message(self, now: float) -> Item:
        if self._message is not None:
            return self._message
        item = Item(self._context.settings.new_id("item"), role="assistant", status="in_progress", spoken=self.speaks)
        if self.speaks:
            item.ledger = Ledger(item.id)
        self._message = item
        self._add(item, now)
        part: Json = {"type": "audio", "transcript": ""} if self.speaks else {"type": "text", "text": ""}
        self._send(wire.PartAdded(**self._part_ids(), part=part))
        return item

    def _add(self, item: Item, now: float) -> None:
        """Announce an output item, and give it its place in the history."""
        index = len(self._items)
        self._items.append(item)
        shown = item.to_wire(now)

        def announce() -> None:
            self._emit(wire.OutputItemAdded(response_id=self.id, output_index=index, item=shown))
            if not self.settings.out_of_band:
                before = self._history.add(item)
                self._emit(wire.ItemAdded(previous_item_id=before, item=shown))

        self._when_public(announce)

    def _call_tool(self, call: ToolCall, now: float) -> None:
        item = Item(
            self._context.settings.new_id("item"),
            "function_call",
            "assistant",
            "in_progress",
            call_id=call.call_id,
            name=call.name,
        )
        index = len(self._items)
        self._add(item, now)
        item.arguments, item.status = call.arguments, "completed"
        ids: Json = {"response_id": self.id, "item_id": item.id, "output_index": index, "call_id": call.call_id}
        self._send(wire.ArgumentsDelta(**ids, delta=call.arguments))
        self._send(wire.ArgumentsDone(**ids, name=call.name, arguments=call.arguments))
        self._when_public(lambda: self._close_item(item, index, now))

    # ------------------------------------------------------------------ speech comes in
    def next_sentence(self) -> tuple[int, str] | None:
        """The sentence to synthesise now, if it is time for one: one at a time, and while private only the first."""
        ledger = self.ledger
        if self._speaking is not None or not self._to_speak or not self.active or ledger is None:
            return None
        if (self.private and self._index > 0) or ledger.produced - ledger.sent > AHEAD:
            return None
        self._speaking = self._to_speak.popleft()
        self._begun = None
        return self._index, self._speaking

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

    def _begin_sentence(self, ledger: Ledger) -> _Sentence:
        """Put the current sentence into the transcript, once."""
        if self._begun is None:
            assert self._speaking is not None
            before = len(ledger.transcript)
            ledger.begin_sentence(self._speaking)
            self._begun = _Sentence(ledger.produced, ledger.transcript[before:], [])
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
        if not ledger.pacer.running and ledger.produced > ledger.sent:
            ledger.start(now, stage)
            self._anchor(ledger, now, stage)
        elif ledger.starve(now):
            self._anchor(ledger, now, stage)
        due = min(ledger.pacer.due(now), ledger.produced)
        if due <= ledger.sent and not (ledger.complete and self._to_send):
            return
        self.first_sent = self.first_sent or now
        while self._to_send and (self._to_send[0].start < due or (ledger.complete and due >= ledger.produced)):
            self._announce(self._to_send.popleft())
        pcm, tracks = ledger.take(due)
        for track in tracks:
            self._emit(
                wire.FaceDelta(
                    **self._part_ids(),
                    start_sample=track.start_sample,
                    fps=60,
                    count=len(track),
                    data=track.to_base64(),
                )
            )
        self._send_sound(self._encoder.encode(pcm))

    def _send_sound(self, sound: str) -> None:
        if sound:
            self._emit(wire.AudioDelta(**self._part_ids(), delta=sound))

    def deadline(self) -> float | None:
        """When `pump` has something to do next, if nothing else happens."""
        ledger = self.ledger
        if ledger is None or self.private or not self.active:
            return None
        if ledger.sent < ledger.produced:
            return ledger.pacer.next_due(ledger.sent)
        return ledger.pacer.time_of(ledger.produced)

    def _announce(self, sentence: _Sentence) -> None:
        """The words about to sound: the transcript grows with the sound, not with the text."""
        self._emit(wire.TranscriptDelta(**self._part_ids(), delta=sentence.text))
        if sentence.words:
            item = self._part_ids()
            shown = [
                {
                    "start_char": word.start_char,
                    "end_char": word.end_char,
                    "start_sample": word.start,
                    "end_sample": word.end,
                    "source": word.source,
                }
                for word in sentence.words
            ]
            self._emit(wire.Words(response_id=self.id, item_id=str(item["item_id"]), content_index=0, words=shown))

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
        item = self._message
        if item is not None:
            item.status = "completed" if status == "completed" else "incomplete"
            self._close_part(item, now)
            self._close_item(item, self._items.index(item), now)
        self._emit(wire.ResponseDone(response=self.to_wire(now)))

    def _close_part(self, item: Item, now: float) -> None:
        ids = self._part_ids()
        text = str(next((part.get("transcript", part.get("text")) for part in item.to_wire(now)["content"]), ""))
        if item.ledger is None:
            self._emit(wire.TextDone(**ids, text=text))
            self._emit(wire.PartDone(**ids, part={"type": "text", "text": text}))
            return
        self._send_sound(self._encoder.flush())
        self._emit(wire.FaceDone(**ids, end_sample=item.ledger.sent))
        self._emit(wire.AudioDone(**ids))
        self._emit(wire.TranscriptDone(**ids, transcript=text))
        self._emit(wire.PartDone(**ids, part={"type": "audio", "transcript": text}))

    def _close_item(self, item: Item, index: int, now: float) -> None:
        shown = item.to_wire(now)
        self._emit(wire.OutputItemDone(response_id=self.id, output_index=index, item=shown))
        if not self.settings.out_of_band and item in list(self._history):
            before = self._history.before(item.id)
            self._emit(wire.ItemDone(previous_item_id=before, item=shown))

    def _part_ids(self) -> Json:
        assert self._message is not None
        return {
            "response_id": self.id,
            "item_id": self._message.id,
            "output_index": self._items.index(self._message),
            "content_index": 0,
        }
