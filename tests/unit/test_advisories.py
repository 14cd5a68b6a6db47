"""The classes of faults that Buildbot had advisories about, tried on every surface.

``docs/explanation/security.md`` lists them, with the tests of each surface; what is tried in a
browser or with workers is tried elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest
from aiohttp import web
from certificates import Authority
from flask import Flask, request
from web_site import BUILDS, CONFIG, Site, visited

from buildbot._border.bridge import inward
from buildbot.secrets.providers.vault_access import VaultAccess, VaultAuthenticatorToken
from buildbot.util.httpclientservice import HTTPSession
from buildbot.www.avatar import AvatarGitHub, AvatarGitLab
from buildbot.www.oauth2 import GitLabAuth
from chargehand.config.badges import BadgeSettings
from chargehand.config.dashboards import Dashboard
from chargehand.config.login import Login
from chargehand.events.messages import BuildStarted
from chargehand.kit.values import replace
from chargehand.resources.permissions import Concern, Rule, RuleBook, Rules

_HOSTILE = (
    "\"'><img src=x onerror=alert(1)></script><script>alert(2)</script>\r\nX-Evil: 1\x1b]0;e\x07"
)
_CLOSED = Rules(
    RuleBook(
        rules=(Rule(words="AnyEndpointMatcher(role='x')", concern=Concern.EVERYTHING, role="x"),),
        roles=(),
    )
)
_DASHBOARD = "/plugins/wsgi_dashboards/dash/"
_PLAIN = (
    "/plain/", "/plain/builders", "/plain/builders/1", "/plain/builds/1", "/plain/builds/3",
    "/plain/workers", "/plain/workers/1", "/plain/changes", "/plain/buildrequests/4",
    "/plain/builders/1/forceschedulers", "/plain/nowhere", "/auth/login", "/auth/account",
)  # fmt: skip
_REST = (
    "builders", "builders/1", "builds", "builds/1/steps", "steps/5/logs", "logs/8/contents",
    "logs/9/raw", "workers", "buildrequests", "builds/1/properties", "forceschedulers",
    "buildrequests/4/why", "search?q=quick", "application.spec", "nowhere/<b>",
    "builders?field=<script>", "builds/1/data/size/value", "openapi.json",
)  # fmt: skip
_OTHERS = (
    "/", "/builders/1", "/config", "/stock/", "/badges/quick%20one.svg", "/sse/listen/builds/*/*",
    "/ws", "/api", "/avatar?email=x", "/static/x", "/assets/x", _DASHBOARD,
)  # fmt: skip
_ALL = (*_PLAIN, *(f"/api/v2/{path}" for path in _REST), *_OTHERS)
_APPLICATION = ("/", "/builders/1", "/assets/x")
_STOCK_PAGE = "<html><head></head><body><!-- BUILDBOT_CONFIG_PLACEHOLDER --></body></html>"


def _application() -> Flask:
    app = Flask("test")

    @app.route("/")
    def main() -> dict[str, str]:
        return {key: one for key, one in request.environ.items() if isinstance(one, str)}

    return app


@asynccontextmanager
async def _site(tmp_path: Path, title: str = "CI", **settings: Any) -> AsyncIterator[Site]:
    """Run a site with all surfaces."""
    stock = tmp_path / "static"
    stock.mkdir()
    (stock / "index.html").write_text(_STOCK_PAGE)
    made = replace(
        CONFIG.web,
        dashboards=(Dashboard(name="dash", application=_application()),),
        badges=BadgeSettings(),
        **settings,
    )
    config = replace(CONFIG, title=title, web=made)
    async with visited(config, find_stock_ui=lambda: stock) as site:
        yield site


def _poison(site: Site) -> None:
    """Let every text that builds, people and workers say be hostile."""
    for rows in site.resources.rows.values():
        for row in rows:
            for key, value in row.items():
                if isinstance(value, str) and key not in ("name", "slug", "type"):
                    row[key] = value + _HOSTILE
                elif key == "tags":
                    row[key] = [_HOSTILE]
    site.resources.rows["builders"][0]["name"] += _HOSTILE
    site.forms[0] |= {"label": _HOSTILE, "button_name": _HOSTILE}


class _Elements(HTMLParser):
    """Collects what a browser would execute."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note elements and attributes that act."""
        given = dict(attrs)
        if tag in ("script", "iframe", "object") and not given.get("src"):
            self.found.append(tag)
        self.found += [
            f"{tag} {name}={value}"
            for name, value in attrs
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:")
        ]
        if tag == "img" and given.get("src") == "x":
            self.found.append("img")


