"""j. REST API where nothing is cached: a write before each question, and reads while builds run."""
import argparse
import itertools
import time

from common import *

ap = argparse.ArgumentParser()
ap.add_argument('--builders', type=int, default=1000)
ap.add_argument('--builds', type=int, default=100)
ap.add_argument('--questions', type=int, default=100, help='of each path, each after a write')
ap.add_argument('--seconds', type=float, default=10, help='of mixed load')
a = ap.parse_args()
# with a condition that is always true and never the same, so that no answer can be a kept one
URLS = ['builders?limit=50&builderid__lt=', 'builds?limit=50&order=-buildid&buildid__lt=',
        'builders/1/builds?limit=20&order=-number&property=*&buildid__lt=']
unique = itertools.count(10**9)


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p / 100))]


def timed(api, path):
    t = time.perf_counter()
    status, _ = api.request('GET', f'/api/v2/{path}{next(unique)}')
    assert status == 200, (path, status)
    return (time.perf_counter() - t) * 1e3


def cold(api, write, path):
    """Each question follows a write (a request for a builder without workers) and is new."""
    taken = []
    for _ in range(a.questions):
        write()
        taken.append(timed(api, path))
    return {'p50_ms': percentile(taken, 50), 'p99_ms': percentile(taken, 99)}


def mixed(api, ids, m):
    """Ask for everything in turn while builds run one after the other on all slots."""
    ev = Events('builds/*/finished')
    taken, forced, c0, end = [], 0, m.cpu(), time.perf_counter() + a.seconds
    while time.perf_counter() < end:
        if forced - ev.count() < 8:
            api.force(ids[f'b{forced % 10}'])
            forced += 1
        for path in URLS:
            taken.append(timed(api, path))
    built = ev.count()
    cpu = m.cpu() - c0
    ev.wait_count(forced)
    ev.stop()
    return {'questions_per_s': len(taken) / a.seconds, 'p50_ms': percentile(taken, 50),
            'p99_ms': percentile(taken, 99), 'builds_per_s': built / a.seconds, 'master_cpu_s': cpu}


with system('j', workers=[wdef('w0', max_builds=8)], idle_workers=[wdef('away', 'pb')], groups=[
        group('a', a.builders - 10, workers=['away']), group('b', 10)]) as m:
    api = Api()
    ids = api.builder_ids()
    ev = Events('builds/*/finished')
    force_many([(ids[f'b{i % 10}'], {}) for i in range(a.builds)])
    ev.wait_count(a.builds)
    ev.stop()
    for path in URLS:
        record_reps('j_rest_cold', f'{path.rpartition("&")[0]} after a write ({a.builders} builders)',
                    [cold(api, lambda: api.force(ids['a1']), path) for _ in range(REPS)])
    record_reps('j_rest_cold', f'mixed ({a.builders} builders)', [mixed(api, ids, m) for _ in range(REPS)])
