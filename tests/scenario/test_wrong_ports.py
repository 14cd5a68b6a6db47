"""Workers at a port of the master that is for others: both sides say where they connect."""

from __future__ import annotations

import re
import socket

import pytest
from connections import free_port
from installed_master import InstalledMaster
from waiting import eventually

_LIKE_STOCK = (
    "GET / HTTP/1.1\r\n"
    "User-Agent: AutobahnPython/26.10.2\r\n"
    "Host: 127.0.0.1\r\n"
    "Upgrade: WebSocket\r\n"
    "Connection: Upgrade\r\n"
    "Authorization: Basic dzE6cHc=\r\n"
    "Sec-WebSocket-Key: RYNFJe+HLWy/uPtyo9g4zA==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
)
"""What `buildbot-worker` 4.3.0 sends as worker w1 over msgpack_experimental_v7."""


def first_line(port: int, more: str = "") -> str:
    """Return the first line of the answer: stock workers show no more of it."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"{_LIKE_STOCK}{more}\r\n".encode())
        return connection.makefile("rb").readline().decode().strip()


def web_port(master: InstalledMaster) -> int:
    return int(master.url.rpartition(":")[2])


@pytest.mark.parametrize("door", ["web", "native"])
def test_a_stock_worker_over_msgpack_and_the_master_say_which_port_is_right(
    door: str, master: InstalledMaster
):
    native = free_port()
    master.write(
        "c['workers'] = [worker.Worker('w1', 'pw')]\n"
        "c['protocols'] = {'msgpack_experimental_v7': {'port': 'tcp:0:interface=127.0.0.1'},\n"
        f"                  'native': {{'port': 'tcp:{native}:interface=127.0.0.1'}}}}\n"
        "add('b', sh('true'), workernames=['w1'])\n"
    )
    master.start()
    (right,) = re.findall(r"127\.0\.0\.1:(\d+) for workers \(msgpack", master.log)
    where = f"workers over msgpack_experimental_v7 connect to port {right}"

    answers = {first_line(native if door == "native" else web_port(master)) for _ in range(3)}

    assert answers == {f"HTTP/1.1 404 wrong port; {where}"}
    lines = [line for line in master.log.splitlines() if "wrong port" in line]
    assert len(lines) == 1
    assert re.search(
        rf'worker "w1" from 127\.0\.0\.1:\d+: it came to the .*stock {where}', lines[0]
    )
    (shown,) = master.get("refused_logins")
    assert (shown["name"], shown["count"]) == ("w1", 3)
    master.force("b")
    eventually("the reason", lambda: where in master.chargehand("why", "b").text)


def test_without_a_port_for_it_the_worker_is_told_which_key_makes_one(master: InstalledMaster):
    master.write("c['workers'] = [worker.Worker('w1', 'pw')]\nadd('b', workernames=['w1'])\n")
    master.start()

    told = first_line(web_port(master))

    assert told.endswith("need a port in c['protocols']['msgpack_experimental_v7']")


@pytest.mark.parametrize(
    "more", ["Origin: http://127.0.0.1\r\n", "Sec-WebSocket-Protocol: chat\r\n"]
)
def test_other_websockets_at_the_web_port_are_no_workers(more: str, master: InstalledMaster):
    master.write("c['workers'] = [worker.Worker('w1', 'pw')]\nadd('b', workernames=['w1'])\n")
    master.start()

    assert "wrong port" not in first_line(web_port(master), more)
    assert master.get("refused_logins") == []
