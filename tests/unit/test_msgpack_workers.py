"""Stock workers over MessagePack: the login, their directories, files, and what goes wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from msgpack_worker import MsgpackWorker
from stock_farm import MSGPACK, Farm, Received, command, eventually

from chargehand.domain.session import CommandRefused
from chargehand.fleet.rules import WorkerState


class Site(Farm):
    """A fleet of one worker over MessagePack."""

    def __init__(self) -> None:
        super().__init__(MSGPACK)
        self.peers: list[MsgpackWorker] = []

    async def join(self, worker: MsgpackWorker | None = None, **login: str) -> MsgpackWorker:
        """Connect a worker, and wait until it gets builds."""
        worker = worker or MsgpackWorker()
        self.peers.append(worker)
        await worker.connect(self.number, **login)
        await self.until(WorkerState.READY)
        return worker

    async def close(self) -> None:
        for peer in self.peers:
            await peer.disconnect()
        await super().close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    await made.open()
    yield made
    await made.close()


async def test_a_worker_logs_in_and_is_described(site: Site) -> None:
    worker = await site.join()

    assert worker.directories == {"info", "tests"}
    assert worker.settings["max_line_length"] > 10**6
    assert site.session.info.version == "4.3.0"


async def test_a_wrong_password_is_refused(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
        await site.join(password="wrong")

    with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
        await site.join(name="arm-8\n")

    assert "wrong password" in caplog.text
    latest, first = site.workers.refused_logins
    assert (latest.name, latest.reason) == ("arm-8?", "no worker of this name is configured")
    assert (first.name, first.reason, first.count) == ("arm-7", "wrong password", 1)
    assert first.address.startswith("127.0.0.1:")


async def test_few_refused_logins_are_kept(site: Site) -> None:
    for number in range(120):
        site.workers.refused(f"w{number % 60}", "wrong password", address=f"h:{number}")

    found = site.workers.refused_logins
    assert [one.name for one in found[:2]] == ["w59", "w58"]
    assert len(found) == 50
    assert (found[0].address, found[0].count) == ("h:119", 1)
    site.workers.refused("w59", "wrong password", address="h:120")
    assert site.workers.refused_logins[0].count == 2


async def test_what_cannot_be_sent_is_named(site: Site) -> None:
    await site.join()

    with pytest.raises(CommandRefused, match=r"'bad\\udcff' has characters that cannot be sent"):
        await site.session.run(command(command=["cat", "bad\udcff"]), Received())

    await site.session.run(command(number=2), Received())


async def test_files_that_the_master_sends_arrive(site: Site) -> None:
    worker = await site.join()
    received = Received()

    where = {"workerdest": "f", "workdir": "build"}
    await site.session.run(command("downloadFile", content=b"0123456789", **where), received)

    assert b"".join(worker.read) == b"0123456789"
    assert received.values["rc"] == 0


async def test_a_connected_worker_gets_the_directories_of_new_builders(site: Site) -> None:
    worker = await site.join()

    await site.configure("tests", "docs")
    await eventually(lambda: "docs" in worker.directories)
    await site.configure("docs")
    await site.configure("docs", "more")
    await eventually(lambda: "more" in worker.directories)

    assert "tests" in worker.directories  # It does not ask for leftovers to be deleted.


async def test_leftover_directories_are_deleted_if_the_worker_asks_for_it(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    worker = MsgpackWorker()
    worker.info["delete_leftover_dirs"] = 1  # as buildbot.tac has it
    worker.directories |= {"old", "older"}

    await site.join(worker)
    await eventually(lambda: worker.directories == {"info", "tests"})
    assert worker.files == {"twistd.log"}
    assert "/w/old, /w/older" in caplog.text

    session = site.session  # A build has it.
    await session.prepare(["virtual"])
    await site.configure("docs")
    await eventually(lambda: "docs" in worker.directories)
    assert "tests" in worker.directories
    site.fleet.release("arm-7")
    await eventually(lambda: worker.directories == {"info", "docs", "virtual"})


async def test_a_directory_that_is_being_deleted_is_made_again(site: Site) -> None:
    deleting = asyncio.Event()

    class Slow(MsgpackWorker):
        async def _command(self, message: dict[str, Any]) -> None:
            if message["command_name"] == "rmdir":
                await deleting.wait()
            await super()._command(message)

    worker = Slow()
    worker.info["delete_leftover_dirs"] = 1  # as buildbot.tac has it
    worker.directories.add("old")
    await site.join(worker)
    await eventually(
        lambda: "rmdir" in [one["command_name"] for one in worker.ops("start_command")]
    )

    prepared = asyncio.ensure_future(site.session.prepare(["old/a"]))
    await site.session.run(command(), Received())
    assert not prepared.done()
    deleting.set()
    await prepared

    assert worker.directories == {"info", "tests", "old/a"}


async def test_the_keep_alive_asks_by_its_own_operation(site: Site) -> None:
    await site.configure("tests", keepalive_interval=0.01)
    worker = await site.join()

    await eventually(lambda: len(worker.ops("keepalive")) >= 2)
    assert await worker.call("keepalive") is None
