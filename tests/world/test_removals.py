"""Removals at a reconfiguration: the log has no error, idle or while a build runs."""

from __future__ import annotations

import logging
import textwrap

import pytest
from written import started, written

from chargehand.domain.result import Result
from chargehand.testing.world import World

_KEPT = "add('b', blocking('slow'))\n"

_PARTS = {
    "worker": "c['workers'].append(worker.LocalWorker('other'))",
    "builder": "add('gone', sh('true'))",
    "scheduler": """
        c['schedulers'] += [
            schedulers.SingleBranchScheduler(
                name='gone', builderNames=['b'], treeStableTimer=60,
                change_filter=util.ChangeFilter(branch='main')),
            schedulers.Periodic(name='timed', builderNames=['b'], periodicBuildTimer=86400),
        ]
    """,
    "change source": """
        class Source(changes.ChangeSource):
            pass
        c['change_source'] = [Source(name='source')]
    """,
    "service": """
        from buildbot.util.service import BuildbotService
        class Service(BuildbotService):
            name = 'service'
        c['services'] = c.get('services', []) + [Service()]
    """,
    "reporter": """
        c['services'] = c.get('services', []) + [
            reporters.HttpStatusPush('http://127.0.0.1:9/', generators=[
                reporters.BuildStatusGenerator(tags=['none has it'])])]
    """,
    "lock": """
        lock = util.MasterLock('lock')
        c['builders'][0].locks = [lock.access('exclusive')]
    """,
    "codebase": """
        c['codebaseGenerator'] = lambda change: 'code'
        c['schedulers'].append(schedulers.SingleBranchScheduler(
            name='of code', builderNames=['b'], codebases={'code': {'repository': ''}},
            change_filter=util.ChangeFilter(branch='dev')))
    """,
    "secret provider": """
        (HERE / 'secrets').mkdir(mode=0o700, exist_ok=True)
        c['secretsProviders'] = [secrets.SecretInAFile(dirname=str(HERE / 'secrets'))]
    """,
}


def _with(*kinds: str) -> str:
    return _KEPT + "".join(textwrap.dedent(_PARTS[kind]) + "\n" for kind in kinds)


@pytest.mark.parametrize("is_building", [False, True], ids=["idle", "building"])
@pytest.mark.parametrize("removed", [*[(kind,) for kind in _PARTS], tuple(_PARTS)], ids="+".join)
async def test_a_removal_is_no_error(
    caplog: pytest.LogCaptureFixture, removed: tuple[str, ...], is_building: bool
) -> None:
    async with started(_with(*_PARTS)) as ci:
        running = await ci.force("b") if is_building else None
        if is_building:
            await ci.until("a build to run", lambda: _busy(ci))
        await ci.reconfigure(written(_with(*[kind for kind in _PARTS if kind not in removed])))

        if running is None:
            running = await ci.force("b")
        ci.worker("local").let_go("slow")
        assert (await ci.finished(running)).result is Result.SUCCESS
    assert _failures(caplog) == []


async def test_a_removed_worker_finishes_its_build(
    caplog: pytest.LogCaptureFixture,
) -> None:
    both = "c['workers'].append(worker.LocalWorker('other'))\n"
    builds = "add('b', blocking('slow'), workernames=[one.name for one in c['workers']])"
    async with started(both + builds) as ci:
        running = await ci.force("b")
        await ci.until("a build to run", lambda: _busy(ci))
        [first] = await _busy(ci)
        [left] = {"local", "other"} - {first}

        await ci.reconfigure(written(f"c['workers'] = [worker.LocalWorker('{left}')]\n{builds}"))
        ci.worker(first).let_go("slow")

        assert (await ci.finished(running)).result is Result.SUCCESS
    assert _failures(caplog) == []


async def _busy(ci: World) -> list[str]:
    """Return the workers that run commands."""
    names = [str(row["name"]) for row in await ci.get("workers")]
    return [name for name in names if ci.worker(name).running]


def _failures(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR or one.exc_info
    ]
