"""What those find who may read nothing, over HTTP."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest
from web_site import visited, with_web

from chargehand.config.login import Login
from chargehand.domain.user import User
from chargehand.resources.permissions import Concern, Rule, RuleBook, Rules
from chargehand.resources.policy import READ, Facts
from chargehand.resources.visibility import EVERYTHING, Visibility, only

_CLOSED = Rules(
    RuleBook(
        rules=(Rule(words="AnyEndpointMatcher(role='x')", concern=Concern.EVERYTHING, role="x"),),
        roles=(),
    )
)


@pytest.mark.parametrize("path", ["", "/builders", "/builds/1", "/logs/8/raw", "/masters", "/no"])
async def test_rest_is_closed(path: str) -> None:
    async with (
        visited(with_web(policy=_CLOSED)) as site,
        site.session.get(f"/api/v2/{path}".replace("//", "/")) as answer,
    ):
        assert answer.status == 403
        error = (await answer.json(content_type=None))["error"]
        assert error.startswith('you are not allowed to read this: only those with the role "x"')


@pytest.mark.parametrize(
    "path", ["/plain/", "/plain/builders/1", "/sse/listen/*/*/*", "/ws", "/api"]
)
async def test_pages_and_live_events_are_closed(path: str) -> None:
    async with (
        visited(with_web(policy=_CLOSED)) as site,
        site.session.get(path, headers={"Accept": "text/html"}) as answer,
    ):
        text = await answer.text()
        assert answer.status == 403
        assert "You are not allowed to read this" in text
        assert "quick one" not in text


@pytest.mark.parametrize("path", ["/", "/builders/1", "/login"])
async def test_the_application_is_the_same_for_everybody(path: str) -> None:
    async with visited(with_web(policy=_CLOSED)) as site:
        async with site.session.get(path, headers={"Accept": "text/html"}) as answer:
            text = await answer.text()
            assert answer.status == 200
            assert "quick one" not in text
        (script,) = re.findall(r'src="\./(assets/[^"]+\.js)"', text)
        async with site.session.get(f"/{script}") as answer:
            assert answer.status == 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/config"])
async def test_what_is_needed_to_log_in_is_open(path: str) -> None:
    async with (
        visited(with_web(policy=_CLOSED)) as site,
        site.session.get(path) as answer,
    ):
        assert answer.status == 200


async def test_other_rules_count_at_once() -> None:
    async with visited(with_web(policy=_CLOSED)) as site:
        await site.server.reconfigure(with_web(policy=Rules(RuleBook(rules=(), roles=()))))
        async with site.session.get("/api/v2/builders") as answer:
            assert answer.status == 200
        await site.server.reconfigure(with_web(policy=_CLOSED))
        async with site.session.get("/api/v2/builders") as answer:
            assert answer.status == 403


class _Asking:
    """A policy that knows nobody before it was asked to learn."""

    needs_facts = False

    def __init__(self) -> None:
        self.known: set[User] = set()
        self.asked = 0

    def visibility(self, user: User) -> Visibility:
        if user in self.known:
            return EVERYTHING
        return Visibility(builders=only(), workers=only(), closed="nobody knows you")

    def refusal(self, user: User, action: str, path: str) -> str | None:
        return "no" if action == READ else None

    async def decision(self, user: User, action: str, path: str, facts: Facts) -> str | None:
        return self.refusal(user, action, path)

    def knows(self, user: User) -> bool:
        return user in self.known

    async def learn(self, user: User) -> None:
        self.asked += 1
        self.known.add(user)


async def test_who_somebody_is_is_asked_before_the_first_request_only() -> None:
    policy = _Asking()
    async with visited(with_web(policy=policy)) as site:
        for _ in range(3):
            async with site.session.get("/api/v2/builders") as answer:
                assert answer.status == 200
        assert policy.asked == 1
        policy.known.clear()
        async with site.session.get("/api/v2/builders") as answer:
            assert answer.status == 200
        assert policy.asked == 2


@pytest.mark.parametrize("path", ["/plain/", "/plain/builders/1"])
async def test_the_page_that_refuses_shows_where_to_log_in(path: str) -> None:
    login = Login(name="passwords")
    async with (
        visited(with_web(policy=_CLOSED, login=login)) as site,
        site.session.get(path, headers={"Accept": "text/html"}) as answer,
    ):
        assert answer.status == 403
        text = await answer.text()
        link = re.search(r'href="([^"]*auth/login\?redirect=[^"]*)">Log in', text)
        assert link is not None
        async with site.session.get(urljoin(path, link[1])) as page:
            assert page.status != 403
