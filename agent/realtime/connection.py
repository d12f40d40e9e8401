"""One websocket: messages in, checked and put where they belong; messages out, in order."""

import asyncio
from contextlib import suppress
from typing import Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from agent.audio import Pcm
from agent.conversation.echo import EchoGate
from agent.conversation.inputs import FaceWanted, FromClient, PlayerCame, PlayerLeft, Tick, Window
from agent.conversation.prosody import Prosody
from agent.realtime import events as wire
from agent.realtime import incoming, inspection
from agent.realtime.events import WireError
from agent.realtime.microphone import Microphone
from agent.realtime.outbox import Outbox
from agent.realtime.recorder import Recorder
from agent.realtime.runner import Listener, Runner
from agent.vad import VoiceDetector

RECORDED = "What is said here is recorded, to find faults."
POLICY_VIOLATION = 1008
TAKEN_OVER = 4409
_GOODBYE = frozenset({1000, 1001, 1012})
"""Close codes of a client that leaves for good, and of our own end. Any other end is a connection that broke."""


class Inviter(Protocol):
    """Makes viewer tokens."""

    def invite(self, runner: Runner) -> wire.Invited: ...


class Seat(Protocol):
    """A conversation's one place for a player."""

    def new_token(self) -> str:
        """A token by which this player may come back; none issued before counts any more. "" where nobody may."""
        ...

    async def renewed_token(self) -> str:
        """Another token, once the last one should be replaced."""
        ...

    @property
    def seconds(self) -> float:
        """How long the seat is kept for one who lost the connection."""
        ...


class Connection:
    """A client's socket. A player talks; a viewer only watches."""

    def __init__(self, websocket: WebSocket, runner: Runner, hears: list[str], send_seconds: float) -> None:
        self.websocket = websocket
        self.runner = runner
        self._hears = hears
        self._outbox = Outbox(websocket.send_text, send_seconds)
        self._code = 0
        self._joined = 0
        self.listener = Listener(self._outbox.put)

    def _send(self, event: wire.ServerEvent) -> None:
        self._outbox.put(event.to_json())

    async def _until_closed(self, *work: "asyncio._CoroutineLike[None]") -> None:
        """Run until the client leaves or will not read."""
        self._joined = self.runner.underway.count
        self.runner.listeners.append(self.listener)
        self.runner.tell(Tick())
        try:
            async with asyncio.TaskGroup() as tasks:
                for one in (self._write(), incoming.read(self.websocket, self.handle, self._send), *work):
                    tasks.create_task(one)
        except* WebSocketDisconnect as left:
            self._code = next(one.code for one in left.exceptions if isinstance(one, WebSocketDisconnect))
        except* (TimeoutError, OverflowError):
            self._code = POLICY_VIOLATION
            await self.websocket.close(POLICY_VIOLATION, "The client does not read what it is sent.")
        finally:
            self.runner.listeners.remove(self.listener)
            watched = any(listener.face for listener in self.runner.listeners)
            self.runner.tell(FaceWanted(watched))

    async def _write(self) -> None:
        """Send what there is. How the client left is for the reader to find out: the writer sees only that it did."""
        try:
            with suppress(WebSocketDisconnect):
                await self._outbox.run()
        except RuntimeError:
            # A conversation that ends closes its viewers' sockets while something for them may still be waiting.
            if self.websocket.application_state is not WebSocketState.DISCONNECTED:
                raise

    def handle(self, event: wire.AnyClientEvent) -> None:
        raise NotImplementedError

    def _watch(self, event: wire.UpdateSession, role: wire.ClientRole) -> None:
        """Give the client the face it asked for."""
        avatar = event.session.avatar
        if avatar is None:
            return
        if not self.listener.face:
            self._describe(role)
            self.listener.face = True
            self.runner.tell(FaceWanted(True))
        if avatar.debug and not self.listener.debug:
            self._look_inside()

    def _look_inside(self) -> None:
        """The guard lets nobody but the owner in with ?debug, so having it is the permission."""
        if "debug" not in self.websocket.query_params:
            raise WireError(
                "debug_not_allowed", "Connect with ?debug, as the owner, to look inside.", param="session.avatar.debug"
            )
        self.listener.debug = True
        inspection.watch(self.runner)

    def _describe(self, role: wire.ClientRole) -> None:
        self._send(self.runner.conversation.describe(self.runner.now(), role, self._hears))


