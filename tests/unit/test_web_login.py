"""Logging in at the web server: sessions, tokens, and who is believed."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_site import CONFIG, Site, visited, with_web

from chargehand.config.login import Begun, Login, LoginRefused, LoginUnavailable
from chargehand.config.model import MasterConfig
from chargehand.domain.audit import AuditEntry
from chargehand.domain.user import User
from chargehand.kit.hashed_passwords import hashed, matches
from chargehand.kit.values import replace
from chargehand.resources.policy import KnownPeople
from chargehand.testing.credentials import MemorySessions, MemoryTokens
from chargehand.web.access.attempts import Attempts
from chargehand.web.access.redirects import within_site
from chargehand.web.live import revocation

ANN = User(name="ann", full_name="Ann Example", email="ann@example.org", groups=("qa",))
PAGE = {"Accept": "text/html"}
FORCE = {"jsonrpc": "2.0", "id": 1, "method": "force", "params": {}}


class _Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def timestamp(self) -> float:
        return self.seconds

    def now(self) -> Any:
        raise NotImplementedError


class _Passwords(msgspec.Struct, frozen=True):
    users: dict[str, User]
    password: str = "right"
    is_down: bool = False

    async def user(self, name: str, password: str) -> User | None:
        if self.is_down:
            raise LoginUnavailable("the directory of users cannot be reached")
        return self.users.get(name) if password == self.password else None

    def knows(self, name: str) -> bool:
        return name in self.users


class _Emergency(msgspec.Struct, frozen=True):
    stored: str

    async def user(self, name: str, password: str) -> User | None:
        return User(name=name) if matches(self.stored, password) else None

    def knows(self, name: str) -> bool:
        return name == "root"


class _Header(msgspec.Struct, frozen=True):
    header: str = "X-User"

    async def user(self, value: str) -> User | None:
        return User(name=value) if value != "nobody" else None


class _Provider(msgspec.Struct, frozen=True):
    title: str = "Forge"
    is_automatic: bool = False

    async def begin(self, callback: str) -> Begun:
        return Begun(f"https://forge.example/?to={callback}", {"state": "s"})

    async def finish(
        self, callback: str, kept: Mapping[str, str], answer: Mapping[str, str]
    ) -> User:
        if answer.get("state") != kept["state"]:
            raise LoginRefused("the answer does not belong to a login that this browser began")
        return ANN


class _Log:
    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def note(self, entry: AuditEntry) -> None:
        self.entries.append(entry)


class _Place:
    """A site where people log in."""

    def __init__(
        self,
        site: Site,
        browser: aiohttp.ClientSession,
        clock: _Clock,
        audit: _Log,
        sessions: MemorySessions,
    ) -> None:
        self.site = site
        self.clock = clock
        self.audit = audit
        self.sessions = sessions
        self.http = browser

    async def log_in(self, password: str = "right", name: str = "ann", **headers: str) -> Any:
        return await self.http.post(
            "/auth/login",
            data={"username": name, "password": password},
            headers=headers,
            allow_redirects=False,
        )

    async def name(self, **headers: str) -> str:
        """Return as whom the site knows the visitor."""
        async with self.http.get("/config", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            user = (await answer.json())["user"]
        return "" if user.get("anonymous") else str(user["username"])

    async def forced(self, **headers: str) -> int:
        async with self.http.post(
            "/api/v2/forceschedulers/force", json=FORCE, headers=headers
        ) as answer:
            return answer.status


def _config(login: Login | None = None, **web: Any) -> MasterConfig:
    login = login or Login(name="UserPasswordAuth", password=_Passwords({"ann": ANN}))
    return with_web(login=login, policy=KnownPeople(), **web)


@asynccontextmanager
async def _place(
    config: MasterConfig | None = None, tokens: MemoryTokens | None = None
) -> AsyncIterator[_Place]:
    clock, audit, sessions = _Clock(), _Log(), MemorySessions()
    tokens = tokens or MemoryTokens()
    async with (
        visited(
            config or _config(), clock=clock, audit=audit, sessions=sessions, tokens=tokens
        ) as site,
        _browser(site) as browser,
    ):
        yield _Place(site, browser, clock, audit, sessions)


def _browser(site: Site) -> aiohttp.ClientSession:
    """Return a client that keeps cookies, of addresses as well."""
    host, port = site.server.addresses[0]
    jar = aiohttp.CookieJar(unsafe=True)
    return aiohttp.ClientSession(f"http://{host}:{port}", cookie_jar=jar)


async def test_somebody_logs_in_orders_a_build_and_logs_out():
    async with _place() as place:
        assert await place.forced() == 403

        answer = await place.log_in()

        assert (answer.status, answer.headers["Location"]) == (303, "../")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie
        assert await place.name() == "ann"
        assert await place.forced() == 200
        assert place.site.controls.orders[-1][-1] == ANN.email

        await place.http.get("/auth/logout")

        assert await place.name() == ""
        assert await place.forced() == 403
        assert not place.sessions.sessions
    assert [(one.kind, one.action, one.user_name) for one in place.audit.entries] == [
        ("order", "force", ""),
        ("login", "log in", "ann"),
        ("order", "force", "ann"),
        ("login", "log out", "ann"),
        ("order", "force", ""),
    ]


async def test_programs_log_in_with_basic_authentication():
    async with _place() as place:
        asked = await place.http.get("/auth/login")
        assert asked.status == 401
        assert asked.headers["WWW-Authenticate"].startswith("Basic ")

        shown = base64.b64encode(b"ann:right").decode()
        answer = await place.http.get("/auth/login", headers={"Authorization": f"Basic {shown}"})

        assert (answer.status, await answer.text()) == (200, "")
        assert await place.forced() == 200


async def test_wrong_passwords_make_one_wait_and_are_told():
    async with _place() as place:
        statuses = [(await place.log_in("wrong")).status for _ in range(4)]

        assert statuses == [401, 401, 401, 429]
        answer = await place.log_in("right", Accept="text/html")
        assert answer.status == 429
        assert answer.headers["Retry-After"] == "1"
        assert "wait 1 second" in await answer.text()
        for _ in range(5):
            await place.log_in("right")
        refused = [one for one in place.audit.entries if not one.is_allowed]
        assert len(refused) == 4  # That one has to wait is noted once a minute.
        assert refused[0].reason == "the name or the password is wrong"
        assert refused[0].user_name == "ann"


async def test_what_is_stored_is_not_what_the_browser_shows():
    async with _place() as place:
        answer = await place.log_in()
        shown = next(iter(answer.cookies.values())).value

        (session,) = place.sessions.sessions.values()

        assert shown not in repr(session)
        assert session.origin == "127.0.0.1"


async def test_a_new_login_ends_the_session_that_the_browser_had():
    async with _place() as place:
        first = (await place.log_in()).cookies
        second = (await place.log_in()).cookies

        assert first != second
        assert len(place.sessions.sessions) == 1


async def test_sessions_end_without_use_and_in_any_case():
    login = Login(
        name="UserPasswordAuth",
        password=_Passwords({"ann": ANN}),
        idle_seconds=1000.0,
        total_seconds=2500.0,
    )
    async with _place(_config(login)) as place:
        await place.log_in()
        for _ in range(3):
            place.clock.seconds += 800
            assert await place.name() == "ann"
        place.clock.seconds += 200
        assert await place.name() == ""

        await place.log_in()
        place.clock.seconds += 1001
        assert await place.name() == ""


async def test_a_request_does_not_ask_the_store():
    async with _place() as place:
        await place.log_in()
        place.sessions.asked = 0
        for _ in range(20):
            assert await place.name() == "ann"
        assert place.sessions.asked == 0

        place.clock.seconds += 60
        assert await place.name() == "ann"
        assert place.sessions.asked == 1


async def test_a_session_that_another_master_ended_is_soon_over_here():
    async with _place() as place:
        await place.log_in()
        place.sessions.sessions.clear()
        place.clock.seconds += 60
        assert await place.name() == ""


async def test_pages_of_other_sites_use_no_session():
    foreign = {"Origin": "https://evil.example"}
    async with _place(_config(allowed_origins=("https://evil.example",))) as place:
        await place.log_in()

        assert await place.forced(**foreign) == 403
        assert await place.name(**foreign) == ""
        assert await place.forced() == 200
        answer = await place.log_in(**foreign)
        assert answer.status == 403
        answer = await place.http.get("/auth/logout", headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status == 403
        assert await place.name() == "ann"


async def test_who_is_removed_from_the_configuration_is_out_at_once():
    async with _place() as place:
        await place.log_in()

        login = Login(name="UserPasswordAuth", password=_Passwords({"bob": User(name="bob")}))
        await place.site.server.reconfigure(_config(login))

        assert await place.name() == ""


async def test_a_session_of_another_way_in_does_not_count():
    async with _place() as place:
        await place.log_in()

        login = Login(name="HTPasswdAuth", password=_Passwords({"ann": ANN}))
        await place.site.server.reconfigure(_config(login))

        assert await place.name() == ""


async def test_a_directory_that_is_down_is_said_and_the_emergency_account_works():
    login = Login(
        name="CustomAuth",
        password=_Passwords({"ann": ANN}, is_down=True),
        emergency=_Emergency(hashed("break glass")),
    )
    async with _place(_config(login)) as place:
        answer = await place.log_in(Accept="text/html")
        assert answer.status == 503
        assert "cannot be reached" in await answer.text()

        assert (await place.log_in("break glass", name="root")).status == 303
        assert await place.name() == "root"
        assert place.audit.entries[-1].details == {"method": "emergency"}


async def test_nobody_else_has_the_name_of_an_emergency_account():
    emergency = _Emergency(hashed("break glass"))
    login = Login(name="x", password=_Passwords({"root": ANN, "ann": ANN}), emergency=emergency)
    async with _place(_config(login)) as place:
        # The ordinary password of this name is not asked for.
        assert (await place.log_in(name="root")).status == 401
        assert (await place.log_in()).status == 303

    class Forge(_Provider):
        async def finish(self, *_: Any) -> User:
            return User(name="root")

    login = Login(name="Forge", provider=Forge(), emergency=emergency)
    async with _place(_config(login)) as place:
        await place.http.get("/auth/login", allow_redirects=False)
        answer = await place.http.get("/auth/login?code=c&state=s", headers=PAGE)
        assert answer.status == 403
        assert "is that of an emergency account" in await answer.text()
        assert place.audit.entries[-1].is_allowed is False

    class Header(_Header):
        async def user(self, value: str) -> User:
            return User(name=value)

    login = Login(name="RemoteUserAuth", proxy=Header(), emergency=emergency)
    async with _place(_config(login, trusted_proxies=("127.0.0.0/8",))) as place:
        assert await place.name(**{"X-User": "carol"}) == "carol"
        assert await place.name(**{"X-User": "root"}) == ""

    ordinary = Login(name="x", password=_Passwords({"root": User(name="root")}))
    async with _place(_config(ordinary)) as place:
        await place.log_in(name="root")
        assert await place.name() == "root"
        await place.site.server.reconfigure(_config(replace(ordinary, emergency=emergency)))
        assert await place.name() == ""


async def test_visitors_are_sent_to_the_other_site_at_once_if_it_is_so_configured():
    login = Login(name="Forge", provider=_Provider(is_automatic=True))
    async with _place(_config(login)) as place:
        sent = await place.http.get("/builders?x=1", headers=PAGE, allow_redirects=False)
        assert (sent.status, sent.headers["Location"]) == (
            302,
            "auth/login?redirect=%2Fbuilders%3Fx%3D1",
        )
        assert (await place.http.get("/builders")).status == 200  # A program.
        await place.http.get("/auth/login")
        await place.http.get("/auth/login?code=c&state=s", headers=PAGE, allow_redirects=False)
        assert (await place.http.get("/builders", headers=PAGE)).status == 200


async def test_another_site_says_who_somebody_is():
    async with _place(_config(Login(name="Forge", provider=_Provider()))) as place:
        asked = await place.http.get("/auth/login?redirect=/builders/2", allow_redirects=False)
        assert (asked.status, await asked.text()) == (
            200,
            f"https://forge.example/?to={CONFIG.url}auth/login",
        )
        sent = await place.http.get("/auth/login", headers=PAGE, allow_redirects=False)
        assert (sent.status, sent.headers["Location"][:22]) == (302, "https://forge.example/")
        await place.http.get("/auth/login?redirect=/builders/2", allow_redirects=False)

        back = await place.http.get(
            "/auth/login?code=c&state=s", headers=PAGE, allow_redirects=False
        )

        assert (back.status, back.headers["Location"]) == (303, "../builders/2")
        assert await place.name() == "ann"


@pytest.mark.parametrize("kept", [True, False])
async def test_an_answer_that_this_browser_did_not_ask_for_logs_nobody_in(kept: bool):
    async with _place(_config(Login(name="Forge", provider=_Provider()))) as place:
        if kept:
            await place.http.get("/auth/login")
        answer = await place.http.get("/auth/login?code=c&state=of-another", headers=PAGE)

        assert answer.status == 403
        assert "did not begin" in (text := await answer.text()) or "does not belong" in text
        assert await place.name() == ""
        # What it kept is used up: the answer cannot be tried again.
        again = await place.http.get("/auth/login?code=c&state=s", headers=PAGE)
        assert again.status == 403


@pytest.mark.parametrize("query", ["token=t", "access_token=t", "code=", "state=s", "username=ann"])
async def test_what_a_link_brings_logs_nobody_in(query: str):
    """A token or a code that a caller has from elsewhere says nothing about the caller."""
    async with _place(_config(Login(name="Forge", provider=_Provider()))) as place:
        await place.http.get(f"/auth/login?{query}", allow_redirects=False)
        assert await place.name() == ""
        assert not place.sessions.sessions


async def test_only_trusted_proxies_name_users():
    login = Login(name="RemoteUserAuth", proxy=_Header())
    async with _place(_config(login, trusted_proxies=("127.0.0.0/8",))) as place:
        assert await place.name(**{"X-User": "carol"}) == "carol"
        assert await place.name(**{"X-User": "nobody"}) == ""
        assert await place.forced(**{"X-User": "carol"}) == 200
        assert await place.forced() == 403
    async with _place(_config(login, trusted_proxies=("192.0.2.1",))) as place:
        assert await place.name(**{"X-User": "carol"}) == ""


class _Asking(KnownPeople, frozen=True):
    """A policy that has to learn who somebody is, each time."""

    def knows(self, user: User) -> bool:
        return False

    async def learn(self, user: User) -> None:
        pass


async def test_nobody_names_himself_while_a_policy_is_asked():
    login = Login(name="RemoteUserAuth", proxy=_Header())
    foreign = {"X-User": "carol", "Origin": "https://evil.example"}
    for trusted, expected in ((("127.0.0.0/8",), "carol"), (("192.0.2.1",), "")):
        web = with_web(login=login, policy=_Asking(), trusted_proxies=trusted)
        allowed = replace(web, web=replace(web.web, allowed_origins=("https://evil.example",)))
        async with _place(allowed) as place:
            for _ in range(2):
                assert await place.name(**{"X-User": "carol"}) == expected
                assert await place.name(**foreign) == ""


async def test_behind_a_trusted_proxy_addresses_and_https_are_the_clients():
    headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto": "https"}
    async with _place(_config(trusted_proxies=("127.0.0.1",))) as place:
        answer = await place.log_in(**headers)

        assert "Secure" in answer.headers["Set-Cookie"]
        assert "__Host-" in answer.headers["Set-Cookie"]
        # The first address is what the client says of itself: the proxy saw the second.
        assert place.audit.entries[-1].origin == "198.51.100.7"
    async with _place() as place:
        await place.log_in(**headers)
        assert place.audit.entries[-1].origin == "127.0.0.1"


async def test_a_token_acts_for_its_owner_within_its_limits():
    async with _place() as place:
        await place.log_in()
        made = await place.http.post("/auth/tokens", json={"label": "ci", "actions": ["force"]})
        token = (await made.json())["token"]
        assert made.status == 201
        await place.http.get("/auth/logout")
        shown = {"Authorization": f"Bearer {token}"}

        assert await place.name(**shown) == "ann"
        assert await place.forced(**shown) == 200
        stop = {"jsonrpc": "2.0", "id": 1, "method": "stop", "params": {}}
        async with place.http.post("/api/v2/builds/1", json=stop, headers=shown) as answer:
            assert answer.status == 403
            assert "no scope 'stop'" in (await answer.json())["error"]["message"]
        refused = await place.http.post("/auth/tokens", json={"label": "more"}, headers=shown)
        assert refused.status == 403


async def test_tokens_are_listed_without_the_secret_and_revoked():
    async with _place() as place:
        await place.log_in()
        made = await (await place.http.post("/auth/tokens", json={"label": "ci"})).json()
        listed = await (await place.http.get("/auth/tokens")).json()
        assert [one["label"] for one in listed["tokens"]] == ["ci"]
        assert made["token"] not in str(listed)
        shown = {"Authorization": f"Bearer {made['token']}"}
        assert await place.name(**shown) == "ann"

        answer = await place.http.delete(f"/auth/tokens/{made['tokenid']}")

        assert answer.status == 204
        answer = await place.http.get("/api/v2/builders", headers=shown)
        assert answer.status == 401
        assert "revoked" in (await answer.json(content_type=None))["error"]


async def test_tokens_expire():
    async with _place() as place:
        await place.log_in()
        made = await (await place.http.post("/auth/tokens", json={"label": "x", "days": 1})).json()
        place.clock.seconds += 86_401
        answer = await place.http.get(
            "/api/v2/builders", headers={"Authorization": f"Bearer {made['token']}"}
        )
        assert answer.status == 401
        assert "has expired" in (await answer.json(content_type=None))["error"]


async def test_a_tokens_owner_is_described_anew_at_each_login():
    passwords = _Passwords({"ann": ANN})
    async with _place(_config(Login(name="A", password=passwords))) as place:
        await place.log_in()
        await place.http.post("/auth/tokens", json={"label": "x"})
        passwords.users["ann"] = replace(ANN, groups=())
        await place.log_in()
        tokens = place.site.server._tokens  # the only way to look into the store's fake
        (token,) = await tokens.of_user("ann")
        assert token.account.groups == ()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"label": ""},
        {"label": "x" * 101},
        {"label": "x", "actions": ["fly"]},
        {"label": "x", "days": "0"},
        {"label": "x", "days": "٣"},
        {"label": "x", "days": "9999999999"},
        {"label": "x", "user": "bob"},
        {"label": {"x": 1}},
    ],
)
async def test_nonsense_makes_no_token(body: dict[str, Any]):
    async with _place() as place:
        await place.log_in()
        answer = await place.http.post("/auth/tokens", json=body)
        assert answer.status in (400, 403)
        assert (await answer.text()).strip()


async def test_people_see_and_end_their_sessions():
    async with _place() as place:
        async with _browser(place.site) as other:
            await other.post("/auth/login", data={"username": "ann", "password": "right"})
            await place.log_in()
            page = await (await place.http.get("/auth/account", headers=PAGE)).text()
            assert "Ann Example" in page and "Log out everywhere" in page

            await place.http.post("/auth/sessions/all/end", headers=PAGE)

            answer = await other.get("/auth/sessions")
            assert answer.status == 401
        assert await place.name() == ""


@pytest.mark.parametrize("path", ["/auth/account", "/auth/tokens", "/auth/sessions"])
async def test_strangers_are_asked_to_log_in(path: str):
    async with _place() as place:
        assert (await place.http.get(path)).status == 401
        page = await place.http.get(path, headers=PAGE)
        assert "Log in" in await page.text()


async def test_where_nobody_can_log_in_that_is_said():
    async with visited() as site:
        page = await site.session.get("/auth/login", headers=PAGE)
        assert page.status == 404
        assert "c['www']['auth'] is not set" in (await page.text()).replace("&#39;", "'")


async def test_kept_answers_of_strangers_are_not_those_of_somebody_who_logged_in():
    async with _place() as place:
        for _ in range(3):
            async with place.http.get("/api/v2/builders") as answer:
                assert answer.status == 200
        await place.log_in()
        for _ in range(3):
            async with place.http.get("/api/v2/builders") as answer:
                assert answer.status == 200
        assert await place.name() == "ann"


@pytest.mark.parametrize("way", ["logout", "revoke"])
async def test_live_connections_end_with_what_they_were_opened_with(way: str):
    async with _place() as place:
        await place.log_in()
        headers: dict[str, str] = {}
        if way == "revoke":
            made = await place.http.post("/auth/tokens", json={"label": "x"})
            headers = {"Authorization": f"Bearer {(await made.json())['token']}"}
        async with (
            place.http.ws_connect("/ws", headers=headers) as socket,
            _browser(place.site) as other,
            other.ws_connect("/ws") as of_a_stranger,
        ):
            await socket.send_json({"cmd": "startConsuming", "path": "builds/*/*", "_id": 1})
            await socket.receive_json()

            await (
                place.http.get("/auth/logout")
                if way == "logout"
                else place.http.delete("/auth/tokens/1")
            )

            assert (await socket.receive()).type in (
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.ERROR,
                aiohttp.WSMsgType.CLOSE,
            )
            await of_a_stranger.send_json({"cmd": "ping", "_id": 1})
            assert (await of_a_stranger.receive_json())["msg"] == "pong"


@given(st.text(max_size=40) | st.from_regex(r"[/\\]{0,3}[a-z.:]{0,9}[/\\@]{0,2}.{0,6}"))
def test_a_redirect_leads_nowhere_else(target: str):
    from yarl import URL

    found = within_site(target, "http://ci.example/sub/")

    assert found.startswith("/") and not found.startswith(("//", "/\\"))
    assert found.isprintable() and "\\" not in found
    assert URL("http://ci.example/auth/login").join(URL(f"..{found}")).host == "ci.example"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/builders/1?a=b#c", "/builders/1?a=b#c"),
        ("#/builders/1", "/#/builders/1"),
        ("http://ci.example/sub/builders", "/builders"),
        ("http://CI.example/sub", "/"),
        ("https://ci.example/sub/builders", "/"),
        ("http://ci.example.evil/sub/", "/"),
        ("//evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("http://ci.example@evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("http://[", "/"),
        ("", "/"),
    ],
)
def test_redirects_lead_to_ourselves(target: str, expected: str):
    assert within_site(target, "http://ci.example/sub/") == expected


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["1.1.1.1", "::1:1"])), max_size=30)
)
def test_each_wrong_password_makes_the_next_wait_at_least_as_long(tries: list[tuple[str, str]]):
    attempts = Attempts()
    longest: dict[str, float] = {}
    for name, address in tries:
        attempts.failed(name, address, 0.0)
        wait = attempts.seconds_to_wait("somebody", address, 0.0)
        assert longest.get(address, 0.0) <= wait <= 300
        longest[address] = wait
        # However many strangers try: the owner of a name need not wait long elsewhere.
        assert attempts.seconds_to_wait(name, "9.9.9.9", 0.0) <= 10
    for name, address in tries:
        attempts.succeeded(name, address)
        assert attempts.seconds_to_wait(name, "9.9.9.9", 0.0) == 0
    for address in longest:
        assert attempts.seconds_to_wait("somebody", address, 0.0) == 0


def test_who_knows_one_password_does_not_guess_others_faster():
    attempts = Attempts()
    for _ in range(8):
        attempts.failed("ann", "1.1.1.1", 0.0)
        attempts.failed("mallory", "1.1.1.1", 0.0)
        attempts.succeeded("mallory", "1.1.1.1")
    assert attempts.seconds_to_wait("bob", "1.1.1.1", 0.0) == 2.0 ** (8 - 3)


@pytest.mark.parametrize("way", ["session", "token", "expired token", "expired session"])
async def test_what_another_master_ends_is_over_here_within_seconds(
    way: str, monkeypatch: pytest.MonkeyPatch
):
    """Two masters with one store: requests and live connections."""
    monkeypatch.setattr(revocation, "LOOK_SECONDS", 0.0)
    tokens = MemoryTokens()
    async with _place(tokens=tokens) as place:
        await place.log_in()
        headers: dict[str, str] = {}
        if "token" in way:
            made = await place.http.post("/auth/tokens", json={"label": "x", "days": 1})
            headers = {"Authorization": f"Bearer {(await made.json())['token']}"}
        async with (
            place.http.ws_connect("/ws", headers=headers) as socket,
            _browser(place.site) as other,
            other.ws_connect("/ws") as of_a_stranger,
        ):
            stream = await place.http.get("/sse/listen/builds/*/*", headers=headers)
            for _ in range(20):  # It is looked at meanwhile.
                await socket.send_json({"cmd": "ping", "_id": 1})
                assert (await socket.receive_json())["msg"] == "pong"

            # As the other master does; this one is not told, and has just asked the store.
            if way == "session":
                await place.sessions.delete([*place.sessions.sessions])
            elif way == "token":
                await tokens.delete(1)
            place.clock.seconds += 40 * 86_400 if "expired" in way else 1

            for ended in (socket.receive(), stream.content.read()):
                async with asyncio.timeout(10):
                    try:
                        message = await ended
                    except aiohttp.ClientPayloadError:
                        continue
                    assert isinstance(message, bytes) or message.type in (
                        aiohttp.WSMsgType.CLOSED,
                        aiohttp.WSMsgType.ERROR,
                        aiohttp.WSMsgType.CLOSE,
                    )
            answer = await place.http.get("/api/v2/builders", headers=headers)
            assert answer.status == (401 if headers else 200)
            assert await place.name() == ("ann" if way == "token" else "")
            await of_a_stranger.send_json({"cmd": "ping", "_id": 1})
            assert (await of_a_stranger.receive_json())["msg"] == "pong"


async def test_a_page_that_is_open_does_not_keep_a_session_alive(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(revocation, "LOOK_SECONDS", 0.0)
    async with _place() as place:
        await place.log_in()
        async with place.http.ws_connect("/ws") as socket:
            for _ in range(8):
                place.clock.seconds += 86_400
                for _ in range(50):
                    await asyncio.sleep(0)
            async with asyncio.timeout(10):
                assert (await socket.receive()).type is not aiohttp.WSMsgType.TEXT
