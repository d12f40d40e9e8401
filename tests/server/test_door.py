"""Who is let in, over HTTP: hosts, origins, tokens, login links, CSRF."""

import httpx
import pytest

from agent.config import ConfigError, Server
from agent.config_sources import load
from agent.server.addresses import AllowList, host_name
from agent.server.auth import LINK_SECONDS, MOST_SESSIONS, Auth
from agent.server.limits import Attempts

TOKEN = "a-token-for-tests"
CSRF = {"X-Visavis-CSRF": "1"}
HTML = {"Accept": "text/html"}


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1:9", "[::1]:8080", "localhost.", "kiosk.example"]
)
async def test_known_hosts_come_in(browsing, host):
    async with browsing(allowed_hosts=["Kiosk.example:8080"]) as http:
        assert (await http.get("/healthz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil.example:8080", "", "localhost@evil.example", "127.0.0.2", "a b"],
)
@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/api/info", "/assets/x.js", "/heads/x.glb", "/login"])
async def test_other_hosts_do_not(browsing, host, path):
    async with browsing() as http:
        answer = await http.get(path, headers={"Host": host})
    assert answer.status_code == 403
    assert "server.allowed_hosts" in answer.text


def test_own_address_may_be_named_by_its_digits_alone():
    allowed = AllowList(Server(host="0.0.0.0", token=TOKEN))
    assert allowed.host("192.168.1.5:8080", arrived_at="192.168.1.5")
    assert allowed.host("192.168.1.5", arrived_at="::ffff:192.168.1.5")
    assert allowed.host("[2001:DB8::5]:8080", arrived_at="2001:db8::5")
    assert not allowed.host("192.168.1.6", arrived_at="192.168.1.5")
    assert not allowed.host("evil.example", arrived_at="evil.example")


def test_the_machine_s_name_counts_only_when_others_can_connect(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "Studio")
    elsewhere, loopback = AllowList(Server(host="0.0.0.0", token=TOKEN)), AllowList(Server())
    for name in ("studio:8080", "studio.local"):
        assert elsewhere.host(name, None)
        assert not loopback.host(name, None)


def test_malformed_hosts_have_no_name():
    for header in ("", "a b", "a/b", "a@b", "[::1", "::1", "a:b", "a,b", "a:123456", "[evil]"):
        assert host_name(header) is None, header


@pytest.mark.parametrize("origin", ["http://localhost:8080", "https://localhost:8080", "https://friend.example"])
async def test_own_pages_and_named_ones_may_connect(browsing, origin):
    async with browsing(allowed_origins=["https://Friend.example/"]) as http:
        assert (await http.get("/api/info", headers={"Origin": origin})).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000", "http://localhost", "http://127.0.0.1:8080", ""]
)
async def test_other_pages_may_not(browsing, origin):
    async with browsing() as http:
        answer = await http.get("/api/info", headers={"Origin": origin})
    assert answer.status_code == 403
    assert "server.allowed_origins" in answer.text


async def test_over_tls_a_page_without_it_is_a_stranger(browsing):
    async with browsing(base_url="https://localhost:8080") as http:
        assert (await http.get("/healthz", headers={"Origin": "http://localhost:8080"})).status_code == 403
        assert (await http.get("/healthz", headers={"Origin": "https://localhost:8080"})).status_code == 200


async def test_without_a_token_any_key_is_welcome(browsing):
    async with browsing() as http:
        assert (await http.get("/metrics")).status_code == 200
        assert (await http.get("/api/info", headers={"Authorization": "Bearer sk-whatever"})).status_code == 200
        assert (await http.get("/login")).headers["location"] == "/"


@pytest.mark.parametrize(
    "path", ["/metrics", "/api/info", "/", "/mirror", "/?debug", "/stage?debug", "/stage?debug&viewer=a-viewer"]
)
async def test_with_a_token_it_is_needed(browsing, path):
    async with browsing(token=TOKEN) as http:
        answer = await http.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert (await http.get(path, headers={"Authorization": "Bearer wrong"})).status_code == 401
        assert (await http.get(path, headers={"Authorization": f"Bearer {TOKEN}"})).status_code not in (401, 403)


async def test_what_needs_no_token(browsing):
    async with browsing(token=TOKEN) as http:
        for path in ("/healthz", "/login", "/login.js", "/stage?viewer=x", "/assets/app.js", "/heads/nobody.glb"):
            assert (await http.get(path)).status_code not in (401, 403), path


async def test_a_viewer_token_opens_what_a_viewer_needs_and_no_more(browsing):
    async with browsing(token=TOKEN) as http:
        assert (await http.get("/api/info?viewer=a-viewer")).status_code == 200
        assert (await http.get("/api/info?viewer=another")).status_code == 401
        assert (await http.get("/metrics?viewer=a-viewer")).status_code == 401


