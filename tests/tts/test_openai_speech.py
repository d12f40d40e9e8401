"""The speech engine against a real HTTP server whose sound a test makes; where it must be speech, espeak-ng's."""

import asyncio
import logging
import struct
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from agent.audio import Pcm
from agent.audio.resample import resample
from agent.config import SpeechServer
from agent.tts import SpeechChunk, SynthesizerError, Word
from agent.tts.espeak import EspeakSynthesizer
from agent.tts.openai_speech import OpenAISpeech
from agent.tts.shape import LEAD_SECONDS, TAIL_SECONDS
from agent.tts.voices import REST_SECONDS, Voices
from tests.scripted_http import Connection, Request, Script, ScriptedServer, cut, scripted_server

KEY = "sk-hush-hush-hush"
TEXT = "My name is Ada and I hate figs."
RATE = 24_000
VOICE = "openai:ada"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


def tone(seconds: float, rate: int = RATE) -> Pcm:
    return (0.2 * np.sin(np.arange(round(seconds * rate)) * 0.1)).astype(np.float32)


def samples(pcm: Pcm) -> bytes:
    return (pcm * 32767).astype("<i2").tobytes()


def wav(pcm: Pcm, rate: int, *, size: int = 0xFFFFFFFF, channels: int = 1, kind: int = 1) -> bytes:
    data = samples(np.repeat(pcm, channels)) if kind == 1 else np.repeat(pcm, channels).astype("<f4").tobytes()
    bits = 16 if kind == 1 else 32
    fmt = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    extra = b"LIST" + struct.pack("<I", 5) + b"notes\x00"
    return (
        b"RIFF\xff\xff\xff\xffWAVE" + extra + b"fmt \x10\x00\x00\x00" + fmt + b"data" + struct.pack("<I", size) + data
    )


def sounds(data: bytes, pieces: int = 0, content_type: str = "audio/pcm") -> Script:
    async def script(_: Request, connection: Connection) -> None:
        await connection.head(content_type=content_type)
        for piece in cut(data, pieces):
            await connection.chunk(piece)
        await connection.end()

    return script


def fails(status: int, error: object = None) -> Script:
    async def script(_: Request, connection: Connection) -> None:
        await connection.json({"error": error}, status)

    return script


def hangs_after(data: bytes) -> Script:
    async def script(_: Request, connection: Connection) -> None:
        await connection.head(content_type="audio/pcm")
        await connection.chunk(data)
        await connection.gone.wait()

    return script


def drops_after(data: bytes) -> Script:
    async def script(_: Request, connection: Connection) -> None:
        await connection.head(content_type="audio/pcm")
        await connection.chunk(data)
        connection.drop()

    return script


GOOD = sounds(samples(tone(0.5)))


async def started(server: ScriptedServer, **options: Any) -> OpenAISpeech:
    usual = {
        "model": "m",
        "api_key": KEY,
        "retry_seconds": 0,
        "first_seconds": 60,
        "voices": "ada:en:female, bo:zh:male",
    }
    engine = OpenAISpeech(SpeechServer.model_validate({"base_url": server.base_url, **usual, **options}))
    server.scripts = server.scripts or [GOOD]
    await engine.start()
    server.requests.clear()
    server.connections.clear()
    return engine


async def spoken(engine: OpenAISpeech, text: str = TEXT, voice: str = VOICE, speed: float = 1.0) -> list[SpeechChunk]:
    return [chunk async for chunk in engine.speak(text, voice=voice, speed=speed)]


def sound_of(chunks: list[SpeechChunk]) -> Pcm:
    return np.concatenate([chunk.pcm for chunk in chunks])


def words_of(chunks: list[SpeechChunk]) -> list[Word]:
    return [word for chunk in chunks for word in chunk.words]


async def test_what_is_asked(server: ScriptedServer) -> None:
    engine = await started(server, body={"instructions": "Be kind."})
    await spoken(engine, "It costs €2.", speed=1.25)
    request = server.requests[0]
    assert (request.method, request.path) == ("POST", "/v1/audio/speech")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.json() == {
        "model": "m",
        "voice": "ada",
        "input": "It costs two euros.",
        "response_format": "pcm",
        "speed": 1.25,
        "instructions": "Be kind.",
    }
    await engine.stop()


def test_voices_are_named_by_the_settings() -> None:
    named = SpeechServer(voices=("ada:en-GB:female", "bo", "ada:zh"))
    voices = OpenAISpeech(named).voices
    assert [(v.id, v.name, v.language, v.gender) for v in voices] == [
        ("openai:ada", "ada", "en-GB", "female"),
        ("openai:bo", "bo", "en", "neutral"),
        ("openai:ada:zh", "ada", "zh", "neutral"),
    ]


