"""Voices from any server on OpenAI's speech API: Kokoro-FastAPI, Speaches, LocalAI, vLLM, or one in a cloud.

Such a server tells no times, neither of phones nor of words: words are placed as the sound comes, and lips follow the
sound and the text.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from agent.audio import Pcm
from agent.config import SpeechServer
from agent.openai_api import Api, ApiError, Retries, TooSlow
from agent.tts import SpeechChunk, SynthesizerError, Voice
from agent.tts.normalise import normalise
from agent.tts.streamed import SYLLABLE_SECONDS, Trimmer, WordClock
from agent.tts.text.rules import Spoken
from agent.tts.wav_stream import SoundFormatError, SoundReader

if TYPE_CHECKING:
    import httpx2

_PATH = "/audio/speech"
_CHUNK_SECONDS = 0.1
_LONGEST_SECONDS = 90.0
"""Of one sentence, however slowly it is spoken."""
_LEARN = 0.3
_NORMALISED = ("en", "zh")


class OpenAISpeech:
    """A speech server behind `Synthesizer`."""

    name = "openai_speech"

    def __init__(self, server: SpeechServer) -> None:
        self._server = server
        self._api = Api(server, self.name)
        self._names: dict[str, str] = {}
        found = []
        for spec in server.voices:
            name, language, gender = _parts(spec)
            voice_id = f"openai:{name}" if f"openai:{name}" not in self._names else f"openai:{name}:{language}"
            self._names[voice_id] = name
            found.append(Voice(voice_id, name, language, cast(Literal["female", "male", "neutral"], gender), self.name))
        self.voices = tuple(found)
        self._format = "wav" if server.response_format == "wav" else "pcm"
        self._paces: dict[str, float] = {}
        """Seconds a syllable takes, by voice, as heard so far."""

    async def start(self) -> None:
        """Connect, and have the first voice say something. A server that knows no bare samples is asked for WAV."""
        try:
            self._api.open()
            await self._warm_up()
        except ApiError as error:
            raise SynthesizerError(str(error)) from None

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncGenerator[SpeechChunk, None]:
        """One sentence, as it comes. Closing the iterator, or cancelling the task that reads it, hangs up."""
        known = next((one for one in self.voices if one.id == voice), None)
        if known is None:
            raise ValueError(f"unknown voice {voice!r}; known: {', '.join(self._names)}")
        spoken = normalise(text, known.language)
        if not any(char.isalnum() for char in spoken.text):
            return
        deadline = asyncio.get_running_loop().time() + self._server.first_seconds
        retries = Retries(self._server, deadline)
        while True:
            began = False
            try:
                async with aclosing(self._sentence(text, spoken, known, speed, deadline)) as chunks:
                    async for chunk in chunks:
                        began = True
                        yield chunk
                return
            except ApiError as error:
                if began or not await retries.wait(error):
                    raise SynthesizerError(str(error)) from None

    async def stop(self) -> None:
        await self._api.close()

    async def _warm_up(self) -> None:
        if not self.voices:
            raise ApiError("engines.options.openai_speech.voices names no voice")
        voice = self.voices[0]
        words = "你好。" if voice.language.startswith("zh") else "Hello."
        try:
            await self._try(words, voice)
        except ApiError:
            if self._server.response_format != "auto":
                raise
            self._format = "wav"
            await self._try(words, voice)

    async def _try(self, text: str, voice: Voice) -> None:
        deadline = asyncio.get_running_loop().time() + self._server.load_seconds
        try:
            async with aclosing(self._sound(text, voice, 1.0, deadline, private=False)) as pieces:
                async for _ in pieces:
                    pass
        except TooSlow:
            raise self._api.too_slow("has not loaded its model in time", "load_seconds") from None

    async def _sentence(
        self, text: str, spoken: Spoken, voice: Voice, speed: float, deadline: float
    ) -> AsyncGenerator[SpeechChunk, None]:
        written = spoken.text if voice.language.partition("-")[0].lower() in _NORMALISED else text.strip()
        trimmer: Trimmer | None = None
        clock: WordClock | None = None
        rate = 0
        async with aclosing(self._sound(written, voice, speed, deadline)) as pieces:
            async for pcm, rate in pieces:
                if trimmer is None or clock is None:
                    pace = self._paces.get(voice.id, SYLLABLE_SECONDS) / speed
                    trimmer, clock = Trimmer(rate), WordClock(spoken, rate, pace)
                heard = trimmer.push(pcm)
                if len(heard):
                    yield SpeechChunk(heard, rate, (), clock.push(heard))
        if trimmer is None or clock is None or not len(tail := trimmer.flush()):
            raise ApiError(f"{self._server.base_url} sends no sound: check the voice {self._names[voice.id]}")
        yield SpeechChunk(tail, rate, (), clock.finish())
        if (took := clock.syllable_seconds) is not None:
            before = self._paces.get(voice.id, took * speed)
            self._paces[voice.id] = before + _LEARN * (took * speed - before)

    async def _sound(
        self, text: str, voice: Voice, speed: float, deadline: float, *, private: bool = True
    ) -> AsyncGenerator[tuple[Pcm, int], None]:
        """(samples, their rate), in pieces of about _CHUNK_SECONDS."""
        body = {"input": text, "voice": self._names[voice.id], "response_format": self._format, **self._server.body}
        if self._server.model:
            body["model"] = self._server.model
        if speed != 1.0:
            body["speed"] = round(speed, 3)
        reader, seconds = SoundReader(self._server.rate), 0.0
        waiting: list[Pcm] = []
        try:
            async with self._api.call("POST", _PATH, body, deadline, private=private) as response:
                async for data in self._bytes(response, deadline):
                    pcm = reader.push(data)
                    seconds += len(pcm) / reader.rate
                    if seconds > _LONGEST_SECONDS:
                        raise ApiError(f"{self._server.base_url} sends more sound than a sentence has: see that server")
                    waiting.append(pcm)
                    if sum(map(len, waiting)) >= _CHUNK_SECONDS * reader.rate:
                        yield np.concatenate(waiting), reader.rate
                        waiting.clear()
        except SoundFormatError as error:
            raise ApiError(f"{self._server.base_url} {error}: see engines.options.openai_speech") from None
        if waiting:
            yield np.concatenate(waiting), reader.rate

    async def _bytes(self, response: "httpx2.Response", deadline: float) -> AsyncIterator[bytes]:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in (
            "application/json",
            "text/html",
            "audio/mpeg",
            "audio/mp3",
            "audio/ogg",
            "audio/opus",
            "audio/flac",
        ):
            raise SoundFormatError(f"sends {kind}, where {self._format} was asked for")
        async with aclosing(self._api.pieces(response.aiter_bytes(), deadline)) as pieces:
            async for piece in pieces:
                yield piece


def _parts(spec: str) -> tuple[str, str, str]:
    """A voice as the settings name it: name:language:gender."""
    name, _, rest = spec.partition(":")
    language, _, gender = rest.partition(":")
    return name, language or "en", gender or "neutral"
