"""A disk that is full at the worker: what failed is named, nothing else is lost, it goes on."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from pathlib import Path

import msgspec
import pytest
from remote_worker import Heard, RemoteWorker, farm
from waiting import until

_FULL = os.strerror(errno.ENOSPC)


class Disk:
    """A small file system."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._filler = place / "filler"

    def fill(self) -> None:
        """Fill it to the last byte."""
        with self._filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(1024 * 1024)):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC

    def free(self) -> None:
        """Have room again."""
        self._filler.unlink()


@pytest.fixture
def disk(small_disk: Path) -> Disk:
    return Disk(small_disk)


async def test_what_failed_is_named_and_the_worker_goes_on(disk: Disk) -> None:
    async with farm(disk.place) as ci:
        session = await ci.session()
        await ci.shell(session, "true")
        disk.fill()
        content = {"workdir": "build", "workerdest": "f", "content": b"x" * 100_000}
        order = msgspec.structs.replace(ci.command(""), name="downloadFile", arguments=content)
        download = Heard()

        wrote = await ci.shell(session, "/bin/echo x > file && echo written")
        await session.run(order, download.receive)
        disk.free()
        again = await ci.shell(session, "/bin/echo x > file && echo written")

    assert wrote.written == b""
    assert _FULL.encode() in wrote.text
    assert download.values == {"rc": errno.ENOSPC, "why": f"{_FULL}: {disk.place}/w/build/f"}
    assert again.written == b"written\n"


async def test_output_without_a_connection_is_whole(disk: Disk) -> None:
    async with farm(disk.place) as ci:
        session = await ci.session()
        await ci.shell(session, "mkfifo go")
        script = "read < go; od -An -v -tx1 -N 3000000 /dev/urandom | tee >(md5sum >&2)"
        heard = Heard()
        running = asyncio.create_task(
            session.run(ci.command("", command=["bash", "-c", script]), heard.receive)
        )
        go = disk.place / "w" / "build" / "go"
        with await asyncio.to_thread(go.open, "w") as order:  # It has begun when it reads.
            await until(lambda: "connected to" in ci.worker.log)  # A first line has its place.
            disk.fill()
            await ci.proxy.close()
            order.write("go on\n")
        await until(lambda: "cannot keep more output" in ci.worker.log)
        await ci.proxy.open()
        await running

    lines = heard.text.split(b"\n")
    (told,) = [line[1:].split()[0] for line in lines if line.endswith(b"  -")]
    assert hashlib.md5(heard.written).hexdigest().encode() == told


def test_a_worker_that_cannot_start_says_what_is_full(disk: Disk) -> None:
    worker = RemoteWorker(disk.place / "w", "127.0.0.1:1")
    disk.fill()

    refused = worker.run("start", worker.directory)
    disk.free()
    started = worker.run("start", worker.directory)
    disk.fill()
    restarted = worker.run("restart", worker.directory)
    stopped = worker.run("stop", worker.directory)

    sentence = (
        f"cannot start the worker in {worker.directory}: {_FULL}: {worker.directory}/worker.lock\n"
    )
    assert (refused.returncode, refused.stderr) == (1, sentence)
    assert [one.returncode for one in (started, restarted, stopped)] == [0, 0, 0]
