"""Rows of logs: metadata, and the text of short ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import (
    Boolean,
    Connection,
    Integer,
    LargeBinary,
    Text,
    Update,
    bindparam,
    exists,
    false,
    insert,
    select,
    true,
    update,
)

from chargehand.domain.build import Log, LogType, NewLog
from chargehand.domain.command import Origin
from chargehand.domain.identifiers import LogId, MasterId, StepId
from chargehand.domain.ownership import NoLongerOurs
from chargehand.domain.result import Result
from chargehand.events.messages import LogAdded
from chargehand.store import open_builds
from chargehand.store.build_rows import LOG_COLUMNS, log_of
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import builds, logs, steps, workers
from chargehand.store.engine.transaction import Transaction
from chargehand.store.logs.text import DELETED_TEXT
from chargehand.store.names import numbered

_log = logs.c
_COLUMNS = ("step_id", "name", "slug", "type", "complete", "line_count", "size", "content")
_IS_STEPS = _log.step_id == bindparam("step")
# Adds nothing when the slug is taken, or the build has ended. Only the master that runs a step adds
# logs to it.
_IS_OPEN = exists().where(
    steps.c.id == bindparam("step"), builds.c.id == steps.c.build_id, builds.c.complete == false()
)
_INSERT = (
    insert(logs)
    .from_select(
        _COLUMNS,
        select(
            bindparam("step", type_=Integer()),
            bindparam("title", type_=Text()),
            bindparam("short", type_=Text()),
            bindparam("letter", type_=Text()),
            bindparam("no", False, type_=Boolean()),
            bindparam("none", 0, type_=Integer()),
            bindparam("none", 0, type_=Integer()),
            bindparam("empty", b"", type_=LargeBinary()),
        ).where(~exists().where(_IS_STEPS, _log.slug == bindparam("short")), _IS_OPEN),
    )
    .returning(_log.id)
)
_SLUGS = select(_log.slug).where(_IS_STEPS)
_IS_IT = _log.id == bindparam("of")
_SELECT = select(*LOG_COLUMNS, _log.size, _log.content).where(_IS_IT)
# A log of a build that was taken over ended with it: no row is altered. The first to update the row
# has it; the other finds the condition false.
_IS_INCOMPLETE = (_IS_IT, _log.complete == false())
_SET_CONTENT = (
    update(logs)
    .where(*_IS_INCOMPLETE)
    .values(content=bindparam("records"), line_count=bindparam("lines"), size=bindparam("bytes"))
)
_SET_ALL = _SET_CONTENT.values(complete=true())
# The rest of a log of an interrupted build, which a worker brings later: the row says all the time
# that the log is complete, so that no kill of this master leaves it open.
_IS_ENDED = (_IS_IT, _log.complete == true(), _log.type != LogType.DELETED.value)
_SET_ENDED = (
    update(logs)
    .where(*_IS_ENDED)
    .values(content=bindparam("records"), line_count=bindparam("lines"), size=bindparam("bytes"))
)
_MEASURE_ENDED = (
    update(logs).where(*_IS_ENDED).values(line_count=bindparam("lines"), size=bindparam("bytes"))
)
_MEASURE = (
    update(logs)
    .where(*_IS_INCOMPLETE)
    .values(line_count=bindparam("lines"), size=bindparam("bytes"))
)
_ENDED = select(_log.id).where(is_among(_log.id), _log.complete == true())
_FINISH = _MEASURE.values(complete=true())
# The row stays: it says that there was a log. A sentence is shown as its only line.
_DELETE_TEXT = (
    update(logs)
    .where(is_among(_log.id), _log.complete == true())
    .values(type=LogType.DELETED.value, content=b"", line_count=1, size=len(DELETED_TEXT))
)
_LEFT_OPEN = (
    select(_log.id)
    .select_from(logs.join(steps).join(builds))
    .where(
        builds.c.master_id == bindparam("master"),
        builds.c.complete == false(),
        _log.complete == false(),
        _log.content.is_(None),
    )
)


_STEP_IS_OPEN = select(steps.c.id).where(
    steps.c.id == bindparam("step"), steps.c.complete == false()
)
_NAMED = select(*LOG_COLUMNS).where(_IS_STEPS, _log.name == bindparam("title"))
# Of a build that this master lost, and on this worker: another database, or another master, may
# have given the same numbers to others.
_OF_INTERRUPTED = (
    select(*LOG_COLUMNS)
    .select_from(
        logs.join(steps, steps.c.id == _log.step_id)
        .join(builds, builds.c.id == steps.c.build_id)
        .join(workers, workers.c.id == builds.c.worker_id)
    )
    .where(
        _IS_STEPS,
        _log.name == bindparam("title"),
        _log.complete == true(),
        _log.type != LogType.DELETED.value,
        builds.c.id == bindparam("build"),
        builds.c.complete == true(),
        builds.c.result == int(Result.RETRY),
        builds.c.master_id == bindparam("master"),
        workers.c.name == bindparam("worker"),
    )
)


class StoredLog(msgspec.Struct, frozen=True):
    """A log's row; ``content`` is None when its text is in a file."""

    log: Log
    size: int
    content: bytes | None


