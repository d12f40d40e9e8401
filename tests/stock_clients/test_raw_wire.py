"""What stock clients leave untried, with a client of our own: G.711 both ways, and every field of a session."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect

from agent.audio import TIMELINE_RATE, Pcm
from agent.audio.codecs import WIRE_RATES, WireDecoder, WireEncoder, WireFormat, pcm16_to_float
from tests.official import validate
from tests.realtime.test_hub import Client
from tests.stock_clients.conftest import Server

G711: tuple[WireFormat, ...] = ("audio/pcmu", "audio/pcma")


class Validating(Client):
    """Validates all it gets against the official types, and takes no error."""

    patience = 40.0

    def check(self, event: dict[str, Any]) -> None:
        validate(event)
        assert event["type"] != "error", event

    async def update(self, **session: Any) -> dict[str, Any]:
        """The session as it was set then."""
        await self.send(type="session.update", session={"type": "realtime", **session})
        updated: dict[str, Any] = (await self.until("session.updated"))["session"]
        return updated

    async def say(self, speech: Pcm, wire_format: WireFormat) -> None:
        """Speech and the silence after it, coded, faster than real time."""
        encoder = WireEncoder(wire_format)
        quiet = np.zeros(2 * TIMELINE_RATE, np.float32)
        for piece in (encoder.encode(np.concatenate([speech, quiet])), encoder.flush()):
            if piece:
                await self.send(type="input_audio_buffer.append", audio=piece)

    async def answer_to(self, text: str, wire_format: WireFormat) -> Pcm:
        """The spoken answer, shape (n,) at 24 kHz."""
        await self.ask(text)
        done = await self.until("response.done")
        assert done["response"]["audio"]["output"]["format"]["type"] == wire_format
        coded = b"".join(
            base64.b64decode(e["delta"]) for e in self.events if e["type"] == "response.output_audio.delta"
        )
        decoder = WireDecoder(wire_format)
        return np.concatenate([decoder.decode_bytes(coded), decoder.flush()])


@asynccontextmanager
async def client(server: Server) -> AsyncIterator[Validating]:
    address = server.url.replace("http", "ws", 1) + "/v1/realtime?model=visavis"
    async with connect(address, subprotocols=["realtime"], max_size=None, max_queue=None) as socket:  # type: ignore[list-item]
        one = Validating(socket)
        await one.until("session.created")
        yield one


@pytest.mark.parametrize("wire_format", G711)
async def test_g711_is_understood(server: Server, speech: Path, wire_format: WireFormat) -> None:
    question = pcm16_to_float((speech / "question.pcm").read_bytes())
    async with client(server) as one:
        audio = {"input": {"format": {"type": wire_format}}}
        assert (await one.update(audio=audio, output_modalities=["text"]))["audio"]["input"]["format"][
            "type"
        ] == wire_format
        await one.say(question, wire_format)
        heard = await one.until("conversation.item.input_audio_transcription.completed")
        assert "open" in heard["transcript"]
        await one.until("response.done")


async def test_g711_is_the_same_speech(server: Server) -> None:
    async def hello(wire_format: WireFormat) -> Pcm:
        async with client(server) as one:
            await one.update(audio={"output": {"format": {"type": wire_format}}})
            return await one.answer_to("Thank you.", wire_format)

    whole, *coded = await asyncio.gather(hello("audio/pcm"), *map(hello, G711))
    for other in coded:
        assert abs(len(other) - len(whole)) <= TIMELINE_RATE / WIRE_RATES["audio/pcmu"] + 1
        n = min(len(other), len(whole))
        assert np.corrcoef(narrow(whole[:n]), other[:n])[0, 1] > 0.95


def narrow(pcm: Pcm) -> Pcm:
    """What of `pcm` 8 kHz can carry."""
    spectrum = np.fft.rfft(pcm)
    spectrum[round(len(pcm) * 3700 / TIMELINE_RATE) :] = 0
    return np.fft.irfft(spectrum, len(pcm)).astype(np.float32)


FIELDS: dict[str, Any] = {
    "instructions": "Be kind.",
    "tracing": {"workflow_name": "visit", "group_id": "7", "metadata": {"room": "12"}},
    "prompt": {"id": "pmpt_1", "version": "2", "variables": {"city": "Harbour"}},
    "include": ["item.input_audio_transcription.logprobs"],
    "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
    "max_output_tokens": 4096,
    "parallel_tool_calls": False,
    "reasoning": {"effort": "low"},
    "tool_choice": "required",
    "tools": [{"type": "function", "name": "look", "description": "Looks.", "parameters": {"type": "object"}}],
    "audio": {
        "input": {
            "noise_reduction": {"type": "near_field"},
            "transcription": {"model": "whisper-1", "language": "en", "prompt": "a museum", "keywords": ["whale"]},
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.6,
                "prefix_padding_ms": 200,
                "silence_duration_ms": 400,
                "idle_timeout_ms": 6000,
                "create_response": False,
                "interrupt_response": False,
            },
        },
        "output": {"speed": 1.25},
    },
}


def covers(whole: Any, part: Any) -> bool:
    """Whether all that is in `part` is in `whole`."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and covers(whole[key], part[key]) for key in part)
    return bool(whole == part)


