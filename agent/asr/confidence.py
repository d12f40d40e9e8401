"""How far the words of pocketsphinx can be trusted, from what its decoder knows about them.

Calibrated by scripts/bench/asr_confidence.py on synthetic sound alone: 25 sentences heard well enough, 53 sounds to
refuse (other languages, reversed speech, babble, humming, tones, noise, and English heard wrongly). Area under the
ROC, each judged by a fit that had not seen it: .95 refined, .91 as a stream. At MIN_CONFIDENCE 92 % of the good and
11 % of the bad pass refined (five of eight babbles: words of many voices at once are words), 88 % and 15 % as a stream.
"""

import math
from dataclasses import dataclass

MIN_CONFIDENCE = 0.5
"""Below it the words should not be acted on. Both kinds of error weighed the same in the calibration."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decoding says of itself. Scores are natural logarithms, summed over the words (silences left out).

    words, frames: how many words there are, and how many 10 ms frames they cover.
    acoustic: score of the sound given the words, relative to the best senone of each frame (0 is perfect).
    language: weighted score of the words given the language model.
    posterior: of the whole word sequence among the alternatives kept; None in a stream, which keeps none.
    """

    words: int = 0
    frames: int = 0
    acoustic: float = 0.0
    language: float = 0.0
    posterior: float | None = None


FEATURES = ("acoustic per frame", "language per word", "frames per word", "posterior per word")
BIAS_AND_WEIGHTS = (12.613, 1.449, 0.111, -0.053, 0.819)
STREAM_BIAS_AND_WEIGHTS = (12.895, 1.785, 0.059, -0.121)
"""Logistic regressions over FEATURES; a stream has no posterior."""


def features(evidence: Evidence) -> tuple[float, ...]:
    """The evidence as FEATURES, which do not depend on the length; without the last where there is no posterior."""
    words = max(evidence.words, 1)
    known = (
        evidence.acoustic / max(evidence.frames, 1),
        evidence.language / words,
        min(evidence.frames / words, 60.0),  # beyond, it is no word at all, and one long one should not decide alone
    )
    return known if evidence.posterior is None else (*known, evidence.posterior / words)


def confidence(evidence: Evidence) -> float:
    """The chance, in [0, 1], that acting on the words is right, were both cases as likely; 0 where there are none."""
    if evidence.words == 0:
        return 0.0
    bias, *weights = STREAM_BIAS_AND_WEIGHTS if evidence.posterior is None else BIAS_AND_WEIGHTS
    score = bias + sum(weight * value for weight, value in zip(weights, features(evidence), strict=True))
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, score))))
