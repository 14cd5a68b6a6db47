"""Latent workers whose machines are real processes, and a master that is killed at each state."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from connections import free_port
from installed_master import RETRY, SUCCESS, InstalledMaster, is_alive
from stock_worker import PROGRAMS
from waiting import eventually

_MOMENTS = (
    "before it is created",
    "after it is created",
    "after it is recorded",
    "while it builds",
    "before it is stopped",
    "after it is stopped",
)

_MACHINES = """
import asyncio, os, signal, subprocess, sys, time

async def reach(moment):
    '''Wait for the test at the moment that it has chosen.'''
    chosen = HERE / 'moment'
    if chosen.exists() and chosen.read_text() == moment:
        (HERE / 'reached').touch()
        await asyncio.Event().wait()

def processes_of(machine):
    found = []
    for one in Path('/proc').iterdir():
        try:
            place = os.readlink(one / 'cwd')
            told = (one / 'environ').read_bytes()
        except OSError:
            continue
        if place.startswith(str(machine)) or b'MACHINE=' + os.fsencode(machine) in told:
            found.append(int(one.name))
    return found

class Machine(worker.AbstractLatentWorker):
    '''A machine that is a worker's processes, which are all killed when it is destroyed.'''
    program = []

    async def start_instance(self, build):
        await reach('before it is created')
        machine = HERE / 'machines' / self.instance_name
        machine.parent.mkdir(exist_ok=True)
        told = self.worker_environment('127.0.0.1')
        address = told['BUILDMASTER'] + ':' + told['BUILDMASTER_PORT']
        create = [*self.program, 'create-worker', machine, address, self.name, told['WORKERPASS']]
        subprocess.run(create, check=True, stdout=subprocess.DEVNULL)
        with open(machine / 'printed', 'wb') as printed:
            subprocess.Popen(
                [*self.program, 'start', '--nodaemon', machine],
                env={**os.environ, 'MACHINE': str(machine)},
                start_new_session=True, stdout=printed, stderr=printed)
        await reach('after it is created')
        await self.record_instance(str(machine))
        self.instance = str(machine)
        await reach('after it is recorded')

    async def stop_instance(self, fast=False):
        await reach('before it is stopped')
        machine = self.instance or HERE / 'machines' / self.instance_name
        while (found := processes_of(machine)):
            for process in found:
                os.kill(process, signal.SIGKILL)
        await reach('after it is stopped')
        self.instance = None

class Native(Machine):
    program = [sys.executable, '-m', 'chargehand_worker']

class Stock(Machine):
    program = [PROGRAMS + '/buildbot-worker']

class Local(worker.LocalLatentWorker):
    async def start_instance(self, build):
        await reach('before it is created')
        await super().start_instance(build)
        await reach('after it is created')
        await self.record_instance('something')
        await reach('after it is recorded')
        return True

    async def stop_instance(self, fast=False):
        await reach('before it is stopped')
        await super().stop_instance(fast)
        await reach('after it is stopped')
"""

_STEP = (
    "exec 9>{HERE}/lock; flock -n 9 || echo twice >> {HERE}/twice; echo $$ > {HERE}/running; "
    "while [ ! -e {HERE}/go ]; do sleep 0.05; done; echo done >> {HERE}/finished"
)


def _configuration(kind: str) -> str:
    protocol = "native" if kind == "Native" else "pb"
    port = f"tcp:{free_port()}:interface=127.0.0.1"
    arguments = "" if kind == "Local" else f"None, master_protocol='{protocol}', "
    return (
        f"PROGRAMS = {str(PROGRAMS)!r}\n"
        + _MACHINES
        + f"c['protocols'] = {{'{protocol}': {{'port': '{port}'}}}}\n"
        + f"c['workers'] = [{kind}('rented', {arguments}build_wait_timeout=0)]\n"
        + f"add('b', sh(f{_STEP!r}), workernames=['rented'])\n"
    )


def _processes(master: InstalledMaster) -> Iterator[int]:
    """The processes of machines: those that work in them, and local agents with their commands."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place = os.readlink(process / "cwd")
            line = (process / "cmdline").read_bytes()
        except OSError:
            continue
        inside = (str(master.path / "machines"), str(master.path / "workers"))
        if place.startswith(inside) or inside[0].encode() in line:
            yield int(process.name)
    yield from master.worker_processes()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["Local", "Native", "Stock"])
def test_a_killed_master_leaves_no_machine_and_no_build_at_any_state(
    master: InstalledMaster, kind: str
):
    master.write(_configuration(kind))
    master.start()

    for moment in _MOMENTS:
        for name in ("go", "running", "reached", "twice", "finished"):
            master.file(name).unlink(missing_ok=True)
        master.file("moment").write_text(moment)
        request = master.force("b")
        if "stopped" in moment:
            master.file("go").touch()
        sign = "running" if moment == "while it builds" else "reached"
        eventually(f"{moment}: {master.log}", lambda sign=sign: master.file(sign).exists())
        master.kill()
        command = int(master.file("running").read_text()) if sign == "running" else 0

        master.file("moment").unlink()
        master.file("go").touch() if sign == "reached" else None
        master.start()
        if sign == "running":
            eventually("the second run", lambda pid=command: not is_alive(pid))
            master.file("go").touch()
        ended = master.completed(request)

        assert ended["results"] == SUCCESS, moment
        builds = [one["results"] for one in master.builds_of(request)]
        retried = [] if "stopped" in moment else [RETRY]
        assert builds == [*retried, SUCCESS], moment
        assert master.file("finished").read_text() == "done\n", moment
        assert not master.file("twice").exists(), moment
        eventually(
            f"the end of all machines, {moment}: {master.get('instances')} {master.log}",
            lambda: all(one["state"] == "stopped" for one in master.get("instances")),
        )
        eventually(f"the end of all processes, {moment}", lambda: not list(_processes(master)))

    assert len(master.get("buildrequests")) == len(_MOMENTS)
    master.stop()
    assert not list(_processes(master))
