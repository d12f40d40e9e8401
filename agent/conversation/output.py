"""What a response puts out: its items, announced, filled and closed on the wire, and kept in the history.

While the response is private nothing leaves and the history knows nothing of it: what would, is held back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agent.audio import Pcm
from agent.audio.codecs import WireEncoder, WireFormat
from agent.conversation.context import Context
from agent.conversation.history import Item
from agent.conversation.ledger import Ledger, SpokenWord
from agent.llm import Citation, ToolCall
from agent.realtime import events as wire
from agent.realtime.events import Json, ServerEvent
from avatar.blendshapes import FaceTrack

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

    @property
    def speaks(self) -> bool:
        return "audio" in self.modalities


@dataclass(frozen=True, slots=True)
class SpokenSentence:
    """A spoken sentence that waits for its first sample to leave."""

    start: int
    text: str
    words: list[SpokenWord]


class Output:
    """The output items of one response: at most one message, and tool calls."""

    def __init__(self, response_id: str, settings: ReplySettings, context: Context) -> None:
        self.private = True
        self.items: list[Item] = []
        self.message: Item | None = None
        self._response_id = response_id
        self._settings = settings
        self._context = context
        self._history = context.history
        self._emit = context.emit
        self._encoder = WireEncoder(settings.audio_format)
        self._held_back: list[Callable[[], None]] = []

    def publish(self, created: ServerEvent) -> None:
        """From here on it is real."""
        self.private = False
        self._emit(created)
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

    # ------------------------------------------------------------------ items
    def open_message(self, now: float) -> Item:
        """The message, announced when it is first asked for."""
        if self.message is not None:
            return self.message
        speaks = self._settings.speaks
        item = Item(self._context.settings.new_id("item"), role="assistant", status="in_progress", spoken=speaks)
        if speaks:
            item.ledger = Ledger(item.id)
        self.message = item
        self._add(item, now)
        part: Json = {"type": "audio", "transcript": ""} if speaks else {"type": "text", "text": ""}
        self._send(wire.PartAdded(**self._part_ids(), part=part))
        return item

    def _add(self, item: Item, now: float) -> None:
        """Announce an output item, and give it its place in the history."""
        index = len(self.items)
        self.items.append(item)
        shown = item.to_wire(now)

        def announce() -> None:
            self._emit(wire.OutputItemAdded(response_id=self._response_id, output_index=index, item=shown))
            if not self._settings.out_of_band:
                before = self._context.add(item)
                self._emit(wire.ItemAdded(previous_item_id=before, item=shown))

        self._when_public(announce)

    def call_tool(self, call: ToolCall, now: float) -> None:
        """A tool is called: an item of its own, whole."""
        item = Item(
            self._context.settings.new_id("item"),
            "function_call",
            "assistant",
            "in_progress",
            call_id=call.call_id,
            name=call.name,
        )
        index = len(self.items)
        self._add(item, now)
        item.arguments, item.status = call.arguments, "completed"
        ids: Json = {
            "response_id": self._response_id,
            "item_id": item.id,
            "output_index": index,
            "call_id": call.call_id,
        }
        self._send(wire.ArgumentsDelta(**ids, delta=call.arguments))
        self._send(wire.ArgumentsDone(**ids, name=call.name, arguments=call.arguments))
        self._when_public(lambda: self._close_item(item, index, now))

    # ------------------------------------------------------------------ what fills the message
    def text(self, delta: str, now: float) -> None:
        """More of a written message."""
        self.open_message(now).text += delta
        self._send(wire.TextDelta(**self._part_ids(), delta=delta))

    def cite(self, citation: Citation, now: float) -> None:
        """Where the message's text so far was taken from."""
        item = self.open_message(now)
        self._send(
            wire.Cited(
                response_id=self._response_id,
                item_id=item.id,
                title=citation.title,
                source=citation.source,
                passage=citation.passage,
            )
        )

    def announce(self, sentence: SpokenSentence) -> None:
        """The words about to sound: the transcript grows with the sound, not with the text."""
        self._emit(wire.TranscriptDelta(**self._part_ids(), delta=sentence.text))
        self.words(sentence.words)

    def words(self, words: list[SpokenWord]) -> None:
        """When words of what was announced are said, before their sound leaves."""
        if not words or self.message is None:
            return
        shown = [
            {
                "start_char": word.start_char,
                "end_char": word.end_char,
                "start_sample": word.start,
                "end_sample": word.end,
                "source": word.source,
            }
            for word in words
        ]
        self._emit(wire.Words(response_id=self._response_id, item_id=self.message.id, content_index=0, words=shown))

    def frames(self, track: FaceTrack) -> None:
        """Frames of the face, before the sound they go with."""
        self._emit(
            wire.FaceDelta(
                **self._part_ids(), start_sample=track.start_sample, fps=60, count=len(track), data=track.to_base64()
            )
        )

    def sound(self, pcm: Pcm) -> None:
        """Sound that leaves now, shape (n,) at 24 kHz."""
        self._send_sound(self._encoder.encode(pcm))

    def _send_sound(self, sound: str) -> None:
        if sound:
            self._emit(wire.AudioDelta(**self._part_ids(), delta=sound))

    # ------------------------------------------------------------------ the end
    def close(self, status: Status, now: float) -> None:
        """Nothing more comes of the message."""
        item = self.message
        if item is not None:
            item.status = "completed" if status == "completed" else "incomplete"
            self._close_part(item, now)
            self._close_item(item, self.items.index(item), now)

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
        self._emit(wire.OutputItemDone(response_id=self._response_id, output_index=index, item=shown))
        if not self._settings.out_of_band and self._history.find(item.id) is not None:
            before = self._history.before(item.id)
            self._emit(wire.ItemDone(previous_item_id=before, item=shown))

    def _part_ids(self) -> Json:
        assert self.message is not None
        return {
            "response_id": self._response_id,
            "item_id": self.message.id,
            "output_index": self.items.index(self.message),
            "content_index": 0,
        }
