"""The plain pages in a real browser, of a real master."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from browser_visit import Visit
from installed_master import CANCELLED, SUCCESS
from waiting import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.slow

_EVIL = "<img src=x onerror=alert(2)>"


@pytest.fixture
def visit_with(visit_with: Callable[..., Visit]) -> Callable[..., Visit]:
    """Return a function that opens a window for plain pages, with settings of its own."""

    def visit(**settings: Any) -> Visit:
        made = visit_with(**settings)
        made.below = "plain/"
        return made

    return visit


def _step(page: Page, name: str) -> Locator:
    return page.locator(f".steps > li:has(.name:text-is('{name}'))")


def _open_log(page: Page, step: str, log: str = "stdio") -> Locator:
    """Open a step's log, and return its text."""
    box = _step(page, step).locator("details").filter(has_text=log).first
    if box.get_attribute("open") is None:
        box.locator("summary").click(position={"x": 5, "y": 5})
    return box.locator("pre")


def _section(page: Page, heading: str) -> Locator:
    return page.locator(f"h2:text-is('{heading}') + ul")


def _width_that_does_not_fit(page: Page) -> int:
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def test_a_new_build_shows_up_by_itself_and_becomes_a_recent_one(visit: Visit):
    page = visit.open("")
    page.evaluate("window.notReloaded = true")

    request_id = visit.master.force("stoppable")
    number = visit.master.running_build(request_id)["number"]
    running = _section(page, "Running").locator("li", has_text=f"stoppable #{number}")

    expect(running.locator(".mark")).to_have_text("running")
    expect(running.locator("time")).to_have_text(re.compile("[1-9] s"))
    visit.master.let_go("stoppable")
    recent = _section(page, "Recent builds").locator("li", has_text=f"stoppable #{number}")
    expect(recent.locator(".mark")).to_have_text("success")
    expect(recent.locator(".state")).to_have_text("build successful")
    expect(recent.locator(".time")).to_have_text(re.compile(r"ago, took (< 0\.1|\d+\.\d) s"))
    assert page.evaluate("window.notReloaded")


def test_what_runs_and_how_it_ended_is_said_in_words(visit: Visit):
    visit.master.build("failing")

    page = visit.open("")

    row = _section(page, "Recent builds").locator("li", has_text="failing #1")
    expect(row.locator(".mark")).to_have_text("failure")
    row.get_by_role("link").click()
    expect(page.locator("h1")).to_contain_text("failure")
    # The log of what failed is open.
    expect(_step(page, "compile").locator("pre")).to_contain_text("oops\nprogram finished")


def test_a_waiting_request_shows_why_and_can_be_cancelled(visit: Visit):
    request_id = visit.master.force("unlucky")
    page = visit.open("")
    row = page.locator(f"#request-{request_id}")

    expect(row).to_contain_text("none of its workers is connected: absent")
    row.get_by_role("button", name="Cancel").click()

    expect(row).to_have_count(0)
    assert visit.master.completed(request_id)["results"] == CANCELLED


def test_a_log_grows_while_the_command_runs(visit: Visit):
    build = visit.master.running_build(visit.master.force("growing"))
    page = visit.open(f"builds/{build['buildid']}")
    text = _step(page, "count").locator("pre")

    expect(text).to_contain_text("first\nline 1\nline 2")
    expect(text).to_contain_text("line 20\n")
    visit.master.let_go("growing")

    expect(text).to_contain_text("last\nprogram finished with exit code 0")
    expect(_step(page, "shell").locator(".mark")).to_have_text("success")
    expect(_open_log(page, "shell")).to_contain_text("second step")
    expect(page.locator("h1")).to_contain_text("success")
    shown = str(text.text_content())
    counted = [int(found) for found in re.findall(r"^line (\d+)$", shown, re.MULTILINE)]
    assert counted == list(range(1, len(counted) + 1))


def test_a_log_shows_colours_and_progress_bars_readably(visit: Visit):
    build = visit.master.build("painted")
    page = visit.open(f"builds/{build['buildid']}")

    text = _open_log(page, "shell")

    expect(text).to_contain_text("plain\nred bold plain again\n100%\ndone")
    expect(text).to_contain_text("orange end\n")
    expect(text.get_by_text("bold", exact=True)).to_have_css("font-weight", "700")
    expect(text.get_by_text("orange", exact=True)).to_have_css("color", "rgb(255, 135, 0)")
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", str(text.text_content()).replace("\r\n", "\n"))


