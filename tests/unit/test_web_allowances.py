"""What one user, or one address without a login, may take of the master."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from web_site import Site, visited, with_web

from chargehand.config.login import Login
from chargehand.config.web_limits import WebLimits
from chargehand.domain.audit import LIMIT, AuditEntry
from chargehand.domain.credentials import ApiToken, digest_of
from chargehand.domain.user import ANONYMOUS, MASTER, User
from chargehand.kit.clock import SystemClock
from chargehand.resources.policy import Everybody, Visitor
from chargehand.testing.credentials import MemoryTokens
from chargehand.web.access.allowances import Allowance, Allowances, TooMuch
from chargehand.web.access.audit import AuditTrail

ANN, BEN = ({"Authorization": f"Bearer {name}"} for name in ("ann", "ben"))


class MemoryAudit:
    """Keeps entries in memory."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def note(self, entry: AuditEntry) -> None:
        """Keep it."""
        self.entries.append(entry)


@asynccontextmanager
async def site(
    log: MemoryAudit | None = None, proxies: tuple[str, ...] = (), **limits: Any
) -> AsyncIterator[Site]:
    """Run a site with these limits, where Ann and Ben have tokens."""
    tokens = MemoryTokens()
    for name in ("ann", "ben"):
        token = ApiToken(
            digest=digest_of(name),
            label=name,
            account=User(name=name),
            user_name=name,
            actions=("admin",),
            created_at=0.0,
            ends_at=time.time() + 1000,
        )
        await tokens.add(token)
    config = with_web(limits=WebLimits(**limits), login=Login(name="test"), trusted_proxies=proxies)
    async with visited(config, tokens=tokens, audit=log) as running:
        yield running


class Moment:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class From:
    """A request from an address."""

    def __init__(self, address: str) -> None:
        self.remote = address

    def get(self, _: object, default: str) -> str:
        """Return what a proxy told: nothing."""
        return default


def allowances(clock: Moment, log: MemoryAudit | None = None, **limits: Any) -> Allowances:
    """Return allowances with a clock of the test."""
    trail = AuditTrail(log=log, clock=SystemClock())
    return Allowances(limits=lambda: WebLimits(**limits), audit=trail, now=clock)


def of(found: Allowances, user: User, address: str = "192.0.2.1") -> Allowance:
    """Return the allowance of a user, or of an address."""
    return found.of(From(address), Visitor(user, Everybody()))  # type: ignore[arg-type]


async def test_live_connections_are_counted_for_each_user():
    async with site(live_connections_per_user=1) as running:
        socket = await running.session.ws_connect("/ws", headers=ANN)
        stream = await running.session.get("/sse/listen/builds/*/*", headers=BEN)
        for headers in (ANN, BEN):
            for path in ("/ws", "/sse/listen/builds/*/*"):
                asked = {"Upgrade": "websocket", "Connection": "Upgrade"} if path == "/ws" else {}
                if asked:
                    asked |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "A" * 22 + "=="}
                answer = await running.session.get(path, headers=headers | asked)
                assert answer.status == 429
                assert "Close some pages or programs" in await answer.text()
                assert answer.headers["Retry-After"] == "10"
        anonymous = [await running.session.ws_connect("/ws") for _ in range(3)]
        # Ann's other requests are answered, and a place is free when its connection has ended.
        assert (await running.get("/builds/1", **ANN))[0] == 200
        await socket.close()
        stream.close()
        for one in anonymous:
            await one.close()
        async with asyncio.timeout(10):
            while (await running.session.get("/sse/listen/x", headers=ANN)).status == 429:
                await asyncio.sleep(0)


async def test_rows_are_counted_and_answers_that_are_kept_are_not():
    log = MemoryAudit()
    async with site(log, rows_per_client=7) as running:
        for _ in range(20):
            assert (await running.get("/builds", **ANN))[0] == 200
        for offset in range(20):
            status, answer = await running.get(f"/builds?offset=0&limit={offset + 3}", **ANN)
            if status == 429:
                break
        assert offset == 2
        assert "more rows than one client may" in answer["error"]
        assert "c['www']['limits']['rows_per_client']" in answer["error"]
        body = {"jsonrpc": "2.0", "id": 1, "method": "stop", "params": {}}
        refused = await running.session.post("/api/v2/builds/3", json=body, headers=ANN)
        assert refused.status == 429 and int(refused.headers["Retry-After"]) >= 1
        assert "more rows" in (await refused.json())["error"]["message"]
        assert running.controls.orders == []
        page = await running.session.get("/plain/", headers=ANN)
        assert page.status == 429 and "more rows" in await page.text()
        for headers in (BEN, {}):
            assert (await running.get("/builds?limit=2", **headers))[0] == 200
    # A flood is told once.
    assert [(one.kind, one.action, one.user_name, one.is_allowed) for one in log.entries] == [
        (LIMIT, "rows_per_client", "ann", False)
    ]


