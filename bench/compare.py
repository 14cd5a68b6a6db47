"""Run Buildbot 4.3.0 and Chargehand on the same work, one after the other, and write the ratios.

    bench/compare.py [part ...]        parts: builds steps latency logs transfers config queue collapse rest stock

Buildbot is installed into a virtual environment of its own at the first use (bench/run/peer, or
BENCH_PEER, a virtual environment that has it). Results are appended to bench/results.jsonl;
bench/RESULTS.md is written from the newest of each.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / 'results.jsonl'
PEER = Path(os.environ.get('BENCH_PEER', HERE / 'run' / 'peer'))
OURS = HERE.parent / '.venv' / 'bin'
STOCK_WORKER = HERE / 'run' / 'stock-worker' / 'bin' / 'buildbot-worker'    # scripts/set-up bench installs it

# part: (script, arguments for Buildbot, arguments for ours, repetitions for Buildbot[, kind of worker])
PARTS = {
    'builds': [('a_builds.py', ['--builds', '60'], ['--builds', '400'], 3)],
    'steps': [('b_steps.py', ['--steps', '60'], ['--steps', '200'], 3)],
    'latency': [('c_latency.py', ['--what', 'force'], ['--what', 'force'], 1)],
    'logs': [('d_logs.py', ['--mb', '100'], ['--mb', '100'], 1)],
    'transfers': [('k_transfers.py', ['--mb', '200'], ['--mb', '500'], 2)],
    'config': [('e_config.py', ['--builders', '1000'], ['--builders', '1000'], 1),
               ('e_config.py', None, ['--builders', '5000'], 1)],
    'queue': [('f_queue.py', ['--requests', '1000', '--drain', '40'], ['--requests', '1000'], 1),
              ('f_queue.py', None, ['--requests', '10000', '--drain', '400'], 1)],
    'collapse': [('f_queue.py', ['--requests', '300', '--collapse', 'default', '--drain', '1'],
                  ['--requests', '10000', '--collapse', 'default', '--drain', '1'], 1)],
    'rest': [('g_rest.py', ['--builds', '60'], ['--builds', '60'], 1),
             ('j_rest_cold.py', ['--builds', '60', '--questions', '40'], ['--builds', '60'], 1)],
    'stock': [part for kind in ('pb', 'msgpack') for part in (
        ('a_builds.py', ['--builds', '20'], ['--builds', '100'], 1, kind),
        ('b_steps.py', ['--steps', '40'], ['--steps', '100'], 1, kind),
        ('d_logs.py', ['--mb', '10', '--no-read'], ['--mb', '50', '--no-read'], 1, kind),
        ('k_transfers.py', ['--mb', '50'], ['--mb', '100'], 1, kind))],
}


def install_peer():
    if not (PEER / 'bin' / 'buildbot').exists():
        print('installing Buildbot 4.3.0 into', PEER, flush=True)
        subprocess.check_call([sys.executable, '-m', 'venv', str(PEER)])
        subprocess.check_call([str(PEER / 'bin' / 'pip'), 'install', '-q', 'buildbot[bundle]==4.3.0',
                               'buildbot-worker==4.3.0'])


def run(label, cli, script, arguments, repetitions, kind):
    env = dict(os.environ, BENCH_LABEL=label, BENCH_MASTER_CLI=str(cli), BENCH_WORKER_KIND=kind, BENCH_WORKER_CLI=str(STOCK_WORKER),
               BENCH_OUT=str(RESULTS), BENCH_REPS=str(repetitions), BENCH_QUIET=os.environ.get('BENCH_QUIET', '15'))
    print(f'== {time.strftime("%H:%M:%S")} {label}: {script} {" ".join(arguments)}', flush=True)
    r = subprocess.run([sys.executable, str(HERE / script), *arguments], env=env, cwd=HERE)
    if r.returncode:
        print(f'!! {label}: {script} ended with {r.returncode}', flush=True)


def main():
    install_peer()
    for part in sys.argv[1:] or PARTS:
        for script, theirs, ours, reps, *kind in PARTS[part]:
            if theirs is not None:
                run('buildbot-4.3.0', PEER / 'bin' / 'buildbot', script, theirs, reps, *kind or ['local'])
            run('chargehand', OURS / 'chargehand', script, ours, 3, *kind or ['local'])
    write_report()


def newest():
    """The newest record of each label, scenario and variant."""
    found = {}
    if RESULTS.exists():
        for line in RESULTS.read_text().splitlines():
            r = json.loads(line)
            kind = '' if r['worker_kind'] == 'local' else f' {r["worker_kind"]}'
            found[r['label'], r['scenario'] + kind, r['variant']] = r['figures']
    return found


def value(figures, name):
    v = figures.get(name)
    return v.get('median') if isinstance(v, dict) else v


def pick(records, label, scenario, prefix, name):
    """The figure of the (newest) record whose variant begins with that prefix."""
    for (lb, sc, variant), figures in reversed(records.items()):
        if lb == label and sc == scenario and variant.startswith(prefix) and value(figures, name) is not None:
            return value(figures, name)
    return None


ROWS = [  # title, scenario, their variant, our variant, figure, higher is better, unit, target
    ('trivial builds per second', 'a_builds', '1 builders', '1 builders', 'builds_per_s', True, '/s', '≥ 20 ×'),
    ('master CPU per build', 'a_builds', '1 builders', '1 builders', 'master_cpu_ms_per_build', False, 'ms', '≤ 8 ms'),
    ('local agent CPU per build', 'a_builds', '1 builders', '1 builders', 'worker_cpu_ms_per_build', False, 'ms', ''),
    ('steps per second', 'b_steps', '60 steps', '200 steps', 'steps_per_s', True, '/s', ''),
    ('master CPU per step', 'b_steps', '60 steps', '200 steps', 'master_cpu_ms_per_step', False, 'ms', '≤ 2 ms'),
    ('force → first step started', 'c_latency', 'force', 'force', 'request_to_step_started_ms', False, 'ms', '≤ 25 ms'),
    ('force → finished', 'c_latency', 'force', 'force', 'request_to_finished_ms', False, 'ms', ''),
    ('100 MB log in', 'd_logs', '1 x 100', '1 x 100', 'mb_per_s', True, 'MB/s', '≥ 16 ×'),
    ('… master CPU', 'd_logs', '1 x 100', '1 x 100', 'master_cpu_s', False, 's', '≤ 2 s'),
    ('… master RSS', 'd_logs', '1 x 100', '1 x 100', 'master_peak_rss_mb', False, 'MB', '< 200 MB'),
    ('… read back raw', 'd_logs_read', '1 x 100', '1 x 100', 'raw_mb_per_s', True, 'MB/s', '≥ 40 ×'),
    ('… 100 lines from the middle', 'd_logs_read', '1 x 100', '1 x 100', 'middle100_ms', False, 'ms', '≤ 10 ms'),
    *((f'{kind} with a local worker', 'k_transfers', kind, kind, 'mb_per_s', True, 'MB/s', '≥ 200 MB/s')
      for kind in ('FileUpload', 'FileDownload', 'DirectoryUpload')),
    ('start, 1,000 builders', 'e_config', '1000', '1000', 'restart_rest_s', False, 's', ''),
    ('reconfig (nothing changed), 1,000 builders', 'e_config', '1000', '1000', 'reconfig_same_s', False, 's', ''),
    ('stall while reconfiguring, 1,000 builders', 'e_config', '1000', '1000', 'reconfig_same_stall_ms', False, 'ms', ''),
    ('start, 5,000 builders', 'e_config', '5000', '5000', 'restart_rest_s', False, 's', '≤ 3 s'),
    ('reconfig (nothing changed), 5,000 builders', 'e_config', '5000', '5000', 'reconfig_same_s', False, 's', '≤ 2 s'),
    ('reconfig (all changed), 5,000 builders', 'e_config', '5000', '5000', 'reconfig_all_s', False, 's', '≤ 2 s'),
    ('stall while reconfiguring, 5,000 builders', 'e_config', '5000', '5000', 'reconfig_same_stall_ms', False, 'ms', '≤ 100 ms'),
    ('enqueue each, 1,000 requests', 'f_queue', '1000 requests, 1 builders, collapse off', '1000 requests, 1 builders, collapse off', 'enqueue_ms_each', False, 'ms', ''),
    ('enqueue each, 10,000 requests', 'f_queue', '1000 requests, 1 builders, collapse off', '10000 requests, 1 builders, collapse off', 'enqueue_ms_each', False, 'ms', '≤ 2 ms'),
    ('start with 10,000 requests', 'f_queue', '1000 requests, 1 builders, collapse off', '10000 requests, 1 builders, collapse off', 'restart_rest_s', False, 's', '≤ 2 s'),
    ('drain, builds per second', 'f_queue', '1000 requests, 1 builders, collapse off', '10000 requests, 1 builders, collapse off', 'drain_builds_per_s', True, '/s', 'as with an empty queue'),
    ('collapsing, enqueue each', 'f_queue', '300 requests, 1 builders, collapse default', '10000 requests, 1 builders, collapse default', 'enqueue_ms_each', False, 'ms', ''),
    ('collapsing, CPU each', 'f_queue', '300 requests, 1 builders, collapse default', '10000 requests, 1 builders, collapse default', 'enqueue_cpu_ms_each', False, 'ms', ''),
]
for c in (1, 8):
    for path, target in (('/api/v2/builders', '≥ 20 ×'), ('/api/v2/builds?limit=50&order=-buildid', '≥ 10 ×'),
                         ('/api/v2/builders/1', '≥ 5 ×')):
        for state in ('idle', 'streaming'):
            ROWS.append((f'GET {path}, {c} client{"s" if c > 1 else ""}, {state}', 'g_rest', f'{path} c={c} {state}',
                         f'{path} c={c} {state}', 'req_per_s', True, '/s', target if state == 'idle' else ''))


for path in ('builders?limit=50', 'builds?limit=50&order=-buildid', 'builders/1/builds?limit=20&order=-number&property=*'):
    ROWS.append((f'GET /api/v2/{path}, after a write', 'j_rest_cold', f'{path} after a write', f'{path} after a write',
                 'p50_ms', False, 'ms', ''))
ROWS += [('questions per second while builds run, none kept', 'j_rest_cold', 'mixed', 'mixed', 'questions_per_s', True, '/s', ''),
         ('… 99 of 100 answered within', 'j_rest_cold', 'mixed', 'mixed', 'p99_ms', False, 'ms', ''),
         ('… builds per second meanwhile', 'j_rest_cold', 'mixed', 'mixed', 'builds_per_s', True, '/s', '')]


for kind, lines in (('pb', '≥ 20 MB/s'), ('msgpack', '≥ 12 MB/s')):
    where = f'stock worker, {kind}: '
    first = ('≥ 15 ×', '≥ 6 ×', '≤ 2 ms', '≥ 60 MB/s') if kind == 'pb' else ('', '', '', '')
    ROWS += [
        (where + 'trivial builds per second', f'a_builds {kind}', '1 builders', '1 builders', 'builds_per_s', True, '/s', first[0]),
        ('… master CPU per build', f'a_builds {kind}', '1 builders', '1 builders', 'master_cpu_ms_per_build', False, 'ms', ''),
        (where + 'steps per second', f'b_steps {kind}', '40 steps', '100 steps', 'steps_per_s', True, '/s', first[1]),
        ('… master CPU per step', f'b_steps {kind}', '40 steps', '100 steps', 'master_cpu_ms_per_step', False, 'ms', first[2]),
        ('… worker CPU per step', f'b_steps {kind}', '40 steps', '100 steps', 'worker_cpu_ms_per_step', False, 'ms', ''),
        (where + 'log in', f'd_logs {kind}', '1 x 10', '1 x 50', 'mb_per_s', True, 'MB/s', lines),
        *((where + what, f'k_transfers {kind}', what, what, 'mb_per_s', True, 'MB/s', first[3])
          for what in ('FileUpload', 'FileDownload', 'DirectoryUpload')),
    ]


def number(v):
    return '–' if v is None else f'{v:,.0f}' if abs(v) >= 100 else f'{v:.3g}'


def write_report():
    records = newest()
    lines = ['# Chargehand and Buildbot 4.3.0 on the same work', '',
             f'Written by `make bench` on {time.strftime("%Y-%m-%d")}: both masters one after the other on one machine '
             f'({os.cpu_count()} cores), SQLite, a local worker. Medians. Ratios count, absolute figures do not: such machines are shared and noisy.',
             'Where the amount of work differs (Buildbot needs minutes for what takes us seconds) the figure is per item.', '',
             '| work | Buildbot | Chargehand | ratio | target |', '|---|---|---|---|---|']
    for title, scenario, theirs, ours, name, higher, unit, target in ROWS:
        a = pick(records, 'buildbot-4.3.0', scenario, theirs, name)
        b = pick(records, 'chargehand', scenario, ours, name)
        if b is None:
            continue
        ratio = '–' if not a or not b else f'{(b / a if higher else a / b):.1f} ×'
        lines.append(f'| {title} | {number(a)} {unit} | {number(b)} {unit} | {ratio} | {target} |')
    lines += ['', 'Reproduce: `make bench` (about half an hour), or one part: `.venv/bin/python bench/compare.py builds`.', '']
    (HERE / 'RESULTS.md').write_text('\n'.join(lines + notes()))
    print('\n'.join(lines))


def notes():
    """What is written by hand below the table stays."""
    f = HERE / 'RESULTS.md'
    text = f.read_text() if f.exists() else ''
    mark = '## Notes'
    return [mark + text.partition(mark)[2]] if mark in text else []


if __name__ == '__main__':
    main()