async def test_every_field_of_a_session_is_echoed(server: Server) -> None:
    async with client(server) as one:
        for name, value in FIELDS.items():
            assert covers(await one.update(**{name: value}), {name: value})
        assert covers(await one.update(), FIELDS)


async def test_null_switches_off_what_can_be_off_and_leaves_the_rest(server: Server) -> None:
    async with client(server) as one:
        await one.update(**FIELDS)
        nothing = await one.update(**dict.fromkeys(FIELDS))
        kept = (
            "instructions",
            "truncation",
            "max_output_tokens",
            "parallel_tool_calls",
            "tools",
            "tool_choice",
            "audio",
        )
        assert covers(nothing, {name: FIELDS[name] for name in kept})
        assert all(nothing[name] is None for name in ("tracing", "prompt", "include", "reasoning"))
        nulls = {"input": dict.fromkeys(FIELDS["audio"]["input"]), "output": {"voice": None, "speed": None}}
        quiet = (await one.update(audio=nulls))["audio"]
        assert (quiet["input"]["turn_detection"], quiet["input"]["noise_reduction"]) == (None, None)
        assert quiet["output"]["speed"] == 1.25


async def test_fields_from_the_future_are_let_pass(server: Server) -> None:
    async with client(server) as one:
        await one.update(shoe_size=44, audio={"input": {"telepathy": True}, "smell": {}})


async def test_who_says_nothing_more_is_gently_asked(server: Server) -> None:
    """The silence is counted in samples: sent at once, it has lasted as long."""
    async with client(server) as one:
        vad = {"type": "server_vad", "idle_timeout_ms": 5000}
        await one.update(output_modalities=["text"], audio={"input": {"turn_detection": vad}})
        content = [{"type": "input_text", "text": "Thank you."}]
        await one.send(type="conversation.item.create", item={"type": "message", "role": "user", "content": content})
        await one.send(type="response.create")
        await one.until("response.done")
        await one.say(np.zeros(4 * TIMELINE_RATE, np.float32), "audio/pcm")
        triggered = await one.until("input_audio_buffer.timeout_triggered")
        assert triggered["audio_end_ms"] - triggered["audio_start_ms"] == pytest.approx(5000, abs=32)
        assert (await one.until("input_audio_buffer.committed"))["item_id"] == triggered["item_id"]
        asked = (await one.until("response.done"))["response"]["output"][0]["content"][0]["text"]
        assert "still there" in asked or "whenever you like" in asked


async def test_words_come_while_they_are_spoken(server: Server, speech: Path) -> None:
    question = pcm16_to_float((speech / "question.pcm").read_bytes())
    async with client(server) as one:
        await one.update(output_modalities=["text"])
        await one.say(question, "audio/pcm")
        completed = await one.until("conversation.item.input_audio_transcription.completed")
        deltas = [e for e in one.events if e["type"] == "conversation.item.input_audio_transcription.delta"]
        assert "".join(delta["delta"] for delta in deltas) == completed["transcript"]
        assert {delta["item_id"] for delta in deltas} == {completed["item_id"]}
