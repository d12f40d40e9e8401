"""All conversations of one server, the engines they share, and who may join which."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from starlette.websockets import WebSocket, WebSocketDisconnect

import agent.asr
import agent.llm
import agent.tts
import agent.vad
from agent.config import ConfigError, Settings
from agent.conversation.bounds import INPUT_TOKENS, room_for_messages
from agent.conversation.context import ConversationSettings
from agent.conversation.session import Conversation
from agent.conversation.turns import TurnSettings
from agent.llm import DialogueEngine
from agent.realtime import traces
from agent.realtime.connection import Player, Viewer
from agent.realtime.events import Invited, WireError
from agent.realtime.recorder import Recorder, check_folder
from agent.realtime.recording_codec import RecordingError
from agent.realtime.runner import Engines, Runner
from agent.realtime.seats import Seat, Seats
from agent.realtime.session_config import Audio, InputAudio, SemanticVad, SessionConfig
from avatar.behaviour import Behaviour, Style
from avatar.behaviour.repertoire import read_changes

log = logging.getLogger(__name__)
E = TypeVar("E")

INVITE_SECONDS = 300
"""A viewer token that nobody has used is good for so long."""
VIEWER_SECONDS = 3600
"""From its first use on it is good for so long, to one viewer at a time; then that one must leave."""
NOT_VALID = 4401
TRY_LATER = 1013

NOT_CAUGHT = {
    "en": "Sorry, I didn't catch that. Could you say it again?",
    "zh": "不好意思，我没听清，请再说一遍好吗？",
}


@dataclass(slots=True)
class _Invitation:
    runner: Runner
    expires: float
    used: bool = False
    viewer: Viewer | None = None


class Hub:
    """Made once a server. `start` loads and warms the engines; `serve` holds one client's conversation."""

    def __init__(self, settings: Settings, engines: Engines | None = None) -> None:
        self.settings = settings
        self._behaviour = read_changes(settings.avatar.behaviour)
        self._engines = engines or load_engines(settings)
        self._invitations: dict[str, _Invitation] = {}
        self._runners: set[Runner] = set()
        self._traces = traces.load(settings)
        self._seats = Seats(settings.limits.resume_seconds)

    async def start(self) -> None:
        if self.settings.recording.folder is not None:
            check_folder(self.settings.recording.folder)
        engines = self._engines
        _check_instructions(self.settings, engines)
        async with asyncio.TaskGroup() as starting:
            starting.create_task(engines.recognizer.start())
            starting.create_task(engines.dialogue.start())
            starting.create_task(engines.synthesizer.start())
        known = [voice.id for voice in engines.synthesizer.voices]
        if self.settings.voice.name not in ("auto", *known):
            raise ConfigError(
                f"voice.name: there is no voice {self.settings.voice.name}; there are: {', '.join(known)}"
            )

    async def stop(self) -> None:
        for runner in list(self._runners):
            runner.close()
        if self._traces is not None:
            await asyncio.to_thread(self._traces.close)
        engines = self._engines
        stopping = (engines.recognizer, engines.dialogue, engines.synthesizer, engines.pronouncing)
        await asyncio.gather(*(engine.stop() for engine in stopping))

    async def serve(self, websocket: WebSocket, *, model: str | None, viewer: str | None) -> None:
        """Hold the conversation of an accepted socket until its client has left, for good if it may come back."""
        if viewer is not None:
            await self._serve_viewer(websocket, viewer)
            return
        runner = self._new_runner(model)
        seat = Seat(self._seats, runner)
        self._runners.add(runner)
        try:
            await seat.sit(self._player(websocket, seat))
            with suppress(asyncio.CancelledError):  # the server ends while a seat is kept
                await seat.until_left()
        finally:
            self._seats.forget(seat)
            self._runners.discard(runner)
            await self._end_viewers(runner)
            runner.close()

    async def resume(self, websocket: WebSocket, token: str) -> None:
        """Go on with the conversation that `token` is for, over an accepted socket, until this client leaves."""
        seat = self._seats.claim(token)
        if seat is None:
            await websocket.close(NOT_VALID, "The conversation is over: begin a new one.")
            return
        await seat.sit(self._player(websocket, seat, returns=True))

    def _player(self, websocket: WebSocket, seat: Seat, *, returns: bool = False) -> Player:
        limits = self.settings.limits
        return Player(
            websocket,
            seat.runner,
            self,
            agent.vad.load(),
            list(self._engines.recognizer.languages),
            input_seconds=limits.input_seconds,
            send_seconds=limits.send_seconds,
            seat=seat,
            returns=returns,
        )

    def _new_runner(self, model: str | None) -> Runner:
        settings = replace(conversation_settings(self.settings, self._engines, model), behaviour=self._behaviour)
        seed, now = secrets.randbits(32), time.monotonic()
        recorder = self._recorder()
        if recorder is not None:
            settings = recorder.begin(settings)
        conversation = Conversation(settings, lambda: Behaviour(seed, repertoire=settings.repertoire), now)
        runner = Runner(conversation, self._engines, time.monotonic)
        if recorder is not None:
            try:
                recorder.began(settings, now, seed)
                runner.observers.append(recorder)
            except RecordingError as error:
                log.warning("%s; this conversation is not recorded", error)
        if self._traces is not None:
            runner.observers.append(self._traces.watch(str(conversation.session_to_wire()["id"])))
        return runner

    def _recorder(self) -> Recorder | None:
        """What records a new conversation, where the owner wants it."""
        recording, names = self.settings.recording, self.settings.engines
        if recording.folder is None:
            return None
        engines = {"asr": names.asr, "llm": ", ".join(names.llm), "tts": names.tts}
        return Recorder(recording.folder, recording.megabytes * 2**20, engines)

    # ------------------------------------------------------------------ viewers
    def invite(self, runner: Runner) -> Invited:
        """A token by which one may follow this conversation: see INVITE_SECONDS and VIEWER_SECONDS."""
        now = time.monotonic()
        self._invitations = {token: one for token, one in self._invitations.items() if one.expires > now}
        token = secrets.token_urlsafe(16)
        self._invitations[token] = _Invitation(runner, now + INVITE_SECONDS)
        runner.followed = True
        return Invited(viewer_token=token, path=f"/stage?viewer={token}", expires_in_s=INVITE_SECONDS)

    def admits_viewer(self, token: str) -> bool:
        """Whether `token` lets somebody follow a conversation now."""
        invitation = self._invitations.get(token)
        return invitation is not None and invitation.expires > time.monotonic()

    async def _serve_viewer(self, websocket: WebSocket, token: str) -> None:
        if not self.admits_viewer(token):
            await websocket.close(NOT_VALID, "The viewer token is not valid any more: ask for a new one.")
            return
        invitation = self._invitations[token]
        limits = self.settings.limits
        if invitation.viewer is not None:
            await websocket.close(TRY_LATER, "Somebody follows by this viewer token: ask for another.")
            return
        if len(self._viewers(invitation.runner)) >= limits.followers:
            await websocket.close(TRY_LATER, "As many follow this conversation as may.")
            return
        viewer = Viewer(websocket, invitation.runner, list(self._engines.recognizer.languages), limits.send_seconds)
        if not invitation.used:
            invitation.used, invitation.expires = True, time.monotonic() + VIEWER_SECONDS
        invitation.viewer = viewer
        try:
            async with asyncio.timeout(invitation.expires - time.monotonic()):
                await viewer.run()
        except TimeoutError:
            with suppress(WebSocketDisconnect, RuntimeError):
                await websocket.close(NOT_VALID, "The viewer token is not valid any more: ask for a new one.")
        finally:
            invitation.viewer = None

    def _viewers(self, runner: Runner) -> list[Viewer]:
        """Who follows this conversation."""
        return [one.viewer for one in self._invitations.values() if one.runner is runner and one.viewer is not None]

    async def _end_viewers(self, runner: Runner) -> None:
        viewers = self._viewers(runner)
        self._invitations = {token: one for token, one in self._invitations.items() if one.runner is not runner}
        for viewer in viewers:
            await viewer.websocket.close(1000, "The conversation is over.")

    # ------------------------------------------------------------------ about
    def info(self) -> dict[str, Any]:
        """What the page can offer."""
        engines, settings = self._engines, self.settings
        voices = [
            {"id": voice.id, "name": voice.name, "language": voice.language, "gender": voice.gender}
            for voice in engines.synthesizer.voices
        ]
        return {
            "title": "Visavis",
            "voices": voices,
            "default_voice": _default_voices(settings, engines).get(settings.language, ""),
            "language": settings.language,
            "languages": sorted({voice["language"].split("-")[0] for voice in voices}),
            "hears": list(engines.recognizer.languages),
            "engines": {
                "asr": engines.recognizer.name,
                "llm": engines.dialogue.name,
                "tts": engines.synthesizer.name,
            },
            "hints": agent.tts.hints(settings.engines.tts),
        }


