"""n. What it costs to know who asks: anonymous, with a session, with a token, and with 200 rules about 5,000 builders.

Measures our own master only: Buildbot has no tokens and no rules about reading."""
import argparse
import base64
import http.client
import itertools
import json
import time

from common import *

ap = argparse.ArgumentParser()
ap.add_argument('--builders', type=int, default=5000)
ap.add_argument('--rules', type=int, default=200)
ap.add_argument('--requests', type=int, default=2000)
ap.add_argument('--lists', type=int, default=10)
a = ap.parse_args()
unique = itertools.count(10**6)  # no answer can be a kept one


def ask(connection, path, headers):
    connection.request('GET', path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, (path, answer.status, body[:200])
    return answer, body


def login(connection, name, password):
    shown = base64.b64encode(f'{name}:{password}'.encode()).decode()
    answer, _ = ask(connection, '/auth/login', {'Authorization': f'Basic {shown}'})
    return {'Cookie': answer.getheader('Set-Cookie').partition(';')[0]}


def each(m, connection, headers):
    """Return milliseconds of the master's CPU and of time for a request that is new each time."""
    for _ in range(50):
        ask(connection, f'/api/v2/builders/1?limit={next(unique)}', headers)
    c0, t = m.cpu(), time.perf_counter()
    for _ in range(a.requests):
        ask(connection, f'/api/v2/builders/1?limit={next(unique)}', headers)
    return {'cpu_ms': (m.cpu() - c0) / a.requests * 1e3, 'wall_ms': (time.perf_counter() - t) / a.requests * 1e3}


def lists(connection, headers):
    first = time.perf_counter()
    _, body = ask(connection, f'/api/v2/builders?limit={next(unique)}', headers)
    first = time.perf_counter() - first
    taken = []
    for _ in range(a.lists):
        t = time.perf_counter()
        ask(connection, f'/api/v2/builders?limit={next(unique)}', headers)
        taken.append(time.perf_counter() - t)
    return {'first_ms': first * 1e3, 'median_ms': sorted(taken)[len(taken) // 2] * 1e3,
            'rows': len(json.loads(body)['builders'])}


with system('n', workers=[wdef('w0')], groups=[group('b', a.builders)], rules=a.rules) as m:
    connection = http.client.HTTPConnection('127.0.0.1', PORT)
    ann, bob = login(connection, 'ann', 'correct horse battery'), login(connection, 'bob', 'staple battery')
    connection.request('POST', '/auth/tokens', json.dumps({'label': 'bench'}), {**ann, 'Content-Type': 'application/json'})
    token = {'Authorization': 'Bearer ' + json.loads(connection.getresponse().read())['token']}
    who = {'session': ann, 'token': token, 'session with rules against it': bob}
    for name in who:
        record_reps('n_visitors', f'one builder, {name}', [each(m, connection, who[name]) for _ in range(REPS)])
        record('n_visitors', f'{a.builders} builders, {a.rules} rules, {name}', **lists(connection, who[name]))
with system('n', workers=[wdef('w0')], groups=[group('b', a.builders)]) as m:
    connection = http.client.HTTPConnection('127.0.0.1', PORT)
    record_reps('n_visitors', 'one builder, anonymous', [each(m, connection, {}) for _ in range(REPS)])
    record('n_visitors', f'{a.builders} builders, no rules, anonymous', **lists(connection, {}))
