"""Visits of a browser to a master's pages, and the builders that they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from installed_master import InstalledMaster

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

CONFIGURATION = r"""
c['title'] = 'Our <b>builds</b>'
c['workers'] = [worker.LocalWorker('local', max_builds=4), worker.Worker('absent', 'secret')]
c['protocols'] = {'pb': {'port': 'tcp:0:interface=127.0.0.1'}}

class Links(steps.BuildStep):
    name = 'links'
    async def run(self):
        await self.addURL('evil', 'javascript:document.title="hacked"')
        await self.addURL('good', 'https://example.org/report')
        await self.addHTMLLog('page', '<script>document.title="hacked"</script>')
        self.descriptionDone = ['<img src=x onerror=alert(1)>']
        return util.SUCCESS

def printed(text, **more):
    (HERE / 'text').mkdir(exist_ok=True)
    path = HERE / 'text' / str(abs(hash(text)))
    path.write_text(text)
    return sh(f'cat {path}', **more)

add('quick', sh('echo hello'))
add('failing', sh('echo oops >&2; exit 1', name='compile'))
add('<img src=x onerror=alert(2)>', sh('true'), Links(), printed(
    '<script>alert(3)</script>\n<img src=x onerror=alert(4)>\n'))
add('painted', printed(
    'plain\n\x1b[31mred \x1b[1mbold\x1b[0m plain again\x1b[K\n 10%\r 50%\r100%\ndone\r\n'
    '\x1b[38;5;208morange\x1b[m \x1b]0;title\x07end\n'))
add('growing', sh('echo first; touch %s/growing.begun; '
    'i=0; while [ ! -e %s/growing.go ]; do i=$((i+1)); echo line $i; sleep 0.1; done; echo last'
    % (HERE, HERE), name='count'), sh('echo second step'))
add('stoppable', blocking('stoppable'))
add('unlucky', sh('true'), workernames=['absent'])
add('late-error', sh('for i in $(seq 1 300); do echo PASS $i; done; '
    'echo "AssertionError: expected 3, got 4"; exit 1', name='check'))
add('long', sh('for i in $(seq 1 5000); do echo number $i; done'))
add('a-builder-with-a-very-long-name-indeed-which-nobody-would-give-in-earnest-but-somebody-does',
    sh('echo %s' % ('x' * 500)))
c['schedulers'].append(schedulers.ForceScheduler(
    name='ask', label='Release', builderNames=['quick'], codebases=[util.CodebaseParameter('')],
    properties=[util.StringParameter('version', label='Version', required=True),
        util.FileParameter('notes', label='Notes'), util.BooleanParameter('signed', label='Sign'),
        util.ChoiceStringParameter('parts', label='Parts', choices=['a', 'b', 'c'],
            multiple=True, default=['a'])]))
"""


@dataclass
class Visit:
    """A page in the browser, and all that went wrong on it."""

    page: Page
    master: InstalledMaster
    troubles: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    below: str = ""
    """The path of the pages: `plain/`, or nothing for those of the application."""

    def open(self, path: str) -> Page:
        """Go to one of the master's pages."""
        self.page.goto(f"{self.master.url}/{self.below}{path}")
        return self.page


def watch(visit: Visit) -> None:
    """Note what goes wrong on the page, and where it sends requests."""

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            visit.troubles.append(f"console: {message.text}")

    def asked(request: Any) -> None:
        host = urlsplit(request.url).netloc
        if host:
            visit.hosts.add(host)

    def dialog(shown: Any) -> None:
        visit.troubles.append(f"dialog: {shown.message}")
        shown.dismiss()

    visit.page.on("console", heard)
    visit.page.on("pageerror", lambda error: visit.troubles.append(f"script: {error}"))
    visit.page.on("dialog", dialog)
    visit.page.on("request", asked)
    visit.page.on("websocket", asked)


def settled(page: Page) -> None:
    """Wait until the page shows what it is about."""
    # Only the tests that are slow need it.
    from playwright.sync_api import expect

    page.wait_for_selector("main")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    page.wait_for_load_state("load")


@contextmanager
def windows(browser: Browser, master: InstalledMaster) -> Iterator[Callable[..., Page]]:
    """Give a function that opens a page of a master in a window of its own, with settings of it."""
    contexts = []

    def open_(path: str, **settings: Any) -> Page:
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{master.url}/{path}")
        return page

    yield open_
    for context in contexts:
        context.close()
