"""Interrupted builds: reads them, and applies the decisions about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, Select, bindparam, false, select, true, update

from chargehand.domain.build import Build, Step
from chargehand.domain.identifiers import BuildId, RequestId
from chargehand.domain.result import Result
from chargehand.domain.unfinished import UnfinishedBuild
from chargehand.events.messages import BuildFinished, LogFinished, StepFinished
from chargehand.kit.values import replace
from chargehand.store.build_rows import (
    BUILD_COLUMNS,
    LOG_COLUMNS,
    STEP_COLUMNS,
    build_of,
    log_of,
    step_of,
)
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.portable import Updating, is_among
from chargehand.store.engine.tables import builders, builds, logs, steps
from chargehand.store.engine.transaction import Transaction
from chargehand.store.request_rows import Claim

_build = builds.c

_IS_UNFINISHED = (_build.master_id == bindparam("master"), _build.complete == false())
_SELECT = select(*BUILD_COLUMNS).order_by(_build.id)
_OF_EARLIER_EPOCHS = _SELECT.where(*_IS_UNFINISHED, _build.epoch < bindparam("in_epoch"))
_OF_REQUESTS = _SELECT.where(
    *_IS_UNFINISHED, _build.epoch == bindparam("in_epoch"), is_among(_build.request_id)
)
_BUILDERS = select(builders.c.id, builders.c.name).where(is_among(builders.c.id))
_STEPS = (
    select(*STEP_COLUMNS)
    .where(is_among(steps.c.build_id), steps.c.complete == false())
    .order_by(steps.c.id)
)
# Skips builds that were finished or taken over meanwhile.
_IS_LEFT = (is_among(_build.id), *_IS_UNFINISHED, _build.epoch <= bindparam("in_epoch"))
_END_BUILDS = Updating(
    update(builds)
    .where(*_IS_LEFT)
    .values(
        complete=true(),
        complete_at=bindparam("now"),
        result=int(Result.RETRY),
        state=bindparam("sentence"),
    ),
    (_build.id,),
    select(_build.id).where(*_IS_LEFT),
)
# Anything that a stalled master still adds to a build is committed before the build can end, so it
# is all visible here, regardless of what was known at the decision.
_OPEN_STEPS = (is_among(steps.c.build_id), steps.c.complete == false())
_END_STEPS = Updating(
    update(steps)
    .where(*_OPEN_STEPS)
    .values(complete=true(), complete_at=bindparam("now"), result=int(Result.RETRY)),
    STEP_COLUMNS,
    select(*STEP_COLUMNS).where(*_OPEN_STEPS),
)
_OPEN_LOGS = (
    logs.c.step_id.in_(select(steps.c.id).where(is_among(steps.c.build_id))),
    logs.c.complete == false(),
)
_END_LOGS = Updating(
    update(logs).where(*_OPEN_LOGS).values(complete=true()),
    LOG_COLUMNS,
    select(*LOG_COLUMNS).where(*_OPEN_LOGS),
)


def of_earlier_epochs(connection: Connection, now: Claim) -> tuple[UnfinishedBuild, ...]:
    """Return what the master left unfinished in epochs before *now*'s."""
    return _unfinished(connection, _OF_EARLIER_EPOCHS, now.parameters)


def of_requests(
    connection: Connection, ids: Iterable[RequestId], claim: Claim
) -> tuple[UnfinishedBuild, ...]:
    """Return the unfinished builds of these requests with this claim."""
    return _unfinished(connection, _OF_REQUESTS, {"ids": ids_as_json(ids), **claim.parameters})


def retry(
    transaction: Transaction, unfinished: Sequence[UnfinishedBuild], why: str, claim: Claim
) -> int:
    """End builds of the master in that epoch or earlier ones as RETRY.

    Does not change their requests. Returns the number of builds.
    """
    values: dict[str, object] = {"ids": ids_as_json(one.build.id for one in unfinished)}
    values.update(claim.parameters, now=transaction.now, sentence=why)
    ended = {BuildId(row[0]) for row in _END_BUILDS.rows(transaction.connection, values)}
    ours = [one for one in unfinished if one.build.id in ended]
    if ours:
        of_builds = {"ids": ids_as_json(ended), "now": transaction.now}
        _end_logs(transaction, of_builds)
        _end_steps(transaction, of_builds)
    for one in ours:
        build = replace(
            one.build, complete=True, complete_at=transaction.now, result=Result.RETRY, state=why
        )
        transaction.announce(BuildFinished(build=build, builder_name=one.builder_name))
    return len(ours)


def _end_logs(transaction: Transaction, of_builds: Mapping[str, object]) -> None:
    ended = map(log_of, _END_LOGS.rows(transaction.connection, of_builds))
    for log in sorted(ended, key=lambda log: log.id):
        transaction.announce(LogFinished(log=replace(log, complete=True)))


def _end_steps(transaction: Transaction, of_builds: Mapping[str, object]) -> None:
    now = transaction.now
    ended = map(step_of, _END_STEPS.rows(transaction.connection, of_builds))
    for step in sorted(ended, key=lambda step: step.id):
        over = replace(step, complete=True, complete_at=now, result=Result.RETRY)
        transaction.announce(StepFinished(step=over))


def _unfinished(
    connection: Connection, query: Select[tuple[object, ...]], values: Mapping[str, object]
) -> tuple[UnfinishedBuild, ...]:
    found: list[Build] = [build_of(row) for row in connection.execute(query, values)]
    if not found:
        return ()
    ids = {"ids": ids_as_json(build.id for build in found)}
    open_steps: dict[BuildId, list[Step]] = defaultdict(list)
    for step in map(step_of, connection.execute(_STEPS, ids)):
        open_steps[step.build_id].append(step)
    of_builders = {"ids": ids_as_json({build.builder_id for build in found})}
    names = {row[0]: row[1] for row in connection.execute(_BUILDERS, of_builders)}
    return tuple(
        UnfinishedBuild(
            build=build,
            steps=tuple(open_steps[build.id]),
            builder_name=names.get(build.builder_id, ""),
        )
        for build in found
    )
