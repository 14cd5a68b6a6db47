"""Each page while there is nothing, while it waits for answers, and when it gets none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installed_master import InstalledMaster

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Route

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=30_000)
pytestmark = pytest.mark.slow

_PAGES = {
    "": "Home",
    "builders": "Builders",
    "builders/quick": "quick",
    "builders/quick/builds/1": "quick",
    "buildrequests/1": "Request 1",
    "pending": "Pending",
    "workers": "Workers",
    "workers/absent": "absent",
    "changes": "Changes",
    "changes/1": "Change 1",
    "trends": "Trends",
    "waterfall": "Waterfall",
    "console": "Console",
    "grid": "Grid",
    "schedulers": "Schedulers",
    "masters": "Masters",
    "projects": "Projects",
    "projects/1": "Project",
    "audit": "Audit log",
}
"""What the heading of each page that asks the API begins with."""
_NOTHING = {
    "": "Make your first build",
    "builders": "never built",
    "builders/quick": "No build yet",
    "builders/quick/builds/1": "has no build #1: it has not built anything yet",
    "buildrequests/1": "This does not exist",
    "pending": "Nothing waits",
    "workers": "not connected",
    "workers/absent": "It has not built anything yet",
    "changes": "No change yet",
    "changes/1": "This does not exist",
    "trends": "No build ended in this time",
    "waterfall": "Nothing was built in this time",
    "console": "No change yet",
    "grid": "Nothing was built yet",
    "schedulers": "all",
    "masters": "active",
    "projects": "No project is configured",
    "projects/1": "This does not exist",
    "audit": "You are not allowed to see the audit log",
}
_EMPTY = """
c['workers'] = [worker.Worker('absent', 'secret')]
c['protocols'] = {'pb': {'port': 'tcp:0:interface=127.0.0.1'}}
add('quick', sh('true'), workernames=['absent'])
c['schedulers'] = [schedulers.AnyBranchScheduler(name='all', builderNames=['quick'])]
"""
_CLOSED = """
c['www']['auth'] = util.UserPasswordAuth({'ann': 'correct horse'})
c['www']['authz'] = util.Authz(
    allowRules=[util.AnyEndpointMatcher(role='admins')],
    roleMatchers=[util.RolesFromUsername(roles=['admins'], usernames=['ann'])],
)
"""
_API = "**/api/v2/**"


@dataclass
class Watched:
    """A window, and the exceptions of its scripts."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page; return when its frame is drawn."""
        self.page.goto(f"{self.url}/{path}")
        self.page.wait_for_selector("main")
        return self.page