def add(transaction: Transaction, step_id: StepId, new: NewLog) -> Log:
    """Add a log, its slug made unique in its step; announce LogAdded. Raises NoLongerOurs."""
    connection = transaction.connection
    slug = new.slug
    if connection.dialect.name != "sqlite":
        open_builds.hold_of_step(connection, step_id)
    values = {"step": step_id, "title": new.name, "short": slug, "letter": new.type.value}
    id_ = connection.execute(_INSERT, values).scalar()
    if id_ is None:
        if not open_builds.hold_of_step(connection, step_id):
            raise NoLongerOurs("its build was taken over, or has ended")
        taken = set(connection.execute(_SLUGS, {"step": step_id}).scalars())
        slug = numbered(slug, taken, first=2)
        id_ = connection.execute(_INSERT, {**values, "short": slug}).scalar_one()
    log = Log(id=LogId(id_), step_id=step_id, name=new.name, slug=slug, type=new.type)
    transaction.announce(LogAdded(log=log))
    return log


def stored(connection: Connection, log_id: LogId) -> StoredLog:
    """Return a log's row. Raises LookupError."""
    row = connection.execute(_SELECT, {"of": log_id}).first()
    if row is None:
        raise LookupError(f"there is no log {log_id}")
    content = None if row[-1] is None else bytes(row[-1])
    return StoredLog(log_of(row), row[-2], content)


def set_content(
    transaction: Transaction, log: Log, size: int, content: bytes | None, *, is_ended: bool = False
) -> None:
    """Set the records of a short log, or None when they have moved. Raises NoLongerOurs.

    A log that *is_ended* stays complete.
    """
    values = {"of": log.id, "records": content, "lines": log.line_count, "bytes": size}
    statement = _SET_ALL if log.complete else _SET_CONTENT
    _alter(transaction, _SET_ENDED if is_ended else statement, values)


def measure(transaction: Transaction, measures: Sequence[tuple[LogId, int, int]]) -> set[LogId]:
    """Set the numbers of lines and bytes of some logs; return those that have ended."""
    rows: Sequence[dict[str, object]] = [
        {"of": log_id, "lines": line_count, "bytes": size} for log_id, line_count, size in measures
    ]
    transaction.connection.execute(_MEASURE, rows)
    ids = {"ids": ids_as_json(measured[0] for measured in measures)}
    return {LogId(row[0]) for row in transaction.connection.execute(_ENDED, ids)}


def finish(transaction: Transaction, log: Log, size: int, *, is_ended: bool = False) -> None:
    """Bring the row of a log that is in a file up to date for the last time.

    Raises NoLongerOurs.
    """
    values = {"of": log.id, "lines": log.line_count, "bytes": size}
    _alter(transaction, _MEASURE_ENDED if is_ended else _FINISH, values)


def _alter(transaction: Transaction, statement: Update, values: Mapping[str, object]) -> None:
    if not transaction.connection.execute(statement, values).rowcount:
        raise NoLongerOurs("its build was taken over, or the log is finished")


def delete_texts(transaction: Transaction, log_ids: Iterable[LogId]) -> None:
    """Delete the text of finished logs; they become logs of type DELETED."""
    transaction.connection.execute(_DELETE_TEXT, {"ids": ids_as_json(log_ids)})


def left_open(connection: Connection, master_id: MasterId) -> list[LogId]:
    """Return the logs in files that a master had open when it was killed."""
    return [LogId(id_) for id_ in connection.execute(_LEFT_OPEN, {"master": master_id}).scalars()]


def of_open_step(connection: Connection, step_id: StepId, name: str) -> list[Log] | None:
    """Return the logs of this name of a step; None when the step is complete, or unknown."""
    if connection.execute(_STEP_IS_OPEN, {"step": step_id}).first() is None:
        return None
    found = connection.execute(_NAMED, {"step": step_id, "title": name})
    return [log_of(row) for row in found]


def of_interrupted_step(
    connection: Connection, origin: Origin, name: str, *, worker_name: str, master_id: MasterId
) -> list[Log]:
    """Return the finished logs of this name of a step of a build that was interrupted."""
    values = {
        "step": origin.step_id,
        "title": name,
        "build": origin.build_id,
        "master": master_id,
        "worker": worker_name,
    }
    return [log_of(row) for row in connection.execute(_OF_INTERRUPTED, values)]
