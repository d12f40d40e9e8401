"""Who sits at a conversation: one player at a time, and who lost the connection may come back for a while."""

import asyncio
import secrets

from agent.realtime.connection import Player
from agent.realtime.runner import Runner


class Seat:
    """One conversation's place for a player."""

    def __init__(self, seats: "Seats", runner: Runner) -> None:
        self.runner = runner
        self.token = ""
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
            if self._coming == 0 and not (self._dropped and self.token):
                return
            try:
                async with asyncio.timeout(None if self._coming else self.seconds):
                    await self._changed.wait()
            except TimeoutError:
                if self._coming == 0:
                    return


class Seats:
    """The tokens by which players come back: 128 bits, good once, and only while the seat is kept."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._by_token: dict[str, Seat] = {}

    def issue(self, seat: Seat) -> str:
        """A new token for `seat`; the one before is void. "" where nobody may come back."""
        self.forget(seat)
        if self.seconds > 0:
            seat.token = secrets.token_urlsafe(16)
            self._by_token[seat.token] = seat
        return seat.token

    def claim(self, token: str) -> Seat | None:
        """The seat that `token` is for; the token is used up."""
        seat = self._by_token.pop(token, None)
        if seat is not None:
            seat.token = ""
        return seat

    def forget(self, seat: Seat) -> None:
        """Nobody can come back to `seat` by a token issued so far."""
        self._by_token.pop(seat.token, None)
        seat.token = ""