def load_engines(settings: Settings) -> Engines:
    """The engines that the settings name, not yet started. Raises ConfigError when one's options are wrong."""
    names = settings.engines
    return Engines(
        _load(agent.asr.load, settings, names.asr),
        _load_dialogue(settings),
        _load(partial(agent.tts.load, openai_speech=names.options.openai_speech), settings, names.tts, "espeak"),
    )


def _load_dialogue(settings: Settings) -> DialogueEngine:
    names, options = settings.engines.llm, settings.engines.options
    try:
        return agent.llm.load(*names, openai=options.openai, **settings.knowledge.model_dump(), **options.grounded)
    except TypeError as error:
        raise ConfigError(f"engines.options.grounded: {str(error).rpartition('() ')[2]}") from None


def _load(load: Callable[..., E], settings: Settings, name: str, options_of: str | None = None) -> E:
    """`options_of`: the engine whose options count, where it is not the one that is named."""
    options = getattr(settings.engines.options, options_of or name)
    try:
        return load(name, **options)
    except (TypeError, ValueError) as error:
        wrong = str(error).rpartition("() ")[2]
        raise ConfigError(f"engines.options.{options_of or name}: {wrong}") from None


def _default_voices(settings: Settings, engines: Engines) -> dict[str, str]:
    """The default voice of each language: the owner's choice, else the first, since voices come best first."""
    voices: dict[str, str] = {}
    known = sorted(engines.synthesizer.voices, key=lambda voice: voice.id != settings.voice.name)
    for voice in known:
        voices.setdefault(voice.language.split("-")[0], voice.id)
    return voices


