"""A worker on another machine: real processes, TCP that is cut, and nothing lost."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import NoReturn

import pytest
from aiohttp import web
from remote_worker import NAME, Heard, RemoteWorker, connected, farm
from waiting import until

from chargehand.domain.session import SessionState, WorkerLost
from chargehand.links.native import worker_door
from chargehand.links.native.unmasked_socket import UnmaskedSocket
from chargehand_wire import login
from chargehand_wire.messages import PROTOCOL_VERSION

_COUNT = (
    "n=0; while [ $n -lt {} ]; do n=$((n+1)); echo line $n; "
    "[ $((n % 50)) = 0 ] && sleep 0.01; done; true"
)


def counted(to: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(1, to + 1))


async def test_commands_run_although_the_connection_is_cut_and_the_link_is_killed(
    tmp_path: Path,
):
    async with farm(tmp_path) as ci:
        session = await ci.session()
        first = await ci.shell(session, "echo out; pwd; exit 3")
        running = asyncio.create_task(ci.shell(session, _COUNT.format(2000)))
        for trouble in (ci.proxy.cut, _kill_link(ci), ci.proxy.cut):
            await until(lambda: session.state is SessionState.CONNECTED)
            trouble()
            await until(lambda: session.state is not SessionState.CONNECTED or running.done())

        heard = await running

        assert session.worker_name == NAME
        assert first.values["rc"] == 3
        assert first.written == f"out\n{ci.worker.directory}/build\n".encode()
        assert heard.written == counted(2000)
        assert heard.values["rc"] == 0
        assert ci.master.registry.attached.empty()
        assert SessionState.INTERRUPTED in ci.master.registry.states


async def test_an_older_master_gets_an_ordinary_websocket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []

    def is_offered(request: web.BaseRequest) -> bool:
        asked.append(request.headers["Upgrade"])
        return False

    monkeypatch.setattr(worker_door, "is_offered", is_offered)
    async with farm(tmp_path) as ci:
        session = await ci.session()
        running = asyncio.create_task(ci.shell(session, _COUNT.format(1000)))
        ci.proxy.cut()
        heard = await running

    assert heard.written == counted(1000)
    assert asked[:2] == ["chargehand-worker, websocket", "websocket"]


async def test_where_nothing_passes_without_masks_an_ordinary_websocket_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    served: list[str] = []

    async def swallow(socket: UnmaskedSocket, _receiver: object) -> NoReturn:
        served.append("nothing")
        socket.abort()
        raise ConnectionResetError

    monkeypatch.setattr(UnmaskedSocket, "serve", swallow)
    async with farm(tmp_path) as ci:
        session = await ci.session()
        heard = await ci.shell(session, "echo through")

    assert heard.written == b"through\n"
    assert served == ["nothing"] * 3


def _kill_link(ci):
    return lambda: ci.worker.signal_link(signal.SIGKILL)


async def test_the_next_master_takes_what_a_worker_kept_and_ends_its_command(tmp_path: Path):
    async with farm(tmp_path) as ci:
        session, heard = await ci.session(), Heard()
        wait = f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
        command = ci.command(f"echo before; {wait}; echo after; touch written; exec sleep 1000")
        running = asyncio.create_task(session.run(command, heard.receive))
        await until(lambda: b"before" in heard.written)
        await ci.master.die()
        running.cancel()
        (tmp_path / "go").touch()
        await until(lambda: (ci.worker.directory / "build" / "written").exists())

        kept = await ci.begin_again()
        another = await ci.session()

        assert another.incarnation == session.incarnation
        assert heard.written + kept.heard.written == b"before\nafter\n"
        assert b"command interrupted, attempting to kill" in kept.heard.text
        assert len(kept.numbers) == len(set(kept.numbers))
        assert kept.is_finished
        again = await ci.shell(another, "pgrep -f '^sleep 100[0]$' || echo none")
        assert again.written == b"none\n"


async def test_a_command_goes_on_while_its_master_is_of_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """One side was upgraded too far for the other, which says so; and then it was put right."""
    async with farm(tmp_path) as ci:
        session = await ci.session()
        await ci.shell(session, "mkfifo go")
        running = asyncio.create_task(ci.shell(session, "cat go; echo went on"))
        for version, old in ((PROTOCOL_VERSION + 1, "worker"), (PROTOCOL_VERSION - 1, "master")):
            with monkeypatch.context() as patch:
                patch.setattr(worker_door, "PROTOCOL_VERSION", version)
                patch.setattr(login, "PROTOCOL_VERSION", version)
                told = len(ci.worker.log)
                _kill_link(ci)()
                why = f"this master version {version}: upgrade the {old}"
                await until(lambda told=told, why=why: f"{why}; retrying" in ci.worker.log[told:])
                assert why in ci.master.registry.refusals[-1]
                assert session.state is SessionState.INTERRUPTED
            await connected(session)
        await asyncio.to_thread((ci.worker.directory / "build" / "go").write_text, "go\n")
        heard = await running
    assert heard.written == b"go\nwent on\n"
    assert heard.values["rc"] == 0


@pytest.mark.slow
async def test_a_frozen_link_and_a_half_open_connection_are_found(tmp_path: Path):
    async with farm(tmp_path, keepalive=0.3) as ci:
        session = await ci.session()
        running = asyncio.create_task(ci.shell(session, _COUNT.format(3000)))

        ci.proxy.hold()
        await until(lambda: session.state is SessionState.INTERRUPTED)
        ci.proxy.flow()
        await connected(session)
        ci.worker.signal_link(signal.SIGSTOP)
        await until(lambda: session.state is SessionState.INTERRUPTED)

        heard = await running
        assert heard.written == counted(3000)
        assert "does not respond; killing it" in ci.worker.log


@pytest.mark.slow
async def test_a_command_ends_although_nobody_takes_its_output(tmp_path: Path):
    async with farm(tmp_path) as ci:
        session = await ci.session()
        wait = f"touch begun; while [ ! -e {tmp_path}/cut ]; do sleep 0.02; done"
        script = f"{wait}; seq 1000000; touch ended"
        running = asyncio.create_task(ci.shell(session, script))
        await until(lambda: (ci.worker.directory / "build" / "begun").exists())
        ci.proxy.delay = 60
        ci.proxy.cut()
        await until(lambda: session.state is SessionState.INTERRUPTED)
        (tmp_path / "cut").touch()

        await until(lambda: (ci.worker.directory / "build" / "ended").exists())
        ci.proxy.delay = 0
        ci.proxy.cut()
        heard = await running

        assert heard.written == b"".join(b"%d\n" % number for number in range(1, 1_000_001))


@pytest.mark.slow
async def test_who_is_refused_learns_why_and_so_does_the_master(tmp_path: Path):
    async with farm(tmp_path) as ci:
        await ci.session()
        other = RemoteWorker(tmp_path / "other", f"127.0.0.1:{ci.master.port}")
        wrong = RemoteWorker(tmp_path / "wrong", f"127.0.0.1:{ci.master.port}", password="x")
        other.start()
        wrong.start()

        await until(lambda: "each worker needs its own name" in other.log)
        # It counts as an attempt that failed: it must not be back at once, again and again.
        assert "cannot connect to" in other.log
        assert " connected to" not in other.log
        assert "lost the connection" not in other.log
        await until(lambda: "or the password is wrong" in wrong.log)
        other.stop()
        wrong.stop()

        assert any("wrong password" in reason for reason in ci.master.registry.refusals)
        assert any(
            "is connected from 127.0.0.1" in reason for reason in ci.master.registry.refusals
        )


@pytest.mark.slow
async def test_a_killed_agent_leaves_nothing_and_another_takes_its_place(tmp_path: Path):
    async with farm(tmp_path) as ci:
        session = await ci.session()
        running = asyncio.create_task(ci.shell(session, "sleep 1000 & touch begun; sleep 1000"))
        await until(lambda: (ci.worker.directory / "build" / "begun").exists())
        os.kill(ci.worker.agent, signal.SIGKILL)

        with pytest.raises(WorkerLost):
            await running
        again = await ci.session()

        assert again.incarnation != session.incarnation
        heard = await ci.shell(again, "ps axo args | grep -c '^slee[p] 1000$'")
        assert heard.written == b"0\n"


@pytest.mark.slow
async def test_a_worker_ends_when_it_is_shut_down_or_stopped(tmp_path: Path):
    async with farm(tmp_path, allow_shutdown="signal", numcpus=3, umask="027") as ci:
        session = await ci.session()
        heard = await ci.shell(session, "umask")
        os.kill(ci.worker.guard.pid, signal.SIGHUP)
        await until(lambda: ci.master.registry.stops == 1)

        await ci.master.link.shut_down()

        assert heard.written == b"0027\n"
        assert session.info.numcpus == 3
        assert await asyncio.to_thread(ci.worker.guard.wait, 30) == 0
        assert "the master has shut this worker down" in ci.worker.log
        assert "lost the connection" not in ci.worker.log
        told = len(ci.worker.log)
        ci.worker.start()
        again = await ci.session()
        running = asyncio.create_task(ci.shell(again, "touch begun; sleep 1000"))
        await until(lambda: (ci.worker.directory / "build" / "begun").exists())
        # It can be stopped although somebody has damaged its settings meanwhile.
        (ci.worker.directory / "worker.toml").write_text("name: arm-7\n")
        stopped = await asyncio.to_thread(ci.worker.run, "stop", ci.worker.directory)
        assert stopped.stdout == 'worker "w" has stopped\n'
        assert ci.worker.guard.wait(30) == 0
        with pytest.raises(WorkerLost, match="was stopped"):
            await running
        assert "lost the connection" not in ci.worker.log[told:]


@pytest.mark.slow
async def test_commands_end_when_no_master_was_there_for_too_long(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    async with farm(tmp_path, patience=1, delete_leftover_dirs=True) as ci:
        (ci.worker.directory / "left" / "build").mkdir(parents=True)
        session = await ci.session()
        await until(lambda: not (ci.worker.directory / "left").exists())
        running = asyncio.create_task(ci.shell(session, "touch begun; sleep 1000"))
        await until(lambda: (ci.worker.directory / "build" / "begun").exists())

        ci.proxy.delay = 60
        ci.proxy.cut()
        with pytest.raises(WorkerLost, match="did not reconnect within 1 seconds"):
            await running
        assert "worker arm-7 did not reconnect within 1 seconds" in caplog.text
        await until(lambda: "the agent ended (exit code 75)" in ci.worker.log)
        ci.proxy.delay = 0
        ci.proxy.cut()

        assert (await ci.session()).incarnation != session.incarnation


@pytest.mark.slow
async def test_only_directories_that_no_builder_and_no_command_uses_are_deleted(tmp_path: Path):
    async with farm(tmp_path, delete_leftover_dirs=True) as ci:
        places = {name: ci.worker.directory / name for name in ("b", "added", "stranger", "info")}
        places["stranger"].mkdir()
        session = await ci.session()
        await until(lambda: not places["stranger"].exists())

        ci.master.configure("b", "added")
        await session.prepare(["added"])
        ci.proxy.cut()
        await until(lambda: SessionState.INTERRUPTED in ci.master.registry.states)
        await connected(session)
        running = asyncio.create_task(
            ci.shell(session, "touch begun; until [ -e end ]; do sleep 0.05; done", workdir="added")
        )
        await until(lambda: (places["added"] / "begun").exists())

        ci.master.registry.has_builds = True
        ci.master.configure("b")
        await session.prepare(["b"])
        assert places["added"].exists()
        ci.master.registry.has_builds = False
        ci.master.link.became_idle()
        await session.prepare(["b", "more"])
        assert places["added"].exists()

        (places["added"] / "end").touch()
        await running
        await until(lambda: not places["added"].exists())
        assert places["b"].exists()
        assert places["info"].exists()
        await until(lambda: not [*ci.worker.directory.glob(".removed-*")])
