"""Who sits at a conversation: one player at a time, and who lost the connection may come back for a while."""

import asyncio
import secrets
import time

from agent.realtime.connection import Player
from agent.realtime.runner import Runner

TOKEN_SECONDS = 3600.0
"""A player that stays is given a new token after so long. The one before is good for as long again as a seat is kept,
since the new one may be lost on its way."""


class Seat:
    """One conversation's place for a player."""

    def __init__(self, seats: "Seats", runner: Runner) -> None:
        self.runner = runner
        self.tokens: set[str] = set()
        self._seats = seats
        self._player: Player | None = None
        self._lock = asyncio.Lock()
        self._changed = asyncio.Event()
        self._coming = 0
        self._dropped = False

    @property
    def seconds(self) -> float:
        """How long it is kept for one who lost the connection."""
        return self._seats.seconds

    def new_token(self) -> str:
        """See connection.Seat."""
        self._seats.forget(self)
        return self._seats.issue(self)

    async def renewed_token(self) -> str:
        """See connection.Seat."""
        await asyncio.sleep(TOKEN_SECONDS)
        return self._seats.issue(self)

    async def sit(self, player: Player) -> None:
        """Let `player` play until it leaves; whoever sits there gives way."""
        self._coming += 1
        self._changed.set()
        try:
            if self._player is not None:
                self._player.give_way()
            async with self._lock:
                self._player = player
                try:
                    await player.run()
                finally:
                    self._player, self._dropped = None, player.dropped
        finally:
            self._coming -= 1
            self._changed.set()

    async def until_left(self) -> None:
        """Wait until nobody sits here and nobody can come back any more."""
        while True:
            self._changed.clear()
            if self._coming == 0 and not (self._dropped and self.tokens):
                return
            try:
                async with asyncio.timeout(None if self._coming else self.seconds):
                    await self._changed.wait()
            except TimeoutError:
                if self._coming == 0:
                    return


class Seats:
    """The tokens by which players come back: 128 bits, good once, only while the seat is kept, and for TOKEN_SECONDS
    and as long again as a seat is kept."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._by_token: dict[str, tuple[Seat, float]] = {}
        """The seat, and until when."""

    def issue(self, seat: Seat) -> str:
        """One more token for `seat`. "" where nobody may come back."""
        if self.seconds <= 0:
            return ""
        now = time.monotonic()
        for old in [token for token in seat.tokens if self._by_token[token][1] <= now]:
            self._drop(seat, old)
        token = secrets.token_urlsafe(16)
        self._by_token[token] = seat, now + TOKEN_SECONDS + self.seconds
        seat.tokens.add(token)
        return token

    def claim(self, token: str) -> Seat | None:
        """The seat that `token` is for; it and any other token of that seat are used up."""
        seat, until = self._by_token.get(token, (None, 0.0))
        if seat is None or until <= time.monotonic():
            return None
        self.forget(seat)
        return seat

    def forget(self, seat: Seat) -> None:
        """Nobody can come back to `seat` by a token issued so far."""
        for token in list(seat.tokens):
            self._drop(seat, token)

    def _drop(self, seat: Seat, token: str) -> None:
        del self._by_token[token]
        seat.tokens.discard(token)
