"""Stock Realtime clients, unchanged, hold a spoken conversation with us: each in its own process and environment."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.stock_clients.conftest import SILENCE_S, Found, Server
from tests.stock_clients.environments import ENVIRONMENTS, ROOT

ANSWER = "The museum is open from Tuesday to Sunday"
TOILETS = "The toilets are on the ground floor"

stock_client = pytest.mark.parametrize("client", ENVIRONMENTS)


def outcome(found: Callable[[str], Found], client: str, scenario: str) -> dict[str, Any]:
    """What `client` says of `scenario`."""
    result = found(client)
    assert scenario in result.scenarios, f"{client} did not get to {scenario}:\n{result.failure}"
    said = result.scenarios[scenario]
    assert "failed" not in said, f"{said['failed']}\n{result.failure}"
    return said


@stock_client
def test_talk(client: str, found: Callable[[str], Found]) -> None:
    """A spoken question is transcribed and answered aloud."""
    it = outcome(found, client, "talk")
    assert it["heard"] == "when are you open"
    assert it["said"].startswith(ANSWER)
    assert it["final"] == it["said"].strip()
    assert 5 < it["audio_s"] < 15
    assert it["errors"] == []


@stock_client
def test_barge_in(
    client: str, found: Callable[[str], Found], server: Server, record_property: Callable[[str, object], None]
) -> None:
    """Who speaks over the reply stops it; the client truncates, and what is remembered is what it played."""
    whole = outcome(found, client, "talk")["final"]
    it = outcome(found, client, "barge_in")
    assert it["status"] == "cancelled"
    assert whole.startswith(it["remembered"])
    assert it["remembered"] != whole
    played, remembered = it["played_s"], it["remembered"].split()
    words = len(server.sounded(whole, played))
    times = f"played {played:.2f} s, truncated at {it['truncated_s']:.2f} s"
    # What it plays from when the visitor's voice began: the time to hold, and what it had been sent before that.
    after = played - it["began_s"] - SILENCE_S
    note = f"{times}: {words} words played, {len(remembered)} remembered; {after:.2f} s after the voice began"
    record_property("note", note)
    assert words >= 3
    # Clients that count by the clock take a gap in their own loudspeaker, on a busy machine, for sound.
    at_most = len(server.sounded(whole, played + it["gaps_s"]))
    assert words - 1 <= len(remembered) <= at_most + 1, it
    assert abs(len(server.sounded(whole, it["truncated_s"])) - len(remembered)) <= 1
    assert it["heard"] == "where are the toilets"
    assert it["said_next"].startswith(TOILETS)
    assert it["errors"] == []


@stock_client
def test_tool(client: str, found: Callable[[str], Found]) -> None:
    """A tool the client offers is called, and what it returns is used."""
    it = outcome(found, client, "tool")
    assert it["called"] == {"name": "look_up_exhibit", "arguments": {"exhibit": "whale"}}
    assert it["said"].strip() == "I looked it up. It is in room twelve."
    assert it["audio_s"] > 1
    assert it["errors"] == []


@stock_client
def test_text(client: str, found: Callable[[str], Found]) -> None:
    """A text-only response has no sound."""
    it = outcome(found, client, "text")
    assert it["said"].startswith(ANSWER)
    assert it["final"] == it["said"].strip()
    assert it["audio"] == 0
    assert it["errors"] == []


@stock_client
def test_bad_event(client: str, found: Callable[[str], Found]) -> None:
    """What we cannot understand is answered by a typed error, and the conversation goes on."""
    it = outcome(found, client, "bad_event")
    assert all(kind == "invalid_request_error" and code for kind, code, _ in it["errors"])
    assert it["errors"]
    assert it.get("fatal", []) == []
    assert it["said"].startswith(("Hello", "Hi"))


def test_the_documented_versions_are_those_tested() -> None:
    page = (ROOT / "docs" / "stock-clients.md").read_text(encoding="utf-8")
    for environment in ENVIRONMENTS.values():
        if environment.pins:
            assert f"| {environment.package} | {environment.version} |" in page
