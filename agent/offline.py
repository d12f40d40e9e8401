"""The conversation without a browser: a recorded question in, a spoken answer and its face out, as files."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

import agent.asr
from agent.asr import Hypothesis, Recognizer
from agent.audio import TIMELINE_RATE, Pcm
from agent.config import Settings
from agent.conversation.clauses import HAN
from agent.conversation.effects import Speak
from agent.conversation.inputs import Input, SentenceEnded, Spoke
from agent.conversation.wording import Sentence, Wording
from agent.llm import DialogueEngine, Message, Prompt, TextDelta
from agent.realtime.hub import NOT_CAUGHT, load_engines
from agent.realtime.reply_maker import ReplyMaker
from agent.realtime.runner import Engines
from agent.tts import SynthesizerError, Voice
from avatar.behaviour import Behaviour, Style, lay_over
from avatar.behaviour.repertoire import Repertoire, read_changes, with_changes
from avatar.blendshapes import FaceTrack
from avatar.lipsync import Lips, Source
from avatar.lipsync.heard import hear
from avatar.reply_face import ReplyFace

_STAGE_SEED = 7
"""Of the courses that blinks and glances may take, one whose first seconds are like the average: files are short."""
Progress = Callable[[str], None]
"""Is told what is being done now."""


class UnknownVoiceError(ValueError):
    """There is no such voice; the message names those there are."""


class CannotHearError(ValueError):
    """The recogniser does not understand the language; the message names those that it does."""


class NothingToSayError(ValueError):
    """There is nothing in the text that could be spoken."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Spoken text. pcm: shape (n,) at 24 kHz. face: its frames, from the first sample to the last. visemes: the Oculus
    viseme said at each."""

    pcm: Pcm = field(repr=False)
    face: FaceTrack = field(repr=False)
    visemes: tuple[str, ...] = field(repr=False)
    source: Source = "timed"
    lookahead_ms: int = 0

    @property
    def seconds(self) -> float:
        return len(self.pcm) / TIMELINE_RATE


@dataclass(frozen=True, slots=True)
class Answer:
    """A recorded question, answered. heard: the words, even where they were too doubtful to be answered.
    timings_ms: how long each stage took, in the order they ran."""

    heard: str
    reply: str
    speech: Speech
    timings_ms: dict[str, float]


class Startable(Protocol):
    """An engine, as far as its life goes."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class _Stopwatch:
    """Milliseconds from lap to lap."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._began = self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round((now - self._last) * 1e3, 1)
        self._last = now

    def total(self) -> dict[str, float]:
        return {**self.laps, "total": round((time.perf_counter() - self._began) * 1e3, 1)}


async def answer(settings: Settings, question: Pcm, progress: Progress) -> Answer:
    """Hear `question` (shape (n,), at agent.asr.RATE), answer it and speak the answer. What cannot be understood is
    asked for again, never guessed at. Raises the engines' errors, CannotHearError and UnknownVoiceError."""
    engines = load_engines(settings)
    hears = engines.recognizer.languages
    if settings.language not in hears:
        raise CannotHearError(
            f"language = {settings.language}: {engines.recognizer.name} understands {', '.join(hears)} only"
        )
    watch = _Stopwatch()
    progress("Starting the engines")
    async with _running(engines.recognizer, engines.dialogue, engines.synthesizer):
        watch.lap("start")
        progress("Hearing the question")
        heard = await _hear(engines.recognizer, question)
        watch.lap("hear")
        progress("Finding the answer")
        understood = heard.text and heard.confidence >= engines.recognizer.min_confidence
        text = await _think(engines.dialogue, settings, heard.text) if understood else NOT_CAUGHT[settings.language]
        watch.lap("think")
        progress("Speaking the answer")
        sentences = _worded(settings, text)
        speech = await _speak(engines, settings, sentences)
        watch.lap("speak")
    return Answer(heard.text, "".join(text for text, _ in sentences).strip(), speech, watch.total())


async def say(settings: Settings, text: str, progress: Progress) -> Speech:
    """Speak `text`. Raises SynthesizerError, NothingToSayError and UnknownVoiceError."""
    engines = load_engines(settings)
    progress("Starting the voice")
    async with _running(engines.synthesizer):
        progress("Speaking")
        return await _speak(engines, settings, _worded(settings, text))


async def voices(settings: Settings) -> tuple[Voice, ...]:
    """The voices that the settings' synthesiser has."""
    synthesizer = load_engines(settings).synthesizer
    async with _running(synthesizer):
        return synthesizer.voices


