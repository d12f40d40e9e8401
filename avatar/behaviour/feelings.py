"""What a spoken sentence feels like: from its text, and from the voice that says it."""

import numpy as np

from avatar.behaviour.motion import Curve
from avatar.behaviour.prosody import RATE_OF_FRAMES, Prosody
from avatar.behaviour.repertoire import Repertoire

_ONE_WORD, _MORE_WORDS, _EXCLAMATION = 0.7, 0.2, 0.2
"""How strongly a feeling is shown for one of its words, each further one, and for an exclamation mark."""

_WINDOW_SECONDS = 1.2
"""Arousal is heard over about three words."""
_USUAL_SYLLABLES, _MORE_SYLLABLES = 4.3, 2.0
"""A second, and the difference that counts as much more (Pellegrino et al. 2011: 5 to 8 in fluent reading; read slower
by most synthesisers, and weak ones are missed)."""
_USUAL_RANGE, _MORE_RANGE = 2.2, 2.0
"""Semitones (standard deviation) of calm speech, and the difference that counts as much more."""
_MORE_PITCH, _MORE_LEVEL = 4.0, 6.0
"""Semitones and dB over the voice's usual that count as much more (Banse and Scherer 1996: both rise with arousal)."""
_LEAST_VOICED = 10


def felt_in(text: str, repertoire: Repertoire) -> tuple[str, float]:
    """The feeling that the sentence's words bring with them, else its closing mark, else "neutral"; and how strong it
    is, 0…1."""
    hits = {name: len(feeling.words.findall(text)) for name, feeling in repertoire.feelings.items() if feeling.words}
    strongest = max(hits, key=lambda name: hits[name], default="neutral")
    if hits.get(strongest):
        emphasis = _EXCLAMATION if text.rstrip().endswith(("!", "！")) else 0.0
        return strongest, min(1.0, _ONE_WORD + _MORE_WORDS * (hits[strongest] - 1) + emphasis)
    last = text.rstrip().rstrip("\"'”’)）」』*_")[-1:]
    for name, feeling in repertoire.feelings.items():
        if last and last in feeling.marks:
            return name, 1.0
    return "neutral", 0.0


def arousal(heard: Prosody, usual_pitch: float, usual_level: float) -> Curve:
    """How excited the voice sounds at each frame, −1 (subdued) … 1: from its level, pitch, melody and rate, each over a
    second or so. `usual_pitch` (octaves) and `usual_level` (dB) are the voice's own. Shape (n,)."""
    voiced = np.isfinite(heard.log_f0)
    if voiced.sum() < _LEAST_VOICED:
        return np.zeros(len(voiced))
    semitones = np.where(voiced, 12 * (np.nan_to_num(heard.log_f0) - usual_pitch), 0.0)
    spoken = _smoothed(voiced.astype(float))
    share = np.maximum(spoken, 0.05)
    pitch = _smoothed(semitones) / share
    spread = np.sqrt(np.maximum(_smoothed(semitones**2) / share - pitch**2, 0.0))
    level = _smoothed(np.where(voiced, heard.level_db - usual_level, 0.0)) / share
    rate = _smoothed(_syllables(heard).astype(float)) * RATE_OF_FRAMES
    parts = (
        pitch / _MORE_PITCH,
        (spread - _USUAL_RANGE) / _MORE_RANGE,
        level / _MORE_LEVEL,
        (rate - _USUAL_SYLLABLES) / _MORE_SYLLABLES,
    )
    return np.asarray(np.tanh(0.5 * sum(np.clip(part, -1.5, 1.5) for part in parts)) * np.clip(spoken / 0.3, 0, 1))


def _syllables(heard: Prosody) -> Curve:
    """Where syllables have their loudest point: voiced maxima of the level that stand 2 dB over what lies between."""
    level = np.convolve(np.pad(heard.level_db, 2, mode="edge"), np.full(5, 0.2), "valid")
    around = np.lib.stride_tricks.sliding_window_view(np.pad(level, 6, mode="edge"), 13)
    peak = (level >= around.max(axis=1)) & (level > around.min(axis=1) + 2.0) & np.isfinite(heard.log_f0)
    return np.asarray(peak & ~np.concatenate([[False], peak[:-1]]))


def _smoothed(values: Curve) -> Curve:
    """A running mean over the window; at the edges over what there is of it."""
    width = min(int(_WINDOW_SECONDS * RATE_OF_FRAMES), len(values))
    kernel = np.ones(width)
    total = np.convolve(values, kernel, "same")[: len(values)]
    return np.asarray(total / np.convolve(np.ones(len(values)), kernel, "same")[: len(values)])
