"""Logging in, tokens and the audit log with the plain pages, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from installed_master import InstalledMaster

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

_CONFIGURATION = """
    add('good', sh('true'))
    c['www']['auth'] = util.UserPasswordAuth({'ann': 'correct horse', 'bob': 'battery staple'})
    c['www']['authz'] = util.Authz(
        allowRules=[
            util.AnyEndpointMatcher(role='admins', defaultDeny=False),
            util.AnyControlEndpointMatcher(role='admins'),
        ],
        roleMatchers=[util.RolesFromUsername(roles=['admins'], usernames=['ann'])],
    )
    """


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """A master where people log in."""
    master = InstalledMaster(tmp_path_factory.mktemp("guarded") / "master")
    master.write(_CONFIGURATION)
    master.start()
    yield master
    master.end()


@pytest.fixture
def page(browser: Browser, guarded: InstalledMaster) -> Iterator[Page]:
    context = browser.new_context(base_url=guarded.url)
    page = context.new_page()
    page.set_default_timeout(30_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    yield page
    context.close()
    assert [one for one in errors if "401" not in one and "403" not in one] == []


def _log_in(page: Page, name: str, password: str) -> None:
    page.fill("[name=username]", name)
    page.fill("[name=password]", password)
    page.click("main button")


def test_somebody_logs_in_makes_a_token_and_logs_out(page: Page, guarded: InstalledMaster) -> None:
    page.goto("/plain/builders")
    page.click("text=Log in")
    _log_in(page, "ann", "wrong")
    page.wait_for_selector("text=the name or the password is wrong")
    assert page.input_value("[name=username]") == "ann"
    _log_in(page, "ann", "correct horse")
    page.wait_for_url("**/builders")

    page.click(".person >> text=ann")
    page.fill("[name=label]", "nightly")
    page.check("[value=force]")
    page.click("text=Make a token")
    token = page.inner_text("#secret")
    assert re.fullmatch(r"chp_[\w-]{40,}", token)
    page.goto("/auth/account")
    assert token not in page.content()
    page.wait_for_selector("text=read, force")
    page.click("text=Revoke")
    page.wait_for_selector("text=You have none.")

    page.click("text=Audit log")
    page.wait_for_selector("text=revoke")
    assert token not in page.content()
    page.click("text=Log out")
    page.wait_for_selector("text=Log in")
    page.goto("/auth/account")
    page.wait_for_selector("[name=password]")
    _log_in(page, "ann", "correct horse")
    page.wait_for_url("**/auth/account")
    page.click("main >> text=Log out")
    page.wait_for_selector("[name=password]")


def test_what_is_not_allowed_is_not_offered_and_said(page: Page) -> None:
    page.goto("/plain/")
    assert page.locator("[data-force]").count() == 0
    page.goto("/auth/login?redirect=/plain/")
    _log_in(page, "bob", "battery staple")
    page.wait_for_selector(".person >> text=bob")
    assert page.locator("[data-force]").count() == 0
    assert page.locator("text=Audit log").count() == 0
    page.goto("/plain/audit")
    page.wait_for_selector("text=You are not allowed to read this: you need the role")
    page.goto("/auth/logout")
    page.goto("/auth/login?redirect=/plain/builders")
    _log_in(page, "ann", "correct horse")
    page.wait_for_url("**/builders")
    page.goto("/plain/")
    assert page.locator("[data-force]").count() == 1
