"""Logging in and out, and tokens of one's own, in the application."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from installed_master import InstalledMaster

if TYPE_CHECKING:
    from playwright.sync_api import Browser

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=30_000)
pytestmark = pytest.mark.slow

_CONFIGURATION = """
add('good', sh('true'))
c['www']['auth'] = util.UserPasswordAuth({'ann': 'correct horse'})
"""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """A master at which ann has an account."""
    master = InstalledMaster(tmp_path_factory.mktemp("known") / "master")
    master.write(_CONFIGURATION)
    master.start()
    yield master
    master.end()


def _status(master: InstalledMaster, token: str) -> int:
    asked = urllib.request.Request(
        f"{master.url}/config", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_somebody_logs_in_makes_a_token_revokes_it_and_logs_out(
    browser: Browser, known: InstalledMaster
):
    page = browser.new_context(base_url=known.url).new_page()
    page.goto("/builders/good")
    force = page.get_by_role("button", name="Force", exact=True)
    expect(force).to_be_disabled()
    page.get_by_role("link", name="Log in").first.click()
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill("wrong")
    page.locator("main").get_by_role("button", name="Log in").click()
    expect(page.locator("main")).to_contain_text(re.compile("wrong", re.IGNORECASE))
    page.get_by_label("Password").fill("correct horse")
    page.locator("main").get_by_role("button", name="Log in").click()
    expect(force).to_be_enabled()

    page.get_by_role("button", name="ann: account").click()
    page.get_by_role("menuitem", name="My sessions and tokens").click()
    page.get_by_role("button", name="New token").click()
    page.get_by_label("What it is for").fill("nightly")
    page.get_by_role("button", name="Make a token").click()
    token = page.get_by_text(re.compile(r"^chp_[\w-]{40,}$")).first.inner_text()
    assert _status(known, token) == 200
    page.reload()
    expect(page.get_by_text("nightly", exact=True)).to_be_visible()
    assert token not in page.content()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("You have no token")).to_be_visible()
    assert _status(known, token) == 401

    page.get_by_role("button", name="ann: account").click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page.get_by_role("link", name="Log in").first).to_be_visible()
    page.goto("/builders/good")
    expect(force).to_be_disabled()
    page.context.close()