@pytest.mark.parametrize("pieces", [0, 1001, 77])
@pytest.mark.parametrize(
    "data",
    [
        samples(tone(0.2)),
        wav(tone(0.2), RATE),
        wav(tone(0.2), RATE, size=9600) + b"LIST\x04\x00\x00\x00\xff\x7f\xff\x7f",
        wav(tone(0.2), RATE, channels=2),
        wav(tone(0.2), RATE, kind=3),
    ],
)
async def test_sound_is_the_same_however_it_comes(server: ScriptedServer, data: bytes, pieces: int) -> None:
    engine = await started(server)
    server.answer(sounds(data, pieces))
    chunks = await spoken(engine)
    assert {chunk.rate for chunk in chunks} == {RATE}
    body = sound_of(chunks)[: -round(TAIL_SECONDS * RATE)]
    whole = tone(0.2)
    assert abs(len(body) - len(whole)) < 4  # its edges are nearly silent
    assert np.abs(body[:4000] - whole[1:4001]).max() < 0.03 or np.abs(body[:4000] - whole[:4000]).max() < 0.03
    await engine.stop()


async def test_a_wav_says_its_own_rate(server: ScriptedServer) -> None:
    engine = await started(server)
    server.answer(sounds(wav(tone(0.2, 16_000), 16_000), content_type="audio/wav"))
    assert {chunk.rate for chunk in await spoken(engine)} == {16_000}
    await engine.stop()


