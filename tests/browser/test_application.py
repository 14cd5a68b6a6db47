"""The application in a real browser, of a real master with real workers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

import pytest
from browser_visit import Visit, settled
from connections import free_port
from installed_master import CANCELLED, InstalledMaster
from seeded_farm import GIANT_LINES, RARE
from waiting import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, WebSocket

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=30_000)
pytestmark = pytest.mark.slow

_ROOT = Path(__file__).parents[2]
_AXE = _ROOT / "web/node_modules/axe-core/axe.min.js"
_PHONE = {"width": 360, "height": 780}
_SMALL = """() => {
    const seen = (one) => one.checkVisibility() && one.getBoundingClientRect().width > 1;
    const all = (names) => [...document.querySelectorAll(names)];
    const controls = all('.mantine-Button-root, .mantine-ActionIcon-root');
    const fields = all('.mantine-Input-input');
    return [
        ...[...controls, ...fields].filter((one) => one.offsetHeight < 40),
        ...fields.filter((one) => parseFloat(getComputedStyle(one).fontSize) < 16),
    ].filter(seen).map((one) => one.outerHTML.slice(0, 160));
}"""
_SLOW_FRAMES = """
    const frame = window.requestAnimationFrame;
    const late = (draw) => setTimeout(() => draw(performance.now()), 400);
    window.requestAnimationFrame = (draw) => frame(() => late(draw));
