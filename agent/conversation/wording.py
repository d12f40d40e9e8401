"""The text of a reply as it comes: what is meant for the face is taken out, the rest is cut into sentences."""

from typing import NamedTuple

from agent.tts.sentences import SentenceSplitter
from avatar.behaviour.cues import Cue, CueReader
from avatar.behaviour.repertoire import Repertoire, default


class Sentence(NamedTuple):
    """A sentence to be spoken, and what the face is to do at which of its characters."""

    text: str
    cues: tuple[Cue, ...] = ()


class Wording:
    """Text goes through `read`, which leaves what is said, shown and remembered, and then through `push`. How it was
    cut up on its way in changes nothing. `repertoire`: what the face can be asked for."""

    def __init__(self, repertoire: Repertoire | None = None) -> None:
        self._reader = CueReader((repertoire or default()).names)
        self._splitter = SentenceSplitter()
        self._cues: list[Cue] = []

    def read(self, text: str) -> str:
        """More of the text; returns what of it is words for certain."""
        plain, cues = self._reader.push(text)
        self._cues += cues
        return plain

    def rest(self) -> str:
        """The text is complete: returns what else of it is words."""
        plain, cues = self._reader.flush()
        self._cues += cues
        return plain

    def push(self, plain: str) -> list[Sentence]:
        """Words, as `read` gave them; returns the sentences that are certain now."""
        return self._with_cues(self._splitter.push(plain))

    def flush(self) -> list[Sentence]:
        """There are no more words: returns the rest of them."""
        return self._with_cues(self._splitter.flush(), last=True)

    def _with_cues(self, pieces: list[tuple[int, str]], *, last: bool = False) -> list[Sentence]:
        sentences = []
        spoken = [(start, text) for start, text in pieces if text.strip()]
        for start, text in spoken:
            end = start + len(text)
            here = [cue for cue in self._cues if cue.char < end or (last and start == spoken[-1][0])]
            self._cues = self._cues[len(here) :]
            # What stands after the last word is done with it: later there is nothing to do it with.
            final = max((at for at, char in enumerate(text) if char.isalnum()), default=0)
            sentences.append(Sentence(text, tuple(Cue(min(max(0, c.char - start), final), c.name) for c in here)))
        return sentences
