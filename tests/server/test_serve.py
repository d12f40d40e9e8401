"""The real server on a real socket: websockets, TLS, addresses, ends."""

import asyncio
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.config import ConfigError, Server, Settings
from agent.server import tls
from agent.server.limits import TooManyConversations
from agent.server.serve import ServeError, bind, run

TOKEN = "a-token-for-tests"
HERE = Path(__file__).parent


def realtime(url, query=""):
    """The websocket's address on a server at `url`."""
    return f"ws{url.partition('/login')[0].removeprefix('http')}/v1/realtime{query}"


async def refused(url, **options):
    """The status and text with which the server refuses a websocket."""
    with pytest.raises(InvalidStatus) as caught:
        async with connect(url, **options):
            pass
    return caught.value.response.status_code, caught.value.response.body.decode()


async def test_a_stock_client_is_served(serving, hub):
    async with serving() as url:
        headers = {"Authorization": "Bearer sk-anything"}
        async with connect(realtime(url, "?model=gpt-realtime"), additional_headers=headers) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
            assert socket.subprotocol is None
    assert hub.calls == [("gpt-realtime", None)]
    assert not hub.running


async def test_a_browser_s_subprotocols_are_answered_with_realtime(serving):
    offered = ["realtime", "openai-insecure-api-key.sk-x", "openai-agents-sdk.0.1"]
    async with serving() as url, connect(realtime(url), subprotocols=offered) as socket:
        assert socket.subprotocol == "realtime"


async def test_strangers_pages_and_names_get_no_websocket(serving, hub):
    async with serving() as url:
        status, text = await refused(realtime(url), origin="https://evil.example")
        assert (status, "server.allowed_origins" in text) == (403, True)
        status, text = await refused(realtime(url), origin="http://localhost:1")
        assert status == 403
        port = url.rpartition(":")[2]
        status, text = await refused(f"ws://evil.example:{port}/v1/realtime", host="127.0.0.1")
        assert (status, "server.allowed_hosts" in text) == (403, True)
        async with connect(realtime(url), origin=url):
            pass
    assert len(hub.calls) == 1


async def test_with_a_token_a_websocket_needs_it(serving, hub):
    async with serving(server={"token": TOKEN}) as url:
        where = realtime(url)
        assert (await refused(where))[0] == 401
        assert (await refused(where, subprotocols=["realtime", "openai-insecure-api-key.wrong"]))[0] == 401
        assert (await refused(where, additional_headers={"Authorization": "Bearer wrong"}))[0] == 401
        assert (await refused(where + "?viewer=guessed"))[0] == 401
        assert hub.calls == []
        async with connect(where, subprotocols=["realtime", f"openai-insecure-api-key.{TOKEN}"]) as socket:
            assert socket.subprotocol == "realtime"
        async with connect(where, additional_headers={"Authorization": f"Bearer {TOKEN}"}):
            pass
        async with connect(where + "?viewer=a-viewer"):
            pass
        async with httpx.AsyncClient() as http:
            await http.get(url)  # the login link
            cookie = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
        async with connect(where, additional_headers={"Cookie": cookie}):
            pass
    assert [viewer for _, viewer in hub.calls] == [None, None, "a-viewer", None]


async def test_the_places_are_bounded_and_come_free_again(serving):
    async with serving(limits={"sessions": 2, "followers": 1}) as url:
        first, second = await connect(realtime(url)), await connect(realtime(url))
        async with first, second:
            async with connect(realtime(url)) as third:
                with pytest.raises(ConnectionClosed) as caught:
                    await third.recv()
            assert caught.value.rcvd.code == 1013
            assert "try again" in caught.value.rcvd.reason
            async with connect(realtime(url, "?viewer=a-viewer")) as viewer:
                await viewer.send("viewers have places of their own")
                await viewer.recv()
            await second.close()
            async with connect(realtime(url)) as fourth:
                await fourth.send("hello")
                assert await fourth.recv() == "hello"


