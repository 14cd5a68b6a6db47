"""Visitors without a browser: live connections and questions as the pages of the web UI have them.

    visitors.py PORT LIVE [--ids] [--together] [--pause SECONDS] [--crawl RATE] [--seconds N]

LIVE connections follow what the first page follows, and each asks again for the lists of that page every PAUSE
seconds while events come (0: it only listens). --crawl asks for pages, lists, logs and statistics one after the
other, at RATE requests a second. Prints one line of JSON when its standard input is closed."""
import argparse
import base64
import json
import os
import random
import select
import socket
import sys
import time

ap = argparse.ArgumentParser()
ap.add_argument('port', type=int)
ap.add_argument('live', type=int)
ap.add_argument('--ids', action='store_true', help='ask for identifiers, as our own pages do')
ap.add_argument('--together', action='store_true', help='ask for events together, as our own pages do')
ap.add_argument('--pause', type=float, default=0)
ap.add_argument('--crawl', type=float, default=0)
a = ap.parse_args()

FOLLOWED = ('buildrequests/*/*', 'builders/*/*', 'builds/*/*', 'workers/*/*')
ASKED = ('buildrequests?complete=false&claimed=false&limit=1&field=buildrequestid&field=complete&field=claimed',
         'builds?complete=false&order=started_at&limit=100&cause=true',
         'builds?complete=true&order=-complete_at&limit=15&cause=true',
         'buildrequests/why?limit=20')


class Line:
    """One connection; what it reads is counted, and thrown away."""

    def __init__(self):
        self.socket = socket.create_connection(('127.0.0.1', a.port))
        self.bytes = 0

    def fileno(self):
        return self.socket.fileno()

    def send(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def arrived(self):
        data = self.socket.recv(1 << 20)
        self.bytes += len(data)
        return data


class Listener(Line):
    def __init__(self):
        super().__init__()
        path = '/ws?together' if a.together else '/ws'
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(f'GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{a.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                  f'Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n')
        answer = b''
        while b'\r\n\r\n' not in answer:
            answer += self.socket.recv(4096)
        if b' 101 ' not in answer:
            raise SystemExit(f'no websocket: {answer[:200]!r}')
        for number, path in enumerate(FOLLOWED):
            command = {'cmd': 'startConsuming', 'path': path, '_id': number}
            if a.ids:
                command['last_event_id'] = ''
            self.frame(json.dumps(command).encode())

    def frame(self, data):
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b'\xfe' + len(data).to_bytes(2, 'big')
        self.send(b'\x81' + size + bytes(4) + data)


class Asker(Line):
    """A keep-alive connection, opened when it is needed: the master closes those that have been silent for long.

    An answer is whole when its length has come, or its last chunk."""

    busy = False

    def __init__(self):
        self.socket = None

    def ask(self, path, accept='application/json', extra=''):
        if self.socket is None:
            super().__init__()
            opened(self)
        self.busy, self.answer, self.begun = True, b'', time.perf_counter()
        self.send(f'GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{a.port}\r\nAccept: {accept}\r\n{extra}\r\n')

    def arrived(self):
        try:
            data = super().arrived()
        except ConnectionResetError:
            data = b''
        if not data and self.busy:
            raise SystemExit('the master closed a connection in the middle of an answer')
        if not data:
            closed(self)
            return
        self.answer += data
        head, gap, body = self.answer.partition(b'\r\n\r\n')
        if not gap:
            return
        lower = head.lower()
        at = lower.find(b'content-length:')
        if at >= 0:
            whole = len(body) >= int(lower[at + 15:].split(b'\r\n')[0])
        else:
            whole = b' 304 ' in head[:16] or body.endswith(b'0\r\n\r\n')
        if whole:
            self.busy = False
            took.append(time.perf_counter() - self.begun)
            status = head[9:12].decode()
            statuses[status] = statuses.get(status, 0) + 1


def crawled():
    """Addresses as a crawler finds them, again and again: pages, plain pages, lists, logs, statistics."""
    asker = Asker()

    def rows(path, kind):
        asker.ask(f'/api/v2/{path}')
        while asker.busy:
            asker.arrived()
        return json.loads(asker.answer.partition(b'\r\n\r\n')[2])[kind]

    builders = [one['builderid'] for one in rows('builders?limit=50', 'builders')]
    closed(asker)
    statuses.clear()
    took.clear()
    while True:
        builder, number, log = random.choice(builders), random.randint(1, 50), random.randint(1, 300)
        for path in ('/', f'/builders/{builder}', '/plain/', '/plain/builders', f'/plain/builders/{builder}',
                     f'/plain/builders/{builder}/builds/{number}', '/plain/workers',
                     f'/api/v2/builders?recent=15&cause=true&offset={random.randrange(200)}&limit=50',
                     f'/api/v2/builds?order=-buildid&limit=50&offset={random.randrange(5000)}',
                     f'/api/v2/builders/{builder}/builds?order=-number&limit=20&cause=true',
                     f'/api/v2/logs/{log}/contents?limit=100', f'/api/v2/logs/{log}/raw',
                     f'/api/v2/statistics/builders?builderid={builder}', '/api/v2/changes?order=-changeid&limit=20',
                     f'/api/v2/search?q=b{random.randrange(100)}', '/api/v2/workers'):
            yield path


def opened(line):
    by_fd[line.fileno()] = line
    poll.register(line.fileno(), select.EPOLLIN)


def closed(line):
    del by_fd[line.fileno()]
    line.socket.close()
    line.socket = None


took, statuses, by_fd, poll = [], {}, {}, select.epoll()
crawl = crawled() if a.crawl else None
addresses = [next(crawl)] if crawl else []
listeners = [Listener() for _ in range(a.live)]
askers = [Asker() for _ in range(min(a.live, 60) if a.pause else 0)] + [Asker() for _ in range(16 if crawl else 0)]
for one in listeners:
    opened(one)
poll.register(0, select.EPOLLIN)
print('ready', flush=True)
begun = time.perf_counter()
due = [(begun + random.random() * a.pause, number) for number in range(a.live)] if a.pause else []
questions, next_crawl, before = [], begun, None
while True:
    now = time.perf_counter()
    for place, (when, number) in enumerate(due):
        if when <= now:
            due[place] = (when + a.pause, number)
            questions += [(f'/api/v2/{path}', 'Cache-Control: max-age=1\r\n') for path in ASKED]
    while crawl and next_crawl <= now:
        next_crawl += 1 / a.crawl
        questions.append((next(crawl), ''))
    for one in askers:
        if questions and not one.busy:
            path, extra = questions.pop(0)
            one.ask(path, 'application/json' if path.startswith('/api') else 'text/html', extra)
    for fd, _ in poll.poll(0.02):
        if fd == 0:
            seconds = time.perf_counter() - begun
            print(json.dumps({
                'seconds': seconds, 'live_mb': sum(one.bytes for one in listeners) / 1e6,
                'requests_per_second': len(took) / seconds, 'statuses': statuses, 'left': len(questions),
                'median_ms': sorted(took)[len(took) // 2] * 1e3 if took else None,
                'p95_ms': sorted(took)[len(took) * 95 // 100] * 1e3 if took else None,
                'cpu': time.process_time()}))
            sys.exit()
        by_fd[fd].arrived()
