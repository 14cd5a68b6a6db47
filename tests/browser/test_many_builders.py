"""Two thousand builders of a real master: filtered, scrolled, and only those in sight drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from browser_visit import windows
from installed_master import InstalledMaster

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=30_000)
pytestmark = pytest.mark.slow

_CONFIGURATION = """
for number in range(2_000):
    system = ['linux', 'macos', 'windows', 'freebsd'][number % 4]
    add(f'{system}-{number:04}', sh('true' if number % 2 else 'false'), tags=[system])
"""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """A master with 2,000 builders, one of which has failed and one passed."""
    master = InstalledMaster(tmp_path_factory.mktemp("crowded") / "master")
    master.write(_CONFIGURATION)
    try:
        master.start()
        for builder in ("linux-0004", "macos-0005"):
            master.build(builder)
        yield master
    finally:
        master.end()


@pytest.fixture
def opened(browser: Browser, crowded: InstalledMaster) -> Iterator[Callable[..., Page]]:
    with windows(browser, crowded) as open_:
        yield open_


@pytest.mark.parametrize(
    ("typed", "found", "first"),
    [
        ("tag:windows name~199", "3 of 2,000", "windows-1990"),
        ("state:failed", "1 of 2,000", "linux-0004"),
        ("state:passed -tag:linux", "1 of 2,000", "macos-0005"),
        ("name:linux-00*", "25 of 2,000", "linux-0000"),
    ],
)
def test_two_thousand_builders_are_filtered(
    opened: Callable[..., Page], typed: str, found: str, first: str
):
    page = opened("builders")
    expect(page.locator("h1")).to_contain_text("2,000")

    page.get_by_role("combobox", name="Filter").fill(typed)

    expect(page.locator("h1")).to_contain_text(found)
    expect(page.get_by_role("table").get_by_role("link", name=first).first).to_be_visible()
    page.reload()
    expect(page.locator("h1")).to_contain_text(found)


def test_only_builders_in_sight_are_drawn(opened: Callable[..., Page]):
    page = opened("builders")
    rows = page.get_by_role("table").locator("[data-index]")
    expect(page.get_by_text("freebsd-0003", exact=True)).to_be_visible()
    assert rows.count() < 60

    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")

    expect(page.get_by_text("windows-1998", exact=True)).to_be_visible()
    assert rows.count() < 60
