"""Files that a real agent writes and sends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_local_link import Running, Sessions, link_of

from chargehand.domain.command import CommandUpdate, Value
from chargehand.domain.session import Receipt
from chargehand.links.native.local_listener import LocalListener


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Running]:
    listener, sessions = LocalListener(tmp_path / "agents"), Sessions()
    link = link_of(listener, sessions, tmp_path)
    await link.start()
    yield Running(link, sessions, await sessions.attached.get())
    await link.stop()
    await listener.close()


@pytest.mark.parametrize("content", [b"", b"1", b"a\0\xff\n" * 300_000])
@pytest.mark.parametrize("name", ["f", "a b/caf\xe9\n.txt"])
async def test_a_file_arrives_whole(
    worker: Running, tmp_path: Path, name: str, content: bytes
) -> None:
    target = tmp_path / "w" / "b" / name

    heard = await worker.run(
        "downloadFile", workdir="b", workerdest=name, content=content, mode=0o640
    )

    assert heard.values["rc"] == 0
    assert target.read_bytes() == content
    assert target.stat().st_mode & 0o777 == 0o640
    assert list(target.parent.iterdir()) == [target]


async def test_a_file_that_cannot_be_written_leaves_nothing(
    worker: Running, tmp_path: Path
) -> None:
    (tmp_path / "w" / "b" / "taken").mkdir(parents=True)

    heard = await worker.run("downloadFile", workdir="b", workerdest="taken", content=b"secret")

    assert heard.values["rc"] != 0
    assert heard.values["why"] == f"Is a directory: {tmp_path / 'w' / 'b' / 'taken'}"
    assert b"secret" not in heard.logs["stdio"]
    assert [path.name for path in (tmp_path / "w" / "b").iterdir()] == ["taken"]


class _Received:
    """Keeps the pieces of a file; says of each only later that it is stored."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.values: dict[str, object] = {}
        self.under_way = self.most_under_way = 0

    def receive(self, update: CommandUpdate) -> Receipt | None:
        if not isinstance(update, Value):
            return None
        if update.key != "content":
            self.values[update.key] = update.value
            return None
        self.pieces.append(update.value)
        self.under_way += len(update.value)
        self.most_under_way = max(self.most_under_way, self.under_way)
        stored = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(self._store, stored, len(update.value))
        return stored

    def _store(self, stored: asyncio.Future[None], size: int) -> None:
        self.under_way -= size
        stored.set_result(None)


async def test_a_cut_connection_neither_loses_nor_doubles_a_piece(
    worker: Running, tmp_path: Path
) -> None:
    content = os.urandom(40_000_000)
    source = tmp_path / "w" / "b" / "big"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(content)
    received = _Received()
    command = worker.command("uploadFile", workdir="b", workersrc="big")
    running = asyncio.ensure_future(worker.session.run(command, received.receive))

    for size in (3_000_000, 11_000_000, 25_000_000):
        while sum(map(len, received.pieces)) < size and not running.done():
            await asyncio.sleep(0)
        assert not running.done()
        worker.session.cut()
    await running

    assert received.values["rc"] == 0
    assert b"".join(received.pieces) == content


async def test_a_master_that_does_not_store_slows_the_worker_down(
    worker: Running, tmp_path: Path
) -> None:
    source = tmp_path / "w" / "b" / "big"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(bytes(20_000_000))
    received = _Received()
    command = worker.command("uploadFile", workdir="b", workersrc="big")

    await worker.session.run(command, received.receive)

    assert sum(map(len, received.pieces)) == 20_000_000
    assert received.most_under_way < 4_000_000