def test_a_long_log_shows_its_end_and_says_so(visit: Visit):
    build = visit.master.build("long")
    page = visit.open(f"builds/{build['buildid']}")

    text = _open_log(page, "shell")

    expect(text).to_contain_text("number 5000\nprogram finished")
    shown = str(text.text_content()).splitlines()
    assert len(shown) == 2000
    earlier = visit.master.logs(build, "shell")["stdio"]["num_lines"] - 2000
    button = _step(page, "shell").locator("[data-earlier]")
    expect(button).to_have_text(f"{earlier} earlier lines: show 2000 more")

    button.click()

    expect(button).to_have_text(re.compile(f"^{earlier - 2000} earlier lines"))
    expect(text).to_contain_text("number 1500\n")


def test_each_click_for_earlier_lines_counts(visit: Visit):
    build = visit.master.build("long")
    page = visit.open(f"builds/{build['buildid']}")
    text = _open_log(page, "shell")
    expect(text).to_contain_text("number 5000\nprogram finished")
    button = _step(page, "shell").locator("[data-earlier]")

    button.evaluate("button => { button.click(); button.click(); }")

    expect(button).to_be_hidden()
    expect(text).to_contain_text("number 1\nnumber 2\n")


def test_the_environment_of_a_command_is_folded_away(visit: Visit):
    build = visit.master.build("painted")
    page = visit.open(f"builds/{build['buildid']}")
    page.wait_for_load_state("networkidle")
    with page.expect_response(page.url):  # Opening a log brings the page up to date.
        text = _open_log(page, "shell")
        detail = text.locator(".detail", has_text="environment:")
        expect(text).to_contain_text("done")
        expect(detail).to_be_hidden()
        _step(page, "shell").get_by_role("button", name="Show environment").click()

    expect(detail).to_be_visible()


def test_builders_are_found_by_their_names(visit: Visit):
    page = visit.open("")
    page.get_by_role("navigation").get_by_role("link", name="Builders").click()
    rows = page.locator("#builders > li:visible")

    expect(rows.first).to_be_visible()
    page.get_by_role("searchbox").fill("paint")

    expect(rows).to_have_count(1)
    rows.get_by_role("link", name="painted").click()
    expect(page.locator("header")).to_contain_text("painted")


def test_nothing_that_builds_say_is_taken_for_the_page(visit: Visit):
    build = visit.master.build(_EVIL)
    assert build["results"] == SUCCESS

    page = visit.open("")
    expect(_section(page, "Recent builds").get_by_text(f"{_EVIL} #1")).to_be_visible()
    page = visit.open(f"builders/{build['builderid']}")
    expect(page.locator("header")).to_contain_text(_EVIL)
    page = visit.open(f"builds/{build['buildid']}")

    expect(_open_log(page, "links", "page")).to_have_text(re.compile("^<script>document"))
    expect(_open_log(page, "shell_1")).to_contain_text("<script>alert(3)</script>\n<img src=x")
    row = _step(page, "links")
    expect(row.locator(".state")).to_contain_text('evil: javascript:document.title="hacked"')
    expect(row.get_by_role("link", name="evil")).to_have_count(0)
    expect(row.get_by_role("link", name="good")).to_have_attribute(
        "href", "https://example.org/report"
    )
    assert page.locator("img, main script, [onerror], a[href^='javascript:']").count() == 0
    assert "hacked" not in page.title()


def test_a_log_in_html_cannot_act_when_it_is_opened_alone(visit_with: Callable[..., Visit]):
    visit = visit_with()
    build = visit.master.build(_EVIL)
    page = visit.open(f"builds/{build['buildid']}")

    with page.expect_console_message(lambda message: "sandbox" in message.text):
        _step(page, "links").get_by_role("link", name="page of links in full").click()

    assert "raw_inline" in page.url
    assert page.title() != "hacked"


@pytest.mark.parametrize("hash_", ["#///example.org/x", "#/javascript:document.title='hacked'"])
def test_an_old_link_leads_nowhere_else(visit_with: Callable[..., Visit], hash_: str):
    visit = visit_with()
    page = visit.open(hash_)

    expect(page.locator("h1")).to_have_text("Not found")

    assert page.url.startswith(visit.master.url)


