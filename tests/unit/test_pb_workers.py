"""Stock workers over Perspective Broker: the login, commands, files, and what goes wrong."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from pb_worker import Command as WorkerCommand
from pb_worker import PbWorker
from stock_farm import Farm, Received, command, eventually, pb_farm
from twisted.spread import pb

from buildbot._border.bridge import RemoteFailure, inward
from chargehand.domain.session import CommandRefused, SessionState, WorkerLost
from chargehand.fleet.rules import WorkerState

farm = pytest.fixture(pb_farm)


async def test_a_worker_logs_in_and_is_described(farm: Farm) -> None:
    stock = await farm.connect()

    assert stock.printed == ["attached"]
    assert stock.builders == {"tests": "tests"}
    assert stock.perspective is not None
    assert farm.fleet.state("arm-7") is WorkerState.READY
    info = farm.session.info
    assert (info.admin, info.numcpus, info.version) == ("Ann", 4, "4.3.0")
    assert info.os == {"os_id": "debian"}
    assert info.commands["shell"] == "3.3"
    assert await inward(stock.perspective.callRemote, "keepalive") is None


@pytest.mark.parametrize(
    ("login", "told"),
    [({"password": "wrong"}, "wrong password"), ({"name": "arm-8"}, "no worker of this name")],
)
async def test_a_worker_that_is_refused_is_told_and_shown(
    farm: Farm, login: dict[str, str], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(RemoteFailure) as refused:
        await farm.connect(**login)

    assert "twisted.cred.error.UnauthorizedLogin" in str(refused.value)
    assert "unknown, or the password is wrong" in str(refused.value)
    assert told in caplog.text
    assert "from 127.0.0.1:" in caplog.text


async def test_a_command_runs_with_its_output_and_values(farm: Farm) -> None:
    async def run(order: WorkerCommand) -> None:
        order.send(header="true\n")
        order.send(stdout="one\ntw")
        order.send(log=("trace.log", "seen\n"))
        order.send(stderr="bad\n", stdout="o\n")
        order.send(rc=3)
        order.send(header="elapsedTime=0.1\n")
        order.send(elapsed=0.1)
        await inward(order.complete)

    stock = await farm.connect(PbWorker(run))
    received = Received()

    await farm.session.run(command(env={"A": ["x", "y"]}, usePTY=None, encoding="utf-8"), received)

    assert received.text() == (
        b"htrue\noone\nebad\notwo\nhprogram finished with exit code 3\nhelapsedTime=0.1\n"
    )
    assert received.text("trace.log") == b"oseen\n"
    assert received.values == {"rc": 3, "elapsed": 0.1}
    arguments = stock.commands[0][1].arguments
    assert (arguments["usePTY"], arguments["env"]) == (False, {"A": ["x", "y"]})
    assert "encoding" not in arguments


async def test_an_exit_status_may_come_after_the_end(farm: Farm) -> None:
    async def run(order: WorkerCommand) -> None:
        await inward(order.complete)
        order.send(rc=5)

    await farm.connect(PbWorker(run))
    received = Received()

    await farm.session.run(command(), received)

    assert received.values == {"rc": 5}


async def test_what_the_worker_refuses_fails_the_command_only(farm: Farm) -> None:
    await farm.connect()
    session = farm.session

    with pytest.raises(CommandRefused, match="unknown command svn"):
        await session.run(command("svn"), Received())
    with pytest.raises(CommandRefused, match="cannot be sent"):
        await session.run(command(command=["x" * 700_000]), Received())

    await session.run(command(number=2), Received())


@pytest.mark.parametrize("name", ["glob", "listdir", "stat"])
async def test_an_answer_that_the_worker_could_not_send_is_a_failure(farm: Farm, name: str) -> None:
    async def run(order: WorkerCommand) -> None:
        order.send(rc=0)
        await inward(order.complete)

    await farm.connect(PbWorker(run))
    received = Received()

    await farm.session.run(command(name, path="*", dir=".", file="f"), received)

    assert received.values["rc"] == 1
    assert "may not be valid UTF-8" in received.values["why"]


async def test_a_failure_in_the_worker_is_named(farm: Farm) -> None:
    async def run(order: WorkerCommand) -> None:
        try:
            raise TimeoutError("SIGKILL failed to kill process")
        except TimeoutError:
            await inward(order.complete, pb.CopyableFailure())

    await farm.connect(PbWorker(run))

    with pytest.raises(CommandRefused, match="TimeoutError: SIGKILL failed"):
        await farm.session.run(command(), Received())


async def test_a_command_is_interrupted(farm: Farm) -> None:
    async def run(order: WorkerCommand) -> None:
        order.send(header=f"killed: {await order.interrupted}\n", rc=-1)
        await inward(order.complete)

    await farm.connect(PbWorker(run))
    session, received = farm.session, Received()
    running = asyncio.ensure_future(session.run(command(), received))
    while not farm.stock[0].commands:
        await asyncio.sleep(0)

    await session.interrupt(command(), "by hand")
    await running

    assert b"hkilled: by hand\n" in received.text()


@pytest.mark.parametrize(
    ("version", "counts"), [("3.2", True), ("3.3", False), ("3.10", False), ("", True)]
)
async def test_lines_are_counted_for_workers_that_do_not_count_them(
    farm: Farm, version: str, counts: bool
) -> None:
    async def run(order: WorkerCommand) -> None:
        order.send(header="sh\n" * 5)
        for stream in ("stdout", "stderr"):
            await inward(lambda one=stream: order.send(**{one: "a line\n"}))
        assert not order.interrupted.done()
        await inward(order.send, stdout="a line\nhalf")
        order.send(header=f"killed: {await order.interrupted}\n" if counts else "", rc=-1)
        await inward(order.complete)

    stock = PbWorker(run)
    stock.info["worker_commands"]["shell"] = version
    await farm.connect(stock)
    received = Received()

    await farm.session.run(command(max_lines=2), received)

    assert (received.values.get("failure_reason") == "max_lines_failure") is counts
    told = b"ohalf\nhcommand exceeded max lines, attempting to kill\nhkilled: it wrote more than 2"
    assert (told in received.text()) is counts


async def test_a_command_that_has_ended_may_have_written_too_many_lines(farm: Farm) -> None:
    async def run(order: WorkerCommand) -> None:
        order.send(stdout="a line\n" * 3, rc=0)
        await inward(order.complete)

    stock = PbWorker(run)
    stock.info["worker_commands"]["shell"] = "3.0"
    await farm.connect(stock)
    received = Received()

    await farm.session.run(command(max_lines=2), received)

    assert received.values == {"failure_reason": "max_lines_failure", "rc": -1}


async def test_commands_in_one_directory_have_objects_of_their_own(farm: Farm) -> None:
    both = asyncio.Barrier(2)

    async def run(order: WorkerCommand) -> None:
        await both.wait()
        order.send(rc=0)
        await inward(order.complete)

    stock = await farm.connect(PbWorker(run))
    session = farm.session

    await asyncio.gather(*(session.run(command(number=n), Received()) for n in (1, 2)))

    desks = [desk for desk, _ in stock.commands]
    assert desks[0] is not desks[1]
    assert {desk.builddir for desk in desks} == {"tests"}
    await session.prepare(["tests", "other"])
    assert stock.builders["other"] == "other"


async def test_the_end_of_the_connection_is_the_end_of_the_command(farm: Farm) -> None:
    async def run(order: WorkerCommand) -> None:
        await inward(order.send, stdout="beginn")
        farm.stock[0].disconnect()

    await farm.connect(PbWorker(run))
    session, received = farm.session, Received()

    with pytest.raises(WorkerLost, match=r"arm-7 \(127\.0\.0\.1:\d+\) was lost"):
        await session.run(command(), received)

    assert session.state is SessionState.LOST
    assert received.text() == b"obeginn\n"
    await farm.until(WorkerState.OFFLINE)
    with pytest.raises(WorkerLost):
        await session.run(command(number=2), received)


async def test_the_older_connection_stays_when_it_answers(farm: Farm) -> None:
    first = await farm.connect()

    with pytest.raises(RemoteFailure, match="and answers"):
        await farm.connect()

    assert first.printed == ["attached", "master got a duplicate connection"]
    assert farm.fleet.state("arm-7") is WorkerState.READY


async def test_a_deaf_worker_is_given_up_by_the_keep_alive(
    farm: Farm, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("chargehand.links.stock.session._ANSWER_SECONDS", 0.05)
    await farm.open(keepalive_interval=0.01)
    stock = await farm.connect()

    stock.is_deaf = True

    await farm.until(WorkerState.OFFLINE)
    assert "keepalive" in stock.printed
    assert "worker arm-7 is not responding" in caplog.text


async def test_the_newer_connection_wins_when_the_older_is_deaf(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chargehand.fleet.remote._ANSWER_SECONDS", 0.05)
    first = await farm.connect()
    first.is_deaf = True
    running = asyncio.ensure_future(farm.session.prepare(["x"]))

    second = await farm.connect()

    assert second.perspective is not None
    assert farm.fleet.state("arm-7") is WorkerState.READY
    running.cancel()


async def test_a_connected_worker_hears_which_builders_it_has(farm: Farm) -> None:
    stock = await farm.connect()

    await farm.configure("tests", "docs")
    await eventually(lambda: stock.lists[-1] == ["tests", "docs"])
    await farm.configure("tests", "docs")
    await farm.configure("docs")
    await eventually(lambda: stock.lists[-1] == ["docs"])

    assert len(stock.lists) == 3
    await farm.session.run(command(builddir="docs"), Received())


async def test_a_builder_is_removed_when_the_worker_has_no_builds(farm: Farm) -> None:
    stock = await farm.connect()
    session = farm.session  # A build has it.
    await session.prepare(["virtual"])

    await farm.configure("docs")
    await eventually(lambda: "docs" in stock.lists[-1])
    await session.run(command(builddir="tests"), Received())
    assert sorted(stock.lists[-1]) == ["docs", "tests", "virtual"]

    farm.fleet.release("arm-7")
    await eventually(lambda: "tests" not in stock.lists[-1])
    assert sorted(stock.lists[-1]) == ["docs", "virtual"]


async def test_a_worker_asks_for_its_end(farm: Farm) -> None:
    stock = await farm.connect()

    await inward(stock.perspective.callRemote, "shutdown")

    await farm.until(WorkerState.STOPPED)
    assert stock.shutdowns == 1


async def test_a_file_is_uploaded(farm: Farm) -> None:
    async def run(order: WorkerCommand) -> None:
        writer = order.arguments["writer"]
        for piece in (b"abc", b"def"):
            await inward(writer.callRemote, "write", piece)
        await inward(writer.callRemote, "close")
        await inward(writer.callRemote, "utime", (1.0, 2.0))
        order.send(header="sending x\n", rc=0)
        await inward(order.complete)

    await farm.connect(PbWorker(run))
    received = Received()

    await farm.session.run(command("uploadFile", workersrc="x", blocksize=1), received)

    assert received.content == b"abcdef"
    assert received.values["times"] == [1.0, 2.0]
    assert received.values["rc"] == 0


async def test_why_a_file_could_not_be_uploaded_is_told(farm: Farm) -> None:
    async def run(order: WorkerCommand) -> None:
        order.send(header="sending x\n")
        order.send(rc=1)
        order.send(stderr="Cannot open file 'x' for upload")
        await inward(order.complete)

    await farm.connect(PbWorker(run))
    received = Received()

    await farm.session.run(command("uploadFile", workersrc="x"), received)

    assert received.values["why"] == "Cannot open file 'x' for upload"


async def read_all(order: WorkerCommand) -> None:
    """Receive a file, and answer with its content instead of storing it."""
    reader, content = order.arguments["reader"], b""
    while piece := await inward(reader.callRemote, "read", 4):
        content += piece
    await inward(reader.callRemote, "close")
    order.send(rc=0 if content == b"0123456789abcdef" else 1, stderr=repr(content))
    await inward(order.complete)


async def test_a_file_is_downloaded_in_pieces_that_come_in_any_order(farm: Farm) -> None:
    stock = await farm.connect(PbWorker(read_all))
    session, received = farm.session, [Received() for _ in range(4)]
    where = {"workerdest": "f", "workdir": "build", "mode": 0o644}

    first = command("downloadFile", 1, content=b"01234", more=True, **where)
    await session.run(first, received[0])
    middle = [
        command("downloadFile", 3, content=b"9ab", offset=9, more=True, **where),
        command("downloadFile", 2, content=b"5678", offset=5, more=True, **where),
    ]
    await asyncio.gather(*map(session.run, middle, received[1:]))
    last = command("downloadFile", 4, content=b"cdef", offset=12, more=False, **where)
    await session.run(last, received[3])

    assert [one.values["rc"] for one in received] == [0, 0, 0, 0]
    assert len(stock.commands) == 1
    assert stock.commands[0][1].arguments["mode"] == 0o644


@pytest.mark.parametrize("content", [b"", b"0123456789abcdef"])
async def test_a_small_file_is_downloaded_at_once(farm: Farm, content: bytes) -> None:
    await farm.connect(PbWorker(read_all))
    received = Received()

    await farm.session.run(command("downloadFile", content=content, workerdest="f"), received)

    assert received.values["rc"] == (0 if content else 1)


async def test_a_file_is_looked_at_where_old_workers_look(farm: Farm) -> None:
    stock = await farm.connect()
    looked = command("stat", workdir="build", file="a/b", logEnviron=False)

    await farm.session.run(looked, Received())

    assert stock.commands[0][1].arguments == {"file": "build/a/b", "logEnviron": False}


async def test_a_worker_that_cannot_write_a_file_says_why(farm: Farm) -> None:
    async def run(order: WorkerCommand) -> None:
        await inward(order.arguments["reader"].callRemote, "read", 4)
        try:
            raise OSError(28, "No space left on device")
        except OSError:
            await inward(order.complete, pb.CopyableFailure())

    await farm.connect(PbWorker(run))
    received = [Received() for _ in range(2)]
    pieces = [
        command("downloadFile", 1, content=b"01234", more=True, workerdest="f"),
        command("downloadFile", 2, content=b"56789", offset=5, more=True, workerdest="f"),
    ]

    await asyncio.gather(*map(farm.session.run, pieces, received))

    for one in received:
        assert one.values["rc"] == 1
        assert "No space left on device" in one.values["why"]


async def test_a_file_that_is_given_up_frees_the_worker(farm: Farm) -> None:
    async def run(order: WorkerCommand) -> None:
        await order.interrupted
        order.send(rc=1)
        await inward(order.complete)

    stock = await farm.connect(PbWorker(run))
    session, received = farm.session, Received()
    piece = asyncio.ensure_future(
        session.run(command("downloadFile", content=b"x", more=True, workerdest="f"), received)
    )
    while not stock.commands:
        await asyncio.sleep(0)

    await session.run(command("downloadFile", 2, abandoned=True, workerdest="f"), Received())
    await piece

    assert received.values["rc"] == 1


async def test_garbage_and_silence_at_the_port_change_nothing(
    farm: Farm, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await farm.connect()
    port = farm.number

    for garbage in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 9, b"\x16\x03\x01\x02" * 50, b"\xff"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(garbage)
        try:
            await reader.read()
            assert not await reader.read()
        except ConnectionError:
            pass
        writer.close()

    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(250)]
    second = await asyncio.open_connection("127.0.0.1", port)
    assert await second[0].read(10)
    await farm.session.run(command(), Received())
    assert "to the port of workers over PB" in caplog.text
    for _, writer in [*silent, second]:
        writer.close()


async def test_workers_of_buildbot_0_8_are_asked_in_their_words(farm: Farm) -> None:
    class Old(PbWorker):
        remote_getWorkerInfo: Any = None

        def remote_getSlaveInfo(self) -> dict[str, Any]:
            return {b"admin": b"Bob", "host": "old"}

        def remote_getCommands(self) -> dict[str, str]:
            return {"shell": "2.9"}

        def remote_getVersion(self) -> str:
            return "0.8.14"

    await farm.connect(Old())

    info = farm.session.info
    assert (info.admin, info.version, info.commands) == ("Bob", "0.8.14", {"shell": "2.9"})


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        (b"0.9.11", b"caf\xc3\xa9"),
        (b"0.8.12", b"caf\xc3\xa9"),
        (b"0.9.12", "caf\xe9"),
        (b"1.0.0", "caf\xe9"),
        (b"unknown", "caf\xe9"),
        ("0.9.11", "caf\xe9"),
    ],
)
async def test_old_workers_with_python_2_get_bytes(
    farm: Farm, version: str | bytes, wanted: str | bytes
) -> None:
    worker = PbWorker()
    worker.info["version"] = version
    await farm.connect(worker)

    environment = {"X": "caf\xe9", "PATHS": ["caf\xe9", "b"]}
    hidden = ("obfuscated", "caf\xe9", "***")
    order = command(command=["echo", "caf\xe9", hidden], env=environment, timeout=3)
    await farm.session.run(order, Received())

    desk, ran = worker.commands[-1]
    told = {_text(key): value for key, value in ran.arguments.items()}
    assert told["command"][1] == wanted
    assert told["command"][2][1] == wanted
    assert wanted in told["env"].values()
    assert told["timeout"] == 3
    assert isinstance(desk.builddir, type(wanted))


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()