# Scripts in texts


@pytest.mark.parametrize("path", _PLAIN)
async def test_texts_are_no_elements_of_plain_pages(path: str, tmp_path: Path):
    async with _site(tmp_path, title=_HOSTILE) as site:
        _poison(site)
        for target in (path, f"{path}?redirect=%22%3E%3Cscript%3E&x=%3Cimg%20src=x%3E"):
            async with site.session.get(target, headers={"Accept": "text/html"}) as answer:
                text = await answer.text()
                policy = answer.headers["Content-Security-Policy"]
            elements = _Elements()
            elements.feed(text)
            assert elements.found == []
            assert "script-src" in policy and "'unsafe-inline'" not in policy.partition("style")[0]


@pytest.mark.parametrize("path", _REST)
async def test_answers_of_the_api_are_never_pages(path: str, tmp_path: Path):
    async with _site(tmp_path, title=_HOSTILE) as site:
        _poison(site)
        for accept in ("text/html", "application/json", "*/*"):
            async with site.session.get(f"/api/v2/{path}", headers={"Accept": accept}) as answer:
                await answer.read()
                kind = answer.headers["Content-Type"]
                if path == "logs/9/raw":  # A page that a build made: nothing in it may act.
                    assert "sandbox" in answer.headers["Content-Security-Policy"]
                    continue
                assert kind.partition(";")[0] in (
                    "application/json", "text/plain", "application/octet-stream",
                )  # fmt: skip
                assert answer.status >= 400 or answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_settings_in_pages_and_pictures_are_texts(tmp_path: Path):
    async with _site(tmp_path, title=_HOSTILE) as site:
        _poison(site)
        for path in ("/", "/builders/1", "/stock/"):
            async with site.session.get(path) as answer:
                page = await answer.text()
            elements = _Elements()
            elements.feed(page)
            settings = ["script"] if path == "/stock/" else []
            assert elements.found == settings and page.count("<script") <= 2, path
            assert "default-src" in answer.headers["Content-Security-Policy"]
        name = site.resources.rows["builders"][0]["name"]
        async with site.session.get("/badges/x.svg", params={"left_text": name}) as answer:
            root = ElementTree.fromstring(await answer.text())
        assert [one for one in root.iter() if "script" in one.tag or "onerror" in one.attrib] == []
        async with site.session.get("/config") as answer:
            assert answer.headers["Content-Type"].startswith("application/json")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_live_events_are_one_line_each(tmp_path: Path):
    async with _site(tmp_path) as site:
        stream = await site.session.get("/sse/listen/builds/*/*")
        socket = await site.session.ws_connect("/ws")
        await socket.send_json({"cmd": "startConsuming", "path": "builds/*/*", "_id": 1})
        await socket.receive_json()
        site.bus.publish([BuildStarted(build=replace(BUILDS[2], state=f"x\n\ndata: y{_HOSTILE}"))])
        event = await asyncio.wait_for(socket.receive_json(), 10)
        assert event["m"]["state_string"].endswith(_HOSTILE)
        lines: list[bytes] = []
        while b"state_string" not in b"".join(lines):
            lines.append(await asyncio.wait_for(stream.content.readline(), 10))
        beginnings = {line.partition(b":")[0] for line in lines if line.strip()}
        assert beginnings <= {b"event", b"data", b"id"}
        stream.close()
        await socket.close()


_COMMANDS = (["status"], ["builds"], ["why", "1"], ["worker", "list"], ["audit"])