@pytest.mark.parametrize(
    ("failure", "code"), [(TooManyConversations("full"), 1013), (ValueError("a visitor's words"), 1011)]
)
async def test_a_failing_conversation_ends_its_own_socket_with_a_reason(serving, hub, failure, code):
    async with serving() as url:
        hub.fail_with = failure
        async with connect(realtime(url)) as socket:
            with pytest.raises(ConnectionClosed) as caught:
                await socket.recv()
        assert caught.value.rcvd.code == code
        assert "words" not in caught.value.rcvd.reason
        hub.fail_with = None
        async with connect(realtime(url)) as socket:
            await socket.send("the others live")
            assert await socket.recv() == "the others live"


async def test_a_message_is_bounded(serving):
    async with serving(limits={"message_bytes": 2**16}) as url, connect(realtime(url)) as socket:
        await socket.send("x" * 2**16)
        assert len(await socket.recv()) == 2**16
        await socket.send("x" * (2**16 + 1))
        with pytest.raises(ConnectionClosed) as caught:
            await socket.recv()
        assert caught.value.rcvd.code == 1009


async def test_an_engine_that_cannot_start_raises_its_own_error(serving, hub):
    hub.fail_with = ValueError("no such voice")
    with pytest.raises(ValueError, match="no such voice"):
        async with serving():
            pass


async def test_an_end_with_an_open_socket_tells_the_client(serving, hub):
    async with serving() as url:
        socket = await connect(realtime(url))
    with pytest.raises(ConnectionClosed) as caught:
        await socket.recv()
    assert caught.value.rcvd.code == 1012
    assert hub.ended == 1
    assert not hub.running


async def test_a_client_that_reads_nothing_does_not_hold_up_the_end(serving):
    async with serving() as url:
        host, port = url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")  # and never the rest
        socket = await connect(realtime(url), max_queue=1, write_limit=2**30)
        # Echoes that nobody reads fill the socket's buffers and then the server's.
        flood = [asyncio.create_task(socket.send("x" * 2**20)) for _ in range(20)]
        await asyncio.sleep(0.1)
    writer.close()
    for task in flood:
        task.cancel()
    socket.transport.abort()


async def test_elsewhere_every_address_gets_a_login_link_of_its_own(serving, capsys, monkeypatch):
    monkeypatch.setattr("agent.server.serve.machine_addresses", lambda: ["192.0.2.5", "2001:db8::5"])
    async with serving(server={"host": "0.0.0.0", "token": TOKEN}) as mine:
        printed = capsys.readouterr()
    urls = printed.out.splitlines()
    assert [url.partition("?")[0].rpartition(":")[0] for url in urls] == ["http://192.0.2.5", "http://127.0.0.1"]
    assert len({url.partition("code=")[2] for url in [*urls, mine]}) == 3
    assert TOKEN not in printed.out + printed.err
    assert "--tls" in printed.err


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setattr(tls, "state_folder", lambda: tmp_path / "state")
    return tmp_path / "state"


async def test_tls_is_really_served_and_its_certificate_kept(serving, state, capsys):
    for _ in range(2):
        async with serving(server={"tls": True, "token": TOKEN}) as url:
            assert url.startswith("https://127.0.0.1:")
            trusting = ssl.create_default_context(cafile=state / "certificate.pem")
            async with httpx.AsyncClient(verify=trusting) as http:
                answer = await http.get(url)
                assert answer.status_code == 200
                assert answer.headers["set-cookie"].startswith("__Host-visavis=")
                name, value = next(iter(http.cookies.items()))
            headers = {"Cookie": f"{name}={value}"}
            async with connect(realtime(url), ssl=trusting, additional_headers=headers) as socket:
                await socket.send("sealed")
                assert await socket.recv() == "sealed"
            with pytest.raises((ssl.SSLError, OSError)):
                ssl.create_default_context().wrap_socket(socket_to(url), server_hostname="127.0.0.1")
        shown = capsys.readouterr().err
        assert tls.fingerprint(state / "certificate.pem") in shown