async def test_large_bodies_are_counted_for_each_client():
    async with site(body_bytes_per_client=300_000) as running:

        async def post(headers: dict[str, str], size: int) -> tuple[int, str]:
            body = b'{"jsonrpc":"2.0","id":1,"method":"force","params":{"x":"%s"}}'
            answer = await running.session.post(
                "/api/v2/forceschedulers/force",
                data=body % (b"y" * size),
                headers=headers | {"Content-Type": "application/json"},
            )
            return answer.status, await answer.text()

        status, text = await post(ANN, 900_000)
        assert status == 429 and "Send one after the other" in text
        assert (await post(ANN, 300_000))[0] == 200
        # What the refused one held is free again.
        assert (await post(ANN, 300_000))[0] == 200


async def test_addresses_are_those_that_trusted_proxies_name():
    log = MemoryAudit()
    async with site(log, proxies=("127.0.0.1",), rows_per_client=2) as running:
        first = {"X-Forwarded-For": "192.0.2.1"}
        assert (await running.get("/builds?limit=3", **first))[0] == 200
        assert (await running.get("/builds?limit=2", **first))[0] == 429
        assert (await running.get("/builds?limit=2", **{"X-Forwarded-For": "192.0.2.2"}))[0] == 200
        body = {"jsonrpc": "2.0", "id": 1, "method": "stop", "params": {}}
        headers = {"X-Forwarded-For": "192.0.2.3"}
        await running.session.post("/api/v2/builds/3", json=body, headers=headers)
    # And so are the origins of orders.
    assert [(one.kind, one.origin) for one in log.entries] == [
        (LIMIT, "192.0.2.1"),
        ("order", "192.0.2.3"),
    ]


def test_requests_at_once_are_counted():
    found = allowances(Moment(), requests_per_user=2)
    ann = of(found, User(name="ann"))
    first = ann.begin()
    ann.begin()
    with pytest.raises(TooMuch, match="2 of your requests are in progress"):
        ann.begin()
    assert of(found, User(name="ann"), "192.0.2.7") is ann
    of(found, User(name="ben")).begin()
    for _ in range(5):  # Others at the same address must not be kept out.
        of(found, ANONYMOUS).begin()
    ann.end(first, was_work=True)
    ann.begin()
    for _ in range(5):
        of(found, MASTER).begin()


def test_work_is_counted_and_given_back_within_a_minute():
    clock = Moment()
    log = MemoryAudit()
    found = allowances(clock, log, seconds_per_client=10.0)
    address = of(found, ANONYMOUS)
    began = [address.begin() for _ in range(5)]  # At the same time: that counts once.
    clock.now += 12
    for one in began:
        address.end(one, was_work=True)
    with pytest.raises(TooMuch) as error:
        address.begin()
    assert error.value.seconds == 12 and "more work" in str(error.value)
    clock.now += 11.9
    with pytest.raises(TooMuch) as error:
        address.begin()
    assert error.value.seconds == 1
    clock.now += 0.1
    address.end(address.begin(), was_work=False)

    clock.now += 60
    first = address.begin()
    clock.now += 4
    second = address.begin()
    clock.now += 4
    address.end(first, was_work=True)
    clock.now += 4
    address.end(second, was_work=True)  # 12 s in all, of which a part is given back already.
    with pytest.raises(TooMuch) as error:
        address.begin()
    assert error.value.seconds == 8
    assert [(one.user_name, one.origin) for one in log.entries] == [("", "192.0.2.1")]


def test_an_ipv6_network_is_one_client_and_no_name_is_an_address():
    found = allowances(Moment())
    assert of(found, ANONYMOUS, "2001:db8::1") is of(found, ANONYMOUS, "2001:db8::2")
    assert of(found, ANONYMOUS, "2001:db8::1") is not of(found, ANONYMOUS, "2001:db8:1::2")
    assert of(found, User(name="192.0.2.1")) is not of(found, ANONYMOUS, "192.0.2.1")


def test_clients_are_forgotten_but_for_those_who_are_served():
    found = allowances(Moment(), requests_per_user=1)
    busy = of(found, User(name="busy"))
    busy.begin()
    for number in range(30_000):
        of(found, User(name=f"u{number}"))
    assert of(found, User(name="busy")) is busy
    assert len(found._kept) <= 10_001