async def test_terminals_do_not_obey_texts(tmp_path: Path):
    async with _site(tmp_path, title=_HOSTILE) as site:
        _poison(site)
        site.resources.rows["audit"] = []
        host, port = site.server.addresses[0]
        for command in _COMMANDS:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "chargehand.cli.main", *command),
                env=os.environ | {"CHARGEHAND_URL": f"http://{host}:{port}"},
                cwd=tmp_path,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            said, _ = await process.communicate()
            assert b"\x1b]" not in said and b"\x07" not in said, (command, said)
            assert b"Traceback" not in said, (command, said)


# Line ends in headers


async def test_no_address_adds_a_header(tmp_path: Path):
    async with _site(tmp_path) as site:
        evil = "%0d%0aX-Evil:%201%0d%0a%0d%0a<script>alert(1)</script>"
        targets = [f"{path}{end}{evil}" for path in _ALL for end in ("", "/", "?x=", "&x=")]
        targets += [f"/auth/{way}?redirect=/{evil}" for way in ("login", "logout")] + [
            f"/{evil}",
            f"//evil.example.org/{evil}",
            f"/stock{evil}",
            f"/plain{evil}",
        ]
        for target in targets:
            reader, writer = await asyncio.open_connection(*site.server.addresses[0])
            asked = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            writer.write(f"{asked}Accept: text/html\r\n\r\n".encode())
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            assert b"\nx-evil" not in head.lower(), target
            for line in head.decode("latin-1").splitlines():
                if line.lower().startswith("location:"):
                    where = line.partition(":")[2].strip()
                    assert not where.startswith(("//", "http")) and "evil.example" not in where
            writer.close()


# What callers say of themselves


