"""What plays at the client: which item, held or not, and how much of it was heard."""

from typing import Literal

from agent.audio import TIMELINE_RATE
from agent.conversation.context import Context
from agent.conversation.effects import Measure, Skew
from agent.conversation.ledger import Ledger
from agent.conversation.stage import Stage
from agent.realtime import events as wire

Authority = Literal["player", "pacer"]
IN_FLIGHT = 0.3
"""Seconds after a hold's end for which a client may yet say that it stands: it had not heard of it."""
KEPT_LEDGERS = 64
"""Spoken items whose ledgers still take corrections; older ones are final."""


class Playback:
    """The ledgers of the conversation, and the one that plays."""

    def __init__(self, context: Context, stage: Stage) -> None:
        self._context = context
        self._stage = stage
        self._ledgers: dict[str, Ledger] = {}
        self.playing: Ledger | None = None
        self._held_at: float | None = None
        self._resumed_at = -IN_FLIGHT
        self.authority: Authority = "pacer"
        """Who decides what was heard: the pacer's clock until the player reports its own."""

    @property
    def held(self) -> bool:
        """Whether what plays is frozen until it is decided whether somebody interrupts."""
        return self._held_at is not None

    def follow(self, ledger: Ledger) -> None:
        """This is what plays now."""
        self._ledgers[ledger.item_id] = self.playing = ledger
        if len(self._ledgers) > KEPT_LEDGERS:
            oldest = next(iter(self._ledgers))
            ledger = self._ledgers.pop(oldest)
            ledger.truncate(ledger.sent)

    def forget(self, item_id: str) -> None:
        """The item was deleted."""
        self._ledgers.pop(item_id, None)

    def sounding(self, now: float) -> bool:
        """Whether something that has begun to play has not yet been heard to its end."""
        return self.playing is not None and bool(self.playing.anchors) and not self.playing.finished(now)

    def deadline(self) -> float | None:
        """When what plays will have been heard."""
        return self.playing.ends_at() if self.playing is not None else None

    # ------------------------------------------------------------------ interruption
    def hold(self, now: float) -> None:
        """Somebody may be interrupting: freeze what plays."""
        ledger = self.playing
        if ledger is None or ledger.finished(now):
            return
        self._held_at = now
        ledger.hold(now)
        self._context.emit(wire.Hold(item_id=ledger.item_id, content_index=ledger.content_index))

    def resume(self, now: float) -> None:
        """It was a cough: play on from the held sample."""
        if not self.held:
            return
        self.decided(now)
        ledger = self.playing
        if ledger is None:  # a client that was not told of the hold has played it to its end
            return
        self._resumed_at = now
        ledger.start(now, self._stage.sample(now))
        self._context.emit(wire.Resume(item_id=ledger.item_id, content_index=ledger.content_index))

    def decided(self, now: float) -> None:
        """The held reply's fate is known."""
        if self._held_at is not None:
            self._context.do(Measure("decide", now - self._held_at))
            self._held_at = None

    def stop(self, now: float) -> None:
        """Cut off what plays; the history keeps what was heard of it."""
        self._held_at = None
        ledger, self.playing = self.playing, None
        if ledger is None or ledger.finished(now):
            return
        ledger.cut(now)
        item = self._context.history.find(ledger.item_id)
        if item is not None:
            item.status = "incomplete"
        self._context.emit(wire.Stop(item_id=ledger.item_id, content_index=ledger.content_index))

    # ------------------------------------------------------------------ what was heard
    def report(self, event: wire.Playout, now: float) -> None:
        """The player says where its loudspeaker is."""
        ledger = self._ledgers.get(event.item_id)
        if ledger is None:
            return
        self._decides("player")
        if event.playing and not ledger.waits_for_client:
            skew = (event.heard_samples - ledger.pacer.position(now)) / TIMELINE_RATE
            self._context.do(Skew(skew))
        ledger.report(now, event.heard_samples, event.playing)
        if ledger is self.playing and not self.held:
            if event.playing:
                ledger.client_plays(now)
            elif now >= self._resumed_at + IN_FLIGHT:
                ledger.client_stands(now)
        self.anchor(ledger, now, event.playing)

    def player_left(self) -> None:
        """Nobody reports any more."""
        self._decides("pacer")

    def _decides(self, who: Authority) -> None:
        if who != self.authority:
            self.authority = who
            self._context.emit(wire.Authority(authority=who))

    def anchor(self, ledger: Ledger, now: float, playing: bool) -> None:
        """Tie the ledger to the stage clock where it stands now, and tell whoever follows."""
        stage = self._stage.sample(now)
        ledger.anchor(now, stage)
        self._context.emit(
            wire.Anchor(
                item_id=ledger.item_id,
                content_index=ledger.content_index,
                stage_sample=stage,
                item_sample=ledger.heard(now),
                playing=playing,
            )
        )

    def release(self, now: float) -> None:
        """Let go of what was heard to its end, and of sound that nobody will ask for."""
        ledger = self.playing
        if ledger is not None and ledger.finished(now):
            if not ledger.reported:  # whoever follows would think that it still plays
                self.anchor(ledger, now, playing=False)
            self.playing = None
        elif ledger is not None and ledger.complete and ledger.anchors and not self.held:
            self._stage.turn_ends(now + (ledger.produced - ledger.heard(now)) / TIMELINE_RATE)
        for ledger in self._ledgers.values():
            ledger.release(now)
