"""Which passage answers a question, and how sure that is."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import bm25s
import numpy as np
from numpy.typing import NDArray

from agent.knowledge import Passage
from agent.knowledge.fuzzy import Lexicon
from agent.knowledge.terms import CUE, Terms

_HEADING_WEIGHT = 2
_FUZZY_WEIGHT = 0.7
_CUE_WEIGHT = 0.5
CONTEXT_WEIGHT = 0.5
"""What a term of the previous question weighs in a question that leans on it."""


@dataclass(frozen=True, slots=True)
class Found:
    """The best passage for a question.

    confidence is in [0, 1], calibrated: about the share of such answers that are right. features: what it is made of
    (see `Index.features`).
    """

    passage: Passage
    confidence: float
    terms: dict[str, float]
    features: tuple[float, ...]


FEATURES = ("coverage", "unknown", "score", "margin", "asked", "heading")
# Logistic regression on the calibrating half of the question set; scripts/bench/answers.py --fit prints these.
_WEIGHTS = (2.09, -1.26, 0.73, 1.13, 1.41, 0.46)
_BIAS = -2.30


class Index:
    """Passages of one language, searchable. A search takes less than a millisecond in a hundred passages."""

    def __init__(self, passages: Sequence[Passage], terms: Terms) -> None:
        self.passages = tuple(passages)
        self.terms = terms
        self._headings = [frozenset(terms.of(p.heading or p.title)) for p in self.passages]
        self._asked = [self._headings[i] | frozenset(terms.of(p.also)) for i, p in enumerate(self.passages)]
        documents = [
            terms.of(f"{p.title} {p.also}")
            + _HEADING_WEIGHT * terms.of(p.heading)
            + terms.of(p.text)
            + terms.cues(p.also)
            for p in self.passages
        ]
        self._documents = [frozenset(document) for document in documents]
        found_in = Counter(term for document in self._documents for term in document)
        count = len(self.passages)
        self._idf = {term: math.log(1 + (count - n + 0.5) / (n + 0.5)) for term, n in found_in.items()}
        self._idf_of_unknown = math.log(1 + (count + 0.5) / 0.5)
        self._lexicon = Lexicon(self._idf)
        self._bm25 = bm25s.BM25(k1=1.2, b=0.6)
        if self._idf:
            self._bm25.index(documents, show_progress=False)

    def search(self, question: str, context: str = "") -> Found | None:
        """The best passage for `question`, or None when it has no word that any passage has. `context`: an earlier
        question that this one leans on."""
        found = self.several(question, context, most=1)
        return found[0] if found else None

    def several(self, question: str, context: str = "", *, most: int) -> list[Found]:
        """The passages that fit `question` best, the best first; see `search`."""
        query = self.query(question, context)
        known = {term: weight for term, weight in query.items() if term in self._idf}
        if not known:
            return []
        scores = np.zeros(len(self.passages), np.float32)
        for term, weight in known.items():
            scores += weight * self._scores(term)
        first, *others = (int(at) for at in np.argsort(-scores, kind="stable")[:most])
        return [self._found(query, scores, at) for at in (first, *(at for at in others if scores[at] > 0))]

    def _found(self, query: dict[str, float], scores: NDArray[np.float32], at: int) -> Found:
        features = self.features(query, scores, at)
        odds = _BIAS + sum(weight * feature for weight, feature in zip(_WEIGHTS, features, strict=True))
        return Found(self.passages[at], 1 / (1 + math.exp(-odds)), query, features)

    def query(self, question: str, context: str = "") -> dict[str, float]:
        """The question's terms and their weights; a word that no passage has stands for the nearest that one has."""
        query: dict[str, float] = {}
        for text, weight in ((question, 1.0), (context, CONTEXT_WEIGHT)):
            for term in self._joined(self.terms.of(text)):
                near = None if term in self._idf else self._lexicon.nearest(term)
                counts = weight * (_FUZZY_WEIGHT if near else 1.0)
                key = near or term
                query[key] = max(query.get(key, 0.0), counts)
        for cue in self.terms.cues(question):
            if cue in self._idf:
                query[cue] = _CUE_WEIGHT
        return query

    def features(self, query: dict[str, float], scores: NDArray[np.float32], best: int) -> tuple[float, ...]:
        """What the confidence is made of, in the order of FEATURES: how much of the question's weight the passage has;
        how much of it no passage has; its BM25 score for each term; its lead over the next; how much of the question is
        in its heading and the words it is asked by; how much of its heading is in the question. All in about [0, 1].
        """
        weights = {
            term: weight * self.weight(term) for term, weight in query.items() if not term.startswith(CUE)
        } or dict.fromkeys(query, 1.0)
        total = sum(weights.values())
        heading = self._headings[best]
        second = float(np.partition(scores, -2)[-2]) if len(scores) > 1 else 0.0
        top = float(scores[best])
        return (
            sum(weight for term, weight in weights.items() if term in self._documents[best]) / total,
            sum(weight for term, weight in weights.items() if term not in self._idf) / total,
            top / max(1.0, sum(query.values())) / self._idf_of_unknown,
            (top - second) / top if top > 0 else 0.0,
            sum(weight for term, weight in weights.items() if term in self._asked[best]) / total,
            sum(map(self.weight, heading & set(weights))) / max(1e-9, sum(map(self.weight, heading))),
        )

    def weight(self, term: str) -> float:
        """How telling a term is: its inverse document frequency."""
        return self._idf.get(term, self._idf_of_unknown)

    def _scores(self, term: str) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = self._bm25.get_scores([term])
        return scores

    def _joined(self, terms: list[str]) -> list[str]:
        """Neighbours that are one word to the passages ("cloak room") joined."""
        joined: list[str] = []
        for term in terms:
            if joined and joined[-1] + term in self._idf and not (joined[-1] in self._idf and term in self._idf):
                joined[-1] += term
            else:
                joined.append(term)
        return joined
