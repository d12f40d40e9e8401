"""What a browser is sent, and with which headers."""

import gzip
from pathlib import Path

import httpx
import pytest

from agent.config import Settings
from agent.realtime.hub import INVITE_SECONDS
from agent.server import pages
from agent.server.app import create_app
from agent.server.metrics import registry
from avatar.behaviour.repertoire import RepertoireError


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A built app in miniature, beside a file that is none of anybody's business."""
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><title>the app</title>")
    (dist / "favicon.svg").write_text("<svg/>")
    (dist / "assets" / "app-1a2b3c.js").write_text("// a script\n" * 500)
    (tmp_path / "secret.txt").write_text("a secret")
    (tmp_path / "secret.glb").write_bytes(b"a secret")
    heads = tmp_path / "heads"
    heads.mkdir()
    (heads / "ada.glb").write_bytes(b"glTF" + b"\0" * 96)
    (heads / "ada-light.glb").write_bytes(b"glTF" + b"\0" * 6)
    (heads / "ada.json").write_text('{"title": "Ada", "gender": "female"}')
    (heads / "bob.glb").write_bytes(b"glTF")
    (heads / "eve-light.glb").write_bytes(b"glTF")
    (heads / "card.md").write_text("a card")
    (heads / "odd name.glb").write_bytes(b"glTF")
    monkeypatch.setattr(pages, "WEB_FOLDER", dist)
    monkeypatch.setattr(pages, "HEADS_FOLDER", heads)
    return tmp_path


async def test_both_pages_are_the_app(browsing, built):
    async with browsing() as http:
        for path in ("/", "/stage?viewer=x"):
            answer = await http.get(path)
            assert "the app" in answer.text
            assert answer.headers["cache-control"] == "no-cache"
            assert (await http.get(path, headers={"If-None-Match": answer.headers["etag"]})).status_code == 304


@pytest.mark.parametrize("path", ["avatar/web/index.html", "README.md"])
def test_how_long_an_unused_link_lives_is_told(path):
    told = (Path(__file__).parents[2] / path).read_text(encoding="utf-8")
    assert f"within {INVITE_SECONDS // 60} minutes" in told


async def test_assets_never_change_and_travel_packed(browsing, built):
    async with browsing() as http:
        plain = await http.get("/assets/app-1a2b3c.js", headers={"Accept-Encoding": "identity"})
        assert "immutable" in plain.headers["cache-control"]
        assert plain.headers["content-type"].startswith("text/javascript")
        request = http.build_request("GET", "/assets/app-1a2b3c.js", headers={"Accept-Encoding": "gzip"})
        packed = await http.send(request, stream=True)
        body = b"".join([chunk async for chunk in packed.aiter_raw()])
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == "Accept-Encoding"
        assert len(body) == int(packed.headers["content-length"]) < len(plain.content)
        assert gzip.decompress(body) == plain.content
        head = await http.head("/assets/app-1a2b3c.js")
        assert head.content == b""


async def test_a_rebuilt_app_is_served_at_once(browsing, built):
    async with browsing() as http:
        await http.get("/")
        (built / "dist" / "index.html").write_text("<!doctype html><title>the next app</title>")
        assert "the next app" in (await http.get("/")).text


async def test_every_answer_has_the_security_headers(browsing, built):
    async with browsing() as http:
        refused = await http.get("/", headers={"Host": "evil.example"})
        for answer in (await http.get("/"), await http.get("/nothing"), await http.get("/api/info"), refused):
            policy = answer.headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "script-src 'self' 'wasm-unsafe-eval';" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cross-origin-opener-policy"] == "same-origin"
            assert "microphone=(self)" in answer.headers["permissions-policy"]
            assert "access-control-allow-origin" not in answer.headers


