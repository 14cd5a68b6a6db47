"""m. The network is gone for a while in the middle of a long log: what is lost, and how soon it goes on."""
import argparse
import asyncio
import threading
import time

from common import *

ap = argparse.ArgumentParser()
ap.add_argument('--mb', type=float, default=100)
ap.add_argument('--seconds', type=float, default=5, help='for how long there is no network')
ap.add_argument('--rate', type=float, default=10, help='MB/s that the command writes')
a = ap.parse_args()

# Numbered lines of 100 bytes, so that a gap, a repetition, or another order is seen.
COMMAND = [sys.executable, '-c', f'''
import sys, time
lines, began = {round(a.mb * 1e4)}, time.monotonic()
for start in range(0, lines, 1000):
    sys.stdout.write(''.join('%09d %s\\n' % (n, 'x' * 89) for n in range(start, min(start + 1000, lines))))
    time.sleep(max(0, began + start / 1e4 / {a.rate} - time.monotonic()))
''']


class Cable(threading.Thread):
    """Carries connections to a port, and notes when bytes come from there after it was cut."""

    def __init__(self, to):
        super().__init__(daemon=True)
        self.to, self.writers, self.is_cut, self.passed_at = to, set(), False, None
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(self.serve, '127.0.0.1', PORT + 5, limit=1 << 20))
        self.start()

    def run(self):
        self.loop.run_forever()

    async def serve(self, reader, writer):
        if self.is_cut:
            writer.transport.abort()
            return
        up, down = await asyncio.open_connection('127.0.0.1', self.to, limit=1 << 20)
        self.writers |= {writer, down}
        await asyncio.gather(self.carry(reader, down, True), self.carry(up, writer, False))

    async def carry(self, reader, writer, is_output):
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 18):
                # A worker that has logged in says Hello first; after it there is output.
                if is_output and self.passed_at is None and len(data) > 4096:
                    self.passed_at = time.perf_counter()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
        self.writers.discard(writer)

    def cut(self):
        def all_of_them():
            self.is_cut = True
            for writer in self.writers:
                writer.transport.abort()
        self.loop.call_soon_threadsafe(all_of_them)

    def mend(self):
        def mend():
            self.is_cut, self.passed_at = False, None
        self.loop.call_soon_threadsafe(mend)
        return time.perf_counter()


with system('m', workers=[wdef('w0', 'native')], groups=[group('b', steps=[COMMAND], timeout=3600)], start_workers=False) as m:
    cable = Cable(PORT)
    m.workers.append(Worker(m, 'w0', 'native', port=PORT + 5).create().start())
    wait_connected(1)
    ids, api, reps = Api().builder_ids(), Api(), []
    for _ in range(REPS):
        ev = Events('builds/*/finished', 'builds/*/new')
        force_many([(ids['b'], {})])
        time.sleep(a.mb / a.rate / 4)
        cable.cut()
        time.sleep(a.seconds)
        mended = cable.mend()
        ev.wait_count(1)
        build = next(x for _, k, x in ev.items if k.endswith('finished'))
        ev.stop()
        assert build['results'] == 0, build
        step = next(s for s in api.get(f'builds/{build["buildid"]}/steps')['steps'] if s['name'] == 's0')
        found = api.get(f'steps/{step["stepid"]}/logs')['logs'][0]
        status, data = api.request('GET', f'/api/v2/logs/{found["logid"]}/raw_inline')
        lines = [x for x in data.decode().split('\n') if len(x) == 99 and x[:9].isdigit()]
        wrong = sum(line != f'{n:09d} {"x" * 89}' for n, line in enumerate(lines)) + abs(len(lines) - round(a.mb * 1e4))
        reps.append({'resumed_after_s': cable.passed_at - mended, 'lines_lost_or_wrong': wrong})
        log(reps[-1])
    record_reps('m_cut', f'{a.seconds:g} s in {a.mb:g} MB', reps)