async def face_of(pcm: Pcm, text: str, language: str = "en", *, streaming: bool = False) -> Speech:
    """The face that belongs to recorded speech: `pcm` has shape (n,) at 24 kHz, `text` is what is said, or "" where
    that is not known. `streaming`: as if it came from a microphone, with no more look-ahead than a conversation has.
    Raises LipModelError and PronunciationError."""
    face = ReplyFace(Lips() if streaming else Lips(lag=None))
    track = await hear(face, pcm, text, language, packet=TIMELINE_RATE // 50 if streaming else len(pcm))
    speech = _speech(pcm, track, face)
    return speech if streaming else replace(speech, lookahead_ms=0)


def choose_voice(settings: Settings, available: Iterable[Voice], text: str) -> str:
    """The id of the voice that the settings name; of "auto", the first that speaks the language of `text`. Raises
    UnknownVoiceError."""
    by_id = {voice.id: voice for voice in available}
    if settings.voice.name in by_id:
        return settings.voice.name
    if settings.voice.name != "auto":
        raise UnknownVoiceError(f"there is no voice {settings.voice.name}; there are: {', '.join(by_id)}")
    language = "zh" if HAN.search(text) else settings.language
    for voice in by_id.values():
        if voice.language.split("-")[0] == language:
            return voice.id
    raise UnknownVoiceError(f"no voice speaks {language}; there are: {', '.join(by_id)}")


@asynccontextmanager
async def _running(*engines: Startable) -> AsyncIterator[None]:
    try:
        await asyncio.gather(*(engine.start() for engine in engines))
        yield
    finally:
        await asyncio.gather(*(engine.stop() for engine in engines), return_exceptions=True)


async def _hear(recognizer: Recognizer, pcm: Pcm) -> Hypothesis:
    utterance = await recognizer.listen()
    try:
        for start in range(0, len(pcm), agent.asr.RATE):
            await utterance.feed(pcm[start : start + agent.asr.RATE])
        return await utterance.refine()
    finally:
        await utterance.close()


async def _think(dialogue: DialogueEngine, settings: Settings, heard: str) -> str:
    prompt = Prompt((Message("user", heard),), instructions=settings.instructions, language=settings.language)
    text = [delta.text async for delta in dialogue.reply(prompt) if isinstance(delta, TextDelta)]
    return "".join(text).strip()


def _repertoire(settings: Settings) -> Repertoire:
    return with_changes(read_changes(settings.avatar.behaviour))


def _worded(settings: Settings, text: str) -> list[Sentence]:
    wording = Wording(_repertoire(settings))
    plain = wording.read(text) + wording.rest()
    return [*wording.push(plain), *wording.flush()]


async def _speak(engines: Engines, settings: Settings, sentences: list[Sentence]) -> Speech:
    """Speak sentence by sentence, as a conversation does."""
    voice = choose_voice(settings, engines.synthesizer.voices, "".join(text for text, _ in sentences))
    style = Style(settings.avatar.liveliness)
    made = _Made()
    maker = ReplyMaker(
        0,
        engines.dialogue,
        engines.synthesizer,
        made.tell,
        with_face=True,
        style=style,
        repertoire=_repertoire(settings),
        pronouncing=engines.pronouncing,
    )
    try:
        for index, (text, cues) in enumerate(sentences):
            maker.speak(Speak(0, index, text, voice, settings.voice.speed, cues))
            await made.sentence()
    finally:
        maker.abandon()
        await engines.pronouncing.stop()
    assert maker.face is not None
    pcm, track = made.speech()
    return _speech(pcm, track, maker.face, _repertoire(settings))


def _speech(pcm: Pcm, reply: FaceTrack, face: ReplyFace, repertoire: Repertoire | None = None) -> Speech:
    """The reply's frames over the stage's: a file has nobody else to blink for it."""
    stage = Behaviour(_STAGE_SEED, repertoire=repertoire)
    stage.set_mood("speaking", 0)
    stage.turn_ends(reply.end_sample)
    seen = lay_over(stage.frames(reply.end_sample), reply)
    return Speech(pcm, seen, tuple(face.visemes(0, reply.end_sample)), face.source, face.lookahead_ms)


class _Made:
    """Collects what a ReplyMaker makes. Bounded by the text: one sentence is asked for after the other."""

    def __init__(self) -> None:
        self._pcm: list[Pcm] = []
        self._face: list[FaceTrack] = []
        self._error: str | None = None
        self._ended = asyncio.Event()

    def tell(self, what: Input) -> None:
        match what:
            case Spoke(pcm=pcm, frames=frames):
                self._pcm.append(pcm)
                if frames is not None:
                    self._face.append(frames)
            case SentenceEnded(error=error):
                self._error = error
                self._ended.set()

    async def sentence(self) -> None:
        """Wait for the end of the sentence. Raises SynthesizerError."""
        await self._ended.wait()
        self._ended.clear()
        if self._error is not None:
            raise SynthesizerError(self._error)

    def speech(self) -> tuple[Pcm, FaceTrack]:
        if not self._pcm:
            raise NothingToSayError("there is nothing in the text that could be spoken")
        face = FaceTrack(
            0,
            np.concatenate([track.weights for track in self._face]),
            np.concatenate([track.head for track in self._face]),
            np.concatenate([track.gaze for track in self._face]),
        )
        return np.concatenate(self._pcm), face
