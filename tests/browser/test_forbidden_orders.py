"""What the API would refuse is shown as forbidden before the click, on every page with orders."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from browser_visit import CONFIGURATION
from installed_master import InstalledMaster

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=30_000)
pytestmark = pytest.mark.slow

_RULES = """
c['www']['auth'] = util.UserPasswordAuth({'ann': 'correct horse', 'bob': 'battery staple'})
c['www']['authz'] = util.Authz(
    allowRules=[
        util.ForceBuildEndpointMatcher(builder='quick', role='developers'),
        util.AnyControlEndpointMatcher(role='admins'),
    ],
    roleMatchers=[
        util.RolesFromUsername(roles=['admins'], usernames=['ann']),
        util.RolesFromUsername(roles=['developers'], usernames=['bob']),
    ],
)
"""
_PASSWORDS = {"ann": "correct horse", "bob": "battery staple"}
Opened = Callable[..., "Page"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """A master where ann may give all orders, and bob may force `quick`."""
    master = InstalledMaster(tmp_path_factory.mktemp("forbidden") / "master")
    master.write(CONFIGURATION + _RULES)
    try:
        master.start()
        master.connected()
        for builder in ("failing", "stoppable", "unlucky", "unlucky"):
            assert master.chargehand("force", builder).status == 0
        yield master
    finally:
        master.end()


@pytest.fixture
def opened(browser: Browser, guarded: InstalledMaster) -> Iterator[Opened]:
    """Return a function that opens a page for somebody."""
    contexts = []

    def open_(path: str, name: str | None) -> Page:
        context = browser.new_context(base_url=guarded.url)
        contexts.append(context)
        if name is not None:
            shown = base64.b64encode(f"{name}:{_PASSWORDS[name]}".encode()).decode()
            context.request.get("/auth/login", headers={"Authorization": f"Basic {shown}"})
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"/{path}")
        return page

    yield open_
    for context in contexts:
        context.close()


_ORDERS = [
    ("builders/unlucky", "Force"),
    ("builders/unlucky?force=", "Force"),
    ("builders/unlucky?tab=pending", "Cancel"),
    ("builders/stoppable/builds/1", "Stop"),
    ("builders/failing/builds/1", "Rebuild"),
    ("pending", "Cancel all"),
    ("workers/local", "Pause"),
    ("workers/local", "Shut down"),
    ("workers/local", "Stop now"),
    ("schedulers", "Switch off"),
]


@pytest.mark.parametrize(("path", "order"), _ORDERS)
@pytest.mark.parametrize("name", [None, "bob"])
def test_who_may_not_give_an_order_sees_it_and_why(
    opened: Opened, path: str, order: str, name: str | None
):
    page = opened(path, name)

    button = page.get_by_role("button", name=order, exact=True).last
    expect(button).to_be_disabled()
    button.hover(force=True)
    why = "log in with an account that has the role" if name is None else "you need the role"
    expect(page.get_by_text(why).first).to_be_visible()


@pytest.mark.parametrize(("path", "order"), _ORDERS)
def test_who_may_give_an_order_is_offered_it(opened: Opened, path: str, order: str):
    page = opened(path, "ann")

    expect(page.get_by_role("button", name=order, exact=True).last).to_be_enabled()


def test_a_form_is_open_to_those_who_may_force_one_of_its_builders(opened: Opened):
    page = opened("builders/quick?force=ask", "bob")

    expect(page.get_by_label("Version")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("button", name="Release")).to_be_enabled()


def test_orders_for_selected_builders_are_those_that_are_allowed_for_each(opened: Opened):
    page = opened("builders", "bob")

    page.get_by_label("Select quick").check()
    force = page.get_by_role("button", name="Force", exact=True)
    expect(force).to_be_enabled()
    page.get_by_label("Select unlucky").check()
    expect(force).to_be_disabled()
    force.hover(force=True)
    expect(page.get_by_text("unlucky: you need the role")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel what waits")).to_be_disabled()


def test_what_waits_for_selected_builders_is_cancelled_with_a_reason(
    opened: Opened, guarded: InstalledMaster
):
    page = opened("builders", "ann")

    page.get_by_label("Select unlucky").check()
    page.get_by_role("button", name="Cancel what waits").click()
    page.get_by_label("Reason").fill("nobody needs it")
    page.get_by_role("button", name="Cancel 2 requests").click()
    expect(page.get_by_text("Cancelled 2 requests.")).to_be_visible()
    ended = guarded.get("buildrequests?complete=true&results=6")
    assert {one["end_reason"] for one in ended} == {"nobody needs it"} or [
        "nobody needs it" in one["end_reason"] for one in ended
    ] == [True, True]


def test_a_priority_changes_the_order_of_what_waits(opened: Opened, guarded: InstalledMaster):
    for _ in range(2):
        assert guarded.chargehand("force", "unlucky").status == 0
    page = opened("builders/unlucky?tab=pending", "ann")

    requests = page.locator("main li b")
    expect(page.get_by_text("number 2 in the queue").first).to_be_visible()
    last = requests.all_inner_texts()[-1]
    page.get_by_role("button", name="priority 0").last.click()
    page.get_by_label("Priority: higher is built first").fill("7")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("button", name="priority 7")).to_be_visible()
    expect(requests.first).to_have_text(last)
