"""Browsers whose language is none: some are called "C", after the system's setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from browser_visit import settled

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.slow

_LANGUAGE_C = "Object.defineProperty(Navigator.prototype, 'language', {get: () => 'C'})"


@pytest.mark.parametrize("name", ["builder", "trends"])
def test_pages_with_plots_are_drawn(
    opened: Callable[..., Page], addresses: dict[str, str], name: str
):
    page = opened("about")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.context.add_init_script(_LANGUAGE_C)
    page.goto(page.url.removesuffix("about") + addresses[name])
    settled(page)

    expect(page.locator(".uplot canvas").first).to_be_visible()
    assert errors == []
