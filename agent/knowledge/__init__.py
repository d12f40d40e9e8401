"""Knowledge: documents in a folder become passages, and a question finds the passage that answers it, or none."""

from dataclasses import dataclass, field
from pathlib import Path

PACK = Path(__file__).parent / "pack"
"""The built-in documents, one folder a language."""


class KnowledgeError(RuntimeError):
    """The documents cannot be used; the message names the file or folder and the cause, in one line."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A section of a document, in plain text.

    title: the document's; heading: the section's own ("" for what comes before the first). source: the file, relative
    to its folder. also: other words that a question about it may use; they are found but never said.
    """

    title: str
    heading: str
    source: str
    text: str
    language: str
    also: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """The document and the section, as a citation names them."""
        return f"{self.title}: {self.heading}" if self.heading else self.title
