"""Ports of workers: when they are open, and who else uses them; paths of workers over msgpack."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from pb_worker import PbWorker

from buildbot._border.bridge import inward
from buildbot._border.reactor import install_reactor
from buildbot.changes.perspective import ChangePerspective
from buildbot.clients.sendchange import SendChangeFailed, send
from buildbot.pbmanager import PBManager
from buildbot.worker import LocalWorker, Worker
from chargehand.app.worker_doors import WorkerDoors
from chargehand.config.model import MasterConfig, WorkerConfig, WorkerPort
from chargehand.config.tls_files import TlsFiles
from chargehand.domain.identifiers import MasterId
from chargehand.domain.session import CommandRefused
from chargehand.domain.worker import WorkerInfo
from chargehand.fleet.remote import RemoteWorkers
from chargehand.fleet.service import Fleet
from chargehand.kit.clock import SystemClock
from chargehand.links.doors import PortNotOpened
from chargehand.links.msgpack.orders import Orders
from chargehand.testing.fleet import MemoryInstanceStore, MemoryWorkerStore

TEXT = "tcp:0:interface=127.0.0.1"
PORT = WorkerPort(protocol="pb", address=("127.0.0.1", 0), text=TEXT)
STOCK = WorkerConfig(name="arm-7", kind="remote", password="right")


class Site:
    """The doors of a master, with one fleet behind them."""

    def __init__(self) -> None:
        self.remote = RemoteWorkers(clock=SystemClock())
        self.fleet = Fleet(
            store=MemoryWorkerStore(),
            instances=MemoryInstanceStore(),
            master_id=MasterId(1),
            links={"remote": self.remote},
        )
        self.doors = WorkerDoors(workers=self.remote, others={}, web_port=lambda: 8010)

    async def configure(self, *workers: WorkerConfig, port: WorkerPort = PORT) -> None:
        config = MasterConfig(workers=workers, worker_ports=(port,))
        self.remote.reconfigure(config)
        await self.doors.reconfigure(config)
        await self.fleet.reconfigure(workers, {})
        await self.doors.serve()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    install_reactor(asyncio.get_running_loop())
    made = Site()
    yield made
    await made.doors.close()
    await made.fleet.close()


async def test_workers_and_clients_that_send_changes_share_a_port(site: Site) -> None:
    await site.configure(STOCK)
    changes: list[dict[str, Any]] = []

    async def add(**change: Any) -> None:
        changes.append(change)

    registration = await inward(
        PBManager(lambda: site.doors).register,
        TEXT,
        "user",
        "pass",
        lambda *_: ChangePerspective(add, prefix=None),
    )
    port = registration.getPort()
    stock = PbWorker()
    await stock.connect(port)

    await send(master=f"127.0.0.1:{port}", user="user", password="pass", who="Ann", files=["f"])
    with pytest.raises(SendChangeFailed):
        await send(
            master=f"127.0.0.1:{port}", user="user", password="wrong", who="Ann", files=["f"]
        )

    assert [change["author"] for change in changes] == ["Ann"]
    assert stock.printed == ["attached"]
    await inward(registration.unregister)
    stock.disconnect()


async def test_the_number_of_a_port_is_the_one_that_workers_connect_to(site: Site) -> None:
    await site.configure(STOCK)

    number = site.doors.port_of("pb")

    assert number is not None
    (await asyncio.open_connection("127.0.0.1", number))[1].close()
    assert site.doors.port_of("native") == 8010
    assert site.doors.port_of("msgpack_experimental_v7") is None


async def test_a_port_is_open_while_somebody_uses_it(site: Site) -> None:
    local = WorkerConfig(name="local", kind="local", password=None)
    await site.configure(local)

    number = await site.doors.share(TEXT, "user", lambda _: False)
    assert number
    await site.doors.unshare("user")
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", number)

    assert await site.doors.share("tcp:1", "user", lambda _: False) is None


async def test_a_port_that_is_taken_is_named(site: Site) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    taken = WorkerPort(protocol="pb", address=("127.0.0.1", number), text=f"tcp:{number}")

    with pytest.raises(PortNotOpened, match=rf"127\.0\.0\.1:{number} for workers.*'pb'"):
        await site.configure(STOCK, port=taken)

    await site.configure(STOCK)
    server.close()


async def test_a_certificate_that_is_missing_is_an_error_of_the_port(
    site: Site, tmp_path: Path
) -> None:
    missing = str(tmp_path / "key.pem")
    port = WorkerPort(
        protocol="pb",
        address=("127.0.0.1", 0),
        text="ssl:0",
        tls=TlsFiles(certificate=missing, key=missing),
    )

    with pytest.raises(PortNotOpened, match="No such file"):
        await site.configure(STOCK, port=port)


async def test_a_certificate_that_goes_away_once_it_was_read_stays_in_use(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = Authority(tmp_path / "authority").signed("master")
    files = TlsFiles(certificate=str(certificate), key=str(key))
    port = WorkerPort(protocol="pb", address=("127.0.0.1", 0), text="ssl:0", tls=files)
    config = MasterConfig(workers=(STOCK,), worker_ports=(port,))
    site.remote.reconfigure(config)
    await site.doors.reconfigure(config)
    certificate.unlink()

    await site.doors.serve()

    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    number = site.doors.port_of("pb")
    _, writer = await asyncio.open_connection("127.0.0.1", number, ssl=trusting)
    writer.close()
    await site.configure(STOCK, port=port)
    assert "the previous one stays in use" in caplog.text


def test_only_workers_that_log_in_have_a_password() -> None:
    assert LocalWorker("local")._as_worker_config().password is None
    assert Worker("arm-7", "right")._as_worker_config().password == "right"


@pytest.mark.parametrize(
    ("name", "arguments", "found"),
    [
        ("stat", {"file": "f", "workdir": "build"}, {"path": "/w/b/build/f"}),
        ("listdir", {"dir": "/etc"}, {"path": "/etc"}),
        ("rmfile", {"path": "~/x"}, {"path": "/home/ci/x"}),
        ("mkdir", {"dir": "d"}, {"paths": ["/w/b/d"]}),
        ("rmdir", {"dir": ["d", "e"]}, {"paths": ["/w/b/d", "/w/b/e"]}),
        (
            "shell",
            {"workdir": "build", "command": ["svn", ("obfuscated", "secret", "XXX")]},
            {"workdir": "/w/b/build", "command": ["svn", "secret"]},
        ),
        ("cpdir", {"fromdir": "a", "todir": "b"}, {"from_path": "/w/b/a", "to_path": "/w/b/b"}),
    ],
)
def test_paths_are_absolute_over_msgpack(
    name: str, arguments: dict[str, Any], found: dict[str, Any]
) -> None:
    info = WorkerInfo(basedir="/w", environ={"HOME": "/home/ci"})

    _, told = Orders(info).order(name, arguments, "b")

    assert told.items() >= found.items()


def test_paths_of_windows_are_written_as_there() -> None:
    info = WorkerInfo(basedir="C:\\w", system="nt")

    name, told = Orders(info).order("downloadFile", {"workdir": "", "workerdest": "f"}, "b")

    assert name == "download_file"
    assert told["path"] == "C:\\w\\b\\f"


@pytest.mark.parametrize("arguments", [{}, {"dir": None}, {"dir": [3]}, {"dir": 3}])
def test_a_path_that_is_none_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(CommandRefused):
        Orders(WorkerInfo()).order("mkdir", arguments, "b")
