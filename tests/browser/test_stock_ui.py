"""Buildbot's own user interface, from its package, against our API in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from connections import free_port
from installed_master import CANCELLED, SUCCESS, InstalledMaster
from waiting import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, WebSocket

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.slow

_PACKAGES = Path(__file__).parents[2] / "bench/run/stock-ui"
_OWN_FAULTS = re.compile(r"^script: Kt$|attribute transform: Trailing garbage")
"""What the interface says against Buildbot 4.3 as well: a request that it gave up itself, and a
picture that it draws before it knows its size."""
_REFUSED = re.compile(r" 40[04] |status of 40[04] ")

_CONFIGURATION = r"""
c['title'] = 'Our builds'
c['workers'] = [worker.LocalWorker('local', max_builds=4), worker.LocalWorker('spare'),
                worker.Worker('absent', 'secret')]
c['protocols'] = {'pb': {'port': 'tcp:0:interface=127.0.0.1'}}

class Commit(steps.BuildStep):
    async def run(self):
        for number in (1, 2):
            await self.master.data.updates.addChange(
                author='Ann <ann@example.org>', files=['a.c'], comments=f'change {number}',
                revision=str(number), branch='main', repository='https://example.org/r',
                codebase='', project='p')
        return util.SUCCESS

add('quick', sh('echo hello'), sh('echo oops >&2; exit 1', name='compile', haltOnFailure=False),
    tags=['fast'])
add('lines', sh('for i in $(seq 1 3000); do echo number $i; done'))
add('committing', Commit())
add('built', sh('true'), workernames=['local', 'spare'])
add('stopped', blocking('stopped'))
add('growing', blocking('growing'), sh('echo the end', name='ending'))
add('unlucky', sh('true'), workernames=['absent'])
c['schedulers'] += [
    schedulers.AnyBranchScheduler(name='any', builderNames=['built'], treeStableTimer=None),
    schedulers.ForceScheduler(
        name='ask', label='Release', buttonName='Release it', builderNames=['quick'],
        codebases=[util.CodebaseParameter('')], properties=[
            util.StringParameter('version', label='Version', default='1', required=True),
            util.BooleanParameter('signed', label='Sign', default=False),
            util.NestedParameter(name='more', label='More', fields=[
                util.IntParameter('count', label='Count', default=3)])])]
from flask import Flask
dashboard = Flask('dashboard')

@dashboard.route('/index.html')
def main():
    names = [one['name'] for one in dashboard.buildbot_api.dataGet('/builders')]
    return f'<h1>Ours</h1><p style="color: green">{" and ".join(sorted(names))}</p>'

c['www']['plugins'] = {'waterfall_view': {}, 'console_view': {}, 'grid_view': {}, 'badges': {},
    'wsgi_dashboards': [{'name': 'mine', 'caption': 'My board', 'app': dashboard, 'order': 5,
                         'icon': 'area-chart'}]}
