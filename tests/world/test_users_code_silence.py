"""Users' functions that never answer: each has a time limit, is named, and starves nobody."""

from __future__ import annotations

import asyncio
import textwrap

import pytest
from written import started, written

from chargehand.domain.result import Result

_SILENT = """
import asyncio
from twisted.internet import defer
from buildbot.changes.base import ChangeSource, PollingChangeSource
from buildbot.util.service import BuildbotService

def deferred(*given, **more):
    return defer.Deferred()

async def waits(*given, **more):
    await asyncio.Event().wait()

async def stubborn(*given, **more):
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()

silent = {style}

class Runs(steps.BuildStep):
    name = 'runs'
    def run(self):
        return util.SUCCESS

class Summary(Runs):
    getResultSummary = silent
class Current(Runs):
    getCurrentSummary = silent
class BuildSummary(Runs):
    getBuildResultSummary = silent
class Silent(Runs):
    run = silent
    interrupt = silent
"""

_STYLES = ["deferred", "waits", "stubborn"]

_BUILDERS = """
add('hide', Runs(hideStepIf=silent))
add('if', Runs(doStepIf=silent))
add('summary', Summary())
add('current', Current())
add('build summary', BuildSummary())
add('renderer', steps.ShellCommand(command=util.renderer(silent)))
add('transform', steps.ShellCommand(command=util.Transform(silent)))
add('locks', Runs(locks=util.renderer(silent)))
add('description', Runs(description=util.renderer(silent)))
add('property', Runs(), properties={'p': util.renderer(silent)})
add('run', Silent())
add('good', sh('true'))
"""


def _written(style: str, more: str) -> str:
    return _SILENT.format(style=style) + textwrap.dedent(more)


@pytest.mark.parametrize("style", _STYLES)
async def test_a_build_whose_code_is_silent_can_be_stopped(style: str) -> None:
    async with started(_written(style, _BUILDERS)) as ci:
        names = [row["name"] for row in await ci.get("builders") if row["name"] != "good"]
        requests = {name: await ci.force(str(name)) for name in names}
        await ci.sleep(2)
        assert (await ci.build("good")).result is Result.SUCCESS

        for build in ci.builds():
            if not build.complete:
                await ci.order(f"builds/{build.id}", "stop", reason="enough")

        for name, request_id in requests.items():
            seconds = 45 if name == "run" else 15
            await ci.finished(request_id, within=seconds)
            assert ci.builds_of(request_id)[-1].result in (Result.CANCELLED, Result.EXCEPTION)


@pytest.mark.parametrize("style", _STYLES)
async def test_silent_code_of_a_build_is_named_and_ends_its_step(style: str) -> None:
    async with started(_written(style, _BUILDERS)) as ci:
        names = [str(row["name"]) for row in await ci.get("builders")]
        for name in names:
            if name in ("good", "run"):
                continue
            request_id = await ci.force(name)
            await ci.finished(request_id, within=200)
            build = ci.builds_of(request_id)[-1]

            assert (name, build.result) == (name, Result.EXCEPTION)
            assert "did not answer within 60 s" in build.state, name
            assert "master.cfg:" in build.state, name
        assert (await ci.build("good")).result is Result.SUCCESS


@pytest.mark.parametrize("style", _STYLES)
async def test_a_master_with_silent_code_is_reconfigured_and_stopped(style: str) -> None:
    configuration = """
        class Stops(BuildbotService):
            stopService = silent
        class Source(ChangeSource):
            deactivate = silent
        class Poller(PollingChangeSource):
            poll = silent
        class Leaves(schedulers.AnyBranchScheduler):
            deactivate = silent
        class Takes(schedulers.AnyBranchScheduler):
            gotChange = silent
        c['services'] = [Stops(name=f'service {one} VERSION') for one in range(5)]
        c['change_source'] = [Source(name='source VERSION'),
                              Poller(name='poller VERSION', pollInterval=60, pollAtLaunch=True)]
        any_branch = schedulers.AnyBranchScheduler
        c['schedulers'] = [
            *[any_branch(name=f'important {one} VERSION', builderNames=['good'],
                         fileIsImportant=silent) for one in range(5)],
            *[Leaves(name=f'leaves {one} VERSION', builderNames=['good']) for one in range(5)],
            Takes(name='takes VERSION', builderNames=['good']),
        ]
        add('good', sh('true'))
        add('hangs', Silent())
        """
    text = _written(style, configuration)
    loop = asyncio.get_running_loop()
    async with started(text.replace("VERSION", "1")) as ci:
        await ci.push(revision="1", files=["a"])
        await ci.force("hangs")
        await ci.sleep(1)

        began = loop.time()
        await ci.reconfigure(written(text.replace("VERSION", "2")))
        assert loop.time() - began < 60
        assert (await ci.build("good")).result is Result.SUCCESS
        await ci.push(revision="2", files=["a"])
        await ci.sleep(1)

        began = loop.time()
        await ci.stop()
        assert loop.time() - began < 60
        assert "stopService of service 1 2" in ci.log
        assert "deactivate (" in ci.log
        await ci.start()


async def test_a_silent_function_of_a_scheduler_keeps_no_other_from_building() -> None:
    configuration = """
        any_branch = schedulers.AnyBranchScheduler
        c['schedulers'] = [
            any_branch(name='silent', builderNames=['b'], fileIsImportant=silent),
            any_branch(name='speaks', builderNames=['b'], reason='the good one')]
        c['codebaseGenerator'] = silent
        add('b', sh('true'))
        """
    async with started(_written("deferred", configuration)) as ci:
        await ci.push(revision="1", files=["a"])
        await ci.sleep(130)

        assert [row["reason"] for row in await ci.get("buildsets")] == ["the good one"]
        assert "fileIsImportant (" in ci.log
        assert "codebaseGenerator (" in ci.log
