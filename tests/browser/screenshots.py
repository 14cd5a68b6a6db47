"""Take a picture of every page: `screenshots.py DIRECTORY` (`make screenshots`)."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from seeded_farm import make

if TYPE_CHECKING:
    from installed_master import InstalledMaster
    from playwright.sync_api import Browser

WIDTHS = {360: 780, 1440: 900}
THEMES = ("light", "dark")
_ARGUMENTS = ["--no-sandbox", "--disable-gpu"]
_PATIENCE = 30_000


def pages(master: InstalledMaster) -> dict[str, str]:
    """Return the address of each page by a short name for it."""
    failed = master.get("builds?results=2&order=-buildid&limit=1&complete=true")[0]
    running = master.get("builds?complete=false&limit=1")[0]
    giant = master.one("builders/giant-log")["builderid"]
    nightly = master.one("builders/nightly")["builderid"]
    passed = master.get("builds?results=0&order=-buildid&limit=1&complete=true")[0]
    latest = master.get(f"builders/{nightly}/builds?order=-number&limit=1")[0]

    def at(build: dict[str, object]) -> str:
        return f"builders/{build['builderid']}/builds/{build['number']}"

    return {
        "home": "",
        "builders": "builders",
        "builders-filtered": "builders?q=tag:coverage state:failed",
        "builders-by-project": "builders?group=project",
        "builders-empty": "builders?q=nothing-has-this-name",
        "builder": "builders/nightly",
        "builder-pending": "builders/deploy?tab=pending",
        "builder-workers": "builders/nightly?tab=workers",
        "builder-configuration": "builders/nightly?tab=configuration",
        "builder-force": "builders/nightly?force=",
        "build-failed": at(failed),
        "build-running": at(running),
        "build-passed": at(passed),
        "build-triggers": at(latest),
        "log-giant": f"builders/{giant}/builds/1?step=0&line=500000",
        "pending": "pending",
        "workers": "workers",
        "worker": "workers/linux-1",
        "changes": "changes",
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
        "missing-build": "builders/nightly/builds/99999",
        "missing-page": "builders/nightly/nothing/here",
    }


def take(browser: Browser, master: InstalledMaster, into: Path, only: set[str]) -> None:
    """Take the pictures, and say what pages complain about."""
    for theme in THEMES:
        for width, height in WIDTHS.items():
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if theme == "dark" else "light",
            )
            page = context.new_page()
            page.set_default_timeout(_PATIENCE)
            told: list[str] = []
            page.on("console", lambda m, told=told: m.type == "error" and told.append(m.text))
            page.on("pageerror", lambda error, told=told: told.append(str(error)))
            for name, path in pages(master).items():
                if only and name not in only:
                    continue
                told.clear()
                page.goto(f"{master.url}/{path}")
                page.wait_for_selector("h1", state="attached")
                page.wait_for_timeout(1500)
                page.screenshot(path=into / f"{name}-{width}-{theme}.png")
                overflow = page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                said = [*told, *([f"scrolls sideways by {overflow} px"] if overflow else [])]
                print("\n    ".join([f"{name} {width} {theme}", *said]))
            context.close()


def main() -> int:
    """Make the farm, take the pictures, and end the farm."""
    from playwright.sync_api import sync_playwright

    into = Path(sys.argv[1])
    into.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium")
    if chromium is None:
        print("chromium is needed: apt-get install chromium", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="chargehand-pictures-") as place:
        begun = time.monotonic()
        master = make(Path(place) / "master")
        print(f"the farm at {master.url} took {time.monotonic() - begun:.1f} s")
        try:
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
                take(browser, master, into, set(sys.argv[2:]))
                browser.close()
        finally:
            master.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
