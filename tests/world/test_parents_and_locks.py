"""Builds that wait for builds which need what they hold: that is found and said."""

from __future__ import annotations

import html
import textwrap
from contextlib import AbstractAsyncContextManager

import pytest
from written import started

from chargehand.domain.result import Result
from chargehand.testing.world import World

_OF_WORKER = (
    "needs a worker that this build occupies",
    "worker local is already running 1 build, its limit (max_builds); parent #1 waits for this "
    "build, or for one like it. "
    "Stop parent #1; give this builder another worker, or its worker a larger max_builds",
)


@pytest.mark.parametrize(
    ("text", "in_state", "told"),
    [
        pytest.param(
            """
            c['workers'] = [worker.LocalWorker('local', max_builds=1)]
            add('child', sh('true')); trigger('child')
            add('parent', wait_for('child'))
            """,
            *_OF_WORKER,
            id="the only slot of the worker",
        ),
        pytest.param(
            """
            c['workers'] = [worker.LocalWorker('local', max_builds=1)]
            add('child', sh('true')); trigger('child')
            add('between', wait_for('child'), workernames=['other']); trigger('between')
            add('parent', wait_for('between'))
            c['workers'].append(worker.LocalWorker('other'))
            """,
            *_OF_WORKER,
            id="the parent of the parent",
        ),
        pytest.param(
            """
            add('parent', wait_for('child'))
            trigger('child', 'parent')
            """,
            "needs a worker that this build occupies",
            "local is already running parent #1 (limit: 1 build of this builder per worker)",
            id="the same builder",
        ),
        pytest.param(
            """
            db = util.MasterLock('db')
            add('child', sh('true'), locks=[db.access('exclusive')]); trigger('child')
            add('parent', wait_for('child'), locks=[db.access('counting')])
            """,
            "needs lock db, which this build holds",
            "lock db is held by parent #1; parent #1 waits for this build, or for one like it. "
            "Stop parent #1; a build must not hold a lock that the builds it waits for need",
            id="a lock of both builders",
        ),
        pytest.param(
            """
            db = util.WorkerLock('db', maxCount=2)
            add('child', sh('true'), locks=[db.access('exclusive')]); trigger('child')
            add('parent', wait_for('child', locks=[db.access('counting')]))
            """,
            "needs lock db, which this build holds",
            "lock db is held by parent #1 (step trigger); parent #1 (step trigger) waits for",
            id="a lock of the step that waits",
        ),
    ],
)
async def test_a_build_that_its_parent_blocks_says_so(text: str, in_state: str, told: str) -> None:
    async with _waiting(text) as ci:
        request = await ci.force("parent")
        child = await _blocked_request(ci)

        why = await ci.waits(child, "held_by_parents")
        await ci.sleep(3)

        assert why.startswith(f"deadlock: {told}")
        parent = ci.builds_of(request)[0]
        sentence = str((await ci.one(f"builds/{parent.id}/why"))["sentence"])
        assert f"which it has triggered: {why}" in sentence
        assert ci.step(parent, "trigger").state.endswith(f"; deadlock: it {in_state}")
        assert f"build parent #1: {sentence}" in ci.log
        page = html.unescape((await ci.fetch(f"plain/builds/{parent.id}")).decode())
        assert sentence in page

        await ci.order(f"builds/{parent.id}", "stop", reason="enough")
        await ci.until_idle()
        assert ci.builds_of(request)[0].result is Result.CANCELLED
        assert [row["results"] for row in await ci.get("buildrequests")][-1] == Result.CANCELLED


async def test_parents_that_block_the_children_of_each_other_are_named() -> None:
    text = """
        c['workers'] = [worker.LocalWorker('local', max_builds=2)]
        add('child', sh('true')); trigger('child')
        add('parent', sh('begin'), wait_for('child'))
        add('other', sh('begin'), wait_for('child'))
        """
    async with _waiting(text) as ci:
        ci.worker("local").on("begin", seconds=5)
        await ci.force("parent")
        other = await ci.force("other")
        child = await _blocked_request(ci)

        why = await ci.waits(child, "held_by_parents")
        await ci.sleep(3)

        assert "2 builds, its limit (max_builds); parent #1, other #1 wait for" in why
        assert "Stop one of them" in why
        state = ci.step(ci.last_build("parent"), "trigger").state
        assert state.endswith("it needs a worker that a build that waits like this one occupies")

        await ci.order(f"buildrequests/{other}", "cancel", reason="enough")
        await ci.until_idle()
        assert ci.last_build("parent").result is Result.SUCCESS


async def test_who_can_end_is_no_deadlock() -> None:
    text = """
        c['workers'] = [worker.LocalWorker('local', max_builds=2)]
        add('child', sh('true')); trigger('child')
        add('busy', blocking('here'))
        add('parent', wait_for('child'))
        """
    async with _waiting(text) as ci:
        await ci.force("busy")
        await ci.force("parent")
        child = await _blocked_request(ci)

        assert "local is already running 2 builds" in await ci.waits(child, "workers_busy")
        await ci.sleep(3)
        parent = ci.last_build("parent")
        assert ci.step(parent, "trigger").state == "waiting for child"
        why = await ci.one(f"builds/{parent.id}/why")
        assert why["kind"] == "triggered_waits"
        assert why["sentence"] == (
            f"waits for request {child} of child, which it has triggered: "
            "worker local is already running 2 builds, its limit (max_builds)"
        )

        ci.worker("local").let_go("here")
        await ci.until_idle()
        assert ci.last_build("parent").result is Result.SUCCESS


_HEAD = """
def wait_for(name, **more):
    return steps.Trigger(schedulerNames=[name], waitForFinish=True, **more)

def trigger(name, builder=None):
    c['schedulers'].append(schedulers.Triggerable(name=name, builderNames=[builder or name]))
"""


def _waiting(text: str) -> AbstractAsyncContextManager[World]:
    return started(_HEAD + textwrap.dedent(text))


async def _blocked_request(ci: World) -> int:
    async def look() -> int | None:
        rows = await ci.get("buildrequests?complete=false&claimed=false")
        return int(str(rows[-1]["buildrequestid"])) if rows else None

    return await ci.until("a request that waits", look)
