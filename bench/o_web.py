"""o. The web UI in a real browser: lines, lists, long logs, many steps, many tabs.

Measures our own UI only, in the Chromium of the machine. Times are of the page's own clock
(`performance.now()`, which starts with the navigation), the browser's processes run on the same
machine, and a second visit of a page finds the code of the UI in the browser's cache, as most visits do."""
import argparse
import gzip
import statistics
import sys
import tempfile

from common import *

sys.path[:0] = [str(HERE.parent / 'tests/scenario'), str(HERE.parent / 'tests/browser')]

PARTS = ('load', 'line', 'builders', 'log', 'steps', 'tabs')
ap = argparse.ArgumentParser()
ap.add_argument('parts', nargs='*', default=PARTS)
ap.add_argument('--builders', type=int, nargs='*', default=[1000, 5000])
ap.add_argument('--lines', type=int, default=1_000_000)
ap.add_argument('--steps', type=int, default=300)
ap.add_argument('--tabs', type=int, default=20)
ap.add_argument('--builds', type=int, default=600)
a = ap.parse_args()

# When an element of a selector whose text has a word is first there, and drawn.
WATCH = """(() => {
  window.seen = {};
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) window.longest = Math.max(window.longest, one.duration);
  }).observe({ type: 'longtask', buffered: true });
  window.waitsFor = (selector, text) => new Promise((done) => {
    const begun = performance.now();
    const look = () => {
      const found = [...document.querySelectorAll(selector)].some((one) => one.textContent.includes(text));
      if (found) setTimeout(() => done([begun, performance.now()]), 0);
      else requestAnimationFrame(look);
    };
    look();
  });
})()"""


@contextlib.contextmanager
def window():
    from playwright.sync_api import sync_playwright
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which('chromium'),
                                         args=['--no-sandbox', '--disable-gpu'])
        context = browser.new_context(viewport={'width': 1440, 'height': 900})
        context.add_init_script(WATCH)
        yield context
        browser.close()


def opened(page, url, selector, text=''):
    """Return how many milliseconds after the navigation an element is drawn."""
    page.goto(url, wait_until='commit')
    return page.evaluate('([selector, text]) => waitsFor(selector, text)', [selector, text])[1]


@contextlib.contextmanager
def tasks(context, page):
    """Give a list that has, afterwards, the CPU milliseconds of each task of the page's main thread."""
    found, traced = [], []
    session = context.browser.new_browser_cdp_session()
    session.on('Tracing.dataCollected', lambda answer: traced.extend(answer['value']))
    ended = []
    session.on('Tracing.tracingComplete', lambda _: ended.append(True))
    session.send('Tracing.start', {'traceConfig': {'includedCategories': ['toplevel']}})
    yield found
    session.send('Tracing.end')
    while not ended:
        page.wait_for_timeout(50)
    mains = {(one['pid'], one['tid']) for one in traced
             if one['name'] == 'thread_name' and one['args']['name'] == 'CrRendererMain'}
    found.extend(one['tdur'] / 1e3 for one in traced
                 if one['name'].endswith('RunTask') and 'tdur' in one and (one['pid'], one['tid']) in mains)


def base():
    return f'http://127.0.0.1:{PORT}'


def load():
    """The JavaScript that the first page needs."""
    ui = HERE.parent / 'src/chargehand/web/ui'
    with system('o', workers=[wdef('w0')], groups=[group('b', 5)]), window() as context:
        page = context.new_page()
        asked = []
        page.on('response', lambda answer: asked.append(answer.url) if answer.url.endswith('.js') else None)
        page.goto(f'{base()}/')
        page.wait_for_selector('h1')
        sizes = [len(gzip.compress((ui / 'assets' / one.rpartition('/')[2]).read_bytes(), 9)) for one in asked]
        record('o_web', 'first load', files=len(sizes), js_gzip_kb=sum(sizes) / 1e3)


