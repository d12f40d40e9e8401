"""What clients are told of the visitor's words as they become known: deltas of what is steady, then the whole."""

from agent import asr
from agent.asr import Hypothesis
from agent.conversation.context import Context
from agent.conversation.hearing import Utterance
from agent.realtime import events as wire
from agent.realtime.events import Json

FAILED = {
    "type": "server_error",
    "code": "transcription_failed",
    "message": "The recogniser could not make out this turn.",
}


class Transcription:
    """The transcription events of a conversation; none where the session's `transcription` is null.

    The deltas of an item, one after the other, begin its transcript. Should the recogniser take back a word all the
    same, no more deltas come, and `completed` has what counts.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def _wanted(self) -> bool:
        return self._context.config.audio.input.transcription is not None

    def grew(self, utterance: Utterance) -> None:
        """More may have become steady of a turn that clients know of."""
        latest = utterance.stream
        if latest is not None:
            self._tell(utterance, latest.hypothesis.text[: latest.steady])

    def completed(self, utterance: Utterance, heard: Hypothesis) -> None:
        """The turn's words are known."""
        self._tell(utterance, heard.text)
        if self._wanted:
            usage = {"type": "duration", "seconds": round(utterance.fed / asr.RATE, 3)}
            ids = self._ids(utterance)
            self._context.emit(wire.TranscriptionCompleted(**ids, transcript=heard.text, usage=usage))

    def failed(self, utterance: Utterance) -> None:
        """The turn's words will never be known."""
        if self._wanted:
            self._context.emit(wire.TranscriptionFailed(**self._ids(utterance), error=FAILED))

    def _tell(self, utterance: Utterance, text: str) -> None:
        if self._wanted and len(text) > len(utterance.told) and text.startswith(utterance.told):
            self._context.emit(wire.TranscriptionDelta(**self._ids(utterance), delta=text[len(utterance.told) :]))
            utterance.told = text

    @staticmethod
    def _ids(utterance: Utterance) -> Json:
        return {"item_id": utterance.item_id, "content_index": 0}
