"""A farm with months of history, made in seconds: what the pages are looked at with.

The history is written through the store, with a fixed seed and times relative to now; what runs and
what waits is real: a master with local workers, locks, and triggers.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from installed_master import (
    CANCELLED,
    EXCEPTION,
    FAILURE,
    RETRY,
    SKIPPED,
    SUCCESS,
    WARNINGS,
    InstalledMaster,
)
from sqlalchemy import Connection, func, insert, select, update
from waiting import eventually

from chargehand.domain.build import LogType
from chargehand.domain.change import NewChange
from chargehand.domain.identifiers import StepId
from chargehand.logs.segments import segment_of
from chargehand.store.engine import tables
from chargehand.store.engine.columns import as_json
from chargehand.store.engine.transaction import Transaction
from chargehand.store.store import Store

GIANT_LINES = 1_000_000
RARE = "needle in this log"
_DAY = 86_400.0
_HISTORY = 90 * _DAY
_LINES_IN_A_SEGMENT = 20_000
_WITH_LOGS = 2

CONFIGURATION = r"""
c['title'] = 'Northwind builds'
c['titleURL'] = 'https://example.org/'
LAB = util.MasterLock('lab')
c['protocols'] = {'pb': {'port': 'tcp:0:interface=127.0.0.1'}}
LOCAL = ['linux-1', 'linux-2', 'arm-1', 'mac-1', 'windows-1', 'freebsd-1', 'bench-1', 'publish-1']
LOST = ['riscv-1', 'riscv-2', 'mac-2', 'windows-2']
c['workers'] = [worker.LocalWorker(name, max_builds=1 if name == 'windows-1' else 4)
                for name in LOCAL]
c['workers'] += [worker.Worker(name, 'secret') for name in LOST]
c['projects'] = [
    util.Project(name='engine', description='The **engine**, for every platform',
                 description_format='markdown'),
    util.Project(name='site', description='What people see'),
    util.Project(name='release', description='Packages, signatures, deployment'),
]
PLATFORMS = {'linux-x86_64': ['linux-1', 'linux-2'], 'linux-arm64': ['arm-1'],
    'linux-riscv64': ['riscv-1', 'riscv-2'], 'macos-arm64': ['mac-1', 'mac-2'],
    'windows-x86_64': ['windows-1', 'windows-2'], 'freebsd-x86_64': ['freebsd-1'],
    'linux-musl': ['linux-2'], 'linux-i686': ['linux-1']}

def shell(name, script):
    return sh(script, name=name)

for platform, names in PLATFORMS.items():
    for kind in ('debug', 'release', 'sanitizers', 'coverage'):
        add(f'{platform}-{kind}', shell('checkout', 'echo checked out'),
            blocking('compile') if platform == 'windows-x86_64' and kind == 'debug'
            else shell('compile', 'echo compiled'), shell('test', 'echo "12 passed"'),
            workernames=names, project='engine', tags=[platform.split('-')[0], kind],
            description=f'{kind} build for *{platform}*', description_format='markdown')
add('nightly', shell('prepare', 'echo nightly'),
    steps.Trigger(schedulerNames=['packages'], waitForFinish=True, name='packages'),
    workernames=['linux-1'], project='release', tags=['nightly'])
add('package', shell('pack', 'echo packed'),
    steps.Trigger(schedulerNames=['signatures'], waitForFinish=True, name='signatures'),
    workernames=['linux-2'], project='release', tags=['nightly', 'package'])
add('sign', shell('sign', 'echo "error: the key has expired" >&2; exit 2'),
    workernames=['publish-1'], project='release', tags=['nightly'])
add('deploy', shell('deploy', 'echo deployed'), workernames=['publish-1'], project='release',
    tags=['production'], locks=[LAB.access('exclusive')])
add('site', shell('build', 'echo built'), shell('links', 'echo no broken links'),
    workernames=['linux-1', 'linux-2'], project='site', tags=['web'])
add('fuzz', shell('checkout', 'echo checked out'), blocking('fuzz'), shell('report', 'echo done'),
    workernames=['linux-1', 'linux-2'], project='engine', tags=['nightly', 'long'])
add('benchmarks', blocking('benchmarks'), workernames=['bench-1'], project='engine',
    tags=['long'], locks=[LAB.access('exclusive')])
