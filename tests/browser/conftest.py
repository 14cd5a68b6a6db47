"""A master, and a real browser in whose windows nothing may go wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from browser_visit import CONFIGURATION, Visit, watch, windows
from installed_master import InstalledMaster
from screenshots import pages
from seeded_farm import make

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """One master for all: tests only add builds."""
    installed = InstalledMaster(tmp_path_factory.mktemp("browser") / "master")
    try:
        installed.write(CONFIGURATION)
        installed.start()
        installed.connected()
        yield installed
    finally:
        installed.end()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver."""
    # Only the tests that are slow need it.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium, with a fresh profile."""
    path = shutil.which("chromium")
    assert path, "these tests need chromium: apt-get install chromium, or scripts/set-up slow"
    started = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
    yield started
    started.close()


@pytest.fixture
def visit_with(browser: Browser, master: InstalledMaster) -> Iterator[Callable[..., Visit]]:
    """Return a function that opens a window with settings of its own."""
    master.hold_all()
    visits: list[Visit] = []

    def visit(**settings: Any) -> Visit:
        page = browser.new_context(**settings).new_page()
        page.set_default_timeout(10_000)
        made = Visit(page, master)
        watch(made)
        visits.append(made)
        return made

    yield visit
    for made in visits:
        made.page.context.close()
    master.end_builds()
    for made in visits:
        assert made.hosts <= {urlsplit(master.url).netloc}


@pytest.fixture
def visit(visit_with: Callable[..., Visit]) -> Iterator[Visit]:
    """A window in which nothing may go wrong."""
    made = visit_with()
    yield made
    assert made.troubles == []


@pytest.fixture(scope="session")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """A farm with months of history."""
    made = make(tmp_path_factory.mktemp("farm") / "master")
    yield made
    made.end()


@pytest.fixture(scope="session")
def addresses(farm: InstalledMaster) -> dict[str, str]:
    """Where the farm's pages are, by short names."""
    return pages(farm)


@pytest.fixture
def opened(browser: Browser, farm: InstalledMaster) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page of the farm in a window of its own."""
    with windows(browser, farm) as open_:
        yield open_