_CLAIMS: tuple[dict[str, Any], ...] = (
    {"params": {"token": "x", "access_token": "x", "user": "ann", "username": "ann"}},
    {"headers": {"X-Forwarded-User": "ann", "REMOTE_USER": "ann", "X-Remote-User": "ann"}},
    {"cookies": {"TWISTED_SESSION": "x", "session": "x", "__Host-chargehand": "x"}},
    {"headers": {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"}},
    {"headers": {"Authorization": "Bearer x"}},
    {"headers": {"Authorization": "Basic YW5uOng="}},
)


@pytest.mark.parametrize("path", _ALL)
async def test_claims_open_nothing(path: str, tmp_path: Path):
    """And without a login nothing is read anywhere, event streams included."""
    if path.startswith(("/auth/", "/config", "/static/")) or path in _APPLICATION:
        return  # They are open to everybody.
    async with _site(tmp_path, policy=_CLOSED, login=Login(name="test")) as site:
        for claim in ({}, *_CLAIMS):
            async with site.session.get(path, **claim) as answer:
                assert answer.status in (401, 403), claim
                text = await answer.text()
            assert "quick one" not in text and "make all" not in text
        for inner in ("/stock/api/v2/builders", "/stock/ws", "/stock/sse/listen/*/*/*"):
            async with site.session.get(inner) as answer:
                assert answer.status == 403


@pytest.mark.parametrize("path", _APPLICATION)
async def test_the_application_is_the_same_for_everybody(path: str, tmp_path: Path):
    """It is how people log in at all; what it shows, it asks the API for."""
    async with _site(tmp_path, policy=_CLOSED, login=Login(name="test")) as site:
        seen = set()
        for claim in ({}, *_CLAIMS):
            async with site.session.get(path, **claim) as answer:
                text = await answer.text()
            assert "quick one" not in text and "make all" not in text
            if answer.status == 200:
                seen.add((answer.status, text))
        assert len(seen) == (path != "/assets/x")  # There is no such file.


async def test_claims_order_nothing(tmp_path: Path):
    async with _site(tmp_path, policy=_CLOSED, login=Login(name="test")) as site:
        call = {"jsonrpc": "2.0", "id": 1, "params": {"owner": "ann"}}
        for path, method in (
            ("builds/3", "stop"),
            ("builds/3", "rebuild"),
            ("forceschedulers/force", "force"),
            ("workers/1", "pause"),
            ("buildrequests/4", "cancel"),
        ):
            call["method"] = method
            for claim in ({}, *_CLAIMS):
                async with site.session.post(f"/api/v2/{path}", json=call, **claim) as answer:
                    assert answer.status >= 400, (path, claim)
        async with site.session.post(_DASHBOARD, data=b"x") as answer:
            assert answer.status in (401, 403)
        assert site.controls.orders == []


# Settings that are secrets


async def test_settings_of_hooks_and_logins_are_shown_to_nobody(tmp_path: Path):
    options = {
        "change_hook_dialects": {"github": {"secret": "hush-hook", "strict": True}},
        "change_hook_auth": ["hush-hook"],
        "auth": "hush-auth",
        "authz": "hush-authz",
        "avatar_methods": "hush-avatar",
        "cookie_secret": object(),
        "theme": {"bb-sidebar": "#333"},
    }
    login = Login(name="test", shown={"name": "test"})
    async with _site(tmp_path, options=options, login=login) as site:
        for path in _ALL:
            if path in ("/ws",) or path.startswith("/sse"):
                continue
            async with site.session.get(path, headers={"Accept": "text/html"}) as answer:
                text = await answer.text(errors="replace")
            assert "hush" not in text, path
        async with site.session.get("/config") as answer:
            assert "#333" in await answer.text()


# HTTPS to others


async def _git_hub(url: str) -> object:
    async with aiohttp.ClientSession() as session:
        return await AvatarGitHub(github_api_endpoint=url)._answer(session, "/users/x")


async def _gitlab_pictures(url: str) -> object:
    async with aiohttp.ClientSession() as session:
        return await AvatarGitLab(url=url)._answer(session, "users?username=x")


async def _gitlab(url: str) -> object:
    auth = GitLabAuth(url, "id", "secret")
    begun = await auth.begin("https://ci/auth/login")
    state = dict(begun.kept)["state"]
    return await auth.finish("https://ci/auth/login", begun.kept, {"code": "x", "state": state})


async def _session(url: str) -> object:
    return await inward(HTTPSession(None, url).get, "/x")


async def _vault(url: str) -> object:
    return await VaultAccess(url, VaultAuthenticatorToken("t")).get("secret/x")


async def _command(url: str) -> object:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chargehand.cli.main", "builds", "--url", url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode != 0
    raise OSError(said.decode())


@pytest.mark.parametrize("ask", [_session, _vault, _command, _git_hub, _gitlab, _gitlab_pictures])
async def test_certificates_of_others_are_verified(
    ask: Callable[[str], Awaitable[object]], tmp_path: Path
):
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*Authority(tmp_path / "ca").signed("other"))
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        with pytest.raises(Exception, match=r"(?i)certificate|GitLab cannot be reached"):
            await ask(f"https://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()
    assert asked == []


# The list


_SURFACES = {
    "plain pages", "web UI", "Buildbot's UI", "REST", "websockets", "event streams", "badges",
    "commands", "dashboards",
}  # fmt: skip
_LIST = Path(__file__).parents[2] / "docs/explanation/security.md"


def test_the_list_names_tests_that_exist_and_all_surfaces():
    text = _LIST.read_text()
    named = re.findall(r"`(test_\w+)\.(test_\w+)`", text)
    files = {
        path.stem: path.read_text() for path in (_LIST.parents[2] / "tests").rglob("test_*.py")
    }
    missing = [
        f"{file}.{test}" for file, test in named if f"def {test}(" not in files.get(file, "")
    ]
    assert missing == []
    own = re.findall(r"^(?:async )?def (test_\w+)\(", files["test_advisories"], re.MULTILINE)
    assert set(own) <= {test for _, test in named}
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert len(parts) >= 9
    for part in parts:
        rows = [line for line in part.splitlines() if line.startswith("| ") and "---" not in line]
        named_here = [one for row in rows[1:] for one in row.split("|")[1].split(",")]
        assert {one.strip() for one in named_here} == _SURFACES, part[:40]