class Player(Connection):
    """The one who speaks and hears, and says what was heard."""

    def __init__(
        self,
        websocket: WebSocket,
        runner: Runner,
        inviter: Inviter,
        detector: VoiceDetector,
        hears: list[str],
        *,
        input_seconds: float,
        send_seconds: float,
        seat: Seat,
        returns: bool = False,
    ) -> None:
        super().__init__(websocket, runner, hears, send_seconds)
        self._inviter = inviter
        self._seat = seat
        self._returns = returns
        self._may_return = asyncio.Event()
        self._taken_over = asyncio.Event()
        self._prosody = Prosody()
        self._echo = EchoGate()
        self._microphone = Microphone(detector, self._window, input_seconds)

    async def run(self) -> None:
        """Serve the client until it leaves, or another takes its seat."""
        if self._returns:
            self._send(wire.SessionCreated(session=self.runner.conversation.session_to_wire()))
        try:
            await self._until_closed(self._microphone.run(), self._until_taken_over(), self._renew_token())
        finally:
            self.runner.tell(PlayerLeft())
        if self._code == TAKEN_OVER:
            with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
                async with asyncio.timeout(1):
                    await self.websocket.close(TAKEN_OVER, "The conversation goes on over another connection.")

    @property
    def dropped(self) -> bool:
        """Whether the connection broke, rather than that the client said goodbye."""
        return self._code not in _GOODBYE

    def give_way(self) -> None:
        """Somebody takes this seat: leave it now."""
        self._taken_over.set()

    async def _until_taken_over(self) -> None:
        await self._taken_over.wait()
        raise WebSocketDisconnect(TAKEN_OVER)

    async def _renew_token(self) -> None:
        """Keep the client able to come back, however long it stays."""
        await self._may_return.wait()
        while True:
            token = await self._seat.renewed_token()
            self._send(wire.ResumeToken(resume_token=token, resume_within_s=self._seat.seconds))

    def _describe(self, role: wire.ClientRole) -> None:
        conversation, now = self.runner.conversation, self.runner.now()
        about = conversation.describe(now, role, self._hears)
        token = self._seat.new_token()
        ours = {"resume_token": token, "resume_within_s": self._seat.seconds} if token else {}
        self._send(about.model_copy(update=ours))
        if token:
            self._may_return.set()
        if self._returns:
            self._send(conversation.resumed(now))
        if any(isinstance(observer, Recorder) for observer in self.runner.observers):
            self._send(wire.Notice(code="recorded", message=RECORDED))

    def _window(self, pcm: Pcm, probability: float) -> None:
        echo = self._echo.hear(pcm, probability, self.runner.conversation.playing, self.runner.now())
        voice = self._prosody.hear(pcm, 0.0 if echo else probability)
        self.runner.tell(Window(pcm, probability, *voice, echo))

    def handle(self, event: wire.AnyClientEvent) -> None:
        self._handle(event)
        if self._returns:  # after its first message, which may ask for the face
            self._returns = False
            self.runner.tell(PlayerCame())

    def _handle(self, event: wire.AnyClientEvent) -> None:
        match event:
            case wire.AppendAudio(audio=data):
                self._microphone.append(data, self.runner.conversation.input_format)
            case wire.InputGap(samples=samples):
                self._microphone.skip(samples)
            case wire.CommitAudio() | wire.ClearAudio():
                self._microphone.mark(lambda: self.runner.tell(FromClient(event)))
            case wire.CreateItem() | wire.CreateResponse() if self._microphone.marked:
                # What a commit still waiting for its sound will add to the conversation comes first.
                self._microphone.mark(lambda: self.runner.tell(FromClient(event)))
            case wire.Invite():
                self._send(self._inviter.invite(self.runner))
            case wire.UpdateSession():
                self.runner.tell(FromClient(event))
                self._watch(event, "player")
            case _:
                self.runner.tell(FromClient(event))


class Viewer(Connection):
    """A second screen: it sees everything, plays nothing and changes nothing."""

    def __init__(self, websocket: WebSocket, runner: Runner, hears: list[str], send_seconds: float) -> None:
        super().__init__(websocket, runner, hears, send_seconds)
        self.listener.sound = False

    async def run(self) -> None:
        """Serve the viewer until it leaves."""
        self._send(wire.SessionCreated(session=self.runner.conversation.session_to_wire()))
        await self._until_closed()

    def handle(self, event: wire.AnyClientEvent) -> None:
        if not isinstance(event, wire.UpdateSession):
            raise WireError("read_only", "A viewer may only ask for the face.", param="type", event_id=event.event_id)
        self._send(wire.SessionUpdated(session=self.runner.conversation.session_to_wire()))
        self._watch(event, "viewer")

    def _describe(self, role: wire.ClientRole) -> None:
        super()._describe(role)
        for event in self.runner.underway.missed(self._joined):
            self._send(event)