"""
_NAMES = (
    *(
        "home",
        "builders",
        "builders-filtered",
        "builders-attention",
        "builders-empty",
        "builder",
        "builder-pending",
    ),
    *("builder-workers", "builder-configuration", "builder-force", "build-failed"),
    *(
        "build-running",
        "build-passed",
        "build-triggers",
        "log-giant",
        "pending",
        "pending-list",
        "request",
        "workers",
    ),
    *("worker", "account", "audit", "missing-build", "missing-page"),
)


def _build_page(visit: Visit, build: dict[str, object]) -> Page:
    return visit.open(f"builders/{build['builderid']}/builds/{build['number']}")


def test_a_build_is_forced_by_the_form_watched_and_rebuilt(visit: Visit):
    page = visit.open("builders/quick?force=ask")
    form = page.get_by_role("dialog")
    form.locator("[type=submit]").click()
    expect(form.get_by_label("Version")).to_have_attribute("aria-invalid", "true")

    form.get_by_label("Version").fill("1.0")
    form.locator("[type=submit]").click()

    page.wait_for_url(re.compile(r"/builds/\d+"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("passed")
    before = page.url
    page.get_by_role("button", name="Rebuild").click()
    page.wait_for_url(lambda url: re.search(r"/builds/\d+", url) and url != before)
    expect(page.get_by_role("heading", level=1)).to_contain_text("passed")


def test_nothing_is_requested_without_a_file_that_was_chosen(visit: Visit, tmp_path: Path):
    page = visit.open("builders/quick?force=ask")
    form = page.get_by_role("dialog")
    form.get_by_label("Version").fill("1.0")
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\xff")
    with page.expect_file_chooser() as chooser:
        form.get_by_label("Notes").click()
    chooser.value.set_files(picture)
    expect(form).to_contain_text("The file is not text in UTF-8.")

    form.locator("[type=submit]").click()

    expect(form).to_contain_text("The file is not text in UTF-8.")
    expect(page).to_have_url(re.compile("force=ask"))
    notes = tmp_path / "notes.txt"
    notes.write_text("first\nsecond\n")
    with page.expect_file_chooser() as chooser:
        form.get_by_label("Notes").click()
    chooser.value.set_files(notes)
    expect(form).not_to_contain_text("UTF-8")
    form.locator("[type=submit]").click()
    page.wait_for_url(re.compile(r"/builds/\d+$"))
    number = int(page.url.rsplit("/", 1)[1])
    build = visit.master.one(f"builders/quick/builds/{number}")
    assert visit.master.properties(build)["notes"][0] == "first\nsecond\n"


def _last_line(log: Locator) -> int:
    return max(int(number) for number in re.findall(r"line (\d+)", log.inner_text()))


def test_a_log_is_followed_while_it_grows(visit: Visit):
    build = visit.master.running_build(visit.master.force("growing"))

    page = _build_page(visit, build)

    log = page.get_by_role("region", name="Log stdio")
    expect(log).to_contain_text(re.compile(r"line \d+"))
    expect(log).to_be_in_viewport()
    # Only lines in sight are in the page: it follows when it shows later ones than at first.
    page.wait_for_function(
        """([log, before]) => Math.max(...log.innerText.match(/line \\d+/g).map(
            (line) => Number(line.slice(5)))) > before + 10""",
        arg=[log.element_handle(), _last_line(log)],
    )
    visit.master.let_go("growing")
    expect(page.get_by_role("heading", level=1)).to_contain_text("passed")


def test_a_build_is_stopped_with_a_reason(visit: Visit):
    request = visit.master.force("stoppable")
    page = _build_page(visit, visit.master.running_build(request))

    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_label("Reason").fill("not needed any more")
    page.get_by_role("dialog").get_by_role("button", name="Stop", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("cancelled")
    assert visit.master.completed(request)["results"] == CANCELLED
    visit.master.let_go("stoppable")


def test_a_failed_build_opens_at_what_failed(visit: Visit):
    build = visit.master.build("failing")

    page = _build_page(visit, build)

    expect(
        page.get_by_role("navigation", name="Steps").locator("[aria-current=step]")
    ).to_contain_text("compile")
    expect(page.get_by_role("region", name="Log stdio")).to_contain_text("oops")


def test_what_a_build_says_is_not_taken_for_the_page(visit: Visit):
    build = visit.master.build("<img src=x onerror=alert(2)>")

    page = _build_page(visit, build)

    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x onerror=alert(2)>")
    assert page.locator("main img[src=x], [onerror]").count() == 0
    assert page.locator("a[href^='javascript:']").count() == 0


def test_links_as_buildbot_made_them_lead_to_the_same_build(visit: Visit):
    build = visit.master.build("quick")

    page = visit.open(f"#/builders/{build['builderid']}/builds/{build['number']}")

    expect(page.get_by_role("heading", level=1)).to_contain_text(f"#{build['number']}")


def test_the_page_survives_a_master_that_is_killed_and_started_again(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
):
    # Started again, it has to be where the page looks for it.
    port = f"c['www'] = {{'port': 'tcp:{free_port()}:interface=127.0.0.1'}}\n"
    master = InstalledMaster(tmp_path_factory.mktemp("killed") / "master")
    master.write(port + "add('quick', sh('echo hello'))\n")
    master.start()
    try:
        master.connected()
        page = browser.new_page()
        page.goto(f"{master.url}/builders/quick")
        expect(page.get_by_text("No build yet")).to_be_visible()
        page.evaluate("window.notReloaded = true")

        master.kill()
        expect(page.get_by_role("alert")).to_contain_text("Reconnecting")
        master.start()
        master.connected()
        build = master.build("quick")

        expect(page.get_by_role("alert")).to_have_count(0)
        expect(page.get_by_role("link", name=f"#{build['number']}").first).to_be_visible()
        assert page.evaluate("window.notReloaded")
        page.close()
    finally:
        master.end()


def test_a_window_that_nobody_sees_rests_and_shows_what_it_missed(visit: Visit):
    sockets: list[WebSocket] = []
    visit.page.on("websocket", lambda socket: sockets.append(socket))
    visit.page.clock.install()
    page = visit.open("")
    _followed(page, sockets)

    _look_away(page)
    eventually("the end of the connection", lambda: _turned(page) and sockets[-1].is_closed())
    build = visit.master.build("quick")
    ended = page.get_by_role("link", name=f"quick #{build['number']}")
    expect(ended).to_have_count(0)
    assert len(sockets) == 1

    _look_again(page)
    expect(ended.first).to_be_visible()
    later = visit.master.build("quick")
    expect(page.get_by_role("link", name=f"quick #{later['number']}").first).to_be_visible()
    assert len(sockets) == 2


def test_the_title_says_how_a_build_ends_while_nobody_sees_the_window(visit: Visit):
    sockets: list[WebSocket] = []
    visit.page.on("websocket", lambda socket: sockets.append(socket))
    visit.page.clock.install()
    request = visit.master.force("stoppable")
    build = visit.master.running_build(request)
    page = visit.open(f"builders/{build['builderid']}/builds/{build['number']}")
    expect(page).to_have_title(re.compile("^▸"))
    sent = _followed(page, sockets)

    _look_away(page)
    eventually("less is followed", lambda: _turned(page) and "stopConsuming" in "".join(sent))
    visit.master.let_go("stoppable")

    expect(page).to_have_title(re.compile("^✓"))
    assert not sockets[-1].is_closed()


def _followed(page: Page, sockets: list[WebSocket]) -> list[str]:
    """Wait until the page is connected; return what it says from then on."""
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
    sent: list[str] = []
    sockets[-1].on("framesent", lambda data: sent.append(str(data)))
    return sent


def _turned(page: Page) -> bool:
    """Let the browser's driver hear what has happened."""
    return page.evaluate("true") is True


