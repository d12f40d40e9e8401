"""The documents of a folder, by language, with what is said beside them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.knowledge import PACK, KnowledgeError, Passage
from agent.knowledge.documents import MAX_FILE_BYTES, MAX_FILES, Document, read_folder
from agent.knowledge.search import Index
from agent.knowledge.terms import Terms
from agent.tts.sentences import SentenceSplitter

PACK_FILE = "pack.toml"
_LONGEST_ANSWER = 320
"""Characters; more is tiring to listen to."""
_TOPICS_NAMED = 3


@dataclass(frozen=True, slots=True)
class Shelf:
    """All there is in one language. phrases: ways to say each thing; topics: what may be asked about."""

    index: Index
    phrases: Mapping[str, Sequence[str]]
    topics: Sequence[str]

    def phrase(self, name: str, turn: int, **values: str) -> str:
        """One of the ways to say `name`, another at another turn."""
        ways = self.phrases[name]
        return ways[turn % len(ways)].format(topics=self._named_topics(turn), **values)

    def _named_topics(self, turn: int) -> str:
        count = min(_TOPICS_NAMED, len(self.topics))
        start = turn * count % max(1, len(self.topics))
        named = [self.topics[(start + i) % len(self.topics)] for i in range(count)]
        if not named:
            return ""
        comma = "、" if self.phrases["and"][0] == "和" else ", "
        return self.phrases["and"][0].join(filter(None, (comma.join(named[:-1]), named[-1])))


def read_library(
    folder: Path | None, *, max_files: int = MAX_FILES, max_bytes: int = MAX_FILE_BYTES
) -> dict[str, Shelf]:
    """Shelves by language ("en", "zh"). Without a folder, the built-in pack. Raises KnowledgeError.

    A folder may hold a pack.toml of its own, which overrides the built-in phrases, topics and synonyms one by one.
    """
    if folder is None:
        return {path.name: _shelf(read_folder(path), _pack(path)) for path in sorted(PACK.iterdir()) if path.is_dir()}
    documents = read_folder(folder, max_files=max_files, max_bytes=max_bytes)
    own_pack = _pack(folder) if (folder / PACK_FILE).exists() else {}
    shelves = {}
    for path in sorted(PACK.iterdir()):
        if not path.is_dir():
            continue
        pack = _merged(_pack(path), own_pack)
        own = [document for document in documents if document.language == path.name]
        pack["topics"] = own_pack.get("topics") or _topics(own) or _topics(documents)
        shelves[path.name] = _shelf(own, pack)
    return shelves


def greetings(folder: Path | None = None) -> dict[str, str]:
    """What is said first, by language. It says that it is an AI."""
    found = {}
    for path in sorted(PACK.iterdir()):
        if path.is_dir():
            own = _pack(folder) if folder is not None and (folder / PACK_FILE).exists() else {}
            phrases = _merged(_pack(path), own)["phrases"]
            found[path.name] = phrases["greeting" if folder is None or own else "greeting_elsewhere"][0]
    return found


def best_sentences(passage: Passage, index: Index, query: Mapping[str, float]) -> str:
    """What of the passage answers the query: all of it if it is short, else the run of sentences that says most."""
    if len(passage.text) <= _LONGEST_ANSWER:
        return passage.text
    splitter = SentenceSplitter()
    sentences = [text.strip() for _, text in (*splitter.push(passage.text), *splitter.flush())]
    said = [set(index.terms.of(sentence)) for sentence in sentences]
    best, best_value = (0, 1), -1.0
    for first in range(len(sentences)):
        for last in range(first + 1, len(sentences) + 1):
            length = sum(map(len, sentences[first:last]))
            if length > _LONGEST_ANSWER and last > first + 1:
                break
            covered = set().union(*said[first:last])
            value = sum(weight * index.weight(term) for term, weight in query.items() if term in covered)
            value -= length / 1000  # of two that say as much, the shorter
            if value > best_value:
                best, best_value = (first, last), value
    return " ".join(sentences[best[0] : best[1]])


def _shelf(documents: Sequence[Document], pack: dict[str, Any]) -> Shelf:
    passages = [passage for document in documents for passage in document.passages]
    terms = Terms(pack["synonyms"]["groups"])
    return Shelf(Index(passages, terms), pack["phrases"], pack["topics"])


def _topics(documents: Sequence[Document]) -> list[str]:
    return [document.topic or document.passages[0].title for document in documents if document.passages]


def _pack(folder: Path) -> dict[str, Any]:
    path = folder / PACK_FILE
    try:
        pack = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise KnowledgeError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{path}: not valid TOML: {error}") from None
    phrases = {name: [ways] if isinstance(ways, str) else ways for name, ways in pack.get("phrases", {}).items()}
    for name, ways in phrases.items():
        for way in ways:
            _check_phrase(path, name, way)
    return pack | {"phrases": phrases}


def _check_phrase(path: Path, name: str, way: object) -> None:
    try:
        str(way).format(topics="", last="")
    except (KeyError, IndexError, ValueError):
        raise KnowledgeError(f"{path}: phrases.{name}: only {{topics}} and {{last}} may stand in braces") from None


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    return base | over | {"phrases": base["phrases"] | over.get("phrases", {})}
