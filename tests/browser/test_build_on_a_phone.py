"""The page of a build on a phone, where the log has little room."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from browser_visit import Visit, settled

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.slow

_PHONE = {"width": 360, "height": 740}
_FOOT = 56
"""How high the bar at the foot of the window is."""
_LINES = 10
_WIDER = """() => {
    const page = document.documentElement;
    const cells = [...document.querySelectorAll("[role=tabpanel] :is(td, th)")];
    return [
        page.scrollWidth - page.clientWidth,
        ...cells.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent),
    ];
}"""


def _page(visit: Visit, build: dict[str, object]) -> Page:
    page = visit.open(f"builders/{build['builderid']}/builds/{build['number']}")
    settled(page)
    return page


def _is_in_sight(one: Locator) -> bool:
    box = one.bounding_box()
    return (
        box is not None and box["y"] >= 0 and box["y"] + box["height"] <= _PHONE["height"] - _FOOT
    )


def test_cause_orders_and_first_error_are_on_the_first_screen(visit_with: Callable[..., Visit]):
    visit = visit_with(viewport=_PHONE)
    page = _page(visit, visit.master.build("late-error"))
    error = page.locator("[data-index][data-error]")
    expect(error).to_be_visible()
    expect(page.get_by_text("no earlier build passed")).to_be_visible()

    seen = {
        "cause": page.locator("main b").filter(has_text="check failed"),
        "rebuild": page.get_by_role("button", name="Rebuild"),
        "first error": error,
    }

    assert {name: _is_in_sight(one) for name, one in seen.items()} == dict.fromkeys(seen, True)
    assert page.evaluate("window.scrollY") == 0


def test_ten_lines_of_a_log_are_on_the_first_screen(visit_with: Callable[..., Visit]):
    visit = visit_with(viewport=_PHONE)
    page = _page(visit, visit.master.build("long"))
    rows = page.get_by_role("region", name="Log stdio").locator("[data-index]")
    expect(rows.nth(_LINES)).to_be_visible()

    assert sum(_is_in_sight(one) for one in rows.all()[: 2 * _LINES]) >= _LINES


def test_nothing_is_cut_where_builds_are_compared(
    opened: Callable[..., Page], addresses: dict[str, str]
):
    page = opened(addresses["build-compare"], viewport=_PHONE)
    settled(page)
    expect(page.get_by_role("columnheader", name="Difference")).to_be_visible()

    assert page.evaluate(_WIDER) == [0]
    assert _is_in_sight(page.get_by_role("tab", name="Compare with last good"))


@pytest.mark.parametrize("viewport", [_PHONE, {"width": 1440, "height": 900}])
def test_triggered_builds_are_shown_once(
    opened: Callable[..., Page], addresses: dict[str, str], viewport: dict[str, int]
):
    page = opened(addresses["build-triggers"], viewport=viewport)
    settled(page)
    trees = page.locator("ul").filter(has_text="signatures failed: triggered")

    expect(trees).to_have_count(1)
    expect(page.get_by_role("tab", name="Triggered")).to_have_count(0)
    page.goto(f"{page.url}&step=0")
    settled(page)
    expect(page.get_by_role("tab", name="Triggered")).to_be_visible()
    expect(trees).to_have_count(1)
