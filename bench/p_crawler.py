"""p. Builds while a crawler goes through everything: builds per second and the master's CPU, with and without it."""
import argparse

import history
from common import *

ap = argparse.ArgumentParser()
ap.add_argument('--rate', type=float, default=50, help='requests per second')
ap.add_argument('--builders', type=int, default=1000)
ap.add_argument('--history', type=int, default=200_000, help='builds that there are already')
ap.add_argument('--builds', type=int, default=600)
a = ap.parse_args()


def round_(m, api, ids):
    events = Events('builds/*/*')
    cpu, begun = m.cpu(), time.perf_counter()
    force_many([(ids[n % 8], {}) for n in range(a.builds)])
    events.wait_count(a.builds)
    took = time.perf_counter() - begun
    events.stop()
    return a.builds / took, (m.cpu() - cpu) / took, (m.cpu() - cpu) / a.builds * 1e3


m = Master('p', workers=[wdef('w0')], groups=[group('b', a.builders)])
m.create()
m.start()
wait_connected(1)
m.stop()
history.write(m.dir, a.history)
m.start()
try:
    wait_connected(1)
    api = Api()
    api.get('builders?recent=15')  # The last weeks are read into memory once.
    ids = list(api.builder_ids().values())
    round_(m, api, ids)
    rates = {}
    for _ in range(REPS):
        rates.setdefault('alone', []).append(round_(m, api, ids))
        crawler = subprocess.Popen([sys.executable, HERE / 'visitors.py', str(PORT), '0', '--crawl', str(a.rate)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert crawler.stdout.readline() == 'ready\n'
        rates.setdefault('with a crawler', []).append(round_(m, api, ids))
        crawler.stdin.close()
        seen = json.loads(crawler.stdout.read())
        crawler.wait()
        record('p_crawler', 'the crawler', **{name: seen[name] for name in ('requests_per_second', 'median_ms', 'p95_ms',
                                                                            'left', 'statuses')})
    for name, values in rates.items():
        record('p_crawler', name, builds_per_second=statistics.median(v[0] for v in values),
               master_cpu=statistics.median(v[1] for v in values),
               master_cpu_ms_per_build=statistics.median(v[2] for v in values))
finally:
    m.stop()
    m.delete()
