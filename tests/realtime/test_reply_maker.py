"""What a reply's text asks of the face is done when its word sounds; sound waits for its lips."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from agent.audio import TIMELINE_RATE
from agent.conversation.effects import Speak
from agent.conversation.inputs import Input, SentenceEnded, Spoke
from agent.realtime.reply_maker import ReplyMaker
from agent.tts import SpeechChunk, Voice, Word
from avatar.behaviour import Style
from avatar.behaviour.cues import Cue
from avatar.blendshapes import INDEX
from tests.realtime.stubs import StubDialogue

RATE = 16_000
TEXT = "Yes it is so."


class StubVoice:
    """Each word takes half a second; a chunk is two words. Not a voice: silence."""

    name = "stub"
    voices: tuple[Voice, ...] = ()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def speak(self, text: str, *, voice: str, speed: float) -> AsyncIterator[SpeechChunk]:
        words = [Word(0, 3, 0.0, 0.5, "engine"), Word(4, 6, 0.5, 1.0, "engine")]
        yield SpeechChunk(np.zeros(RATE, np.float32), RATE, words=tuple(words))
        words = [Word(7, 9, 1.0, 1.5, "engine"), Word(10, 12, 1.5, 2.0, "engine")]
        yield SpeechChunk(np.zeros(RATE, np.float32), RATE, words=tuple(words))


async def spoken(*sentences: tuple[Cue, ...], style: Style | None = None) -> list[Spoke]:
    """All that is made of TEXT, said once for each of these."""
    told: list[Input] = []
    ended = asyncio.Event()

    def tell(what: Input) -> None:
        told.append(what)
        if isinstance(what, SentenceEnded):
            ended.set()

    maker = ReplyMaker(1, StubDialogue(), StubVoice(), tell, with_face=True, style=style)
    assert maker.face is not None
    for index, cues in enumerate(sentences):
        ended.clear()
        maker.speak(Speak(1, index, TEXT, "", 1.0, cues))
        await ended.wait()
    return [one for one in told if isinstance(one, Spoke)]


async def faces(cues: tuple[Cue, ...], style: Style | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The second sentence's shapes and head, the first being without cues."""
    frames = [one.frames for one in await spoken((), cues, style=style) if one.frames is not None and len(one.frames)]
    second = 2 * TIMELINE_RATE
    kept = [track.between(second, track.end_sample) for track in frames if track.end_sample > second]
    return np.concatenate([track.weights for track in kept]), np.concatenate([track.head for track in kept])


@pytest.mark.parametrize(("char", "word_starts"), [(0, 0.0), (4, 0.5), (6, 1.0), (7, 1.0), (12, 2.0)])
async def test_a_gesture_begins_with_the_word_after_its_tag(char: int, word_starts: float) -> None:
    plain, _ = await faces(())
    done, _ = await faces((Cue(char, "raise_brows"),))
    brows = (done - plain)[:, INDEX["browOuterUpLeft"]]
    if word_starts >= 2:
        assert np.abs(brows).max() < 1e-3
        return
    first = int(np.flatnonzero(brows > 1e-4)[0]) / 60
    assert word_starts <= first <= word_starts + 0.1


async def test_the_face_is_as_lively_as_asked() -> None:
    _, calm = await faces((Cue(0, "nod"),), Style(0.0))
    _, lively = await faces((Cue(0, "nod"),), Style(1.0))
    assert np.abs(lively).max() > 2 * np.abs(calm).max()


async def test_sound_that_nobody_timed_waits_for_its_frames_and_no_longer() -> None:
    produced = shown = 0
    spoke = await spoken((), ())
    for one in spoke:
        assert one.frames is not None
        assert one.frames.start_sample == shown
        produced, shown = produced + len(one.pcm), one.frames.end_sample
        assert produced <= shown
    assert produced == 4 * TIMELINE_RATE
    waited = 2 * TIMELINE_RATE - len(spoke[0].pcm) - len(spoke[1].pcm)
    assert 0 < waited <= 0.1 * TIMELINE_RATE
