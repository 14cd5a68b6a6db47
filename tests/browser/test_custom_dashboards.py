"""Dashboards that master.cfg adds, in the web UI."""

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

_CONFIGURATION = r"""
from flask import Flask, render_template_string

app = Flask('test', root_path=HERE)

@app.route('/index.html')
def main():
    return render_template_string(
        '''<h1>Ours</h1><a href="second.html">more</a>
        {% for one in builders %}<a href="#/builders/{{ one.builderid }}">{{ one.name }}</a>
        {% endfor %}''', builders=app.buildbot_api.dataGet('/builders'))

@app.route('/second.html')
def second():
    return '<h1>The second page</h1>'

add('good', sh('true'))
c['www']['plugins'] = {'wsgi_dashboards': [
    {'name': 'late', 'caption': 'A late one', 'app': app, 'order': 9},
    {'name': 'ours', 'caption': 'Our dashboard', 'app': app, 'order': 5, 'icon': 'area-chart'}]}
"""


@pytest.fixture(scope="module")
def adorned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """A master with two dashboards."""
    master = InstalledMaster(tmp_path_factory.mktemp("adorned") / "master")
    master.write(_CONFIGURATION)
    master.start()
    yield master
    master.end()


@pytest.fixture
def opened(browser: Browser, adorned: InstalledMaster) -> Iterator[Callable[..., Page]]:
    with windows(browser, adorned) as open_:
        yield open_


def test_dashboards_are_in_the_menu_in_their_order(opened: Callable[..., Page]):
    page = opened("")

    group = page.get_by_role("navigation", name="Pages")
    expect(group.get_by_text("Dashboards")).to_be_visible()
    names = group.get_by_role("link").all_inner_texts()
    assert names.index("Our dashboard") + 1 == names.index("A late one")
    group.get_by_role("link", name="Our dashboard").click()
    expect(page.get_by_role("heading", name="Our dashboard")).to_be_visible()
    expect(page.frame_locator("iframe").get_by_role("heading", name="Ours")).to_be_visible()
    expect(page).to_have_title("Our dashboard · Chargehand")


def test_links_within_a_dashboard_stay_there_and_others_lead_to_their_pages(
    opened: Callable[..., Page],
):
    page = opened("dashboards/ours")

    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="more").click()
    expect(frame.get_by_role("heading", name="The second page")).to_be_visible()
    page.reload()
    frame.get_by_role("link", name="good").click()
    page.wait_for_url("**/builders/1")
    expect(page.get_by_role("heading", name="good")).to_be_visible()


def test_a_dashboard_that_does_not_exist_is_said_to_be_missing(opened: Callable[..., Page]):
    page = opened("dashboards/nothing")

    expect(page.get_by_text("There is no such dashboard")).to_be_visible()