"""


_GUARDED = """
add('quick', sh('true'))
c['www']['auth'] = util.UserPasswordAuth({'ann': 'correct horse'})
"""


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledMaster]:
    """A master beside which the interface is installed."""
    assert (_PACKAGES / "buildbot_www").is_dir(), "scripts/set-up slow installs the interface"
    master = InstalledMaster(tmp_path_factory.mktemp("stock") / "master")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(_PACKAGES), prepend=":")
        master.write(_CONFIGURATION + _address(free_port()))
        master.start()
    for worker in ("local", "spare"):
        master.connected(worker)
    master.build("quick")
    master.build("committing")
    eventually("the builds of the changes", lambda: len(_finished(master, "built")) >= 1)
    yield master
    master.end()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[InstalledMaster]:
    """The same where people log in."""
    master = InstalledMaster(tmp_path / "master")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(_PACKAGES), prepend=":")
        master.write(_GUARDED + _address(free_port()))
        master.start()
    master.connected()
    yield master
    master.end()


def _address(port: int) -> str:
    """Return settings for an address that is known in advance: the interface insists on it."""
    return (
        f"c['www']['port'] = 'tcp:{port}:interface=127.0.0.1'\n"
        f"c['buildbotURL'] = 'http://127.0.0.1:{port}/'\n"
    )


def _finished(master: InstalledMaster, builder: str) -> list[dict[str, Any]]:
    return master.get(f"builders/{builder}/builds?complete=true")


def _id(master: InstalledMaster, builder: str) -> int:
    return int(master.one(f"builders/{builder}")["builderid"])


def _watched(page: Page) -> list[str]:
    troubles: list[str] = []
    page.on("websocket", partial(_watch_socket, troubles))

    def heard(kind: str, text: str) -> None:
        if not _OWN_FAULTS.search(trouble := f"{kind}: {text}"):
            troubles.append(trouble)

    page.on("console", lambda told: told.type == "error" and heard("console", told.text))
    page.on("pageerror", lambda error: heard("script", str(error)))
    page.on(
        "response",
        lambda answer: answer.status >= 400 and heard("answer", f"{answer.status} {answer.url}"),
    )
    return troubles


def _watch_socket(troubles: list[str], socket: WebSocket) -> None:
    def received(frame: str | bytes) -> None:
        if '"error"' in str(frame):
            troubles.append(f"socket: {frame!r}")

    socket.on("framereceived", received)


@pytest.fixture
def tolerated() -> list[re.Pattern[str]]:
    """What may go wrong nevertheless."""
    return []


@pytest.fixture
def opened(
    browser: Browser, stock: InstalledMaster, tolerated: list[re.Pattern[str]]
) -> Iterator[Callable[[str], Page]]:
    """Return a function that opens a page of the interface, in which nothing may go wrong."""
    stock.hold_all()
    page = browser.new_context(viewport={"width": 1300, "height": 900}).new_page()
    page.set_default_timeout(30_000)
    troubles = _watched(page)
    hosts: set[str] = set()
    page.on("request", lambda asked: hosts.add(urlsplit(asked.url).netloc))

    def open_page(path: str) -> Page:
        page.goto("about:blank")
        page.goto(f"{stock.url}/stock/{path}")
        return page

    yield open_page
    page.context.close()
    stock.end_builds()
    assert [one for one in troubles if not any(some.search(one) for some in tolerated)] == []
    assert hosts - {""} == {urlsplit(stock.url).netloc}


Opened = Callable[[str], "Page"]


def test_home_shows_what_ran_and_what_begins(opened: Opened, stock: InstalledMaster) -> None:
    page = opened("")
    expect(page.locator("text=Our builds").first).to_be_visible()
    expect(page.locator("text=quick/1")).to_be_visible()
    expect(page.locator("text=misconfigured")).to_have_count(0)
    request = stock.force("stopped")
    number = stock.running_build(request)["number"]
    expect(page.locator(f"text=stopped/{number}")).to_be_visible()
    expect(page.locator("text=1 build running currently")).to_be_visible()
    stock.let_go("stopped")
    expect(page.locator("text=1 build running currently")).to_have_count(0)


def test_builders_can_be_searched(opened: Opened, stock: InstalledMaster) -> None:
    page = opened("#/builders")
    rows = page.locator("table tbody tr")
    expect(rows).to_have_count(8)  # with that of the heading
    expect(page.locator("table >> text=fast")).to_be_visible()
    page.get_by_placeholder("Search for builder").fill("qui")
    expect(rows).to_have_count(2)
    expect(rows.last).to_contain_text("quick")


def test_a_builder_is_found_by_number_and_by_name(opened: Opened, stock: InstalledMaster) -> None:
    for address in (_id(stock, "quick"), "quick"):
        page = opened(f"#/builders/{address}")
        expect(page.locator("table tbody")).to_contain_text("failed: compile")
        page.click("text=Workers >> nth=-1")
        expect(page.locator("table >> text=local")).to_be_visible()


def test_the_form_forces_a_build_with_what_was_filled_in(
    opened: Opened, stock: InstalledMaster, tolerated: list[re.Pattern[str]]
) -> None:
    page = opened(f"#/builders/{_id(stock, 'quick')}")
    page.click("button:has-text('Release it')")
    dialog = page.locator(".modal")
    dialog.locator("input[id='version']").fill("")
    dialog.get_by_role("button", name="Start build").click()
    expect(dialog.locator("text='Version' needs to be specified")).to_be_visible()
    tolerated.append(_REFUSED)
    dialog.locator("input[id='version']").fill("2.7")
    dialog.locator("input[type=checkbox]").check()
    dialog.locator("input[type=number]").last.fill("5")
    dialog.get_by_role("button", name="Start build").click()
    page.wait_for_url(re.compile(r"builds/\d+$|buildrequests/\d+"))
    expect(page.locator("text=FAILURE").first).to_be_visible()
    build = stock.get("builders/quick/builds?order=-number&limit=1")[0]
    properties = stock.properties(build)
    assert properties["version"][0] == "2.7"
    assert properties["signed"][0] is True
    assert properties["more"][0] == {"count": 5}


def test_a_build_is_followed_while_it_runs(opened: Opened, stock: InstalledMaster) -> None:
    request = stock.force("growing")
    build = stock.running_build(request)
    page = opened(f"#/builders/{_id(stock, 'growing')}/builds/{build['number']}")
    page.evaluate("window.notReloaded = true")
    expect(page.get_by_text("begun", exact=True)).to_be_visible()
    expect(page.get_by_role("tabpanel").first).not_to_contain_text("ending")
    stock.let_go("growing")
    expect(page.locator("text=SUCCESS").first).to_be_visible()
    expect(page.get_by_role("tabpanel").first).to_contain_text("ending")
    expect(page.get_by_role("button", name="Rebuild")).to_be_visible()
    assert page.evaluate("window.notReloaded")


def test_a_failed_build_shows_its_error_its_properties_and_its_worker(
    opened: Opened, stock: InstalledMaster
) -> None:
    page = opened(f"#/builders/{_id(stock, 'quick')}/builds/1")
    expect(page.locator("text=oops").last).to_be_visible()
    page.click("text=Build Properties")
    expect(page.locator("table >> text=buildername")).to_be_visible()
    page.click("text=/Worker: /")
    expect(page.locator("text=/Chargehand|version|access_uri|admin/").first).to_be_visible()
    page.click("text=Debug")
    expect(page.get_by_text("buildsetid", exact=True)).to_be_visible()


def test_a_long_log_is_shown_where_one_scrolls(opened: Opened, stock: InstalledMaster) -> None:
    build = stock.build("lines")
    page = opened(f"#/builders/{_id(stock, 'lines')}/builds/{build['number']}/steps/1/logs/stdio")
    expect(page.get_by_text("number 1", exact=True)).to_be_visible()
    shown = page.get_by_text("number 3000", exact=True)
    page.mouse.move(600, 500)

    def scrolled() -> bool:
        page.mouse.wheel(0, 20_000)
        page.wait_for_timeout(50)
        return shown.count() > 0

    eventually("the end of the log", scrolled)
    with page.expect_download() as download:
        page.click("a:has(svg), button:has(svg) >> nth=-1")
    assert b"number 3000" in Path(download.value.path()).read_bytes()


def test_a_build_is_stopped_and_built_again(opened: Opened, stock: InstalledMaster) -> None:
    request = stock.force("stopped")
    build = stock.running_build(request)
    page = opened(f"#/builders/{_id(stock, 'stopped')}/builds/{build['number']}")
    page.click("button:has-text('Stop')")
    expect(page.locator("text=CANCELLED").first).to_be_visible()
    assert stock.completed(request)["results"] == CANCELLED
    stock.let_go("stopped")
    page.click("button:has-text('Rebuild')")
    page.wait_for_url(re.compile(rf"buildrequests/\d+|builds/{build['number'] + 1}$"))
    expect(page.locator("text=SUCCESS").first).to_be_visible()
    assert stock.get("builders/stopped/builds?order=-number&limit=1")[0]["results"] == SUCCESS


def test_waiting_requests_are_listed_and_cancelled(
    opened: Opened, stock: InstalledMaster, tolerated: list[re.Pattern[str]]
) -> None:
    # It asks for properties of requests, which Buildbot has not either.
    tolerated.append(_REFUSED)
    request = stock.force("unlucky")
    page = opened("#/pendingbuildrequests")
    expect(page.locator("table >> text=unlucky")).to_be_visible()
    page = opened(f"#/buildrequests/{request}")
    page.click("button:has-text('Cancel')")
    assert stock.completed(request)["results"] == CANCELLED
    page = opened("#/pendingbuildrequests")
    expect(page.locator("text=None")).to_be_visible()


def test_workers_are_shown_and_paused(opened: Opened, stock: InstalledMaster) -> None:
    page = opened("#/workers")
    for name in ("local", "spare", "absent"):
        expect(page.locator(f"table >> text={name}").first).to_be_visible()
    spare = stock.one("workers/spare")["workerid"]
    page = opened(f"#/workers/{spare}")
    for button, is_paused in (("Pause", True), ("Unpause", False)):
        page.click("button:has-text('Actions')")
        page.locator(".modal").get_by_role("button", name=button, exact=True).click()
        eventually(button, partial(_is_paused, stock, is_paused))
        expect(page.locator(".modal")).to_have_count(0)


def test_changes_and_their_builds_are_shown(opened: Opened, stock: InstalledMaster) -> None:
    page = opened("#/changes")
    expect(page.locator("text=2 changes")).to_be_visible()
    expect(page.locator("text=change 2").first).to_be_visible()
    page = opened("#/changes/1")
    expect(page.locator("text=/built/").first).to_be_visible()


def test_the_console_shows_changes_and_builders(opened: Opened, stock: InstalledMaster) -> None:
    page = opened("#/console")
    expect(page.locator("text=change 2").first).to_be_visible()
    expect(page.locator("table a[href*='builds/1'], table .badge-status").first).to_be_visible()


def test_the_grid_shows_revisions_and_builders(opened: Opened, stock: InstalledMaster) -> None:
    page = opened("#/grid")
    expect(page.locator("table >> text=built").first).to_be_visible()
    expect(page.locator("table >> text=change 2").first).to_be_visible()


def test_the_waterfall_draws_builds(opened: Opened, stock: InstalledMaster) -> None:
    page = opened("#/waterfall")
    expect(page.locator("svg >> text=quick").first).to_be_visible()
    expect(page.locator("svg rect").first).to_be_visible()


def test_masters_schedulers_settings_and_the_site_are_shown(
    opened: Opened, stock: InstalledMaster
) -> None:
    page = opened("#/masters")
    expect(page.locator("table >> text=local")).to_be_visible()
    page = opened("#/projects")
    expect(page.get_by_placeholder("Search for project")).to_be_visible()
    page = opened("#/settings")
    expect(page.locator("text=Max recent builds")).to_be_visible()
    page = opened("#/about")
    expect(page.locator("text=Chargehand version")).to_be_visible()
    expect(page.get_by_text("/builders/n:builderid").first).to_be_visible()


def test_a_dashboard_of_ones_own_is_in_the_menu(opened: Opened, stock: InstalledMaster) -> None:
    page = opened("")
    page.click("text=My board")
    expect(page.get_by_role("heading", name="Ours")).to_be_visible()
    expect(page.locator("text=built and committing and growing")).to_have_css(
        "color", "rgb(0, 128, 0)"
    )
    page.goto(f"{stock.url}/badges/quick.svg")
    expect(page.locator("text=failure").last).to_be_visible()


def test_a_scheduler_is_turned_off_and_on(opened: Opened, stock: InstalledMaster) -> None:
    page = opened("#/schedulers")
    box = page.locator("tr:has-text('any') input[type=checkbox]")
    expect(box).to_be_checked()
    for is_enabled in (False, True):
        box.click()
        eventually("the scheduler's state", partial(_is_enabled, stock, is_enabled))
        expect(box).to_be_checked(checked=is_enabled)


def _is_paused(master: InstalledMaster, wanted: bool) -> bool:
    return master.one("workers/spare")["paused"] is wanted


def _is_enabled(master: InstalledMaster, wanted: bool) -> bool:
    (found,) = master.get("schedulers?name=any")
    return found["enabled"] is wanted


def test_somebody_logs_in_may_do_more_and_logs_out(
    browser: Browser, guarded: InstalledMaster
) -> None:
    page = browser.new_context(viewport={"width": 1300, "height": 900}).new_page()
    page.set_default_timeout(30_000)
    troubles = _watched(page)
    page.goto(f"{guarded.url}/stock/#/builders/1")
    page.click("text=Anonymous")
    page.click(".dropdown-menu >> text=Login")
    page.fill("[name=username]", "ann")
    page.fill("[name=password]", "correct horse")
    page.click("main button")
    page.wait_for_url("**/stock/#/builders/1")
    page.click("button:has-text('force')")
    page.click("text=Start build")
    expect(page.locator("text=SUCCESS").first).to_be_visible()
    build = guarded.one("builds/1")
    assert guarded.properties(build)["owner"][0] == "ann"
    page.click("nav >> text=ann")
    page.click(".dropdown-menu >> text=Logout")
    expect(page.locator("text=Anonymous")).to_be_visible()
    assert troubles == []
    page.context.close()
