"""Answers from documents, without a model: the passage that fits the question is said, or it is said that none fits."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from pathlib import Path

from agent.knowledge.documents import MAX_FILE_BYTES, MAX_FILES
from agent.knowledge.library import Shelf, best_sentences, read_library
from agent.knowledge.search import Found
from agent.llm import Citation, Delta, DialogueError, Message, Prompt, TextDelta
from agent.llm import smalltalk as talk
from agent.tts.sentences import SentenceSplitter
from agent.tts.text.rules import is_han

SURE = 0.55
"""An answer less likely to be right than this is not given. Chosen on the calibrating half of the question set."""
_FEW_TERMS = 1


class GroundedAnswers:
    """Grounded answers behind `DialogueEngine`."""

    name = "grounded"

    def __init__(self, folder: Path | None = None, *, files: int = MAX_FILES, file_bytes: int = MAX_FILE_BYTES) -> None:
        self._read = partial(read_library, folder, max_files=files, max_bytes=file_bytes)
        self._shelves: dict[str, Shelf] = {}

    async def start(self) -> None:
        """Raises KnowledgeError when the folder is none, or holds what cannot be read."""
        self._shelves = await asyncio.to_thread(self._read)
        for shelf in self._shelves.values():
            if shelf.index.passages:  # the first search is slower than those after
                shelf.index.search(shelf.index.passages[0].text)

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """Sentence by sentence, then the citation if there is one."""
        text, citation = self.answer(prompt)
        splitter = SentenceSplitter()
        for _, sentence in (*splitter.push(text), *splitter.flush()):
            yield TextDelta(sentence)
            await asyncio.sleep(0)
        if citation is not None:
            yield citation

    async def stop(self) -> None:
        self._shelves = {}

    def answer(self, prompt: Prompt) -> tuple[str, Citation | None]:
        """The whole reply, and where it is from. Raises DialogueError before `start`."""
        if not self._shelves:
            raise DialogueError("the documents are not loaded")
        questions = [message.text for message in prompt.messages if message.role == "user"]
        question = questions[-1] if questions else ""
        turn = max(0, len(questions) - 1)
        language = self._language(question, prompt.language)
        shelf = self._shelves[language]
        if prompt.idle:
            return shelf.phrase("idle", len(prompt.messages)), None
        if not question.strip():
            return shelf.phrase("hello", turn), None
        if (name := talk.intent(question, language)) is not None:
            return self._small_talk(shelf, name, turn, prompt.messages), None
        question = talk.without_floor(talk.without_greeting(question, language), language)
        if (name := talk.intent(question, language)) is not None:
            return self._small_talk(shelf, name, turn, prompt.messages), None
        found = find(shelf, question, questions[:-1], language)
        if found is None or found.confidence < SURE:
            return shelf.phrase("unknown", turn), None
        passage = found.passage
        citation = Citation(passage.place, passage.source, passage.text)
        return best_sentences(passage, shelf.index, found.terms), citation

    def _language(self, question: str, language: str) -> str:
        """The question's own where it shows, else the conversation's."""
        if any(map(is_han, question)):
            wanted = "zh"
        elif sum(char.isascii() and char.isalpha() for char in question) > 3:
            wanted = "en"
        else:
            wanted = language.partition("-")[0].lower()
        return wanted if wanted in self._shelves else next(iter(self._shelves))

    def _small_talk(self, shelf: Shelf, name: str, turn: int, messages: Sequence[Message]) -> str:
        if name not in ("repeat", "slower"):
            return shelf.phrase(name, turn)
        last = next((message.text for message in reversed(messages) if message.role == "assistant"), "").strip()
        return shelf.phrase(name, turn, last=last) if last else shelf.phrase("nothing_to_repeat", turn)


def find(shelf: Shelf, question: str, earlier: Sequence[str], language: str) -> Found | None:
    """The best passage for `question`, with the question before it in mind where this one leans on it."""
    alone = shelf.index.search(question)
    context = _context(earlier, language)
    if not context:
        return alone
    goes_on, may = talk.leans(question, language)
    if not goes_on and alone is not None and alone.confidence >= SURE:
        return alone
    few = len(shelf.index.query(question)) <= _FEW_TERMS
    if not (goes_on or may or few):
        return alone
    together = shelf.index.search(question, context)
    return max((found for found in (together, alone) if found), key=lambda found: found.confidence, default=None)


def _context(earlier: Sequence[str], language: str) -> str:
    """The last earlier question, and the ones it leant on itself."""
    context: list[str] = []
    for text in reversed(earlier[-4:]):
        if talk.intent(text, language) is not None:
            continue
        context.append(text)
        if not talk.leans(text, language)[0]:
            break
    return " ".join(context)
