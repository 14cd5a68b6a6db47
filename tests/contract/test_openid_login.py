"""Logging in at a real provider of OpenID Connect, and at servers that answer wrongly."""

from __future__ import annotations

import re
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from buildbot._host.reading.logins import HostedProvider, _Hosted
from buildbot._host.views.engine_access import EngineAccess
from buildbot.www.oauth2 import GitHubAuth, GitLabAuth, OpenIDConnectAuth
from buildbot.www.openid import checked_claims
from chargehand.config.login import Login, LoginRefused, LoginUnavailable
from chargehand.config.model import MasterConfig, WebConfig
from chargehand.domain.user import User
from chargehand.events.bus import Bus
from chargehand.kit.values import replace
from chargehand.resources.policy import KnownPeople
from chargehand.testing.credentials import MemorySessions, MemoryTokens
from chargehand.testing.web import (
    MemoryControls,
    MemoryExplanations,
    MemoryForms,
    MemoryLogs,
    MemoryResources,
)
from chargehand.web.server import WebServer

_PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """Run a provider; yield its address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from oidc_provider_mock import User as Known
        from oidc_provider_mock import run_server_in_thread

        ann = Known(
            sub="ann",
            claims={"email": "ann@example.org", "name": "Ann Example", "groups": ["qa"]},
        )
        with run_server_in_thread(user_claims=[ann]) as server:
            yield f"http://localhost:{server.server_port}"


def _hosted(auth: Any) -> HostedProvider:
    return HostedProvider(_Hosted(auth, EngineAccess()))


@asynccontextmanager
async def _site(auth: Any) -> AsyncIterator[aiohttp.ClientSession]:
    """Run a site where people log in by *auth*; yield a browser."""
    login = Login(name=auth.name, provider=_hosted(auth), shown=auth.getConfigDict())
    listen = (("127.0.0.1", 0),)
    config = MasterConfig(web=WebConfig(listen=listen, login=login, policy=KnownPeople()))
    server = WebServer(
        config=config,
        resources=MemoryResources({}),
        logs=MemoryLogs({}, without_letters=set()),
        controls=MemoryControls(builds=set(), workers=set()),
        explanations=MemoryExplanations({}),
        forms=MemoryForms([]),
        sessions=MemorySessions(),
        tokens=MemoryTokens(),
        bus=Bus(),
    )
    await server.start()
    try:
        url = f"http://127.0.0.1:{server.port}/"
        await server.reconfigure(replace(config, url=url))
        async with aiohttp.ClientSession(
            url, cookie_jar=aiohttp.CookieJar(unsafe=True), headers=_PAGE
        ) as browser:
            yield browser
    finally:
        await server.stop()


async def _user(browser: aiohttp.ClientSession) -> dict[str, Any]:
    async with browser.get("/config") as answer:
        return dict((await answer.json())["user"])


async def test_somebody_logs_in_at_the_provider(provider: str):
    auth = OpenIDConnectAuth(provider, "client", "secret", title="Example", usernameClaim="sub")
    async with _site(auth) as browser:
        page = await browser.get("/auth/login?redirect=/builders", allow_redirects=False)
        there = page.headers["Location"]
        asked = parse_qs(urlsplit(there).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["scope"] == ["openid email profile"]
        assert len(asked["state"][0]) > 30 and asked["nonce"]

        back = await browser.post(there, data={"sub": "ann"}, allow_redirects=False)
        url = back.headers["Location"]
        assert url.startswith(f"{browser._base_url}auth/login?code=")
        arrived = await browser.get(url, allow_redirects=False)

        assert (arrived.status, arrived.headers["Location"]) == (303, "../builders")
        assert await _user(browser) == {
            "username": "ann",
            "email": "ann@example.org",
            "full_name": "Ann Example",
            "groups": ["qa"],
        }

        await browser.get("/auth/logout")
        replayed = await browser.get(url)
        assert replayed.status == 403
        assert await _user(browser) == {"anonymous": True}


async def test_an_answer_of_another_browser_is_refused(provider: str):
    auth = OpenIDConnectAuth(provider, "client", "secret")
    async with _site(auth) as browser:
        page = await browser.get("/auth/login", allow_redirects=False)
        back = await browser.post(
            page.headers["Location"], data={"sub": "ann"}, allow_redirects=False
        )
        await browser.get("/auth/login", allow_redirects=False)  # Another login begins here.

        answer = await browser.get(back.headers["Location"])

        assert answer.status == 403
        assert "does not belong to a login that this browser began" in await answer.text()


async def test_who_declines_is_told_so(provider: str):
    async with _site(OpenIDConnectAuth(provider, "client", "secret", title="SSO")) as browser:
        page = await browser.get("/auth/login", allow_redirects=False)
        state = parse_qs(urlsplit(page.headers["Location"]).query)["state"][0]
        answer = await browser.get(
            f"/auth/login?error=access_denied&error_description=No%20<b>&state={state}"
        )
        text = await answer.text()
        assert answer.status == 403
        assert "SSO: No &lt;b&gt;" in text


async def test_a_provider_that_is_down_is_named():
    async with _site(OpenIDConnectAuth("http://127.0.0.1:9", "c", "s", title="SSO")) as browser:
        answer = await browser.get("/auth/login")
        assert answer.status == 503
        assert re.search(r"SSO cannot be reached; try again later", await answer.text())


_KEY = RSAKey.generate_key(2048, parameters={"kid": "1"})
_NOW = 1_700_000_000


def _token(key: RSAKey = _KEY, algorithm: str = "RS256", **changes: Any) -> str:
    claims = {
        "iss": "https://issuer.example",
        "aud": "client",
        "sub": "ann",
        "nonce": "n",
        "iat": _NOW,
        "exp": _NOW + 300,
    } | changes
    return jwt.encode({"alg": algorithm, "kid": "1"}, claims, key)


def _claims(token: str) -> dict[str, Any]:
    keys = {"keys": [_KEY.as_dict(private=False)]}
    return checked_claims(
        token, keys, issuer="https://issuer.example", client_id="client", nonce="n"
    )


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: float(_NOW))


@pytest.mark.usefixtures("moment")
@pytest.mark.parametrize(
    "changes", [{}, {"aud": ["client", "x"], "azp": "client"}, {"iat": _NOW + 50}]
)
def test_what_the_provider_signed_is_believed(changes: dict[str, Any]):
    assert _claims(_token(**changes))["sub"] == "ann"


@pytest.mark.usefixtures("moment")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "another"},
        {"aud": ["client"], "azp": "another"},
        {"nonce": "replayed"},
        {"nonce": None},
        {"exp": _NOW - 120},
        {"exp": None},
        {"iat": _NOW + 4000},
        {"sub": None},
    ],
)
def test_answers_that_are_not_for_us_or_not_for_now_are_refused(changes: dict[str, Any]):
    with pytest.raises(LoginRefused):
        _claims(_token(**changes))


@pytest.mark.usefixtures("moment")
def test_only_the_providers_own_signature_counts():
    other = RSAKey.generate_key(2048, parameters={"kid": "1"})
    head, payload, _ = _token().split(".")
    forged = [
        _token(key=other),
        f"{head}.{payload}.",
        "",
        "a.b.c",
        f"eyJhbGciOiJub25lIn0.{payload}.",
    ]
    for token in forged:
        with pytest.raises(LoginRefused):
            _claims(token)


class _Forge:
    """A server that answers as GitHub and GitLab document it."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.seen: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(f"{request.method} {request.path}")
        found = self.answers.get(request.path)
        if request.path.endswith("access_token") or request.path.endswith("/oauth/token"):
            sent = await request.post()
            if sent.get("code") != "good" or not sent.get("code_verifier"):
                return web.json_response({"error": "bad_verification_code"})
            return web.json_response({"access_token": "t", "token_type": "bearer"})
        if request.headers.get("Authorization") != "Bearer t":
            return web.Response(status=401)
        if callable(found):
            return web.json_response(found(await request.json()))
        return web.json_response(found) if found is not None else web.Response(status=404)


