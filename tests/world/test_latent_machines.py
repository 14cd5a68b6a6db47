"""Machines with several workers: woken for the first, put to sleep after the last."""

from __future__ import annotations

import pytest
from written import started, written

from chargehand.domain.result import Result
from chargehand.testing.world import World

_MACHINES = """
from buildbot.machine import latent
from buildbot.worker import AbstractLatentWorker

def told(what):
    with open(HERE / 'told', 'a') as file:
        file.write(what + '\\n')

class Board(latent.AbstractLatentMachine):
    answers = []

    async def start_machine(self):
        told('wake')
        return self.answers.pop(0) if self.answers else True

    def stop_machine(self):
        told('sleep')

def on_board(name, wait=0):
    return AbstractLatentWorker(name, None, machine_name='board', build_wait_timeout=wait)
"""
_TWO = """
c['machines'] = [Board('board', build_wait_timeout=%d)]
c['workers'] += [on_board('one'), on_board('two')]
add('a', blocking('a'), workernames=['one'])
add('b', blocking('b'), workernames=['two'])
"""


def _told(ci: World) -> list[str]:
    path = ci.path / "told"
    return path.read_text().split() if path.exists() else []


async def test_a_machine_is_awake_while_any_of_its_workers_builds() -> None:
    async with started(_MACHINES + _TWO % 0) as ci:
        first = await ci.force("a")
        await ci.sleep(1)
        second = await ci.force("b")
        await ci.sleep(1)
        assert _told(ci) == ["wake"]

        ci.worker("one").let_go("block a")
        assert (await ci.finished(first)).result is Result.SUCCESS
        await ci.sleep(1)
        assert _told(ci) == ["wake"]
        ci.worker("two").let_go("block b")
        assert (await ci.finished(second)).result is Result.SUCCESS
        await ci.sleep(1)
        assert _told(ci) == ["wake", "sleep"]


async def test_a_machine_stays_awake_for_a_while() -> None:
    async with started(_MACHINES + _TWO % 100) as ci:
        for number in (1, 2):
            request = await ci.force("a")
            await ci.sleep(1)
            ci.worker("one").let_go("block a")
            await ci.finished(request)
            await ci.sleep(90)
            assert _told(ci) == ["wake"], number
        await ci.sleep(20)
        assert _told(ci) == ["wake", "sleep"]


async def test_a_machine_that_cannot_be_woken_is_told_and_retried() -> None:
    configuration = _MACHINES + "Board.answers = [False]\n" + _TWO % 0
    async with started(configuration) as ci:
        request = await ci.force("a")
        await ci.sleep(1)
        why = await ci.waits(request, "workers_quarantined")
        assert 'could not be started: machine "board" could not be woken' in why
        await ci.sleep(20)
        ci.worker("one").let_go("block a")
        assert (await ci.finished(request)).result is Result.SUCCESS


@pytest.mark.parametrize("wait", [0, 100])
async def test_a_machine_that_a_killed_master_left_awake_is_put_to_sleep(wait: int) -> None:
    async with started(_MACHINES + _TWO % wait) as ci:
        request = await ci.force("a")
        await ci.sleep(1)
        if wait:  # Its last worker was stopped already.
            ci.worker("one").let_go("block a")
            await ci.finished(request)
            await ci.sleep(1)
        await ci.crash()
        assert _told(ci) == ["wake"]
        await ci.start(
            written(_MACHINES + _TWO % wait + "c['builders'] = []\nadd('c', sh('true'))\n")
        )
        await ci.sleep(wait + 10)
        assert _told(ci) == ["wake", "sleep"]


async def test_a_master_that_stops_puts_its_machines_to_sleep() -> None:
    async with started(_MACHINES + _TWO % 1000) as ci:
        await ci.force("a")
        await ci.sleep(1)
        await ci.restart()
        assert _told(ci)[:2] == ["wake", "sleep"]


async def test_actions_are_commands() -> None:
    configuration = """
from buildbot.machine import generic
from buildbot.worker import AbstractLatentWorker
c['machines'] = [generic.GenericLatentMachine(
    'board',
    start_action=generic.LocalWakeAction(['touch', util.Interpolate(f'{HERE}/awake')]),
    stop_action=generic.RemoteSshSuspendAction(
        'me@board', remoteCommand=['zzz'], sshBin=str(HERE / 'ssh'),
        sshKey='secret', sshHostKey='ssh-ed25519 AAAA'))]
c['workers'] += [AbstractLatentWorker('one', None, machine_name='board', build_wait_timeout=0)]
(HERE / 'ssh').write_text('#!/bin/sh\\necho "$@" > ' + str(HERE / 'slept') + '; cat "$4" >> '
                          + str(HERE / 'slept'))
(HERE / 'ssh').chmod(0o755)
add('a', sh('true'), workernames=['one'])
"""
    async with started(configuration) as ci:

        async def is_asleep() -> bool:
            return (ci.path / "slept").exists() and "secret" in (ci.path / "slept").read_text()

        assert (await ci.build("a")).result is Result.SUCCESS
        assert (ci.path / "awake").exists()
        await ci.restart()
        assert await is_asleep()
        words = (ci.path / "slept").read_text().splitlines()[0].split()
        assert words[:3] == ["-o", "BatchMode=yes", "-i"]
        assert words[-2:] == ["me@board", "zzz"]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (
            ["sh", "-c", "echo trying; echo no route to board >&2; exit 3"],
            "its start_action: sh exited with 3: no route to board",
        ),
        (["sh", "-c", "kill -9 $$"], "its start_action: sh was killed by signal 9"),
        (["/no/such/program"], "its start_action: cannot run /no/such/program: No such file"),
    ],
)
async def test_a_request_says_why_its_machine_could_not_be_woken(
    command: list[str], told: str
) -> None:
    configuration = f"""
from buildbot.machine import generic
from buildbot.worker import AbstractLatentWorker
c['machines'] = [generic.GenericLatentMachine(
    'board',
    start_action=generic.LocalWakeAction({command}),
    stop_action=generic.LocalWakeAction(['true']))]
c['workers'] += [AbstractLatentWorker('one', None, machine_name='board', build_wait_timeout=0)]
add('a', sh('true'), workernames=['one'])
"""
    async with started(configuration) as ci:
        request = await ci.force("a")
        why = ""
        while 'machine "board"' not in why:
            await ci.sleep(1)
            why = await ci.waits(request, "workers_quarantined")

        assert f'could not be started: machine "board" could not be woken: {told}' in why
        (worker,) = [one for one in await ci.get("workers") if one["name"] == "one"]
        assert told in worker["pause_reason"]


async def test_a_machine_that_is_not_configured_is_a_mistake() -> None:
    text = _MACHINES + _TWO % 0 + "c['machines'] = [Board('borad')]\n"
    with pytest.raises(Exception, match=r'runs on unknown machine "board".*did you mean "borad"'):
        async with started(text):
            raise AssertionError("it has started")