add('giant-log', shell('everything', 'echo much'), workernames=['linux-1'], project='engine')
c['schedulers'] += [
    schedulers.SingleBranchScheduler(name='main', treeStableTimer=3600 * 24,
        change_filter=util.ChangeFilter(branch='main'), builderNames=['site']),
    schedulers.Triggerable(name='packages', builderNames=['package', 'site']),
    schedulers.Triggerable(name='signatures', builderNames=['sign']),
    schedulers.Nightly(name='every-night', builderNames=['nightly'], hour=3, minute=0),
]
"""

_AUTHORS = [
    "Ada Castro <ada@example.org>",
    "Björn Lindqvist <bjorn@example.org>",
    "Chen Wei <wei@example.org>",
    "Dipa Rao <dipa@example.org>",
    "Emeka Obi <emeka@example.org>",
]
_SUBJECTS = [
    "Fix the frobnicator's off-by-one at the end of a page",
    "Speed up parsing of long headers",
    "Let the scheduler tell why it waits",
    "Remove the old cache",
    "Update the translations",
    "Handle an empty answer of the server, and say so in the log instead of raising an "
    "exception that nobody ever looked at",
    "Test the kinds of locks",
    "Bump libfoo to 4.2",
]
_FILES = ["src/engine/page.c", "src/engine/header.c", "tests/test_page.py", "docs/index.md"]
_STEPS = [("checkout", 0.05), ("configure", 0.08), ("compile", 0.5), ("test", 0.37)]


@dataclass
class _Rows:
    """Rows to insert, table by table."""

    buildsets: list[dict[str, Any]] = field(default_factory=list)
    stamps: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    builds: list[dict[str, Any]] = field(default_factory=list)
    properties: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    logs: list[tuple[int, bytes]] = field(default_factory=list)


def make(path: Path, *, giant_lines: int = GIANT_LINES) -> InstalledMaster:
    """Make the farm in a directory, and return it while its master runs.

    Args:
        path: The master's directory, which must be new.
        giant_lines: How many lines the log of the builder `giant-log` has.
    """
    master = InstalledMaster(path)
    master.write(CONFIGURATION)
    master.start()
    workers = _workers_of_builders(master)
    master.stop()
    # In a thread of its own: the browser's driver keeps a loop running in that of the tests.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(_write_history(path, workers, giant_lines))).result()
    master.start()
    try:
        _make_live(master)
    except BaseException:
        master.end()
        raise
    return master


def _make_live(master: InstalledMaster) -> None:
    """Let builds run and requests wait, each for a reason of its own."""
    for worker in ("linux-1", "publish-1", "bench-1", "windows-1"):
        master.connected(worker)
    paused = master.one("workers/freebsd-1")["workerid"]
    master.order(f"workers/{paused}", "pause", reason="the disk is being replaced")
    running = [
        master.force(name, reason="look at it")
        for name in ("fuzz", "benchmarks", "windows-x86_64-debug")
    ]
    for request in running:
        master.running_build(request)
    for name in (
        "windows-x86_64-release",
        "windows-x86_64-sanitizers",
        "linux-riscv64-debug",
        "linux-riscv64-release",
        "freebsd-x86_64-debug",
        "deploy",
        "deploy",
    ):
        master.force(name, reason="rebuild before the release")
    failed = master.force("nightly", reason="every night")
    eventually(
        "the end of the nightly build",
        lambda: master.one(f"buildrequests/{failed}")["complete"],
        120,
    )


def _workers_of_builders(master: InstalledMaster) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for worker in master.get("workers?order=workerid"):
        for one in worker["configured_on"]:
            found.setdefault(one["builderid"], []).append(worker["workerid"])
    return found


async def _write_history(path: Path, workers: dict[int, list[int]], giant_lines: int) -> None:
    store = Store(url="sqlite:///state.sqlite", basedir=path, publish=lambda _: None)
    await store.open()
    try:
        dice = random.Random(4711)
        now = time.time()
        changes = await store.changes.add(list(_changes(dice, now)))
        moments = [(change.when, change.source_stamp_id) for change in changes]
        rows = await store.database.write(
            lambda transaction: _insert(transaction, dice, now, moments, workers)
        )
        for step, text in rows.logs:
            await _write_log(store, step, [text])
        giant = rows.steps[-1]["id"]
        await _write_log(store, giant, _giant(giant_lines))
        # Logs are opened while their builds run.
        await store.database.write(_end_builds)
    finally:
        await store.close()


def _end_builds(transaction: Transaction) -> None:
    for table in (tables.builds, tables.steps):
        transaction.connection.execute(update(table).values(complete=True))


async def _write_log(store: Store, step: int, parts: Any) -> None:
    log = await store.logs.open(StepId(step), "stdio", "stdio", LogType.STDIO)
    for part in parts:
        await store.logs.append(log.id, segment_of(part))
    await store.logs.finish(log.id)


def _giant(lines: int) -> Iterator[bytes]:
    """Write a log whose line in the middle is the only one of its kind."""
    middle = lines // 2
    for first in range(0, lines, _LINES_IN_A_SEGMENT):
        count = min(_LINES_IN_A_SEGMENT, lines - first)
        yield b"".join(
            f"o{RARE}\n".encode()
            if number == middle
            else b"o[%7d] compiling object %d of the engine: ok\n" % (number, number * 7)
            for number in range(first, first + count)
        )


def _changes(dice: random.Random, now: float) -> Iterator[NewChange]:
    for number in range(300):
        when = now - _HISTORY * (1 - number / 300) - dice.random() * 3600
        yield NewChange(
            author=dice.choice(_AUTHORS),
            files=tuple(dice.sample(_FILES, dice.randint(1, len(_FILES)))),
            comments=dice.choice(_SUBJECTS) + "\n\nWith an explanation in a second paragraph.",
            revision=f"{dice.getrandbits(160):040x}",
            when=when,
            branch="main" if dice.random() < 0.85 else "release/4.2",
            revlink="https://example.org/commit/1",
            repository="https://example.org/engine.git",
            project="engine",
        )


def _insert(
    transaction: Transaction,
    dice: random.Random,
    now: float,
    moments: list[tuple[float, int]],
    workers: dict[int, list[int]],
) -> _Rows:
    connection = transaction.connection
    rows = _Rows()
    next_ids = _next_ids(connection)
    master = connection.execute(select(tables.masters.c.id)).scalar_one()
    builders = connection.execute(
        select(tables.builders.c.id, tables.builders.c.name).order_by(tables.builders.c.name)
    ).all()
    begun = [
        (when, builder_id, name)
        for builder_id, name in builders
        if name != "giant-log"
        for when in _beginnings(dice, now)
    ]
    giant = next(id_ for id_, name in builders if name == "giant-log")
    begun = [*sorted(begun), (now - 3600, giant, "giant-log")]
    last: dict[int, int] = {}
    numbers: dict[int, int] = {}
    totals: dict[int, int] = {}
    for _, builder, _ in begun:
        totals[builder] = totals.get(builder, 0) + 1
    for when, builder, name in begun:
        numbers[builder] = numbers.get(builder, 0) + 1
        result = SUCCESS if name == "giant-log" else _result(dice, name, last.get(builder))
        last[builder] = result
        stamp = next((stamp for at, stamp in reversed(moments) if at <= when), moments[0][1])
        _add_build(
            rows,
            next_ids,
            dice,
            when=when,
            builder=builder,
            name=name,
            number=numbers[builder],
            worker=dice.choice(workers[builder]),
            master=master,
            result=result,
            stamp=stamp,
            with_logs=numbers[builder] > totals[builder] - _WITH_LOGS and name != "giant-log",
        )
    for table, values in (
        (tables.buildsets, rows.buildsets),
        (tables.buildset_source_stamps, rows.stamps),
        (tables.requests, rows.requests),
        (tables.builds, rows.builds),
        (tables.build_properties, rows.properties),
        (tables.steps, rows.steps),
    ):
        connection.execute(insert(table), values)
    return rows


def _next_ids(connection: Connection) -> dict[str, int]:
    return {
        table.name: (connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1
        for table in (tables.buildsets, tables.requests, tables.builds, tables.steps)
    }


def _beginnings(dice: random.Random, now: float) -> Iterator[float]:
    """Return when a builder's builds began: fewer on two days of seven, more in recent weeks.

    Nothing of it depends on the time of day: the dice fall the same whenever it is called.
    """
    age = _HISTORY * dice.uniform(0.7, 1)
    pace = dice.uniform(0.4, 2.0) * _DAY
    while (age := age - pace * dice.uniform(0.2, 1.6)) > 1800:
        if int(age / _DAY) % 7 < 5 or dice.random() < 0.4:
            yield now - age


def _result(dice: random.Random, name: str, last: int | None) -> int:
    temper = 0.03 if name.startswith("linux-x86") else 0.1
    if last == FAILURE and dice.random() < 0.55:
        return FAILURE
    rolled = dice.random()
    for result, share in (
        (FAILURE, temper),
        (WARNINGS, 0.08),
        (EXCEPTION, 0.02),
        (CANCELLED, 0.02),
        (RETRY, 0.015),
    ):
        if rolled < share:
            return result
        rolled -= share
    return SUCCESS


_STATES = {
    SUCCESS: "build successful",
    WARNINGS: "warnings compile",
    FAILURE: "failed test",
    EXCEPTION: "exception test",
    CANCELLED: "cancelled by ada@example.org: superseded",
    RETRY: "retried: worker lost",
}


def _add_build(
    rows: _Rows,
    ids: dict[str, int],
    dice: random.Random,
    *,
    when: float,
    builder: int,
    name: str,
    number: int,
    worker: int,
    master: int,
    result: int,
    stamp: int,
    with_logs: bool,
) -> None:
    buildset, request, build = (ids[kind] for kind in ("buildsets", "build_requests", "builds"))
    for kind in ("buildsets", "build_requests", "builds"):
        ids[kind] += 1
    length = 120 + 900 * (builder % 7) / 7 * dice.uniform(0.8, 1.3) + dice.random() * 60
    end = when + length
    waited = dice.expovariate(1 / 60)
    scheduler = "every-night" if name == "nightly" else "main"
    ended = {"complete": True, "complete_at": end, "result": result}
    rows.buildsets.append(
        {
            "id": buildset,
            "reason": "",
            "scheduler": scheduler,
            "submitted_at": when - waited,
            "properties": as_json({"scheduler": (scheduler, "Scheduler")}),
            **ended,
        }
    )
    rows.stamps.append({"buildset_id": buildset, "source_stamp_id": stamp})
    rows.requests.append(
        {
            "id": request,
            "buildset_id": buildset,
            "builder_id": builder,
            "priority": 0,
            "submitted_at": when - waited,
            "waited_for": False,
            "claimed": True,
            "claimed_by": master,
            "claimed_at": when,
            **ended,
        }
    )
    rows.builds.append(
        {
            "id": build,
            "number": number,
            "builder_id": builder,
            "request_id": request,
            "worker_id": worker,
            "master_id": master,
            "started_at": when,
            "locks_duration": waited if dice.random() < 0.1 else 0.0,
            "state": _STATES[result],
            **ended,
            "complete": False,
        }
    )
    rows.properties.extend(
        {"build_id": build, "name": key, "value": as_json(value), "source": source}
        for key, value, source in (
            ("buildername", name, "Builder"),
            ("buildnumber", number, "Build"),
            ("branch", "main", "Build"),
            ("scheduler", scheduler, "Scheduler"),
            ("compiler", {"name": "clang", "version": [19, 1, 7]}, "SetPropertyFromCommand Step"),
        )
    )
    steps = [("everything", 1.0)] if name == "giant-log" else _STEPS
    at = when
    for step, (label, share) in enumerate(steps):
        step_result, state = _step(label, result)
        finish = at if step_result == SKIPPED else at + length * share
        rows.steps.append(
            {
                "id": ids["steps"],
                "build_id": build,
                "number": step,
                "name": label,
                "state": state,
                "started_at": at,
                "locks_acquired_at": at,
                "complete": False,
                "complete_at": finish,
                "result": step_result,
                "urls": "[]",
                "hidden": False,
            }
        )
        if with_logs and step_result != SKIPPED:
            rows.logs.append((ids["steps"], _log(dice, label, step_result)))
        ids["steps"] += 1
        at = finish


def _step(label: str, result: int) -> tuple[int, str]:
    """Return how a step of a build with this result ended, and what it says."""
    if label == "compile" and result == WARNINGS:
        return WARNINGS, "7 warnings"
    if label == "compile" and result in {CANCELLED, RETRY}:
        return result, "interrupted" if result == CANCELLED else "worker lost"
    if label == "test" and result == FAILURE:
        return FAILURE, "3 of 1,204 tests failed"
    if label == "test" and result == EXCEPTION:
        return EXCEPTION, "exception: no answer for 1200 seconds"
    if label == "test" and result in {CANCELLED, RETRY}:
        return SKIPPED, "skipped"
    return SUCCESS, "finished"


def _log(dice: random.Random, label: str, result: int) -> bytes:
    lines = [f"h/bin/sh -c 'make {label} -j8'", "h in dir /srv/worker/build", "h using PTY: False"]
    lines.extend(
        f"o\x1b[2m[{number:3d}/120]\x1b[0m \x1b[32mCC\x1b[0m src/engine/part_{number}.c"
        if label == "compile"
        else f"o\x1b[32mPASS\x1b[0m test_{label}_{number} ({dice.random():.2f} s)"
        for number in range(dice.randint(20, 120))
    )
    lines.append("o" + "\r".join(f"linking {share} %" for share in range(0, 101, 10)))
    if result == WARNINGS:
        lines.append("e\x1b[1;33mpage.c:81:14: warning:\x1b[0m unused variable 'rest'")
    if result in {FAILURE, EXCEPTION}:
        lines += [
            "o\x1b[1;31mFAIL\x1b[0m test_beta: expected 3, got 4",
            "eTraceback (most recent call last):",
            'e  File "tests/test_page.py", line 81, in test_beta',
            "eAssertionError: expected 3, got 4",
        ]
    lines.append(f"hprogram finished with exit code {2 if result == FAILURE else 0}")
    return "".join(f"{line}\n" for line in lines).encode()
