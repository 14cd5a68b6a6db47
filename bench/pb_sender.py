"""Poses as a stock worker over PB that runs nothing: what a master costs, and takes, without a worker's own time.

    BENCH_WORKER_KIND=pb BENCH_WORKER_CLI='.venv/bin/python bench/pb_sender.py' .venv/bin/python bench/d_logs.py

It answers each command at once as if it had succeeded; for `loggen MB` it sends as many lines of 80 bytes as fast as they are
taken, in messages of 49 kB, as buildbot-worker 4.3.0 does. The command line is that of buildbot-worker, as far as common.py uses it:

    pb_sender.py create-worker [options] DIR HOST:PORT NAME PASSWORD
    pb_sender.py start --nodaemon DIR
"""
import hashlib
import json
import socket
import sys
from itertools import count
from pathlib import Path

from chargehand_wire.pb import banana
from chargehand_wire.pb.banana import BananaReader, Limits
from chargehand_wire.pb.jelly import Own, decoded, encoded

HEADER = "true\n in dir /w (timeout 1200 secs)\n watching logfiles {}\n argv: [b'true']\n environment:\n" + '  NAME=value\n' * 12
LINES = '[00005330] compiling variable src include build target module test linking here\n' * 615
INFO = {'admin': 'bench', 'host': 'bench', 'version': '4.3.0', 'basedir': '/w', 'system': 'posix', 'numcpus': 2,
        'environ': {}, 'worker_commands': {'shell': '3.3'}, 'delete_leftover_dirs': False}


class Sender:
    def __init__(self, port, name, password):
        self.name, self.password = name, password
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.calls = 0
        self.own = count(2)         # 1 is the object that takes orders

    def call(self, target, method, *arguments):
        self.calls += 1
        target = banana.text(target.encode()) if isinstance(target, str) else banana.integer(target)
        return wrapped(b'message', banana.integer(self.calls), target, banana.text(method.encode()),
                       banana.integer(1), encoded(arguments), encoded({}))

    def update(self, target, **values):
        return b''.join(self.call(target, 'update', [[{key: value}, 0]]) for key, value in values.items())

    def run(self):
        reader = BananaReader(Limits(size=1 << 25, elements=1_000_000))
        while data := self.socket.recv(1 << 18):
            for expression in reader.feed(data):
                self.socket.sendall(self.answer_to(expression))

    def answer_to(self, expression):
        match expression:
            case [b'pb', *_]:
                return b'\x02\x82pb'
            case [b'version', _]:
                return wrapped(b'version', banana.integer(6)) + self.call('root', 'login', self.name)
            case [b'answer', 1, found]:
                challenge, challenger = decoded(found)
                digest = hashlib.md5(hashlib.md5(self.password.encode()).digest() + challenge).digest()
                return self.call(challenger.number, 'respond', digest, Own(1))
            case [b'message', number, _, method, _, arguments, _]:
                return self.obey(number, method, decoded(arguments))
        return b''

    def obey(self, number, method, arguments):
        match method:
            case b'getWorkerInfo':
                return answered(number, INFO)
            case b'setBuilderList':
                return answered(number, {name: Own(next(self.own)) for name, _ in arguments[0]})
            case b'startCommand':
                self.socket.sendall(answered(number, None))
                return self.command(arguments[0].number, arguments[3]['command'])
        return answered(number, None)

    def command(self, target, command):
        self.socket.sendall(self.update(target, header=HEADER))
        if 'loggen' in command[0]:
            for _ in range(-(-int(float(command[1]) * 1e6) // len(LINES))):
                self.socket.sendall(self.update(target, stdout=LINES))
        end = self.update(target, header='program finished with exit code 0\n', rc=0, elapsed=0.01)
        return end + self.call(target, 'complete', None) + wrapped(b'decref', banana.integer(target))


def wrapped(kind, *parts):
    return banana.opening(1 + len(parts)) + banana.text(kind) + b''.join(parts)


def answered(number, value):
    return wrapped(b'answer', banana.integer(number), encoded(value))


if sys.argv[1] == 'create-worker':
    directory, address, name, password = sys.argv[-4:]
    Path(directory).mkdir(parents=True)
    login = [int(address.rpartition(':')[2]), name, password]
    (Path(directory) / 'login.json').write_text(json.dumps(login))
else:
    Sender(*json.loads((Path(sys.argv[-1]) / 'login.json').read_text())).run()