def socket_to(url):
    host, port = url.split("/")[2].split(":")
    return socket.create_connection((host, int(port)), timeout=0.0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
def test_the_key_is_for_its_owner_alone(tmp_path):
    _, key = tls.self_signed(["localhost"], tmp_path / "state")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


def test_a_certificate_is_made_anew_only_when_it_must_be(tmp_path, monkeypatch):
    names = ["localhost", "127.0.0.1", "::1"]
    path, key = tls.self_signed(names, tmp_path)
    first = path.read_bytes()
    assert tls.self_signed(names[:2], tmp_path)[0].read_bytes() == first
    tls.self_signed([*names, "192.168.1.5", "studio.local"], tmp_path)
    second = path.read_bytes()
    assert second != first
    found = x509.load_pem_x509_certificate(second).extensions
    covered = found.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(address) for address in covered.get_values_for_type(x509.IPAddress)} == {
        "127.0.0.1",
        "::1",
        "192.168.1.5",
    }
    assert set(covered.get_values_for_type(x509.DNSName)) == {"localhost", "studio.local"}
    key.write_text("damaged")
    tls.self_signed(names, tmp_path)
    tls._check(path, key)
    later = tls._now() + tls.RENEW * 100
    monkeypatch.setattr(tls, "_now", lambda: later)
    before = path.read_bytes()
    tls.self_signed(names, tmp_path)
    assert path.read_bytes() != before


def test_a_certificate_that_cannot_be_used_says_why(tmp_path):
    path, key = tls.self_signed(["localhost"], tmp_path)
    other, _ = tls.self_signed(["localhost"], tmp_path / "other")
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    for certificate, problem in ((broken, "PEM"), (other, "PEM"), (tmp_path / "none.pem", "none.pem: No such file")):
        server = Server(tls=True, tls_certificate=certificate, tls_key=key)
        with pytest.raises(tls.CertificateError, match=problem) as caught:
            tls.certificate(server)
        assert "\n" not in str(caught.value)
    assert tls.certificate(Server(tls=True, tls_certificate=path, tls_key=key)) == (path, key)


def test_small_messages_leave_at_once() -> None:
    """Nagle's algorithm would hold each back until the client's next packet."""
    with bind(Server(port=0)) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_that_cannot_be_had_says_what_to_do(hub):
    with bind(Server(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=rf"port {port} .* taken .* --port {port + 1}"):
            bind(Server(port=port))
        assert not hub.running
    with pytest.raises(ConfigError, match="not an address of this machine"):
        bind(Server(host="192.0.2.1", token=TOKEN))
    with pytest.raises(ConfigError, match="not a name"):
        bind(Server(host="nowhere.invalid", token=TOKEN))


class Process:
    """The server in a process of its own."""

    def __init__(self, **settings):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), str(HERE)])}
        command = [sys.executable, str(HERE / "serve_stub.py"), json.dumps({"server": {"port": 0}} | settings)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def end(self):
        """Exit code and what was still said, once it has ended by itself."""
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_ctrl_c_ends_in_order_even_with_an_open_socket(number):
    with Process() as server:
        url = server.line()
        assert url.startswith("http://127.0.0.1:")
        async with connect(realtime(url)) as socket:
            server.process.send_signal(number)
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        assert server.end() == (0, "ended\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
async def test_a_stranger_is_refused_without_a_word_in_the_log():
    with Process() as server:
        url = server.line()
        with pytest.raises(InvalidStatus) as refused:
            await connect(realtime(url), origin="http://elsewhere.example").__aenter__()
        assert refused.value.response.status_code == 403
        server.process.send_signal(signal.SIGTERM)
        assert server.end() == (0, "ended\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
def test_ctrl_c_ends_a_warm_up_too():
    with Process(slow=True) as server:
        assert server.line() == "warming"
        server.process.send_signal(signal.SIGINT)
        assert server.end() == (0, "stopped\nended\n", "")


def test_a_port_in_use_is_one_line():
    with bind(Server(port=0)) as taken, Process(server={"port": taken.getsockname()[1]}) as server:
        code, out, err = server.end()
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "--port" in err


def test_run_closes_its_socket_when_an_engine_fails(hub, monkeypatch):
    taken = []

    def remember(server):
        taken.append(bind(server))
        return taken[0]

    monkeypatch.setattr("agent.server.serve.bind", remember)
    hub.fail_with = ValueError("no such voice")
    with pytest.raises(ValueError, match="no such voice"):
        run(Settings(server={"port": 0}), hub=hub)
    assert taken[0].fileno() == -1
