"""What waits, by what it waits for: one row for a reason, however many requests have it."""

from __future__ import annotations

import json
from typing import Any

from written import started, written

from chargehand.testing.world import World

_CONFIGURATION = """
lock = util.MasterLock('db-server')
locks = [lock.access('exclusive')]
c['workers'] += [worker.Worker('away', 'x'), worker.LocalWorker('other')]
add('linux', blocking('linux'), locks=locks)
add('mac', sh('true'), locks=locks, workernames=['other'])
add('riscv', sh('true'), workernames=['away'])
add('plain', sh('true'), workernames=['other'])
"""


async def _rows(ci: World, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(await ci.fetch(f"api/v2/{path}"))["why"]
    return found


async def test_requests_are_grouped_by_what_they_wait_for():
    async with started(_CONFIGURATION) as ci:
        ci.worker("away").leave()
        await ci.force("linux")
        await ci.sleep(41 * 60)
        for _ in range(3):
            await ci.force("mac")
        for _ in range(2):
            await ci.force("riscv")
        await ci.force("linux")
        await ci.sleep(60)

        rows = {row["kind"]: row for row in await _rows(ci, "buildrequests/why")}
        await ci.force("plain")
        first = await _rows(ci, "buildrequests/why?limit=1")
        of_one = await _rows(ci, "buildrequests/why?builderid=3")

    lock = rows["lock_held"]
    assert lock["count"] == 3
    assert lock["sentence"].startswith(
        "lock db-server: 3 requests wait, held by linux #1 for 42 min"
    )
    assert [one["name"] for one in lock["builders"]] == ["mac"]
    assert len(lock["buildrequestids"]) == 3
    assert lock["details"]["lock"] == "db-server"
    assert rows["no_worker_connected"]["count"] == 2
    sentence = rows["no_worker_connected"]["sentence"]
    assert sentence.startswith(
        "none of its workers is connected: away: 2 requests wait, the oldest"
    )
    assert rows["workers_busy"]["builders"] == [{"builderid": 1, "name": "linux", "count": 1}]
    assert [row["kind"] for row in first] == ["lock_held"]
    assert [row["kind"] for row in of_one] == ["no_worker_connected"]


async def test_requests_of_a_builder_that_is_not_configured_are_there():
    async with started(_CONFIGURATION) as ci:
        ci.worker("away").leave()
        await ci.force("riscv")
        await ci.restart(_written_without("riscv"))

        (row,) = await _rows(ci, "buildrequests/why")

    assert row["kind"] == "builder_not_configured"
    assert row["builders"] == [{"builderid": 3, "name": "riscv", "count": 1}]
    assert row["buildrequestids"] == [1]


def _written_without(name: str) -> str:
    lines = _CONFIGURATION.splitlines()
    return written("\n".join(line for line in lines if f"'{name}'" not in line))