def line():
    """From a command's output to its line in the browser."""
    script = 'for i in $(seq 1 60); do echo "at $(date +%s%3N) end"; sleep 0.25; done'
    with system('o', workers=[wdef('w0')], groups=[group('b', 1, steps=(['sh', '-c', script],))]), window() as context:
        page = context.new_page()
        page.add_init_script("""
          window.delays = []; const known = new Set();
          new MutationObserver(() => {
            const log = document.querySelector('[role=region]');
            for (const [, at] of (log?.textContent ?? '').matchAll(/at (\\d{13}) end/g))
              if (!known.has(at)) { known.add(at); delays.push(Date.now() - Number(at)); }
          }).observe(document, { childList: true, subtree: true, characterData: true });""")
        api = Api()
        builder = next(iter(api.builder_ids().values()))
        api.force(builder)
        page.goto(f'{base()}/builders/{builder}/builds/1?step=1')
        page.wait_for_timeout(12_000)
        # What was written before the page was open is no delay of the page.
        delays = page.evaluate('delays')[6:]
        record('o_web', 'line', lines=len(delays), median_ms=statistics.median(delays), max_ms=max(delays))


def builders():
    """The list of builders: when its rows are there, and nothing keeps the browser busy."""
    for count in a.builders:
        with system('o', workers=[wdef('w0')], groups=[group('b', count)]), window() as context:
            times = []
            for _ in range(REPS + 1):
                page = context.new_page()
                times.append(opened(page, f'{base()}/builders', '[role=row] a'))
                page.close()
            record('o_web', f'builders {count}', first_ms=times[0], median_ms=statistics.median(times[1:]))


def log_():
    """A log of a million lines: open, jump to its middle, find a rare word."""
    from seeded_farm import RARE, make
    with tempfile.TemporaryDirectory() as place:
        farm = make(Path(place) / 'master', giant_lines=a.lines)
        try:
            at = f'{farm.url}/builders/{farm.one("builders/giant-log")["builderid"]}/builds/1'
            with window() as context:
                shown, jumped, found = [], [], []
                for _ in range(REPS + 1):
                    page = context.new_page()
                    shown.append(opened(page, at, '[role=region]', 'object 7 '))
                    box = page.locator('[role=region][aria-label^=Log]')
                    middle = f'[{a.lines // 2 - 30_000:7d}]'
                    begun, ended = page.evaluate("""async (part) => {
                        const box = document.querySelector('[role=region][aria-label^=Log]');
                        const before = box.textContent;
                        const begun = performance.now();
                        box.scrollTop = box.scrollHeight / 2;
                        await new Promise((done) => {
                          const look = () => {
                            const text = box.textContent;
                            if (text !== before && /object \\d{6,}/.test(text)) done();
                            else requestAnimationFrame(look);
                          };
                          requestAnimationFrame(look);
                        });
                        return [begun, performance.now()];
                    }""", middle)
                    jumped.append(ended - begun)
                    page.get_by_label('Search this log').fill(RARE)
                    begun, ended = page.evaluate("waitsFor('[aria-live=polite]', '1')")
                    found.append(ended - begun)
                    box.wait_for()
                    page.close()
                # As people come to it: by a click on the build in the builder's list.
                clicked = []
                page = context.new_page()
                for _ in range(REPS + 1):
                    opened(page, at.rpartition('/builds')[0], 'main a[href$="/builds/1"]')
                    page.wait_for_timeout(1000)
                    begun, ended = page.evaluate("""() => {
                        const told = waitsFor('[role=region]', 'object 7 ');
                        document.querySelector('main a[href$="/builds/1"]').click();
                        return told;
                    }""")
                    clicked.append(ended - begun)
                record('o_web', f'log {a.lines}', open_ms=statistics.median(shown[1:]),
                       click_ms=statistics.median(clicked[1:]),
                       jump_ms=statistics.median(jumped[1:]), search_ms=statistics.median(found[1:]))
        finally:
            farm.end()


def steps():
    """A build of many steps while it runs: the longest task that keeps the page from drawing."""
    many = [['sh', '-c', f'echo {number}; sleep 0.02'] for number in range(a.steps)]
    with system('o', workers=[wdef('w0')], groups=[group('b', 1, steps=many)]), window() as context:
        page = context.new_page()
        api = Api()
        builder = next(iter(api.builder_ids().values()))
        events = Events('builds/*/*', 'steps/*/*', 'logs/*/*')
        api.force(builder)
        opened(page, f'{base()}/builders/{builder}/builds/1', 'h1', '#1')
        page.wait_for_timeout(2000)
        page.evaluate('window.longest = 0')
        begun = time.perf_counter()
        with tasks(context, page) as spent:
            page.evaluate("waitsFor('h1', 'passed')")
        took = time.perf_counter() - begun
        record('o_web', f'steps {a.steps}', longest_task_ms=page.evaluate('longest'), longest_task_cpu_ms=max(spent),
               tasks_over_50_ms_cpu=sum(one > 50 for one in spent), cpu_s=sum(spent) / 1e3,
               steps_per_second=a.steps / took)
        events.stop()


