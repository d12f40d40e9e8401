"""Was what was read what was to be read? The text is followed through the sound, against free choice of sounds.

It tells only: recognisers do not understand everybody, and neither does this. In any language that espeak-ng knows.
"""

from dataclasses import dataclass

import numpy as np

from agent.audio import TIMELINE_RATE, Pcm
from agent.audio.resample import resample
from avatar.lipsync.follow import Follower, Path, emissions
from avatar.lipsync.network import shipped
from avatar.lipsync.pronounce import Pronunciation
from avatar.lipsync.sounds import SOUND

SAID = -1.7
"""Of synthetic voices reading 48 sentences, each scores -1.1 and more with its own text, and -1.7 and less with
another of about its length."""
REACHED = 0.85
"""Half a sentence reaches 0.6 at most, a whole one 1."""
_AFTER_S = 0.2


@dataclass(frozen=True, slots=True)
class Wording:
    """`score`: how much worse the text explains the speech than free choice does, in log probability a frame; 0 is as
    good. `reached`: how far into the text the sound came, 0…1."""

    score: float
    reached: float

    @property
    def doubtful(self) -> bool:
        """Whether it is worth asking if these were the words."""
        return self.score < SAID or self.reached < REACHED


def wording(pcm: Pcm, rate: int, text: Pronunciation) -> Wording:
    """Follow a text through a take, shape (n,). About a twentieth of its length. Raises LipModelError."""
    network, path = shipped(), Path(text)
    if not path.units:
        return Wording(0.0, 1.0)
    sound = np.append(resample(pcm, rate, TIMELINE_RATE), np.zeros(round(_AFTER_S * TIMELINE_RATE), np.float32))
    sounds = network.stream().push(sound).sounds
    follower = Follower(path, network.prior)
    follower.push(sounds)
    if len(follower) == 0:
        return Wording(SAID - 1, 0.0)
    states = follower.states(0, len(follower))
    free = emissions(sounds, network.prior)
    behind = free[np.arange(len(states)), path.sound[states]] - free.max(axis=1)
    speech = sounds.argmax(axis=1) != SOUND["sil"]
    score = float(behind[speech].mean()) if speech.any() else SAID - 1
    return Wording(round(score, 2), round((int(path.unit[states].max()) + 1) / len(path.units), 2))