async def test_heads_by_name_and_nothing_else(browsing, built):
    async with browsing() as http:
        head = await http.get("/heads/ada.glb")
        assert head.content.startswith(b"glTF")
        assert head.headers["content-type"] == "model/gltf-binary"
        assert (await http.get("/heads/ada.glb", headers={"If-None-Match": head.headers["etag"]})).status_code == 304
        for name in (
            "card.md",
            "ada.json",
            "eve.glb",
            "odd%20name.glb",
            "ada.glb.gz",
            ".glb",
            "ada",
            "",
            "ada.glb%00",
            "a" * 300 + ".glb",
        ):
            assert (await http.get(f"/heads/{name}")).status_code == 404, name


@pytest.mark.parametrize("way", ["..", "%2e%2e", "..%2f..", "%2e%2e%2f", "....//..", "..%5c", "assets/..", "//"])
@pytest.mark.parametrize("root", ["/heads", "/assets", ""])
async def test_no_way_leads_out_of_the_folders(browsing, built, root, way):
    async with browsing() as http:
        for name in ("secret.txt", "secret.glb"):
            # A client that does not tidy the path first.
            request = http.build_request("GET", "/")
            request.url = request.url.copy_with(raw_path=f"{root}/{way}/{name}".encode())
            answer = await http.send(request)
            assert answer.status_code == 404
            assert "a secret" not in answer.text


async def test_a_link_out_of_the_folder_is_not_followed(browsing, built):
    (built / "heads" / "eve.glb").symlink_to(built / "secret.glb")
    async with browsing() as http:
        assert (await http.get("/heads/eve.glb")).status_code == 404


async def test_a_missing_build_says_how_to_mend_it(browsing, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "WEB_FOLDER", tmp_path / "none")
    async with browsing() as http:
        for path in ("/", "/stage", "/assets/app.js"):
            answer = await http.get(path)
            assert answer.status_code == 503
            assert "./scripts/run" in answer.text
        assert (await http.get("/api/info")).status_code == 200


async def test_info_is_the_hub_s_with_the_heads(browsing, built):
    async with browsing() as http:
        info = (await http.get("/api/info")).json()
    assert info["voices"] == ["stub"]
    light = {"url": "/heads/ada-light.glb", "bytes": 10}
    assert info["heads"] == [
        {"name": "ada", "title": "Ada", "gender": "female", "url": "/heads/ada.glb", "bytes": 100, "light": light},
        {"name": "bob", "title": "bob", "url": "/heads/bob.glb", "bytes": 4},
        {"name": "eve-light", "title": "eve-light", "url": "/heads/eve-light.glb", "bytes": 4},
    ]
    assert (info["head"], info["voice"]) == ("auto", "auto")


async def test_health_knows_whether_the_engines_run(browsing, hub):
    async with browsing() as http:
        assert hub.running
        answer = await http.get("/healthz")
        assert answer.status_code == 200
        assert answer.json() | {"version": ""} == {"status": "ok", "version": "", "engines_ready": True}
    assert not hub.running


async def test_before_the_engines_run_it_is_not_healthy(hub):
    app = create_app(Settings(), hub)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
        answer = await http.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "starting"


async def test_metrics_are_counted(browsing):
    before = registry.get_sample_value("visavis_refused_total", {"reason": "host"}) or 0
    async with browsing() as http:
        await http.get("/", headers={"Host": "evil.example"})
        text = (await http.get("/metrics")).text
    assert f'visavis_refused_total{{reason="host"}} {before + 1}' in text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(browsing, built, method):
    async with browsing() as http:
        assert (await http.request(method, "/api/info", headers={"X-Visavis-CSRF": "1"})).status_code == 405
        assert (await http.request(method, "/assets/app-1a2b3c.js", headers={"X-Visavis-CSRF": "1"})).status_code == 405


def test_an_owner_s_table_that_is_wrong_stops_the_start_and_is_named(tmp_path, hub):
    table = tmp_path / "mine.toml"
    table.write_text("[gestures.salute]\ncurve.pich = [[0, 0], [1, 0]]")
    with pytest.raises(RepertoireError, match=r"mine\.toml: gestures\.salute\.curve\.pich"):
        create_app(Settings.model_validate({"avatar": {"behaviour": table}}), hub)
