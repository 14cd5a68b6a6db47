"""Take a picture of every page: `screenshots.py DIRECTORY [PAGE…]` (`make screenshots`).

Each page is taken in each theme and at each width, from a seeded farm and from an empty master.
What a page complains about is said beside it, and again at the end.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from installed_master import InstalledMaster
from seeded_farm import make

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = {360: 780, 1440: 900}
THEMES = ("light", "dark")
_ARGUMENTS = ["--no-sandbox", "--disable-gpu"]
_PATIENCE = 30_000
_AFTER_LOADING = 700

# A browser says this of every answer that is not 2xx: pages about what is missing have some.
_REFUSED = "Failed to load resource"


@dataclass(frozen=True)
class Shot:
    """One page to take a picture of.

    Args:
        url: Its address.
        prepare: What is done on the page before the picture, like opening a menu.
    """

    url: str
    prepare: Callable[[Page], None] = lambda _: None


def pages(master: InstalledMaster) -> dict[str, str]:
    """Return the address of each page of the seeded farm by a short name for it."""

    def newest(builder: str, **condition: str) -> dict[str, object]:
        narrowed = "".join(f"&{name}={value}" for name, value in condition.items())
        return master.get(f"builders/{builder}/builds?order=-number&limit=1{narrowed}")[0]

    def at(build: dict[str, object], search: str = "") -> str:
        return f"builders/{build['builderid']}/builds/{build['number']}{search}"

    failed = newest("linux-riscv64-release", results="2")
    running = master.get("builds?complete=false&limit=1")[0]
    passed = newest("linux-x86_64-debug", results="0")
    change = master.get("changes?order=-changeid&limit=1")[0]
    waiting = master.get("buildrequests?claimed=false&order=-submitted_at&limit=1")[0]
    return {
        "home": "",
        "builders": "builders",
        "builders-filtered": "builders?q=tag:coverage state:failed",
        "builders-by-project": "builders?group=project",
        "builders-attention": "builders?sort=state&group=prefix",
        "builders-empty": "builders?q=nothing-has-this-name",
        "builder": "builders/nightly",
        "builder-pending": "builders/deploy?tab=pending",
        "builder-workers": "builders/windows-x86_64-debug?tab=workers",
        "builder-configuration": "builders/nightly?tab=configuration",
        "builder-force": "builders/nightly?force=",
        "build-failed": at(failed),
        "build-running": at(running),
        "build-passed": at(passed),
        "build-cancelled": at(master.get("builds?results=6&order=-buildid&limit=1")[0]),
        "build-triggers": at(newest("nightly"), "?tab=triggered"),
        "build-short-log": at(newest("sign")),
        "build-properties": at(failed, "?tab=properties"),
        "build-compare": at(failed, "?tab=compare"),
        "log-giant": f"{at(newest('giant-log'))}?step=0&line=500000",
        "request": f"buildrequests/{waiting['buildrequestid']}",
        "pending": "pending",
        "pending-filtered": "pending?q=worker:windows-1",
        "pending-list": "pending?view=list&sort=builder",
        "workers": "workers",
        "worker": "workers/linux-1",
        "changes": "changes",
        "change": f"changes/{change['changeid']}",
        "trends": "trends",
        "waterfall": "waterfall",
        "console": "console",
        "grid": "grid",
        "schedulers": "schedulers",
        "masters": "masters",
        "settings": "settings",
        "account": "account",
        "audit": "audit",
        "about": "about",
        "projects": "projects",
        "project": "projects/1",
        "login": "login",
        "missing-build": "builders/nightly/builds/99999",
        "missing-page": "builders/nightly/nothing/here",
    }


def shots_of(master: InstalledMaster, empty: InstalledMaster) -> dict[str, Shot]:
    """Return all that pictures are taken of, by short names.

    Args:
        master: The seeded farm.
        empty: A master that has built nothing yet.
    """
    shots = {name: Shot(f"{master.url}/{address}") for name, address in pages(master).items()}
    shots["palette"] = Shot(master.url, _type_into_the_palette)
    shots["keys"] = Shot(master.url, lambda page: page.keyboard.press("?"))
    shots["home-empty"] = Shot(empty.url)
    shots["pending-empty"] = Shot(f"{empty.url}/pending")
    shots["changes-empty"] = Shot(f"{empty.url}/changes")
    return shots


def _type_into_the_palette(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("linux")


@dataclass
class Pictures:
    """Takes the pictures, and keeps what pages complained about.

    Args:
        into: The directory of the pictures.
        shots: The pages by their names.
    """

    into: Path
    shots: dict[str, Shot]
    complaints: list[str] = field(default_factory=list)
    taken: int = 0

    def take(self, browser: Browser, themes: list[str], widths: list[int]) -> None:
        """Take every page in these themes, at these widths."""
        total = len(self.shots) * len(themes) * len(widths)
        number = 0
        for theme in themes:
            for width in widths:
                context = browser.new_context(
                    viewport={"width": width, "height": WIDTHS[width]},
                    color_scheme="dark" if theme == "dark" else "light",
                )
                for name, shot in self.shots.items():
                    number += 1
                    page = context.new_page()
                    said = self._take(page, shot, self.into / f"{name}-{width}-{theme}.png")
                    page.close()
                    print(f"[{number}/{total}] {name}, {width} px, {theme}", *said, sep="\n    ")
                    self.complaints += [
                        f"{name}, {width} px, {theme}: {one}" for one in said if _REFUSED not in one
                    ]
                context.close()

    def _take(self, page: Page, shot: Shot, path: Path) -> list[str]:
        """Take one page; return what it complains about."""
        # Who only wants the addresses of the pages needs no browser.
        from playwright.sync_api import Error

        page.set_default_timeout(_PATIENCE)
        said: list[str] = []
        page.on("console", lambda m: m.type == "error" and said.append(m.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        try:
            page.goto(shot.url)
            page.wait_for_selector("h1", state="attached")
            with suppress(Error):
                page.wait_for_selector(
                    ".mantine-Skeleton-root, [data-loading]",
                    state="detached",
                    timeout=_PATIENCE / 3,
                )
            shot.prepare(page)
            page.wait_for_timeout(_AFTER_LOADING)
            page.screenshot(path=path)
            self.taken += 1
            overflow = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        except Error as error:
            return [*said, str(error).splitlines()[0]]
        return [*said, *([f"scrolls sideways by {overflow} px"] if overflow else [])]


def main() -> int:
    """Make the farm, take the pictures, and end the farm."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("into", type=Path, help="the directory of the pictures")
    parser.add_argument("pages", nargs="*", help="names of pages; all without any")
    parser.add_argument("--theme", action="append", choices=THEMES)
    parser.add_argument("--width", action="append", type=int, choices=list(WIDTHS))
    wanted = parser.parse_args()
    wanted.into.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium")
    if chromium is None:
        print("chromium is needed: apt-get install chromium", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="chargehand-pictures-") as place:
        begun = time.monotonic()
        empty = InstalledMaster(Path(place) / "empty")
        empty.write("add('hello', sh('echo hello'))")
        empty.start()
        try:
            master = make(Path(place) / "master")
            try:
                print(f"the farm at {master.url} took {time.monotonic() - begun:.1f} s")
                shots = shots_of(master, empty)
                unknown = set(wanted.pages) - set(shots)
                if unknown:
                    names = ", ".join(shots)
                    print(f"no such page: {', '.join(unknown)}; there are {names}", file=sys.stderr)
                    return 1
                if wanted.pages:
                    shots = {name: shots[name] for name in wanted.pages}
                pictures = Pictures(wanted.into, shots)
                with sync_playwright() as driver:
                    browser = driver.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
                    pictures.take(
                        browser, wanted.theme or list(THEMES), wanted.width or list(WIDTHS)
                    )
                    browser.close()
            finally:
                master.end()
        finally:
            empty.end()
    print(f"{pictures.taken} pictures in {wanted.into}, in {time.monotonic() - begun:.0f} s")
    print("\n".join(pictures.complaints) or "no page complained")
    return 1 if pictures.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
