"""Feeds bytes to what reads the messages of stock workers, guided by coverage (atheris).

    scripts/fuzz [SECONDS]          both protocols, one after the other
    python tests/fuzz/stock_wires.py pb|msgpack [libFuzzer's options]

Whatever comes, the reader refuses it with ProtocolError, or takes it; it takes no more memory than
its limits allow. Anything else ends the run with the input that did it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import atheris
import msgspec

with atheris.instrument_imports(include=["chargehand_wire", "chargehand.links"]):
    from chargehand.links.msgpack.wire import MsgpackWire
    from chargehand.links.stock.running import RunningCommand
    from chargehand_wire.framing import ProtocolError
    from chargehand_wire.pb.connection import Connection, failure_of
    from chargehand_wire.pb.events import Called
    from chargehand_wire.pb.jelly import Own, Reference
    from chargehand_wire.pb.login import Login

_LOOP = asyncio.new_event_loop()
_MOST_CHUNKS = 4


def _chunks(data: bytes, count: int) -> list[bytes]:
    size = max(1, len(data) // max(1, count))
    return [data[start : start + size] for start in range(0, len(data), size)]


def read_pb(data: bytes) -> None:
    """Read bytes of a peer that speaks, or does not speak, Perspective Broker."""
    if not data:
        return
    connection = Connection()
    login = Login(connection, challenge=b"challenge")
    has_logged_in = bool(data[0] & 1)
    stream = data[1:]
    if has_logged_in:
        connection.trust()
        stream = b"\x02\x82pb" + stream
    try:
        for chunk in _chunks(stream, data[0] >> 1 & _MOST_CHUNKS - 1):
            for event in connection.receive(chunk):
                if not has_logged_in:
                    login.handle(event)
                elif isinstance(event, Called):
                    connection.answer(event.number, event.arguments and None)
                    failure_of(event.arguments[0] if event.arguments else None)
    except ProtocolError:
        pass
    connection.take()


async def _read_msgpack(data: bytes) -> None:
    wire = MsgpackWire(send=lambda _: None, close=lambda: None, hold=_hold)
    running = RunningCommand("1", lambda _: None, taken=lambda _: None)
    await wire.start("1", "shell", {"command": ["true"]}, "b", running)
    try:
        for chunk in _chunks(data[1:], data[0] & _MOST_CHUNKS - 1) if data else ():
            wire.received(chunk)
    except ProtocolError:
        pass
    wire.lost()
    running.lose(RuntimeError("the end"))


def _hold(*, is_held: bool) -> None:
    """Do nothing."""


def read_msgpack(data: bytes) -> None:
    """Read messages of a worker that has logged in, and runs a command."""
    _LOOP.run_until_complete(_read_msgpack(data))


def _pb_seeds() -> list[bytes]:
    """Return what a worker sends: a login, output, an exit status, and a failure."""
    peer = Connection()
    peer.take()
    words: list[tuple[object, ...]] = [
        ("update", [[{"stdout": "text\n"}, 0], [{"rc": -1}, 0], [{"elapsed": 0.5}, 0]]),
        ("update", [[{"log": ("trace", "text")}, 0], [{"files": ["a", b"b"]}, 0]]),
        ("complete", None),
        ("write", b"content"),
        ("utime", (1.5, 2**40)),
    ]
    for method, *arguments in words:
        peer.call(Reference(3), str(method), *arguments)
    peer.fail(1, "builtins.ValueError", "wrong")
    peer.answer(2, {"info": {"numcpus": 2}, "desk": Own(4)})
    peer.release(Reference(3))
    login = (
        b"\x02\x82pb\x02\x80\x13\x87\x06\x81\x07\x80\x1e\x87\x01\x81\x04\x82root\x14\x87\x01\x81"
    )
    login += b"\x02\x80\x0b\x87\x04\x82name\x01\x80\x05\x87"
    return [b"\x07" + peer.take(), b"\x00" + login]


def _msgpack_seeds() -> list[bytes]:
    """Return what a worker sends."""
    messages: list[dict[str, object]] = [
        {"op": "update", "args": [["stdout", ["text\n", [4], [0.5]]], ["rc", 0]]},
        {"op": "update", "args": [["log", ["trace", ["text\n", [4], [0.5]]]]]},
        {"op": "complete", "args": None},
        {"op": "update_upload_file_write", "args": b"content"},
        {"op": "update_upload_file_utime", "access_time": 1.5, "modified_time": 2},
        {"op": "update_read_file", "length": 10},
        {"op": "response", "result": {"rc": [0, -1, 2**40, None]}, "is_exception": True},
    ]
    named = [{"seq_number": 0, "command_id": "1", **message} for message in messages]
    return [b"\x00" + msgspec.msgpack.encode(message) for message in named]


def main() -> None:
    """Run until there is an error, or as long as the options say."""
    protocol = sys.argv.pop(1)
    target, seeds = {
        "pb": (read_pb, _pb_seeds),
        "msgpack": (read_msgpack, _msgpack_seeds),
    }[protocol]
    for place in filter(Path.is_dir, map(Path, sys.argv[1:2])):
        for number, seed in enumerate(seeds()):
            (place / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
