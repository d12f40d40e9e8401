"""How much of the server one client, and all of them together, may have."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agent.server import metrics


class TooManyConversations(RuntimeError):
    """There is no room for another conversation; the message is a sentence for the visitor."""


class Places:
    """Counts the open websockets of players and viewers against their bounds."""

    def __init__(self, players: int, viewers_each: int) -> None:
        self._bounds = {"player": players, "viewer": players * viewers_each}
        self._taken = {"player": 0, "viewer": 0}

    @contextmanager
    def take(self, viewer: bool) -> Iterator[None]:
        """Hold a place while the block runs. Raises TooManyConversations when none is free."""
        role = "viewer" if viewer else "player"
        if self._taken[role] >= self._bounds[role]:
            metrics.refused("full")
            raise TooManyConversations("Everybody here is busy talking: please try again in a little while.")
        self._taken[role] += 1
        metrics.socket_opened("viewer" if viewer else "player")
        try:
            yield
        finally:
            self._taken[role] -= 1
            metrics.socket_closed("viewer" if viewer else "player")


class Attempts:
    """Bounds how often one address may try a secret: a bucket of `burst` attempts that fills by one every `every`
    seconds. At most `addresses` are remembered; the one seen longest ago is forgotten first."""

    def __init__(
        self,
        burst: int = 10,
        every: float = 6.0,
        addresses: int = 4096,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = burst
        self._every = every
        self._most = addresses
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spent(self, address: str) -> bool:
        """Whether `address` has to wait before it may try again."""
        return self._left(_key(address)) < 1

    def count(self, address: str) -> None:
        """`address` tried and failed."""
        key = _key(address)
        self._buckets[key] = (max(0.0, self._left(key) - 1), self._clock())
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)

    def _left(self, key: str) -> float:
        left, when = self._buckets.get(key, (float(self._burst), self._clock()))
        return min(float(self._burst), left + (self._clock() - when) / self._every)


def _key(address: str) -> str:
    """One IPv6 customer has a whole /64, so that is what counts as an address there."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
