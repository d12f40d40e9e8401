"""Grounded answers: how often they are right, and how often "I don't know" is the right answer.

    python -m scripts.bench.answers [--fit]

Every question of questions.tsv is asked of the built-in documents. Even places of a seeded shuffle calibrate (--fit
prints new constants for agent/knowledge/search.py), odd ones judge. Writes scripts/bench/results/answers.json.
"""

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.knowledge.library import Shelf, read_library
from agent.knowledge.search import FEATURES, Found
from agent.llm import smalltalk
from agent.llm.grounded import SURE, find
from agent.tts.text.rules import is_han

SEED = 20
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the headings under which its answer stands; none when there is no answer."""

    text: str
    headings: tuple[str, ...]

    @property
    def language(self) -> str:
        return "zh" if any(map(is_han, self.text)) else "en"


def questions() -> list[Question]:
    lines = (HERE / "questions.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [Question(text, tuple(filter(None, headings.split("|")))) for text, headings in rows]


def halves(asked: Sequence[Question]) -> tuple[list[Question], list[Question]]:
    """Those that calibrate and those that judge."""
    shuffled = list(asked)
    random.Random(SEED).shuffle(shuffled)
    return shuffled[::2], shuffled[1::2]


def right(question: Question, found: Found | None) -> bool:
    """Whether the passage found answers the question."""
    return found is not None and (found.passage.heading or found.passage.title) in question.headings


def measure(shelves: dict[str, Shelf], asked: Sequence[Question]) -> dict[str, float]:
    """Precision of what is answered, how much of the answerable is answered rightly, and of the rest declined."""
    outcomes = []
    for question in asked:
        found = find(shelves[question.language], question.text, [], question.language)
        chat = smalltalk.intent(question.text, question.language) is not None  # answered, but from no document
        answered = not chat and found is not None and found.confidence >= SURE
        outcomes.append((bool(question.headings), answered, not chat and right(question, found)))
    answerable = [outcome for outcome in outcomes if outcome[0]]
    other = [outcome for outcome in outcomes if not outcome[0]]
    given = [outcome for outcome in outcomes if outcome[1]]
    return {
        "answerable": len(answerable),
        "unanswerable": len(other),
        "precision": sum(outcome[2] for outcome in given) / max(1, len(given)),
        "answered_rightly": sum(a and r for _, a, r in answerable) / max(1, len(answerable)),
        "answered_wrongly": sum(a and not r for _, a, r in answerable) / max(1, len(answerable)),
        "found_first": sum(r for _, _, r in answerable) / max(1, len(answerable)),
        "declined": sum(not a for _, a, _ in other) / max(1, len(other)),
    }


def fit(shelves: dict[str, Shelf], asked: Sequence[Question]) -> tuple[NDArray[np.float64], float]:
    """Logistic regression of `right` on the features, with a little weight decay, by gradient descent."""
    rows, labels = [], []
    for question in asked:
        found = find(shelves[question.language], question.text, [], question.language)
        if found is not None and smalltalk.intent(question.text, question.language) is None:
            rows.append(found.features)
            labels.append(right(question, found))
    x, y = np.array(rows), np.array(labels, float)
    weights, bias = np.zeros(x.shape[1]), 0.0
    for _ in range(20_000):
        error = 1 / (1 + np.exp(-(x @ weights + bias))) - y
        weights -= 0.5 * (x.T @ error / len(y) + 0.01 * weights)
        bias -= 0.5 * float(error.mean())
    return weights, bias


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="print calibration constants from the calibrating half")
    parser.add_argument("--wrong", action="store_true", help="list what goes wrong in the calibrating half")
    arguments = parser.parse_args()
    shelves = read_library(None)
    calibrate, judge = halves(questions())
    if arguments.fit:
        weights, bias = fit(shelves, calibrate)
        print(
            ", ".join(f"{name} {weight:.2f}" for name, weight in zip(FEATURES, weights, strict=True)),
            f"bias {bias:.2f}",
        )
    if arguments.wrong:
        for question in calibrate:
            found = find(shelves[question.language], question.text, [], question.language)
            chat = smalltalk.intent(question.text, question.language) is not None
            sure = not chat and found is not None and found.confidence >= SURE
            if sure != bool(question.headings) or (sure and not right(question, found)):
                where = f"{found.confidence:.2f} {found.passage.heading or found.passage.title}" if found else "nothing"
                print(f"{question.text!r}: wanted {question.headings or 'none'}, found {where}")
    results = {
        "seed": SEED,
        "sure": SURE,
        "calibrating": measure(shelves, calibrate),
        "judging": measure(shelves, judge),
    }
    for language in ("en", "zh"):
        results[f"judging_{language}"] = measure(shelves, [q for q in judge if q.language == language])
    for name, figures in results.items():
        if isinstance(figures, dict):
            print(f"{name:12}", "  ".join(f"{key} {value:.3g}" for key, value in figures.items()))
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "answers.json").write_text(json.dumps(results, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