def _started(directory: Path, text: str) -> Iterator[InstalledMaster]:
    master = InstalledMaster(directory)
    try:
        master.write(text, "")
        master.start()
        yield master
    finally:
        master.end()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """A master that has built nothing, and whose only worker never came."""
    yield from _started(tmp_path_factory.mktemp("empty") / "master", _EMPTY)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """A master where only those read who have logged in."""
    yield from _started(tmp_path_factory.mktemp("closed") / "master", _EMPTY + _CLOSED)


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Callable[[InstalledMaster], Watched]]:
    """Return a function that returns the one window of all tests, about this master."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(30_000)
    faults: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # What the network refuses is what these tests are about; the browser tells of it, too.
        if message.type == "error" and "Failed to load" not in message.text:
            faults.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: faults.append(str(error)))

    def at(master: InstalledMaster) -> Watched:
        page.unroute_all(behavior="ignoreErrors")
        page.goto("about:blank")
        faults.clear()
        return Watched(page, master.url, faults)

    yield at
    context.close()


def _heading_is(page: Page, path: str) -> None:
    expect(page.locator("h1")).to_have_text(re.compile(rf"^(Worker )?{re.escape(_PAGES[path])}"))


@pytest.mark.parametrize("path", _PAGES)
def test_an_empty_page_says_that_it_is(
    window: Callable[[InstalledMaster], Watched], empty: InstalledMaster, path: str
):
    watched = window(empty)
    page = watched.open(path)

    expect(page.locator("main")).to_contain_text(_NOTHING[path])
    _heading_is(page, path)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert watched.faults == []


@pytest.mark.parametrize("path", _PAGES)
def test_a_page_that_waits_shows_its_heading_and_what_comes(
    window: Callable[[InstalledMaster], Watched], empty: InstalledMaster, path: str
):
    watched = window(empty)
    held: list[Route] = []
    watched.page.route(_API, lambda route: held.append(route))
    page = watched.open(path)

    _heading_is(page, path)
    expect(page.locator("main [aria-busy=true]").first).to_be_visible()
    for route in held:
        route.continue_()
    page.unroute(_API)
    expect(page.locator("main")).to_contain_text(_NOTHING[path])
    assert watched.faults == []


@pytest.mark.parametrize("path", _PAGES)
def test_a_page_that_fails_says_what_and_can_be_tried_again(
    window: Callable[[InstalledMaster], Watched], empty: InstalledMaster, path: str
):
    watched = window(empty)
    body = json.dumps({"error": {"code": -32603, "message": "the database is away"}})
    watched.page.route(
        _API, lambda route: route.fulfill(status=500, content_type="application/json", body=body)
    )
    page = watched.open(path)

    alert = page.locator("main [role=alert]").first
    expect(alert).to_contain_text("Cannot show")
    expect(alert).to_contain_text("the database is away")
    expect(alert.get_by_role("button", name="Copy the details")).to_be_visible()
    _heading_is(page, path)
    page.unroute(_API)
    again = page.get_by_role("button", name="Try again")
    again.evaluate_all("buttons => buttons.forEach((button) => button.click())")
    expect(page.locator("main")).to_contain_text(_NOTHING[path])
    assert watched.faults == []


def test_a_master_that_cannot_be_reached_is_said_to_be_so(
    window: Callable[[InstalledMaster], Watched], empty: InstalledMaster
):
    watched = window(empty)
    watched.page.route(_API, lambda route: route.abort())
    page = watched.open("builders")

    expect(page.locator("main [role=alert]")).to_contain_text("The master cannot be reached")
    _heading_is(page, "builders")
    assert watched.faults == []


def test_events_that_are_refused_at_another_address_are_said_to_need_the_configured_one(
    browser: Browser, empty: InstalledMaster
):
    page = browser.new_page()
    page.route_web_socket(re.compile(r"/ws\b"), lambda socket: socket.close())
    page.goto(f"{empty.url}/builders")

    expect(page.locator("main [role=alert]")).to_contain_text(
        "this address is not buildbotURL (http://localhost:8010/)"
    )
    page.close()


@pytest.mark.parametrize("path", _PAGES)
def test_a_page_that_is_forbidden_says_so_and_leads_to_the_login(
    window: Callable[[InstalledMaster], Watched], closed: InstalledMaster, path: str
):
    watched = window(closed)
    page = watched.open(path)

    alert = page.locator("main [role=alert]").first
    expect(alert).to_contain_text("You are not allowed to see")
    expect(alert).to_contain_text('Only those with the role "admins" may')
    _heading_is(page, path)
    expect(alert.get_by_role("link", name="Log in")).to_have_attribute(
        "href", re.compile(r"/login\?redirect=")
    )
    expect(page.get_by_text("Reconnecting")).to_have_count(0)
    assert [fault for fault in watched.faults if "WebSocket" not in fault] == []


def test_somebody_logs_in_from_a_page_that_was_forbidden(
    window: Callable[[InstalledMaster], Watched], closed: InstalledMaster
):
    page = window(closed).open("workers/absent")

    page.locator("main").get_by_role("link", name="Log in").click()
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill("correct horse")
    page.locator("main").get_by_role("button", name="Log in").click()

    expect(page.locator("h1")).to_have_text("absent")
    expect(page.locator("main")).to_contain_text("It has not built anything yet")
    page.context.clear_cookies()


def test_a_page_that_does_not_exist_says_so(
    window: Callable[[InstalledMaster], Watched], empty: InstalledMaster
):
    watched = window(empty)

    expect(watched.open("nothing/here").locator("main")).to_contain_text("no page at this address")
    assert watched.faults == []
