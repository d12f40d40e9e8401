"""A folder of Markdown and text files, read defensively, as passages of plain text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agent.knowledge import KnowledgeError, Passage
from agent.tts.text.rules import is_han

SUFFIXES = (".md", ".markdown", ".txt")
MAX_FILES = 2000
MAX_FILE_BYTES = 4 * 2**20
MAX_PASSAGE_CHARS = 1200
"""A longer section is cut at its paragraphs: an answer comes from one place, not from a chapter."""


@dataclass(slots=True)
class Document:
    """One file: its passages, and its front matter's "topic", what a visitor may be told to ask about."""

    passages: list[Passage] = field(default_factory=list)
    topic: str = ""
    language: str = "en"


def read_folder(folder: Path, *, max_files: int = MAX_FILES, max_bytes: int = MAX_FILE_BYTES) -> list[Document]:
    """All documents under `folder`, in the order of their names. Hidden files are passed over.

    Raises KnowledgeError when the folder is not one or holds no document, or a file is too large or no text.
    """
    if not folder.is_dir():
        raise KnowledgeError(f"knowledge folder {folder}: not a folder")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    paths = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not paths:
        raise KnowledgeError(f"knowledge folder {folder}: no Markdown or text files in it")
    if len(paths) > max_files:
        raise KnowledgeError(f"knowledge folder {folder}: {len(paths)} files; at most {max_files} are read")
    return [read_document(path, str(path.relative_to(folder)), max_bytes=max_bytes) for path in paths]


def read_document(path: Path, source: str, *, max_bytes: int = MAX_FILE_BYTES) -> Document:
    """One file. Raises KnowledgeError."""
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise KnowledgeError(f"{path}: {error.strerror or error}") from None
    if len(data) > max_bytes:
        raise KnowledgeError(f"{path}: larger than {max_bytes} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise KnowledgeError(f"{path}: not UTF-8 text (byte {error.start})") from None
    return parse(text.replace("\r\n", "\n").replace("\r", "\n"), source)


def parse(text: str, source: str) -> Document:
    """A document from its text."""
    front, body = _front_matter(text)
    title = front.get("title") or Path(source).stem.replace("-", " ").replace("_", " ")
    language = front.get("language") or ("zh" if _mostly_han(body) else "en")
    document = Document(topic=front.get("topic", ""), language=language)
    for level, heading, section in _sections(body):
        if level == 1 and heading and "title" not in front:
            title = heading
        also = " ".join(re.findall(r"<!--\s*also:(.*?)-->", section, re.DOTALL))
        own = "" if heading == title else heading
        for piece in _cut(plain(section)):
            document.passages.append(Passage(title, own, source, piece, language, also))
    return document


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """The "key: value" lines between two lines of "---" at the start, and the rest."""
    match = re.match(r"---[ \t]*\n(.{0,4000}?)\n---[ \t]*(?:\n|\Z)", text, re.DOTALL)
    if match is None:
        return {}, text
    pairs = (line.partition(":") for line in match[1].splitlines() if ":" in line)
    return {key.strip().lower(): value.strip().strip("\"'") for key, _, value in pairs}, text[match.end() :]


def _sections(body: str) -> Iterator[tuple[int, str, str]]:
    """(level, heading, text) by Markdown headings outside code; level 0 before the first."""
    level, heading, lines, fenced = 0, "", list[str](), False
    for line in body.split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        match = None if fenced else re.match(r"(#{1,6})[ \t]+(.*?)[ \t#]*$", line)
        if match is None:
            lines.append(line)
            continue
        yield level, heading, "\n".join(lines)
        level, heading, lines = len(match[1]), plain(match[2]), []
    yield level, heading, "\n".join(lines)


_MARKS = (
    (r"<!--.*?-->", " "),
    (r"```.*?(?:```|\Z)", "\n\n"),  # code is of no use when spoken
    (r"(?m)^[ \t]*\|?[ \t:|-]*-{3,}[ \t:|-]*\|?[ \t]*$", ""),
    (r"!\[([^\]]*)\]\([^)]*\)", r"\1"),
    (r"\[([^\]]*)\]\([^)]*\)", r"\1"),
    (r"\[([^\]]*)\]\[[^\]]*\]", r"\1"),
    (r"(?m)^\[[^\]]+\]:.*$", ""),
    (r"</?[A-Za-z][^<>\n]{0,200}>", " "),
    (r"(?m)^[ \t]*(?:>[ \t]?)+", ""),
    (r"\*\*|__|~~|`", ""),
    (r"(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)", ""),
)


def plain(markdown: str) -> str:
    """Markdown without its marks. Items of lists and rows of tables become sentences of their own."""
    text = markdown
    for pattern, replacement in _MARKS:
        text = re.sub(pattern, replacement, text, flags=re.DOTALL)
    paragraphs: list[str] = []
    for block in re.split(r"\n[ \t]*\n", text):
        lines: list[str] = []
        for line in block.split("\n"):
            item = re.match(r"[ \t]*(?:[-*+•]|[0-9]{1,3}[.)])[ \t]+(.*)", line)
            row = line.strip().startswith("|")
            content = ", ".join(filter(None, map(str.strip, line.split("|")))) if row else (item[1] if item else line)
            content = content.strip()
            if (item or row) and content:
                lines.append(content if content[-1] in ".!?。！？" else f"{content}.")
            elif content:
                lines.append(content)
        if lines:
            paragraphs.append(" ".join(lines))
    return re.sub(r"[ \t]+", " ", "\n".join(paragraphs)).strip()


def _cut(text: str) -> Iterator[str]:
    """The text in pieces of at most MAX_PASSAGE_CHARS, cut between paragraphs, else between sentences."""
    piece = ""
    for paragraph in text.split("\n"):
        for part in _fitting(paragraph):
            if piece and len(piece) + len(part) > MAX_PASSAGE_CHARS:
                yield piece
                piece = ""
            piece = f"{piece} {part}".strip()
    if piece:
        yield piece


def _fitting(paragraph: str) -> list[str]:
    if len(paragraph) <= MAX_PASSAGE_CHARS:
        return [paragraph]
    sentences = re.split(r"(?<=[.!?])\s+|(?<=[。！？])", paragraph)
    return [
        sentence[at : at + MAX_PASSAGE_CHARS]
        for sentence in sentences
        for at in range(0, len(sentence), MAX_PASSAGE_CHARS)
    ]


def _mostly_han(text: str) -> bool:
    letters = [char for char in text if char.isalpha()]
    return bool(letters) and sum(map(is_han, letters)) > 0.3 * len(letters)
