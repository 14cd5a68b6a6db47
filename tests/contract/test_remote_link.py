"""A worker on another machine: real processes, TCP that is cut, and nothing lost."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from remote_worker import NAME, connected, farm
from waiting import until

from chargehand.domain.session import SessionState


async def test_a_remote_worker_runs_commands(tmp_path: Path):
    async with farm(tmp_path) as ci:
        session = await ci.session()

        heard = await ci.shell(session, "echo out; pwd; exit 3")

        assert session.info.basedir == str(ci.worker.directory)
        assert session.worker_name == NAME
        assert heard.values["rc"] == 3
        assert heard.written == f"out\n{ci.worker.directory}/build\n".encode()


_COUNT = (
    "n=0; while [ $n -lt {} ]; do n=$((n+1)); echo line $n; "
    "[ $((n % 50)) = 0 ] && sleep 0.01; done; true"
)


def counted(to: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(1, to + 1))


async def test_output_is_whole_although_the_connection_is_cut_and_the_link_is_killed(
    tmp_path: Path,
):
    async with farm(tmp_path) as ci:
        session = await ci.session()
        running = asyncio.create_task(ci.shell(session, _COUNT.format(4000)))
        for trouble in (ci.proxy.cut, _kill_link(ci), ci.proxy.cut):
            await until(lambda: session.state is SessionState.CONNECTED)
            trouble()
            await until(lambda: session.state is not SessionState.CONNECTED or running.done())

        heard = await running

        assert heard.written == counted(4000)
        assert heard.values["rc"] == 0
        assert ci.master.registry.attached.empty()
        assert SessionState.INTERRUPTED in ci.master.registry.states


def _kill_link(ci):
    return lambda: ci.worker.signal_link(signal.SIGKILL)


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