def test_a_link_as_buildbot_made_it_leads_to_the_same_build(visit: Visit):
    build = visit.master.build("quick")
    number = build["number"]

    page = visit.open(f"#/builders/{build['builderid']}/builds/{number}")

    expect(page).to_have_title(f"quick #{number} · Our <b>builds</b>")


def test_a_build_is_forced_from_the_first_page(visit: Visit):
    page = visit.open("")
    before = len(visit.master.get("builders/quick/builds"))

    page.get_by_label("Build").select_option(label="quick")
    page.get_by_label("Reason").fill("I <i>want</i> it")
    page.get_by_label("Reason").press("Enter")

    expect(page.locator("#said")).to_have_text(
        re.compile(r"Build of \w+ requested \(request \d+\)\.")
    )
    link = _section(page, "Recent builds").get_by_role("link", name=f"quick #{before + 1}")
    link.click()
    expect(page.locator("main")).to_contain_text("I <i>want</i> it")


def test_a_builders_page_forces_it_and_says_what_it_cannot_ask(visit: Visit):
    page = visit.open("builders/quick")
    before = len(visit.master.get("builders/quick/builds"))
    expect(page.locator(".orders")).to_contain_text("“Release” needs a value for “Version”")

    page.get_by_role("button", name="Force").click()

    expect(page.get_by_role("link", name=f"quick #{before + 1}")).to_be_visible()


def test_a_form_asks_for_what_it_needs(visit: Visit):
    page = visit.open("builders/quick")
    page.get_by_role("link", name="Force with parameters").click()
    form = page.locator("#form-ask")
    form.get_by_role("button", name="ask").click()
    expect(page.locator("#said")).to_be_hidden()  # The browser asks for the version.

    form.get_by_label("Version").fill("1.0")
    form.get_by_label("Sign").check()
    form.get_by_label("Parts").select_option(["b", "c"])
    form.get_by_label("Notes").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": "Grüße\n".encode()}
    )
    form.get_by_role("button", name="ask").click()

    said = page.locator("#said")
    expect(said).to_contain_text(re.compile(r"Build of quick requested \(request \d+\)\."))
    request_id = int(re.findall(r"request (\d+)", said.inner_text())[0])
    visit.master.completed(request_id)
    (build,) = visit.master.builds_of(request_id)
    found = visit.master.get(f"builds/{build['buildid']}/properties")
    assert {name: found[0][name][0] for name in ("version", "notes", "signed", "parts")} == {
        "version": "1.0",
        "notes": "Grüße\n",
        "signed": True,
        "parts": ["b", "c"],
    }


def test_a_build_is_stopped_and_built_again(visit: Visit):
    request_id = visit.master.force("stoppable")
    build = visit.master.running_build(request_id)
    page = visit.open(f"builds/{build['buildid']}")

    page.get_by_role("button", name="Stop").click()

    expect(page.locator("#said")).to_have_text("Stopping the build.")
    expect(page.locator("h1")).to_contain_text("cancelled")
    assert visit.master.completed(request_id)["results"] == CANCELLED
    visit.master.let_go("stoppable")
    page.get_by_role("button", name="Build again").click()
    page.get_by_role("link", name="View builder").click()
    again = _section(page, "Recent builds").locator("li", has_text=f"#{build['number'] + 1}")
    expect(again.locator(".mark")).to_have_text("success")


def test_an_order_that_fails_says_why(visit_with: Callable[..., Visit]):
    visit = visit_with()
    request_id = visit.master.force("unlucky")
    page = visit.open("")
    button = page.locator(f"#request-{request_id}").get_by_role("button")
    expect(button).to_be_visible()

    # At once: a refresh of the page would put the path right again.
    button.evaluate("button => { button.dataset.path = 'buildrequests/999999'; button.click(); }")

    expect(page.locator("#said.wrong")).to_contain_text("999999")
    visit.master.order(f"buildrequests/{request_id}", "cancel")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_fits_on_a_phone_and_can_be_read(visit_with: Callable[..., Visit], scheme: str):
    visit = visit_with(viewport={"width": 380, "height": 700}, color_scheme=scheme)
    long_name = visit.master.get("builders?name__contains=very-long")[0]["name"]
    builds = [visit.master.build(name) for name in (long_name, _EVIL)]

    for path in ("", f"builders/{builds[0]['builderid']}", "nothing"):
        page = visit.open(path)
        assert _width_that_does_not_fit(page) == 0, path
    for build in builds:
        page = visit.open(f"builds/{build['buildid']}")
        _open_log(page, "shell").get_by_text("program finished").wait_for()
        assert _width_that_does_not_fit(page) == 0
    assert _contrasts(page) == []


