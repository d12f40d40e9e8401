import asyncio

import numpy as np
import pytest

from avatar.blendshapes import INDEX
from avatar.lipsync.heard import phones_of_speech
from avatar.reply_face import ReplyFace
from scripts.bench.timed_speech import espeak_speech

TEXT = "Could you tell me where the ticket office is, please?"


@pytest.mark.parametrize(("text", "source"), [(TEXT, "text"), (None, "audio")])
def test_recorded_speech_moves_the_lips_in_step(text: str | None, source: str) -> None:
    spoken = espeak_speech([(TEXT, "en-us", 140, 50)])[0]
    phones, made_from = asyncio.run(phones_of_speech(spoken.pcm, text))
    assert made_from == source
    face = ReplyFace(made_from)
    face.add(phones, spoken.pcm, 0, text or "")
    jaw = face.frames(len(spoken.pcm)).weights[:, INDEX["jawOpen"]]
    known = ReplyFace()
    known.add(spoken.phones, spoken.pcm, 0, TEXT)
    timed = known.frames(len(spoken.pcm)).weights[:, INDEX["jawOpen"]]
    assert np.corrcoef(jaw, timed)[0, 1] > (0.6 if text else 0.3)


def test_empty_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        asyncio.run(phones_of_speech(np.zeros(0, np.float32)))
