"""Which names and addresses this machine answers to, and which ones a request may use."""

import ipaddress
import re
import socket
from contextlib import suppress

from agent.config import Server

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<name>[^\[\]:/@\s,]+))(?::\d{1,5})?", re.ASCII)


def is_wildcard(host: str) -> bool:
    """Whether listening on `host` means on every address of the machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host == ""


def machine_names() -> list[str]:
    """The machine's own names: the plain one and the one that multicast DNS gives it."""
    name = socket.gethostname().lower().rstrip(".")
    return [name] if not name or "." in name else [name, f"{name}.local"]


def machine_addresses() -> list[str]:
    """The addresses by which others reach this machine, the likeliest first; empty when it is on no network."""
    found: list[str] = []
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        # Connecting a datagram socket sends nothing: it only asks the routing table which address would be ours.
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((far, 9))
                found.append(str(probe.getsockname()[0]))
        except OSError:
            continue
    with suppress(OSError):
        found += [str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)]
    return [address for address in dict.fromkeys(found) if _is_public_enough(address)]


def _is_public_enough(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)


def in_url(host: str) -> str:
    """`host` as it is written in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def host_name(header: str) -> str | None:
    """The name or address in a Host header, without its port and in one spelling; None when it is malformed."""
    match = _HOST.fullmatch(header.strip())
    return _one_spelling(match["v6"] or match["name"]) if match else None


def _one_spelling(host: str) -> str:
    host = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return host
    return str(getattr(address, "ipv4_mapped", None) or address)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class AllowList:
    """Which `Host` and `Origin` may come in.

    A stranger's page can make a browser resolve the stranger's name to this machine (DNS rebinding) and then talk to it
    as to its own site; it cannot change what the browser writes into these two headers.
    """

    def __init__(self, server: Server) -> None:
        hosts = {*LOOPBACK, *(host_name(name) or name for name in server.allowed_hosts)}
        if not is_wildcard(server.host):
            hosts.add(_one_spelling(server.host))
        if not server.is_loopback:
            hosts.update(machine_names())
        self._hosts = frozenset(hosts)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in server.allowed_origins)

    def host(self, header: str, arrived_at: str | None) -> bool:
        """Whether a request may name this host. `arrived_at` is the address of ours that the connection came to."""
        name = host_name(header)
        if name is None:
            return False
        # Our own address may be named by its digits: only a name can be rebound.
        return name in self._hosts or (_is_address(name) and name == _one_spelling(arrived_at or ""))

    def origin(self, origin: str, host_header: str, secure: bool) -> bool:
        """Whether a page from `origin` may talk to us: our own pages, and those that the settings name."""
        origin = origin.lower().rstrip("/")
        # Behind a proxy that ends TLS we see plain HTTP while the page came by https.
        own = {f"https://{host_header.lower()}"} | (set() if secure else {f"http://{host_header.lower()}"})
        return origin in own or origin in self._origins
