"""One reply being made: the dialogue engine's text, the synthesiser's sound, and the face that goes with it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import aclosing

import numpy as np

from agent.audio import TIMELINE_RATE, Pcm
from agent.audio.resample import Resampler
from agent.conversation.effects import Speak, Think
from agent.conversation.inputs import Input, SentenceEnded, Spoke, Thought, ThoughtEnded
from agent.conversation.ledger import SpokenPhone, SpokenWord
from agent.llm import DialogueEngine, DialogueError
from agent.realtime.pronouncing import Pronouncing
from agent.tts import Phone, SpeechChunk, Synthesizer, SynthesizerError, Word
from avatar.behaviour import Style
from avatar.behaviour.cues import Cue
from avatar.behaviour.repertoire import Repertoire
from avatar.blendshapes import FaceTrack
from avatar.lipsync import Pronunciation
from avatar.reply_face import ReplyFace

ROOM_SECONDS = 0.05
"""How often a dialogue engine that is far ahead of the voice looks whether there is room for more of its text."""


class ReplyMaker:
    """Makes one reply. `tell` gets its inputs; `has_room` says whether its text may run on; `with_face`, whether
    anybody watches, `style` how lively the face is, `repertoire` what it can do, and `pronouncing` what helps the lips
    of a voice without phones."""

    def __init__(
        self,
        generation: int,
        dialogue: DialogueEngine,
        synthesizer: Synthesizer,
        tell: Callable[[Input], None],
        *,
        with_face: bool,
        style: Style | None = None,
        repertoire: Repertoire | None = None,
        pronouncing: Pronouncing | None = None,
        has_room: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self._generation = generation
        self._dialogue = dialogue
        self._synthesizer = synthesizer
        self._tell = tell
        self._pronouncing = pronouncing
        self._has_room = has_room
        self.face = ReplyFace(seed=generation, style=style, repertoire=repertoire) if with_face else None
        self._produced = 0
        self._waiting: Pcm = np.zeros(0, np.float32)
        """The end of what was produced, whose frames need to hear more."""
        self._tasks: set[asyncio.Task[None]] = set()

    def think(self, order: Think) -> None:
        self._start(self._think(order))

    def speak(self, order: Speak) -> None:
        self._start(self._speak(order))

    def abandon(self) -> None:
        """Stop at once; the engines are freed by the cancellation."""
        for task in self._tasks:
            task.cancel()

    def _start(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _think(self, order: Think) -> None:
        error = None
        try:
            async with aclosing(self._dialogue.reply(order.prompt)) as deltas:  # type: ignore[type-var]
                async for delta in deltas:
                    self._tell(Thought(self._generation, delta))
                    while not self._has_room(self._generation):  # noqa: ASYNC110 -- the conversation signals nothing
                        await asyncio.sleep(ROOM_SECONDS)
        except DialogueError as failure:
            error = str(failure)
        self._tell(ThoughtEnded(self._generation, error))

    async def _speak(self, order: Speak) -> None:
        error = None
        try:
            await self._speak_sentence(order)
        except SynthesizerError as failure:
            error = str(failure)
        await self._pass_on_waiting(order)
        self._tell(SentenceEnded(self._generation, order.index, error))

    async def _speak_sentence(self, order: Speak) -> None:
        """Rebase the engine's sound and times onto the item's timeline, once, here."""
        start = self._produced
        resampler: Resampler | None = None
        text = order.text
        cues = deque(order.cues)
        pronouncing = self._pronouncing if self.face is not None else None
        begun = pronouncing.begin(self._synthesizer, order.voice, order.text) if pronouncing else None
        chunks = self._synthesizer.speak(order.text, voice=order.voice, speed=order.speed)
        async with aclosing(chunks) as speech:  # type: ignore[type-var]
            async for chunk in speech:
                if resampler is None:
                    resampler = Resampler(chunk.rate, TIMELINE_RATE)
                    if pronouncing is not None and not chunk.phones:
                        self._expect(await pronouncing.of(begun, self._synthesizer, order.voice, order.text))
                self._cue(cues, chunk.words, start)
                await self._pass_on(order, chunk, resampler.process(chunk.pcm), start, text)
                text = ""
        if resampler is not None:
            tail = SpeechChunk(np.zeros(0, np.float32), TIMELINE_RATE)
            await self._pass_on(order, tail, resampler.flush(), start, "")
        for cue in cues:  # no word is known to stand after them
            self._express(cue, self._produced)

    def _expect(self, pronunciation: Pronunciation | None) -> None:
        if self.face is not None:
            self.face.expect(pronunciation)

    def _cue(self, cues: deque[Cue], words: Sequence[Word], start: int) -> None:
        """Let the face do what stands before or in these words of the sentence that began at `start`."""
        for word in words:
            while cues and cues[0].char < word.end_char:
                self._express(cues.popleft(), start + _samples(word.start))

    def _express(self, cue: Cue, at_sample: int) -> None:
        if self.face is not None:
            self.face.express(cue.name, at_sample)

    async def _pass_on(self, order: Speak, chunk: SpeechChunk, pcm: Pcm, start: int, text: str) -> None:
        if not len(pcm) and not chunk.words and not chunk.phones:
            return
        frames = await self._frames(chunk.phones, pcm, start, text) if self.face is not None else None
        self._produced += len(pcm)
        sound = self._with_frames(pcm, frames)
        words = tuple(
            SpokenWord(
                word.start_char, word.end_char, start + _samples(word.start), start + _samples(word.end), word.source
            )
            for word in chunk.words
        )
        phones = tuple(
            SpokenPhone(phone.symbol, start + _samples(phone.start), start + _samples(phone.end))
            for phone in chunk.phones
        )
        if len(sound) or words or phones or (frames is not None and len(frames)):
            self._tell(Spoke(self._generation, order.index, sound, words, phones, frames))

    def _with_frames(self, pcm: Pcm, frames: FaceTrack | None) -> Pcm:
        """The sound that may leave now that `pcm` was produced: sound waits for its frames."""
        if frames is None:
            return pcm
        sound = np.concatenate([self._waiting, pcm])
        waits = min(max(0, self._produced - frames.end_sample), len(sound))
        self._waiting = sound[len(sound) - waits :]
        return sound[: len(sound) - waits]

    async def _pass_on_waiting(self, order: Speak) -> None:
        """The sentence is over: what waits needs to hear no more."""
        face = self.face
        if face is None:
            return

        def compute() -> FaceTrack:
            face.end()
            return face.frames(self._produced)

        frames = await asyncio.to_thread(compute)
        sound, self._waiting = self._waiting, np.zeros(0, np.float32)
        if len(sound) or len(frames):
            self._tell(Spoke(self._generation, order.index, sound, (), (), frames))

    async def _frames(self, phones: tuple[Phone, ...], pcm: Pcm, start: int, text: str) -> FaceTrack:
        """The frames that are known now, at most to the end of this piece. Phones' times count from the sentence's
        first sample."""
        face = self.face
        assert face is not None
        at = self._produced
        shift = (start - at) / TIMELINE_RATE
        here = [Phone(phone.symbol, phone.start + shift, phone.end + shift) for phone in phones]

        def compute() -> FaceTrack:
            face.add(here, pcm, at, text)
            return face.frames(at + len(pcm))

        return await asyncio.to_thread(compute)


def _samples(seconds: float) -> int:
    return round(seconds * TIMELINE_RATE)