@asynccontextmanager
async def _forge(**answers: Any) -> AsyncIterator[tuple[str, _Forge]]:
    forge = _Forge()
    forge.answers = answers
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", forge.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", forge
    finally:
        await runner.cleanup()


async def _finished(auth: Any, code: str = "good") -> User:
    hosted = _hosted(auth)
    begun = await hosted.begin("http://ci.example/auth/login")
    answer = {"code": code, "state": begun.kept["state"]}
    return await hosted.finish("http://ci.example/auth/login", begun.kept, answer)


_GITHUB = {
    "/api/v3/user": {"login": "ann", "name": "Ann Example", "email": None},
    "/api/v3/user/emails": [
        {"email": "x@x", "primary": False, "verified": True},
        {"email": "ann@example.org", "primary": True, "verified": True},
    ],
    "/api/v3/user/orgs": [{"login": "acme"}],
}


async def test_github_by_rest():
    async with _forge(**_GITHUB) as (url, _):
        found = await _finished(GitHubAuth("id", "secret", serverURL=url))
    assert found == User(
        name="ann", full_name="Ann Example", email="ann@example.org", groups=("acme",)
    )


def _graphql(body: dict[str, Any]) -> dict[str, Any]:
    if "viewer" in body["query"]:
        return {"data": {"viewer": {"login": "ann", "name": None, "email": "ann@example.org"}}}
    page = body["variables"]["after"] or "1"
    nodes = {
        "1": [{"login": "acme", "teams": {"nodes": [{"name": "Q A", "slug": "q-a"}]}}],
        "2": [{"login": "zeta", "teams": {"nodes": []}}],
    }[page]
    if not body["variables"]["teams"]:
        nodes = [{"login": one["login"]} for one in nodes]
    info = {"hasNextPage": page == "1", "endCursor": "2"}
    return {"data": {"user": {"organizations": {"nodes": nodes, "pageInfo": info}}}}


