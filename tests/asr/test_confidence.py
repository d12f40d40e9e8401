"""Confidence: monotone in what it is made of, and calibrated so that the decision is better than the words alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agent.asr.confidence import MIN_CONFIDENCE, Evidence, confidence

SURE = Evidence(words=7, frames=210, acoustic=-600.0, language=-180.0, posterior=-2.0)
RESULT = Path(__file__).parents[2] / "scripts" / "bench" / "results" / "asr_confidence.json"


def test_no_words_is_no_confidence() -> None:
    assert confidence(Evidence()) == 0


@pytest.mark.parametrize("posterior", [-2.0, None])
def test_worse_evidence_is_less_confidence(posterior: float | None) -> None:
    sure = replace(SURE, posterior=posterior)
    assert MIN_CONFIDENCE < confidence(sure) <= 1
    assert confidence(replace(sure, acoustic=-1200.0)) < MIN_CONFIDENCE
    assert confidence(replace(sure, language=-400.0)) < confidence(sure)
    assert confidence(replace(SURE, posterior=-30.0)) < confidence(SURE)


@pytest.mark.parametrize("scale", [1e-3, 1e6])
def test_wild_evidence_stays_in_range(scale: float) -> None:
    wild = Evidence(words=1, frames=1, acoustic=-100 * scale, language=-100 * scale, posterior=-scale)
    assert 0 <= confidence(wild) <= 1


@pytest.mark.parametrize(("which", "auc"), [("refined", 0.9), ("stream", 0.85)])
def test_the_code_has_the_weights_that_the_calibration_gave(which: str, auc: float) -> None:
    """The decodings are kept in the result file; what the code makes of them must still separate them."""
    decoded = json.loads(RESULT.read_text())["decoded"]
    good = [confidence(Evidence(**d[which])) for d in decoded if d["wer"] is not None and d["wer"] <= 0.35]
    bad = [confidence(Evidence(**d[which])) for d in decoded if d["wer"] is None]
    assert sum(g > b for g in good for b in bad) / (len(good) * len(bad)) > auc
    assert sum(g >= MIN_CONFIDENCE for g in good) / len(good) > 0.8
    assert sum(b >= MIN_CONFIDENCE for b in bad) / len(bad) < 0.25
