"""k. Files and directories between the worker and the master."""
import argparse
import os
import shutil
import time

from common import *

ap = argparse.ArgumentParser()
ap.add_argument('--mb', type=int, default=500)
ap.add_argument('--files', type=int, default=100, help='in the directory that is uploaded')
a = ap.parse_args()

place = (WORKDIR / 'transfers').absolute()
shutil.rmtree(place, ignore_errors=True)
(place / 'many').mkdir(parents=True)
piece = os.urandom(1 << 20)
with open(place / 'one', 'wb') as f:
    for _ in range(a.mb):
        f.write(piece)
for i in range(a.files):
    with open(place / 'many' / str(i), 'wb') as f:
        for _ in range(max(1, a.mb // a.files)):
            f.write(piece)

KINDS = {
    'FileUpload': {'workersrc': str(place / 'one'), 'masterdest': str(place / 'up')},
    'FileDownload': {'mastersrc': str(place / 'one'), 'workerdest': str(place / 'down')},
    'DirectoryUpload': {'workersrc': str(place / 'many'), 'masterdest': str(place / 'updir')},
}
groups = [group(kind, steps=[]) | {'transfer': [kind, arguments]} for kind, arguments in KINDS.items()]
try:
    with system('k', groups=groups) as m:
        ids = Api().builder_ids()
        for kind in KINDS:
            reps = []
            for _ in range(REPS):
                for name in ('up', 'down'):
                    (place / name).unlink(missing_ok=True)
                shutil.rmtree(place / 'updir', ignore_errors=True)
                os.sync()
                quiet()
                ev = Events('steps/*/started', 'steps/*/finished', 'builds/*/finished')
                rss0, wrss0 = m.rss(), rss_of(m.procs()[1:])
                c0, w0 = m.cpu(), m.workers_cpu()
                pids = [m.pid] + [p.pid for p in m.procs()[1:]] + [w.pid for w in m.workers]
                with Sampler(*pids, children=False) as s:
                    force_many([(ids[kind], {})])
                    done = ev.wait_first(lambda k, x: k.startswith('builds') and k.endswith('finished'))
                steps = [x for _, k, x in ev.items if k.startswith('steps') and k.endswith('finished')]
                assert done[2]['results'] == 0, steps
                step = next(x for x in steps if x['name'] == 's0')
                t0 = next(t for t, k, x in ev.items if k.endswith('started') and x['name'] == 's0')
                t1 = next(t for t, k, x in ev.items if k.startswith('steps') and k.endswith('finished') and x['stepid'] == step['stepid'])
                ev.stop()
                reps.append({'mb_per_s': a.mb * 1.048576 / (t1 - t0), 'master_cpu_s': m.cpu() - c0, 'worker_cpu_s': m.workers_cpu() - w0,
                             'master_peak_rss_mb': s.peak[m.pid], 'master_growth_mb': s.peak[m.pid] - rss0,
                             'worker_peak_rss_mb': max([s.peak[p] for p in pids[1:]] or [0])})
            record_reps('k_transfers', f'{kind} {a.mb} MB', reps)
finally:
    shutil.rmtree(place, ignore_errors=True)