@pytest.mark.parametrize("teams", [True, False])
async def test_github_by_graphql_with_teams(teams: bool):
    async with _forge(**{"/api/graphql": _graphql}) as (url, _):
        found = await _finished(
            GitHubAuth("id", "s", serverURL=url, apiVersion=4, getTeamsMembership=teams)
        )
    more = ("acme/Q A", "acme/q-a") if teams else ()
    assert found.groups == ("acme", *more, "zeta")
    assert found.full_name == "ann"


async def test_gitlab():
    answers = {
        "/api/v4/user": {"username": "ann", "name": "Ann", "email": "ann@example.org"},
        "/api/v4/groups": [{"path": "b", "full_path": "a/b"}],
    }
    async with _forge(**answers) as (url, _):
        found = await _finished(GitLabAuth(url, "id", "secret"))
    assert (found.name, found.groups) == ("ann", ("b", "a/b"))


async def test_a_code_that_the_site_does_not_know_is_refused():
    async with _forge(**_GITHUB) as (url, _):
        with pytest.raises(LoginRefused, match="bad_verification_code"):
            await _finished(GitHubAuth("id", "secret", serverURL=url), code="bad")


@pytest.mark.parametrize("broken", [{"/api/v3/user": []}, {"/api/v3/user": {"name": "x"}}, {}])
async def test_answers_that_make_no_sense_log_nobody_in(broken: dict[str, Any]):
    async with _forge(**broken) as (url, _):
        with pytest.raises(LoginUnavailable):
            await _finished(GitHubAuth("id", "secret", serverURL=url))


async def test_a_class_of_a_user_asks_its_own_site():
    class OwnAuth(GitHubAuth):
        name = "Own"

        def getUserInfoFromOAuthClient(self, c: Any) -> dict[str, Any]:
            user = self.get(c, "/user")
            return {"username": user["login"], "groups": ["own"], "badge": 7}

    async with _forge(**_GITHUB) as (url, _):
        found = await _finished(OwnAuth("id", "secret", serverURL=url))
    assert (found.name, found.groups, found.details) == ("ann", ("own",), (("badge", "7"),))
    assert found.email == "ann"
