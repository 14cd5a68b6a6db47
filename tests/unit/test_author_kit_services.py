"""The kit with which authors test change sources and reporters, without an asyncio loop."""

from __future__ import annotations

import logging
import unittest
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet import defer
from twisted.python import log

from buildbot.changes.base import ReconfigurablePollingChangeSource
from buildbot.plugins import util
from buildbot.process.properties import Properties
from buildbot.test.fake import fakemaster
from buildbot.test.fake.httpclientservice import HTTPClientService as FakeClient
from buildbot.test.reactor import TestReactorMixin
from buildbot.test.util.changesource import ChangeSourceMixin
from buildbot.test.util.logging import LoggingMixin
from buildbot.util.httpclientservice import HTTPClientService, HTTPSession
from buildbot.util.state import StateMixin

ADDRESS = "https://news.example.org"


class News(ReconfigurablePollingChangeSource, StateMixin):
    """Asks a web server for the newest entry."""

    db_class_name = "News"

    def __init__(self, url: str, **kwargs: Any) -> None:
        super().__init__(url, name=url, **kwargs)

    def checkConfig(self, url: str, **kwargs: Any) -> Any:
        return super().checkConfig(**kwargs)

    @defer.inlineCallbacks
    def reconfigService(self, url: str, **kwargs: Any) -> Any:
        yield super().reconfigService(**kwargs)
        self.http = yield HTTPClientService.getService(self.master, url)

    @defer.inlineCallbacks
    def poll(self) -> Any:
        last = yield self.getState("last", 0)
        response = yield self.http.get("/newest", params={"after": last})
        entry = yield response.json()
        log.msg(f"found {entry['id']}")
        yield self.master.data.updates.addChange(author="me", revision=str(entry["id"]), files=None)
        yield self.setState("last", entry["id"])


class _Case(TestReactorMixin, ChangeSourceMixin, LoggingMixin, unittest.TestCase):
    """What an author's test case has; each test below runs one with its own body."""

    __test__ = False

    body: Callable[[Any], None]

    def setUp(self) -> None:
        self.setup_test_reactor()
        self.setUpLogging()
        self.setUpChangeSource()
        self.master.startService()

    def tearDown(self) -> None:
        self.tearDownChangeSource()

    def attach(self, **kwargs: Any) -> None:
        getting = FakeClient.getService(self.master, self, ADDRESS)
        getting.addCallback(lambda found: setattr(self, "http", found))
        self.attachChangeSource(News(ADDRESS, **kwargs))

    def runTest(self) -> None:
        type(self).body(self)


def _problems_of(body: Callable[[Any], None]) -> str:
    result = unittest.TestResult()
    type("Case", (_Case,), {"body": body})().run(result)
    assert result.testsRun == 1
    return "\n".join(text for _, text in result.errors + result.failures)


def test_a_poller_is_tested_with_expected_requests() -> None:
    def body(case: Any) -> None:
        case.attach()
        case.http.expect("get", "/newest", params={"after": 0}, content_json={"id": 7})
        case.http.expect("get", "/newest", params={"after": 7}, content_json={"id": 8})
        case.changesource.poll()
        case.changesource.poll()
        changes = case.master.data.updates.changesAdded
        case.assertEqual([one["revision"] for one in changes], ["7", "8"])
        case.master.db.state.assertStateByClass(ADDRESS, "News", last=8)
        case.assertLogged("found 8")

    assert _problems_of(body) == ""


def test_the_clock_of_the_test_makes_a_poller_poll() -> None:
    def body(case: Any) -> None:
        case.attach(pollInterval=60, pollAtLaunch=False)
        case.http.expect("get", "/newest", params={"after": 0}, content_json={"id": 1})
        case.reactor.advance(59)
        case.assertEqual(case.master.data.updates.changesAdded, [])
        case.reactor.advance(1)
        case.assertEqual(len(case.master.data.updates.changesAdded), 1)

    assert _problems_of(body) == ""


def _differs(case: Any) -> None:
    case.attach()
    case.http.expect("get", "/newest", params={"after": 3}, content_json={"id": 7})
    failures: list[Any] = []
    case.changesource.poll().addErrback(failures.append)
    raise failures[0].value


def _is_left(case: Any) -> None:
    case.attach()
    case.http.expect("get", "/newest")


def _remembers_something_else(case: Any) -> None:
    case.attach()
    case.changesource.setState("last", 5)
    case.master.db.state.assertStateByClass(ADDRESS, "News", last=4)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (_differs, "params: {'after': 0}, expected {'after': 3}"),
        (_is_left, f"requests to {ADDRESS} were not made: GET /newest"),
        (_remembers_something_else, "last is 5; expected 4"),
        (
            lambda case: case.assertLogged("nothing of the kind"),
            "'nothing of the kind' was not logged",
        ),
        (
            lambda case: (logging.getLogger("x").warning("loud"), case.assertWasQuiet()),
            "logged: ['loud']",
        ),
    ],
)
def test_a_difference_fails_the_test_and_is_named(body: Any, said: str) -> None:
    assert said in _problems_of(body)


def test_a_master_of_the_kit_has_secrets_and_an_address() -> None:
    master = _now(fakemaster.make_master(None, with_secrets={"key": "hush"}, url="http://ci/"))
    properties = Properties()
    properties.master = master

    assert _now(properties.render(util.Secret("key"))) == "hush"
    assert master.config.buildbotURL == "http://ci/"


def test_a_session_on_the_masters_service_asks_the_test_too() -> None:
    master = _now(fakemaster.make_master())
    _now(FakeClient.getService(master, None, ADDRESS)).expect("post", "/x", json={"a": 1}, code=201)

    answer = _now(HTTPSession(master.httpservice, ADDRESS).post("/x", json={"a": 1}))

    assert answer.code == 201


def _now(deferred: Any) -> Any:
    """Return the result that a Deferred has already."""
    results: list[Any] = []
    deferred.addCallback(results.append)
    return results[0]