def _look_away(page: Page) -> None:
    page.evaluate("""() => {
        Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    }""")
    page.clock.fast_forward(10_000)


def _look_again(page: Page) -> None:
    page.evaluate("""() => {
        delete document.hidden;
        document.dispatchEvent(new Event('visibilitychange'));
    }""")


def test_a_rare_word_in_a_million_lines_is_found(
    opened: Callable[..., Page], addresses: dict[str, str]
):
    page = opened(addresses["log-giant"].partition("?")[0])
    search = page.get_by_label("Search this log")

    search.fill(RARE)
    expect(page.locator("[aria-live=polite]", has_text="1")).to_be_visible()
    search.press("Enter")

    log = page.get_by_role("region", name="Log stdio")
    expect(log).to_contain_text(RARE)
    expect(log).to_contain_text(f"[{GIANT_LINES // 2 + 1:7d}]")


def test_a_line_of_a_million_is_linked_to(opened: Callable[..., Page], addresses: dict[str, str]):
    page = opened(addresses["log-giant"])

    expect(page.locator("[role=region] [data-chosen]")).to_contain_text("499999")
    expect(page.locator("[role=region] [data-chosen]")).to_be_in_viewport()


def test_a_chosen_tab_comes_into_sight(
    opened: Callable[..., Page], addresses: dict[str, str]
) -> None:
    page = opened(addresses["build-failed"])
    settled(page)

    page.get_by_role("tab", name="Compare with last good").click()

    expect(page.get_by_text("Compared with #")).to_be_in_viewport(ratio=1)


def test_an_address_with_a_tab_leads_to_it(
    opened: Callable[..., Page], addresses: dict[str, str]
) -> None:
    page = opened(addresses["build-compare"])

    expect(page.get_by_text("Compared with #")).to_be_in_viewport()


def test_wrapped_lines_stand_below_each_other(
    opened: Callable[..., Page], addresses: dict[str, str]
) -> None:
    page = opened(addresses["log-giant"], viewport=_PHONE)
    settled(page)

    page.get_by_role("button", name="Wrap long lines").click()

    box = page.locator("[role=region]")
    expect(box.locator("[data-chosen]")).to_be_in_viewport()
    gaps = "".join(
        (
            "rows => { const places = rows.map(row => row.getBoundingClientRect());",
            "places.sort((one, other) => one.top - other.top);",
            "return places.slice(1).map((place, at) => Math.abs(place.top - places[at].bottom)); }",
        )
    )
    rows = box.locator("[data-index]")
    eventually("the lines' places", lambda: max(rows.evaluate_all(gaps)) < 1)
    assert rows.count() > 10


@pytest.mark.parametrize(
    "name", ["home", "builders", "builder", "build-passed", "build-failed", "workers"]
)
def test_an_opening_page_asks_nothing_twice(
    browser: Browser, farm: InstalledMaster, addresses: dict[str, str], name: str
) -> None:
    page = browser.new_page()
    asked: list[str] = []
    heard: list[int] = []
    page.on("request", lambda one: asked.append(one.url) if one.method == "GET" else None)
    # From the first event on, what may have changed is asked once more.
    page.on("websocket", lambda one: one.on("framereceived", lambda _: heard.append(len(asked))))

    page.goto(f"{farm.url}/{addresses[name]}")
    settled(page)

    page.close()
    asked = asked[: min(heard, default=len(asked))]
    assert any("/api/v2/" in url for url in asked)
    assert [url for url in set(asked) if asked.count(url) > 1] == []


def test_builders_are_filtered_and_the_address_keeps_it(opened: Callable[..., Page]):
    page = opened("builders")
    expect(page.get_by_role("heading", level=1)).to_contain_text("40")

    page.get_by_role("combobox", name="Filter").fill("tag:coverage name~linux")

    expect(page.get_by_role("heading", level=1)).to_contain_text("5 of 40")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("5 of 40")
    page.get_by_role("combobox", name="Filter").fill("nobody-has-this-name")
    expect(page.get_by_text("No builder fits the filter")).to_be_visible()


