"""The lip benchmark's other engines and tables."""

from pathlib import Path

import numpy as np
import pytest

from agent.tts import Phone
from scripts.bench import lips_report, lips_rivals
from scripts.bench.lips_reference import judge
from scripts.bench.timed_speech import TimedSpeech

PHONES = (Phone("ɑː", 0.0, 0.3), Phone("m", 0.3, 0.5), Phone("uː", 0.5, 0.8), Phone("", 0.8, 1.0))
SPEECH = TimedSpeech("x", "Ah moo", np.zeros(24_000, np.float32), PHONES)


def test_cues_that_are_right_are_judged_right() -> None:
    edges = (0.0, 0.3, 0.5, 0.8, 1.0)
    cues = [{"start": a, "end": b, "value": v} for a, b, v in zip(edges, edges[1:], "DAFX", strict=False)]
    figures = judge([lips_rivals._rhubarb(SPEECH, {"cues": cues})], np.random.default_rng(1), intervals=False)
    assert figures["acc6"] > 0.95
    assert figures["closure"] == 1
    assert figures["r_round"] > 0.7


def test_weights_of_visemes_are_shown_early() -> None:
    names = [f"viseme_{name}" for name in ("aa", "PP", "U", "sil")]
    said = [0] * 24 + [1] * 12 + [2] * 18 + [-1] * 6  # 100 ms late
    weights = np.eye(4)[said].tolist()
    clip = lips_rivals._headaudio(SPEECH, {"names": names, "visemes": said, "weights": weights})
    assert list(clip.visemes[:18]) == ["aa"] * 18
    figures = judge([clip], np.random.default_rng(1), intervals=False)
    assert figures["acc6"] > 0.95
    assert figures["closure"] == 1


def test_what_is_not_installed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lips_rivals, "CACHE", tmp_path)
    assert lips_rivals.measure([SPEECH], np.random.default_rng(1)) == {}
    assert capsys.readouterr().err.count("not installed") == 2


def test_a_row_tells_intervals_and_what_never_came() -> None:
    figures = dict.fromkeys(lips_report.MEASURES, 0.5) | {"ff": float("nan"), "acc6_low": 0.4, "acc6_high": 0.6}
    row = lips_report.rows_of({"ours": figures}, intervals=True).splitlines()[-1]
    assert row.startswith("| ours | 0.50 (0.40–0.60) | 0.50 | 0.50 | – |")