async def test_silence_around_a_sentence_goes_and_inside_it_stays(server: ScriptedServer) -> None:
    pause = np.zeros(RATE // 2, np.float32)
    sentence = np.concatenate([pause, tone(0.3), pause, tone(0.3), pause])
    engine = await started(server)
    server.answer(sounds(samples(sentence), 1000))
    pcm = sound_of(await spoken(engine))
    assert len(pcm) / RATE == pytest.approx(LEAD_SECONDS + 0.3 + 0.5 + 0.3 + TAIL_SECONDS, abs=0.01)
    await engine.stop()


async def test_sound_is_passed_on_while_it_comes(server: ScriptedServer) -> None:
    engine = await started(server)
    server.answer(hangs_after(samples(tone(0.5))))
    async with aclosing(engine.speak(TEXT, voice=VOICE)) as chunks:
        assert len((await anext(chunks)).pcm) > 0.09 * RATE
    await server.connections[0].gone.wait()
    await engine.stop()


async def test_words_are_placed_as_the_sound_comes(server: ScriptedServer) -> None:
    """Against what espeak-ng says of its own words. The first sentence teaches the pace, the others are judged."""
    espeak = EspeakSynthesizer(workers=1)
    await espeak.start()
    true: list[Word] = []
    errors: list[list[float]] = []

    async def script(request: Request, connection: Connection) -> None:
        true.clear()
        await connection.head(content_type="audio/pcm")
        async for chunk in espeak.speak(request.json()["input"], voice="espeak:en-us"):
            true.extend(chunk.words)
            for piece in cut(samples(resample(chunk.pcm, chunk.rate, RATE)), 2000):
                await connection.chunk(piece)
        await connection.end()

    server.answer(script)
    engine = await started(server)
    for text in (
        "The museum opens at ten and closes at six.",
        "Tickets cost nine euros, and children come in free.",
        "You will find the whale behind the stairs, on the left.",
    ):
        words = words_of(await spoken(engine, text))
        assert [text[word.start_char : word.end_char] for word in words] == text.replace(",", "").rstrip(".").split()
        assert all(a.start <= b.start for a, b in pairwise(words))
        assert all(word.start <= word.end and word.source == "estimated" for word in words)
        errors.append([abs(a.start - b.start) for a, b in zip(words, true, strict=True)])
    assert np.mean(np.concatenate(errors[1:])) < 0.3
    await engine.stop()
    await espeak.stop()


@pytest.mark.parametrize(
    ("script", "says_what"),
    [
        (fails(401, {"code": "bad_key", "message": TEXT}), "refuses the key (401, bad_key)"),
        (fails(404), "is not there (404): check engines.options.openai_speech.base_url, and that it has the model m"),
        (fails(400, {"message": f"{TEXT} {KEY}"}), "refuses the request (400)"),
        (fails(500), "fails (500)"),
        (sounds(b""), "sends no sound: check the voice ada"),
        (sounds(samples(np.zeros(5000, np.float32))), "sends no sound"),
        (sounds(b"ID3\x03sound", content_type="x/y"), "sends compressed sound"),
        (sounds(b"\xff\xfb", content_type="audio/mpeg"), "sends audio/mpeg, where pcm was asked for"),
        (sounds(wav(tone(0.1), RATE).replace(b"fmt ", b"tmf ")), "a WAV without a format"),
        (sounds(wav(tone(0.1), 3)), "at 3 Hz, which is not known"),
        (sounds(b"RIFF1234WAVELIST\xff\xff\xff\x7f", 3), "a header that is too long"),
        (sounds(samples(tone(100))), "more sound than a sentence has"),
        (drops_after(samples(tone(0.01))), "broke off"),
    ],
)
async def test_failures_are_one_line_that_names_the_address(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture, script: Script, says_what: str
) -> None:
    caplog.set_level(logging.DEBUG)
    engine = await started(server)
    server.answer(script)
    with pytest.raises(SynthesizerError) as error:
        await spoken(engine)
    line = str(error.value)
    assert says_what in line
    assert server.base_url in line
    assert "\n" not in line
    for private in (KEY, TEXT):
        assert private not in line
        assert private not in caplog.text
    await engine.stop()


@pytest.mark.parametrize("failing", [fails(503), fails(429), drops_after(b"")])
async def test_it_is_tried_again_before_the_first_sound(server: ScriptedServer, failing: Script) -> None:
    engine = await started(server)
    server.answer(failing, failing, GOOD)
    assert len(sound_of(await spoken(engine))) > 0.4 * RATE
    assert len(server.requests) == 3
    await engine.stop()


@pytest.mark.parametrize("option", ["first_seconds", "idle_seconds"])
async def test_it_does_not_wait_for_ever(server: ScriptedServer, option: str) -> None:
    engine = await started(server)
    engine._server = engine._api.server = engine._server.model_copy(update={option: 0.5})  # now that it has started
    server.answer(hangs_after(b"" if option == "first_seconds" else samples(tone(0.2))))
    with pytest.raises(SynthesizerError, match="has not answered in time"):
        await spoken(engine)
    await server.connections[0].gone.wait()
    await engine.stop()


async def test_cancelling_the_reader_hangs_up(server: ScriptedServer) -> None:
    engine = await started(server)
    server.asked.clear()
    server.answer(hangs_after(b""))
    task = asyncio.create_task(spoken(engine))
    await server.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await server.connections[0].gone.wait()
    await engine.stop()


async def test_a_server_that_knows_no_bare_samples_is_asked_for_wav(server: ScriptedServer) -> None:
    async def script(request: Request, connection: Connection) -> None:
        if request.json()["response_format"] == "pcm":
            await fails(400)(request, connection)
        else:
            await sounds(wav(tone(0.5), RATE))(request, connection)

    server.answer(script)
    engine = await started(server)
    await spoken(engine)
    assert [request.json()["response_format"] for request in server.requests] == ["wav"]
    await engine.stop()


async def test_the_start_says_in_the_servers_words_what_is_wrong(server: ScriptedServer) -> None:
    server.answer(fails(404, {"message": "no voice ada"}))
    with pytest.raises(SynthesizerError, match=r"is not there \(404, no voice ada\)"):
        await started(server)


async def first(voices: Voices, text: str) -> SpeechChunk:
    """The first chunk, the others being listened to as well."""
    chunks = [chunk async for chunk in voices.speak(text, voice=VOICE)]
    return chunks[0]


async def test_the_embedded_voice_takes_over_at_the_sentence(server: ScriptedServer) -> None:
    now = [0.0]
    engine = OpenAISpeech(
        SpeechServer(base_url=server.base_url, voices=("ada:en:female",), retries=0, first_seconds=60)
    )
    voices = Voices([engine, EspeakSynthesizer(workers=1)], required=("openai_speech",), clock=lambda: now[0])
    server.answer(GOOD)
    await voices.start()
    assert not (await first(voices, "One.")).phones
    server.answer(fails(500))
    assert (await first(voices, "Two.")).phones
    asked = len(server.requests)
    server.answer(GOOD)
    assert (await first(voices, "Three.")).phones
    assert len(server.requests) == asked  # it rests
    now[0] += REST_SECONDS
    assert not (await first(voices, "Four.")).phones
    await voices.stop()


async def test_what_cannot_be_said_is_not_asked_for(server: ScriptedServer) -> None:
    engine = await started(server)
    assert await spoken(engine, " … ") == []
    assert server.requests == []
    with pytest.raises(ValueError, match="unknown voice 'eve'; known: openai:ada, openai:bo"):
        await spoken(engine, voice="eve")
    await engine.stop()