def test_one_failure_is_one_row_with_its_reason_and_all_of_them_one_question(
    opened: Callable[..., Page], farm: InstalledMaster
):
    page = opened("about")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))

    page.goto(f"{farm.url}/")

    expect(page.get_by_text("sign: error: the key has expired").first).to_be_visible()
    links = page.get_by_role("main").get_by_role("link")
    signed = links.filter(has_text=re.compile(r"^sign #\d+ failed"))
    row = signed.locator("xpath=ancestor::div[1]")
    expect(row).to_contain_text("Also failed because of it: ")
    for name in ("nightly", "package"):
        expect(row.get_by_role("link", name=re.compile(rf"^{name} #"))).to_be_visible()
        expect(links.filter(has_text=re.compile(rf"^{name} #\d+ failed"))).to_have_count(0)
    assert len([one for one in asked if "/failures?" in one]) == 1
    assert [one for one in asked if "first_error" in one] == []


def test_builders_that_need_attention_come_first_and_that_is_remembered(
    opened: Callable[..., Page], farm: InstalledMaster
):
    page = opened("builders?group=prefix")
    expect(page.get_by_role("rowheader").first).to_have_text("freebsd")

    page.get_by_role("checkbox", name="Needs attention first").check()

    expect(page.get_by_role("row").filter(has_text="sign").first).to_contain_text("the key has exp")
    page.goto(f"{farm.url}/builders")
    expect(page.get_by_role("checkbox", name="Needs attention first")).to_be_checked()
    expect(page.get_by_role("row").nth(1)).to_contain_text("failed")
    page.goto(f"{farm.url}/builders?group=project&sort=name")
    expect(page.get_by_role("row").filter(has_text="engine").first).to_contain_text("failing")


def test_workers_are_sorted_by_the_heads_of_their_columns(opened: Callable[..., Page]):
    page = opened("workers")
    rows = page.get_by_role("table", name="Workers").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("not connected")

    page.get_by_role("columnheader", name="Name").get_by_role("button").click()
    expect(rows.nth(1)).to_contain_text("arm-1")
    page.get_by_role("columnheader", name="Name").get_by_role("button").click()
    expect(rows.nth(1)).to_contain_text("windows-2")
    page.reload()
    expect(rows.nth(1)).to_contain_text("windows-2")

    page.get_by_role("link", name="arm-1").click()
    expect(page.get_by_text("Chargehand's own")).to_be_visible()


def test_what_waits_is_filtered_and_sorted_request_by_request(opened: Callable[..., Page]):
    page = opened("pending")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("7 requests")

    page.get_by_role("combobox", name="Filter").fill("worker:windows-1")

    expect(heading).to_contain_text("2 of 7 requests")
    expect(
        page.get_by_text("Worker windows-1 is already running 1 build, its limit")
    ).to_be_visible()
    expect(page.get_by_role("button", name="Cancel all")).to_have_count(0)
    page.get_by_text("List", exact=True).click()
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(3)
    page.get_by_role("combobox", name="Filter").fill("")
    by_builder = page.get_by_role("columnheader").get_by_role("button", name="Builder")
    by_builder.click()
    expect(rows.nth(1)).to_contain_text("deploy")
    by_builder.click()
    expect(rows.nth(1)).to_contain_text("windows-x86_64-sanitizers")
    page.reload()
    expect(rows.nth(1)).to_contain_text("windows-x86_64-sanitizers")


def test_a_waiting_request_shows_its_place_and_what_is_before_it(
    opened: Callable[..., Page], addresses: dict[str, str]
):
    page = opened(addresses["request"])

    expect(page.get_by_text("number 2 of 2")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name=re.compile(r"^request \d")).click()

    expect(page.get_by_text("It is the next request of deploy")).to_be_visible()


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_page(
    opened: Callable[..., Page], addresses: dict[str, str], name: str, scheme: str
):
    page = opened(addresses[name], color_scheme=scheme)
    settled(page)

    assert _violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_palette(opened: Callable[..., Page], scheme: str):
    page = opened("", color_scheme=scheme)
    settled(page)
    page.keyboard.type("/linux")
    expect(page.get_by_role("dialog").get_by_text("linux-arm64-debug").first).to_be_visible()

    assert _violations(page) == []


