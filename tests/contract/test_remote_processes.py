"""No process is left behind on a worker on another machine, with control groups and without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from remote_worker import Farm, Heard, farm
from sleepers import HIDING, all_hiding, sleeping
from waiting import until

from chargehand.links.native.session import NativeSession

pytestmark = pytest.mark.slow


class Shared:
    """A farm, and the session of its worker."""

    def __init__(self, ci: Farm, session: NativeSession, *, has_groups: bool) -> None:
        self.ci = ci
        self.session = session
        self.has_groups = has_groups

    async def all_dead(self, seconds: str) -> None:
        """Wait until no process sleeps that long."""
        await until(lambda: not sleeping(seconds))


@pytest.fixture(params=["groups", "walk"])
async def shared(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shared]:
    async with farm(
        tmp_path, more=f"control_groups = {str(request.param == 'groups').lower()}"
    ) as ci:
        session = await ci.session()
        own = await ci.shell(session, "cat /proc/self/cgroup")
        yield Shared(ci, session, has_groups=b"/chargehand-" in own.written)


async def test_nothing_is_left_of_a_command_however_it_ended(shared: Shared) -> None:
    """All in one test: each beside another command, which goes on."""
    ci, session = shared.ci, shared.session
    other = asyncio.create_task(ci.shell(session, "exec sleep 7654", workdir="other"))
    for number, (kind, script) in enumerate(HIDING.items()):
        if kind == "closed-streams" and not shared.has_groups:
            continue  # Found when the worker is idle.
        for way in ("ends", "is stopped", "is silent", "is stopped gently"):
            seconds = f"76{number}{len(way)}"
            hiding = script.replace("{}", seconds)
            await _run(shared, hiding, way, seconds)
            assert not sleeping(seconds), (kind, way)
    assert not other.done()
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)


async def _run(shared: Shared, hiding: str, way: str, seconds: str) -> None:
    ci, session, heard = shared.ci, shared.session, Heard()
    rest = "echo done" if way == "ends" else "echo up; wait; exec sleep 7000"
    limits = {"timeout": 0.3} if way == "is silent" else {}
    gently = {"sigtermTime": 0.1} if way == "is stopped gently" else {}
    command = ci.command(f"{hiding} sleep 0.05; {rest}", **limits, **gently)
    running = asyncio.create_task(session.run(command, heard.receive))
    if "stopped" in way:
        await until(lambda: b"up" in heard.written)
        await session.interrupt(command, "because")
    await running


async def test_nothing_is_left_when_the_worker_is_stopped(shared: Shared) -> None:
    up = shared.ci.worker.directory / "up"
    script = f"{all_hiding(7321)}\ntouch {up}; exec sleep 7321"
    running = asyncio.create_task(shared.ci.shell(shared.session, script))
    await until(up.exists)

    await asyncio.to_thread(shared.ci.worker.stop)

    assert not sleeping("7321")
    await asyncio.gather(running, return_exceptions=True)
