"""A mirror: somebody speaks into a microphone, and the face mimics them. Nothing is recognised, answered or kept."""

import asyncio
import secrets
import time
from collections import deque

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.audio import TIMELINE_RATE, Pcm
from agent.audio.codecs import CodecError, pcm16_to_float
from agent.conversation.stage import Stage
from agent.realtime import events as wire
from agent.realtime import incoming
from agent.realtime.connection import POLICY_VIOLATION
from agent.realtime.events import WireError
from agent.realtime.outbox import Outbox
from agent.realtime.session_config import AvatarRequest
from avatar.behaviour import Behaviour, Style
from avatar.behaviour.repertoire import Repertoire
from avatar.blendshapes import FPS, FaceTrack
from avatar.mirror import MirrorFace

_AT_ONCE = TIMELINE_RATE // 2
"""Samples looked at in one go: what has piled up must not keep a thread for long."""


class Mirror:
    """One client's socket. It may append sound, say where some was lost, and say how lively the face is to be; it is
    told the stage's frames, and those that its sound makes, on the clock of that sound."""

    def __init__(
        self,
        websocket: WebSocket,
        style: Style,
        repertoire: Repertoire,
        *,
        input_seconds: float,
        send_seconds: float,
    ) -> None:
        seed = secrets.randbits(32)
        self._websocket = websocket
        self._style = style
        self._bound = round(input_seconds * TIMELINE_RATE)
        self._outbox = Outbox(websocket.send_text, send_seconds)
        self._face = MirrorFace(seed, style, repertoire)
        self._stage = Stage(time.monotonic(), style, lambda: Behaviour(seed, repertoire=repertoire), self._send)
        self._waiting: deque[Pcm] = deque()
        self._samples = 0
        """24 kHz samples that wait to be heard."""
        self._more = asyncio.Event()

    async def run(self) -> None:
        """Serve an accepted socket until its client leaves or will not read. Raises LipModelError."""
        now = time.monotonic()
        self._send(
            wire.MirrorBegan(
                stage_rate=TIMELINE_RATE,
                stage_now=self._stage.sample(now),
                fps=FPS,
                lookahead_ms=self._face.lookahead_ms,
            )
        )
        self._stage.watch(True, now)
        try:
            async with asyncio.TaskGroup() as tasks:
                reading = incoming.read(self._websocket, self._handle, self._send)
                for work in (self._outbox.run(), reading, self._hear(), self._live()):
                    tasks.create_task(work)
        except* WebSocketDisconnect:
            pass
        except* (TimeoutError, OverflowError):
            await self._websocket.close(POLICY_VIOLATION, "The client does not read what it is sent.")

    def _send(self, event: wire.ServerEvent) -> None:
        self._outbox.put(event.to_json())

    def _handle(self, event: wire.AnyClientEvent) -> None:
        match event:
            case wire.AppendAudio(audio=data):
                self._take(_decoded(data), "audio")
            case wire.InputGap(samples=samples):
                self._bounded(samples, "samples")
                self._take(np.zeros(samples, np.float32), "samples")
            case wire.UpdateSession(session=session):
                self._restyle(session.avatar)
            case _:
                raise WireError(
                    "unsupported_event", f"A mirror does not take {event.type}.", param="type", event_id=event.event_id
                )

    def _restyle(self, wanted: AvatarRequest | None) -> None:
        if wanted is not None:
            self._style = wanted.styled(self._style)
            self._stage.restyle(self._style, time.monotonic())
            self._face.restyle(self._style)

    def _bounded(self, samples: int, param: str) -> None:
        if self._samples + samples > self._bound:
            raise WireError(
                "input_audio_buffer_full",
                f"More than {self._bound / TIMELINE_RATE:.0f} s of sound would wait to be heard: it was not taken.",
                param=param,
            )

    def _take(self, pcm: Pcm, param: str) -> None:
        self._bounded(len(pcm), param)
        self._samples += len(pcm)
        self._waiting.append(pcm)
        self._more.set()

    async def _hear(self) -> None:
        """Turn sound into frames, in a thread, in the order it came."""
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                self._stage.enter("listening", time.monotonic())
                track = await asyncio.to_thread(self._face.push, self._next_piece())
                if len(track):
                    self._send(_frames(track, self._face.heard_samples))

    def _next_piece(self) -> Pcm:
        piece = np.concatenate(self._waiting) if len(self._waiting) > 1 else self._waiting[0]
        self._waiting.clear()
        if len(piece) > _AT_ONCE:
            self._waiting.append(piece[_AT_ONCE:])
            piece = piece[:_AT_ONCE]
        self._samples -= len(piece)
        return piece

    async def _live(self) -> None:
        """The stage's frames, when they are due."""
        while True:
            now = time.monotonic()
            self._stage.tick(now)
            await asyncio.sleep(max(0.0, (self._stage.deadline() or now) - now))


def _decoded(data: bytes) -> Pcm:
    try:
        return pcm16_to_float(data)
    except CodecError:
        raise WireError("invalid_value", "audio: 16-bit sound has an even number of bytes.", param="audio") from None


def _frames(track: FaceTrack, heard: int) -> wire.MirrorFrames:
    return wire.MirrorFrames(
        start_sample=track.start_sample, fps=FPS, count=len(track), data=track.to_base64(), heard_samples=heard
    )