async def test_a_login_link_lets_one_browser_in_once(browsing):
    async with browsing(token=TOKEN) as http:
        code = http.auth_.new_link_code()
        answer = await http.get(f"/login?code={code}")
        assert answer.status_code == 200
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/" in cookie
        assert "secure" not in cookie
        assert TOKEN not in cookie
        assert (await http.get("/api/info")).status_code == 200
        http.cookies.clear()
        again = await http.get(f"/login?code={code}")
        assert again.status_code == 403
        assert "set-cookie" not in again.headers
        assert (await http.get("/api/info")).status_code == 401


async def test_over_tls_the_cookie_stays_there(browsing):
    async with browsing(base_url="https://localhost:8080", token=TOKEN) as http:
        answer = await http.get(f"/login?code={http.auth_.new_link_code()}")
        assert answer.headers["set-cookie"].startswith("__Host-visavis=")
        assert "secure" in answer.headers["set-cookie"].lower()
        assert (await http.get("/api/info")).status_code == 200


async def test_the_token_typed_into_the_page_lets_in(browsing):
    async with browsing(token=TOKEN) as http:
        page = await http.get("/", headers=HTML)
        assert page.status_code == 401
        assert "/login.js" in page.text
        assert (await http.post("/login", json={"token": "wrong"}, headers=CSRF)).status_code == 403
        assert (await http.post("/login", json={"token": TOKEN}, headers=CSRF)).status_code == 204
        assert (await http.get("/api/info")).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"token": 3}', b"\xff", b'"' * 3, b"[" * 4000])
async def test_a_login_that_is_none_is_told_so(browsing, body):
    async with browsing(token=TOKEN) as http:
        assert (await http.post("/login", content=body, headers=CSRF)).status_code == 400


async def test_odd_text_is_only_a_wrong_token(browsing):
    async with browsing(token=TOKEN) as http:
        answer = await http.post("/login", content=b'{"token": "\\ud800"}', headers=CSRF)
        assert answer.status_code == 403
        assert (await http.get("/api/info", headers={"Authorization": b"Bearer \xff\xfe"})).status_code == 401


async def test_a_body_is_bounded(browsing):
    async with browsing(token=TOKEN) as http:
        assert (await http.post("/login", content=b" " * 100_000, headers=CSRF)).status_code == 413


@pytest.mark.parametrize("path", ["/login", "/logout"])
async def test_what_changes_something_needs_the_csrf_header(browsing, path):
    async with browsing(token=TOKEN) as http:
        answer = await http.post(path, json={"token": TOKEN})
        assert answer.status_code == 403
        assert "X-Visavis-CSRF" in answer.text


async def test_logout_ends_the_session_itself(browsing):
    async with browsing(token=TOKEN) as http:
        await http.get(f"/login?code={http.auth_.new_link_code()}")
        cookie = http.cookies["visavis"]
        assert (await http.post("/logout", headers=CSRF)).status_code == 204
        assert "visavis" not in http.cookies
        assert (await http.get("/api/info", headers={"Cookie": f"visavis={cookie}"})).status_code == 401


async def test_guessing_is_slowed_down_and_sessions_go_on(browsing):
    async with browsing(token=TOKEN) as http:
        await http.get(f"/login?code={http.auth_.new_link_code()}")
        stranger = httpx.AsyncClient(transport=http._transport, base_url="http://localhost:8080")
        statuses = [
            (await stranger.get("/api/info", headers={"Authorization": "Bearer no"})).status_code for _ in range(12)
        ]
        assert statuses[0] == 401
        assert statuses[-1] == 429
        assert (await stranger.get("/login?code=no")).status_code == 429
        assert (await stranger.get("/api/info", headers={"Authorization": f"Bearer {TOKEN}"})).status_code == 429
        assert (await http.get("/api/info")).status_code == 200


def test_attempts_come_back_with_time_and_are_counted_by_address():
    now = 0.0
    attempts = Attempts(burst=2, every=6, addresses=3, clock=lambda: now)
    for _ in range(2):
        assert not attempts.spent("2001:db8::1")
        attempts.count("2001:db8::1")
    assert attempts.spent("2001:db8::ffff")
    assert not attempts.spent("2001:db8:0:1::1")
    now = 6.0
    assert not attempts.spent("2001:db8::1")
    for last in range(10):
        attempts.count(f"192.0.2.{last}")
    assert len(attempts._buckets) == 3


async def test_links_and_sessions_age_and_are_bounded(browsing):
    now = 0.0
    auth = Auth(TOKEN, clock=lambda: now)
    code = auth.new_link_code()
    now = LINK_SECONDS
    assert not auth._links.forget(code)
    first = auth._sessions.new(32)
    for _ in range(MOST_SESSIONS):
        auth._sessions.new(32)
    assert not auth._sessions.holds(first)
    assert len(auth._sessions._until) == MOST_SESSIONS


def test_elsewhere_than_loopback_a_token_is_mandatory_and_one_is_offered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VISAVIS_TOKEN", raising=False)
    with pytest.raises(ConfigError, match=r"^[^\n]*export VISAVIS_TOKEN=[\w-]{32}$"):
        load(overrides={"server": {"host": "0.0.0.0"}})
