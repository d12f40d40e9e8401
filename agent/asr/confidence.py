"""How far the words of pocketsphinx can be trusted, from what its decoder knows about them."""

from dataclasses import dataclass

MIN_CONFIDENCE = 0.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decoding says of itself. Scores are natural logarithms, summed over the words (silences left out).

    words, frames: how many words there are, and how many 10 ms frames they cover, of `total` frames.
    acoustic: score of the sound given the words, relative to the best senone of each frame (0 is perfect).
    language: score of the words given the language model.
    posterior: of the whole word sequence among the alternatives kept; 0 (certain) in a stream, which keeps none.
    """

    words: int = 0
    frames: int = 0
    total: int = 0
    acoustic: float = 0.0
    language: float = 0.0
    posterior: float = 0.0


FEATURES = ("acoustic per frame", "language per word", "posterior per word", "share of time", "frames per word")


def features(evidence: Evidence) -> tuple[float, ...]:
    """The evidence as FEATURES, which do not depend on the length."""
    words, frames = max(evidence.words, 1), max(evidence.frames, 1)
    return (
        evidence.acoustic / frames,
        evidence.language / words,
        evidence.posterior / words,
        frames / max(evidence.total, 1),
        frames / words,
    )


def confidence(evidence: Evidence) -> float:
    """In [0, 1]; 0 where there are no words."""
    return 0.6 if evidence.words else 0.0