class Browser:
    """Tabs of one browser as people have them: one is in front, and the browser hides the others.

    Playwright tells every page that it is seen, so that the browser is asked over its own port here."""

    def __init__(self):
        self.place = tempfile.mkdtemp()
        self.process = subprocess.Popen(
            [shutil.which('chromium'), '--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run',
             '--window-size=1440,900', '--remote-debugging-port=0', f'--user-data-dir={self.place}', 'about:blank'],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        told = Path(self.place, 'DevToolsActivePort')
        while not told.exists() or '\n' not in told.read_text():
            time.sleep(0.1)
        self.port = int(told.read_text().split()[0])
        self.tabs = []

    def ask(self, method, path):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        connection.request(method, path)
        return json.loads(connection.getresponse().read())

    def open(self, url):
        self.tabs.append(self.ask('PUT', f'/json/new?{url}'))
        self.wait(self.tabs[-1], "document.querySelector('h1') !== null")

    def wait(self, tab, expression):
        while not self.value(tab, expression):
            time.sleep(0.1)

    def value(self, tab, expression):
        import asyncio

        import aiohttp

        async def evaluated():
            async with aiohttp.ClientSession() as session, session.ws_connect(tab['webSocketDebuggerUrl']) as socket:
                await socket.send_json({'id': 1, 'method': 'Runtime.evaluate', 'params': {'expression': expression}})
                answer = await socket.receive_json()
                # While a page is loaded, there is nobody to ask.
                return answer.get('result', {}).get('result', {}).get('value')

        return asyncio.run(evaluated())

    def hidden(self):
        return sum(self.value(tab, 'document.hidden') for tab in self.tabs)

    def cpu(self):
        return cpu_of(tree(self.process.pid))

    def end(self):
        for one in reversed(tree(self.process.pid)):
            with contextlib.suppress(psutil.Error):
                one.kill()
        self.process.wait()
        shutil.rmtree(self.place, ignore_errors=True)


@contextlib.contextmanager
def visitors(*arguments):
    """Clients without a browser (`visitors.py`); gives a list that has what they saw, afterwards."""
    process = subprocess.Popen([sys.executable, HERE / 'visitors.py', str(PORT), *map(str, arguments)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'ready\n'
    found = []
    yield found
    process.stdin.close()
    found.append(json.loads(process.stdout.read()))
    process.wait()


def tabs():
    """Builds while many tabs show the first page: the master's CPU per build, and builds per second.

    In front: one tab, the others behind it, as one person has them. Elsewhere: as many people with one tab each,
    whose browsers run on other machines; `visitors.py` hears and asks what they do. In sight: all of them in windows
    of their own, on the master's machine."""
    with system('o', workers=[wdef('w0')], groups=[group('b', 1)]) as m:
        api = Api()
        builder = next(iter(api.builder_ids().values()))

        def round_():
            events = Events('builds/*/*')
            cpu, begun = m.cpu(), time.perf_counter()
            force_many([(builder, {})] * a.builds)
            events.wait_count(a.builds)
            took = time.perf_counter() - begun
            events.stop()
            return a.builds / took, (m.cpu() - cpu) / a.builds * 1e3

        round_()
        rates = {}
        for _ in range(REPS):
            rates.setdefault('alone', []).append(round_())
            browser = Browser()
            for _ in range(a.tabs):
                browser.open(f'{base()}/')
            assert browser.hidden() == a.tabs - 1
            time.sleep(8)  # A tab rests when it has not been seen for some seconds.
            cpu = browser.cpu()
            rates.setdefault(f'{a.tabs}, one in front', []).append(round_())
            log('CPU of the browser, s:', browser.cpu() - cpu)
            browser.end()
            with visitors(a.tabs, '--ids', '--together', '--pause', 4):
                rates.setdefault(f'{a.tabs} elsewhere', []).append(round_())
            with window() as context:
                for _ in range(a.tabs):
                    context.new_page().goto(f'{base()}/')
                rates.setdefault(f'{a.tabs} in sight', []).append(round_())
        for name, values in rates.items():
            record('o_web', f'tabs: {name}', builds_per_second=statistics.median(v[0] for v in values),
                   master_cpu_ms=statistics.median(v[1] for v in values))


for part in a.parts:
    {'load': load, 'line': line, 'builders': builders, 'log': log_, 'steps': steps, 'tabs': tabs}[part]()