def test_every_control_is_reached_and_used_with_the_keyboard(visit: Visit):
    request_id = visit.master.force("unlucky")
    page = visit.open("")
    expect(page.locator(f"#request-{request_id}")).to_be_visible()

    assert _reached(page) == _controls(page)

    visit.master.order(f"buildrequests/{request_id}", "cancel")
    build = visit.master.build("quick")
    page = visit.open(f"builds/{build['buildid']}")
    summary = page.locator("summary").last
    summary.press("Enter")
    expect(page.locator("pre").last).to_contain_text("hello\n")
    assert _reached(page) == _controls(page)


def test_what_has_the_focus_keeps_it_when_the_page_changes(visit: Visit):
    page = visit.open("")
    before = len(visit.master.get("builders/quick/builds"))
    page.get_by_label("Reason").fill("half a rea")

    visit.master.build("quick")

    expect(page.get_by_role("link", name=f"quick #{before + 1}")).to_be_visible()
    page.keyboard.type("son")
    expect(page.get_by_label("Reason")).to_have_value("half a reason")


def test_the_page_connects_again_and_shows_what_it_missed(visit_with: Callable[..., Visit]):
    visit = visit_with()
    sockets = []

    def cut(route):
        sockets.append(route)
        route.connect_to_server()

    visit.page.route_web_socket(re.compile("/ws$"), cut)
    page = visit.open("")
    page.evaluate("window.notReloaded = true")
    expect(page.locator("#offline")).to_be_hidden()
    before = len(visit.master.get("builders/quick/builds"))
    eventually("the websocket", lambda: sockets)

    page.context.set_offline(True)
    sockets[-1].close()
    expect(page.locator("#offline")).to_be_visible()
    visit.master.build("quick")
    page.context.set_offline(False)

    expect(page.get_by_role("link", name=f"quick #{before + 1}")).to_be_visible()
    expect(page.locator("#offline")).to_be_hidden()
    visit.master.build("quick")
    expect(page.get_by_role("link", name=f"quick #{before + 2}")).to_be_visible()
    assert page.evaluate("window.notReloaded")
    assert not [trouble for trouble in visit.troubles if trouble.startswith("script")]


def test_a_page_that_is_not_there_says_so_and_leads_back(visit_with: Callable[..., Visit]):
    visit = visit_with()

    page = visit.open("builders/nobody/builds/1")

    expect(page.locator("h1")).to_have_text("Not found")
    page.get_by_role("link", name="Recent builds").click()
    expect(page).to_have_title("Our <b>builds</b>")
    assert len(visit.troubles) == 1


def _controls(page: Page) -> int:
    return page.locator(
        "a[href], button:visible, select, input, summary, details[open] pre"
    ).count()


def _reached(page: Page) -> int:
    """Go through the page with the tab key, and count where it stopped."""
    page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges()")
    page.evaluate("window.scrollTo(0, 0); window.reached = new Set()")
    page.locator("body").evaluate("body => { body.tabIndex = -1; body.focus(); }")
    for _ in range(300):
        page.keyboard.press("Tab")
        if page.evaluate(
            "reached.size === reached.add(document.activeElement).size"
            " || document.activeElement === document.body"
        ):
            break
    return int(page.evaluate("[...reached].filter(one => one !== document.body).length"))


def _contrasts(page: Page) -> list[str]:
    """Return texts whose colour is too close to what is behind them (WCAG: 4.5 to 1)."""
    found: list[str] = page.evaluate(
        """() => {
          const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
          const light = (colour) => {
            const [r, g, b] = numbers(colour).map((part) => {
              const share = part / 255;
              return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const behind = (element) => {
            for (let one = element; one; one = one.parentElement) {
              const colour = getComputedStyle(one).backgroundColor;
              if (numbers(colour)[3] !== 0) return colour;
            }
            return "rgb(255, 255, 255)";
          };
          return [...document.querySelectorAll("body *")]
            .filter((element) => [...element.childNodes].some(
              (node) => node.nodeType === Node.TEXT_NODE && node.nodeValue.trim()))
            .filter((element) => element.checkVisibility())
            .filter((element) => {
              const pair = [light(getComputedStyle(element).color), light(behind(element))];
              return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05) < 4.5;
            })
            .map((element) => element.outerHTML);
        }"""
    )
    return found