def _violations(page: Page) -> list[tuple[str, list[str]]]:
    """Return what axe finds that keeps people from using the page."""
    page.wait_for_timeout(400)  # Colours of texts fade in; axe would measure them half there.
    page.evaluate(_AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


def test_the_name_of_a_build_has_room_on_a_phone(
    opened: Callable[..., Page], addresses: dict[str, str]
) -> None:
    page = opened(addresses["build-failed"], viewport=_PHONE)
    title = page.get_by_role("heading", level=1)
    rebuild = page.get_by_role("button", name="Rebuild")
    expect(title).to_contain_text("linux-riscv64-release #")

    name, order = title.bounding_box(), rebuild.bounding_box()

    assert name is not None
    assert order is not None
    assert name["width"] > 150
    assert name["height"] < 40
    assert order["y"] > name["y"] + name["height"]


@pytest.mark.parametrize(
    "name", ["home", "builders", "builder-force", "pending", "waterfall", "grid", "settings"]
)
def test_what_is_pressed_on_a_phone_is_large_enough(
    opened: Callable[..., Page], addresses: dict[str, str], name: str
):
    page = opened(addresses[name], viewport=_PHONE)
    settled(page)

    assert page.evaluate(_SMALL) == []


@pytest.mark.parametrize("name", _NAMES)
def test_a_page_fits_a_phone(opened: Callable[..., Page], addresses: dict[str, str], name: str):
    page = opened(addresses[name], viewport=_PHONE)
    settled(page)

    width = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )

    assert width == 0
    assert page.locator("h1").count() == 1 or name == "missing-page"


def test_the_whole_way_to_a_failure_goes_by_keyboard(opened: Callable[..., Page]):
    page = opened("")
    settled(page)

    page.keyboard.press("g")
    page.keyboard.press("b")
    expect(page).to_have_url(re.compile("/builders$"))
    expect(page.get_by_role("table", name="Builders")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/builders/\d+"))
    page.keyboard.press("/")
    page.keyboard.type("nightly")
    expect(page.get_by_role("dialog").get_by_text("nightly").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("nightly")


def test_no_letter_is_lost_while_the_palette_is_loaded(opened: Callable[..., Page]):
    page = opened("")
    settled(page)
    page.reload(wait_until="commit")
    page.route(re.compile(r"/Palette-[^/]*\.js"), lambda route: (sleep(0.5), route.continue_()))
    page.wait_for_selector("main")

    page.keyboard.type("/nightly")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("nightly")


def test_enter_opens_what_was_found_also_when_nothing_is_selected_yet(opened: Callable[..., Page]):
    page = opened("")
    page.add_init_script(_SLOW_FRAMES)
    page.reload()
    settled(page)

    page.keyboard.type("/nightly")
    expect(page.get_by_role("dialog").get_by_text("nightly").first).to_be_visible()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_contain_text("nightly")


def test_the_help_of_keys_comes_also_while_it_is_loaded(opened: Callable[..., Page]):
    page = opened("")
    page.route(re.compile(r"/Help-[^/]*\.js"), lambda route: (sleep(0.5), route.continue_()))
    page.wait_for_selector("main")

    page.keyboard.press("?")

    help_ = page.get_by_role("dialog", name="Keys and marks")
    expect(help_).to_contain_text("Next and previous failure")
    page.keyboard.press("Escape")
    expect(help_).to_be_hidden()


def test_all_requests_of_a_group_are_cancelled_however_many_they_are(visit: Visit):
    requests = [visit.master.force("unlucky") for _ in range(103)]  # The API names 100 of a group.
    page = visit.open("pending")

    page.get_by_role("button", name="Cancel all").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("the machine is gone")
    dialog.get_by_role("button", name="Cancel 103 requests").click()

    expect(page.get_by_text("Nothing waits")).to_be_visible(timeout=120_000)
    assert {visit.master.completed(one)["results"] for one in requests} == {CANCELLED}


def test_new_builds_wait_for_somebody_who_reads_further_down(visit_with: Callable[..., Visit]):
    visit = visit_with(viewport={"width": 1280, "height": 300})
    for _ in range(8):
        visit.master.build("quick")
    page = visit.open("builders/quick")
    rows = page.get_by_role("list", name="Builds").get_by_role("listitem")
    first = rows.first.inner_text().split()[0]
    page.mouse.move(600, 200)
    page.mouse.wheel(0, 400)
    page.wait_for_function("window.scrollY > 80")

    visit.master.build("quick")

    pill = page.get_by_role("button", name="1 new build")
    expect(pill).to_be_visible()
    expect(rows.first).to_contain_text(first)
    pill.click()
    expect(rows.first).not_to_contain_text(first)
    expect(pill).to_have_count(0)


def test_a_page_with_a_log_of_any_length_is_printed(
    opened: Callable[..., Page], addresses: dict[str, str]
) -> None:
    page = opened(addresses["log-giant"])
    settled(page)
    expect(page.get_by_role("region", name="Log")).to_contain_text("object")

    # Thousands of pages would take minutes, and no browser test waits so long.
    assert len(page.pdf()) < 2_000_000
