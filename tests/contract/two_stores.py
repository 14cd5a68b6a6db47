"""Two stores: one with everything, and a copy from which what somebody may not see is deleted.

Whoever sees only part of the first must get the same answers as those who see all of the second.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import zstandard

from chargehand.config.model import BuilderConfig, ProjectConfig
from chargehand.domain.build import Build, LogType, Segment
from chargehand.domain.buildset import NewBuildset
from chargehand.domain.change import NewChange
from chargehand.domain.identifiers import BuilderId, MasterId, WorkerId
from chargehand.domain.planned_step import PlannedStep
from chargehand.domain.result import Result
from chargehand.domain.source_stamp import SourceStamp
from chargehand.domain.worker import WorkerInfo
from chargehand.resources.visibility import Choice, Visibility
from chargehand.store.store import Store

PROJECTS = ("p1", "p2")
TAGS = ("fast", "nightly")
WORKERS = ("w1", "w2", "w3")
BUILDERS = {
    "b1": (None, ()),
    "b2": ("p1", ("fast",)),
    "b3": ("p1", ("nightly",)),
    "b4": ("p2", ("fast", "nightly")),
}

NO_WORKER = -1
"""The worker of builds whose worker is deleted: a visitor who does not see it is shown none."""


async def fill(basedir: Path) -> None:
    """Make a store with something of each kind, for each builder and worker."""
    store = Store(url="sqlite:///state.sqlite", basedir=basedir, publish=lambda _: None)
    await store.open()
    try:
        await _fill(store)
    finally:
        await store.close()
    with closing(sqlite3.connect(basedir / "state.sqlite")) as database:
        for number, statement in enumerate(_MORE):
            database.execute(statement, {"now": 1.0 + number})
        database.commit()


async def _fill(store: Store) -> None:
    master_id = await store.masters.start("here:/base")
    await store.projects.sync([ProjectConfig(name=name, slug=name) for name in PROJECTS])
    ids = await store.builders.sync([configured(name) for name in BUILDERS], master_id)
    every = list(ids.values())
    workers = await store.workers.sync({"w1": every, "w2": every[:3], "w3": every[3:]}, master_id)
    for name in ("w1", "w2"):
        await store.workers.connected(workers[name].id, master_id, WorkerInfo(version="4"))
    await store.schedulers.ids(["force", "main"])
    await store.change_sources.ids(["poller"])
    stamps = [SourceStamp(branch="main", revision="r0", project=name) for name in ("", "p1", "p2")]
    for stamp in stamps:
        await store.changes.add(
            [NewChange(author="me", branch="main", revision="r0", project=stamp.project)]
        )
    builds: list[Build] = []
    for number, (first, second) in enumerate(((0, 1), (1, 2), (2, 3), (3, 0))):
        submitted = await store.buildsets.submit(
            NewBuildset(
                builder_ids=(every[first], every[second]),
                source_stamps=(stamps[number % 3],),
                reason="because",
                scheduler="force",
                properties={"owner": ("me", "Force")},
                parent_build_id=builds[-1].id if builds else None,
                parent_relationship="Triggered from" if builds else None,
                rebuilt_build_id=builds[0].id if number == 3 else None,
            )
        )
        request = submitted.requests[0].request
        worker = WORKERS[number % 3]
        builds.append(
            await _build(store, master_id, every[first], workers[worker].id, request.id, worker)
        )


class _Plan:
    """The plan of a builder that is only looked at."""

    def outline(self) -> list[PlannedStep]:
        return [PlannedStep(name="compile", kind="ShellCommand")]


def configured(name: str, workers: Sequence[str] = WORKERS) -> BuilderConfig:
    """Return one of the builders, with these workers."""
    project, tags = BUILDERS[name]
    return BuilderConfig(
        name=name,
        worker_names=tuple(workers),
        plan=_Plan(),
        builddir=name,
        worker_builddir=name,
        project=project,
        tags=tags,
    )


async def _build(
    store: Store,
    master_id: MasterId,
    builder_id: BuilderId,
    worker_id: WorkerId,
    request_id: int,
    worker_name: str,
) -> Build:
    started = await store.builds.start_build([request_id], builder_id, worker_id, master_id)
    build = started.build
    properties = {"workername": (worker_name, "Worker"), "got_revision": ("r1", "Git")}
    store.builds.set_build_properties(build.id, properties)
    added = await store.steps.add_step(build.id, "compile", "compiling", started=True)
    step = added.step
    log = await store.logs.open(step.id, "stdio", "stdio", LogType.STDIO)
    text = b"hmake all\nohello\neoops\n"
    data = zstandard.compress(text)
    await store.logs.append(log.id, Segment(data=data, line_count=3, size=len(text)))
    await store.logs.finish(log.id)
    store.steps.finish_step(step, Result.SUCCESS, "compiled", False)
    if builder_id % 2:
        await store.builds.finish_build(build, Result.SUCCESS, "build successful", [request_id])
    return build


_MORE = (
    "insert into codebases (id, project_id, name, slug) select id, id, 'c', 'c' from projects",
    "insert into commits (id, codebase_id, author, comments, when_timestamp, revision, "
    "parent_commit_id) select 1 + 10 * id, id, 'a', '', :now, 'one', null from codebases",
    "insert into commits (id, codebase_id, author, comments, when_timestamp, revision, "
    "parent_commit_id) select 2 + 10 * id, id, 'a', '', :now, 'two', 1 + 10 * id from codebases",
    "insert into branches (id, codebase_id, name, commit_id, last_timestamp) "
    "select id, id, 'main', 1 + 10 * id, :now from codebases",
    "insert into build_data (build_id, name, value, length, source) "
    "select id, 'size', x'ff00', 2, 'step' from builds",
    "insert into test_result_sets (builder_id, build_id, step_id, category, value_unit, "
    "complete) select b.builder_id, b.id, s.id, 'unit', 's', 1 from builds b "
    "join steps s on s.build_id = b.id",
    "insert into test_results (builder_id, test_result_set_id, test_name, value) "
    "select builder_id, id, 'test', '1' from test_result_sets",
)


def copy_without_what_is_hidden(source: Path, target: Path, sees: Visibility) -> None:
    """Make *target* a copy of the store at *source*, from which all is deleted that is hidden."""
    shutil.copytree(source, target)
    with closing(sqlite3.connect(target / "state.sqlite")) as database:
        _hide_workers(database, sees)
        database.execute("pragma foreign_keys = on")
        owned = _ids(database, "select distinct buildset_id from build_requests")
        for name in PROJECTS:
            if not _has(sees.projects, name):
                database.execute("delete from projects where name = ?", (name,))
                database.execute("delete from changes where project = ?", (name,))
                database.execute("delete from source_stamps where project = ?", (name,))
        for name, (project, tags) in BUILDERS.items():
            if not _shows(sees, name, project or "", set(tags)):
                database.execute("delete from builders where name = ?", (name,))
        left = _ids(database, "select distinct buildset_id from build_requests")
        for buildset_id in owned - left:
            database.execute("delete from buildsets where id = ?", (buildset_id,))
        for column in ("parent_build_id", "rebuilt_build_id"):
            database.execute(
                f"update buildsets set {column} = null "
                f"where {column} not in (select id from builds)"
            )
        database.commit()


def _hide_workers(database: sqlite3.Connection, sees: Visibility) -> None:
    for name in WORKERS:
        if _has(sees.workers, name):
            continue
        hidden = "(select id from workers where name = ?)"
        database.execute(
            "delete from build_properties where name = 'workername' and build_id in "
            f"(select id from builds where worker_id = {hidden})",
            (name,),
        )
        database.execute(
            f"update builds set worker_id = {NO_WORKER} where worker_id = {hidden}", (name,)
        )
        for table in ("configured_workers", "connected_workers"):
            database.execute(f"delete from {table} where worker_id = {hidden}", (name,))
        database.execute("delete from workers where name = ?", (name,))
    database.commit()


def _has(choice: Choice, name: str) -> bool:
    return (name not in choice.names) if choice.is_exclusion else (name in choice.names)


def _shows(sees: Visibility, name: str, project: str, tags: set[str]) -> bool:
    if not _has(sees.builders, name) or not _has(sees.projects, project):
        return False
    named = bool(tags & sees.tags.names)
    return not named if sees.tags.is_exclusion else named


def _ids(database: sqlite3.Connection, query: str) -> set[int]:
    return {row[0] for row in database.execute(query)}


def request_ids(basedir: Path) -> set[int]:
    """Return the requests that a store has."""
    with closing(sqlite3.connect(basedir / "state.sqlite")) as database:
        return _ids(database, "select id from build_requests")


def shown_names(sees: Visibility) -> Iterator[str]:
    """Return the builders that are seen."""
    for name, (project, tags) in BUILDERS.items():
        if _shows(sees, name, project or "", set(tags)):
            yield name