def conversation_settings(settings: Settings, engines: Engines, model: str | None) -> ConversationSettings:
    """What a new conversation begins with."""
    detection = settings.turn_detection
    listening = SemanticVad(
        type="semantic_vad",
        create_response=detection.create_response,
        interrupt_response=detection.interrupt_response,
    )
    config = SessionConfig(
        model=model or "visavis",
        instructions=settings.instructions,
        audio=Audio(input=InputAudio(turn_detection=listening)),
    )
    return ConversationSettings(
        config=config,
        turns=TurnSettings(
            threshold=detection.threshold,
            silence_ms=detection.silence_duration_ms,
            patience=detection.patience,
            prefix_ms=detection.prefix_padding_ms,
        ),
        language=settings.language,
        voices=_default_voices(settings, engines),
        known_voices=frozenset(voice.id for voice in engines.synthesizer.voices),
        greeting=agent.llm.greetings(settings.knowledge.folder),
        not_caught=NOT_CAUGHT,
        min_confidence=engines.recognizer.min_confidence,
        hears=engines.recognizer.languages,
        input_tokens=_input_tokens(settings, engines),
        idle_prompt_seconds=settings.conversation.idle_prompt_seconds,
        style=Style(settings.avatar.liveliness),
    )


def _input_tokens(settings: Settings, engines: Engines) -> int:
    """The owner's choice, else what the dialogue engine takes, as its attribute of that name says."""
    wanted = settings.conversation.input_tokens
    return wanted or getattr(engines.dialogue, "input_tokens", None) or INPUT_TOKENS


def _check_instructions(settings: Settings, engines: Engines) -> None:
    """Raises ConfigError when the owner's instructions leave too little room in a prompt."""
    try:
        room_for_messages(_input_tokens(settings, engines), settings.instructions, (), ("session", "session"))
    except WireError as error:
        raise ConfigError(f"instructions: {error.message}") from None
