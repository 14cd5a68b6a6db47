"""Steps: start, updates, end."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from sqlalchemy import (
    Boolean,
    Connection,
    Double,
    Integer,
    Text,
    Update,
    and_,
    bindparam,
    exists,
    false,
    func,
    insert,
    select,
    true,
    update,
)

from chargehand.domain.build import NewLog, Step, StepUrl
from chargehand.domain.identifiers import BuildId, StepId
from chargehand.domain.json import Json
from chargehand.domain.ownership import NoLongerOurs
from chargehand.domain.result import Result
from chargehand.domain.sentence import sentence
from chargehand.events.messages import Event, StepAdded, StepFinished, StepStarted, StepUpdated
from chargehand.execution.ports import AddedStep
from chargehand.kit.values import replace
from chargehand.store import open_builds
from chargehand.store.engine.columns import as_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.tables import builds, steps
from chargehand.store.engine.transaction import Transaction
from chargehand.store.logs import rows as log_rows
from chargehand.store.logs.logs import Logs
from chargehand.store.names import numbered, with_number

_step = steps.c

Values = dict[str, int | float | str | None]

_MOST_NAMES = 1024
"""How many names of steps have their next number in memory."""

_next_number = (
    select(func.coalesce(func.max(_step.number), -1) + 1)
    .where(_step.build_id == bindparam("build"))
    .scalar_subquery()
)
_is_taken = exists().where(_step.build_id == bindparam("build"), _step.name == bindparam("step"))
_IS_OPEN = and_(builds.c.id == bindparam("build"), builds.c.complete == false())
_COLUMNS = (
    "build_id",
    "number",
    "name",
    "state",
    "started_at",
    "locks_acquired_at",
    "complete",
    "complete_at",
    "result",
    "urls",
    "hidden",
)
# Adds nothing when the name is taken. Only the master that runs a build adds steps to it.
_INSERT = (
    insert(steps)
    .from_select(
        _COLUMNS,
        select(
            bindparam("build", type_=Integer()),
            _next_number,
            bindparam("step", type_=Text()),
            bindparam("sentence", type_=Text()),
            bindparam("started", type_=Double()),
            bindparam("started", type_=Double()),
            bindparam("over", False, type_=Boolean()),
            bindparam("ended", None, type_=Double()),
            bindparam("outcome", None, type_=Integer()),
            bindparam("no_urls", "[]", type_=Text()),
            bindparam("no", False, type_=Boolean()),
        ).where(~_is_taken, exists().where(_IS_OPEN)),
    )
    .returning(_step.id, _step.number)
)
_NAMES = select(_step.name).where(_step.build_id == bindparam("build"))
# A build that was taken from a master has ended, and its steps with it.
# The taking over of a build waits until what is written now is committed; or this waits for
# that, finds the build ended, and alters nothing. SQLite has one writer, and no such locks.
_IS_IT = and_(
    _step.id == bindparam("of"),
    _step.build_id.in_(select(builds.c.id).where(_IS_OPEN).with_for_update(read=True)),
)
_START = (
    update(steps)
    .where(_IS_IT)
    .values(started_at=bindparam("now"), locks_acquired_at=bindparam("locked"))
)
_GOT_LOCKS = update(steps).where(_IS_IT).values(locks_acquired_at=bindparam("locked"))
_SET_STATE = update(steps).where(_IS_IT).values(state=bindparam("sentence"))
_SET_STATISTICS = update(steps).where(_IS_IT).values(statistics=bindparam("counted"))
_SET_URLS = update(steps).where(_IS_IT).values(urls=bindparam("links"))
_FINISH = (
    update(steps)
    .where(_IS_IT, _step.complete == false())
    .values(
        complete=true(),
        complete_at=bindparam("now"),
        result=bindparam("outcome"),
        state=bindparam("sentence"),
        hidden=bindparam("hide"),
    )
)


class Steps:
    """Stores steps (``execution.StepStore``).

    Callers wait only for adding a step; later changes are recorded in the order of the calls, and
    returned in advance.
    """

    def __init__(self, *, database: Database, logs: Logs) -> None:
        self._database = database
        self._logs = logs
        self._next: OrderedDict[tuple[BuildId, str], int] = OrderedDict()
        """The first free number of a name in a build, for names with many steps: finding it again
        takes as long as there are steps."""

    async def add_step(
        self,
        build_id: BuildId,
        name: str,
        state: str,
        *,
        started: bool = False,
        log: NewLog | None = None,
    ) -> AddedStep:
        """Add the build's next step, and its first log; the name is made unique (``_1`` …).

        One that is *started* at once has no locks to wait for.
        """

        number = self._next.pop((build_id, name), 0)

        def use_case(transaction: Transaction) -> AddedStep:
            started_at = transaction.now if started else None
            step = _add(transaction, build_id, name, sentence(state), started_at, number=number)
            if log is None:
                return AddedStep(step, None)
            return AddedStep(step, log_rows.add(transaction, step.id, log))

        added = await self._database.insist(use_case, sequence=build_id)
        if added.step.name == (with_number(name, number) if number else name):
            self._next[build_id, name] = number + 1
            if len(self._next) > _MOST_NAMES:
                self._next.popitem(last=False)
        if added.log is not None:
            self._logs.begin(added.log)
        return added

    def add_finished_step(
        self, build_id: BuildId, name: str, state: str, result: Result, started_at: float
    ) -> None:
        """Add a finished step; announce StepAdded, StepStarted and StepFinished."""
        ended_at = self._database.now()
        state = sentence(state)

        def use_case(transaction: Transaction) -> None:
            end: Values = {"over": True, "ended": ended_at, "outcome": result}
            step = _add(transaction, build_id, name, state, started_at, end)
            transaction.announce(StepFinished(step=_finished(step, result, state, False, ended_at)))

        self._database.record(use_case, sequence=build_id)

    def start_step(self, step: Step, *, locks_acquired: bool) -> Step:
        """Start the step; announce StepStarted."""
        now = self._database.now()
        locked = now if locks_acquired else None
        started = replace(step, started_at=now, locks_acquired_at=locked)
        values: Values = {**_keys(step), "now": now, "locked": locked}
        return self._record(_START, values, started, StepStarted(step=started))

    def step_got_locks(self, step: Step) -> Step:
        """Record the time at which the step got its locks; announce StepUpdated."""
        now = self._database.now()
        locked = replace(step, locks_acquired_at=now)
        values: Values = {**_keys(step), "locked": now}
        return self._record(_GOT_LOCKS, values, locked, StepUpdated(step=locked))

    def set_step_state(self, step: Step, state: str) -> Step:
        """Set the sentence; announce StepUpdated."""
        state = sentence(state)
        altered = replace(step, state=state)
        values: Values = {**_keys(step), "sentence": state}
        return self._record(_SET_STATE, values, altered, StepUpdated(step=altered))

    def add_step_url(self, step: Step, url: StepUrl, replaces: str | None = None) -> Step:
        """Add a link, in the place of the one called *replaces*; announce StepUpdated."""
        altered = step.with_url(url, replaces)
        values: Values = {**_keys(step), "links": as_json(altered.urls)}
        return self._record(_SET_URLS, values, altered, StepUpdated(step=altered))

    def set_step_statistics(self, step: Step, statistics: Mapping[str, Json]) -> None:
        """Set what the step has counted. Raises TypeError for values that cannot be stored."""
        values: Values = {**_keys(step), "counted": as_json(statistics)}
        self._database.record(
            lambda transaction: _alter(transaction, _SET_STATISTICS, values),
            sequence=step.build_id,
        )

    def finish_step(self, step: Step, result: Result, state: str, hidden: bool) -> Step:
        """End the step; announce StepFinished."""
        now = self._database.now()
        state = sentence(state)
        self._database.record(
            lambda transaction: _finish(transaction, step, result, state, hidden, now),
            sequence=step.build_id,
        )
        return _finished(step, result, state, hidden, now)

    def _record(self, statement: Update, values: Values, step: Step, event: Event) -> Step:
        def use_case(transaction: Transaction) -> None:
            _alter(transaction, statement, values)
            transaction.announce(event)

        self._database.record(use_case, sequence=step.build_id)
        return step


def _keys(step: Step) -> Values:
    return {"of": step.id, "build": step.build_id}


def _alter(transaction: Transaction, statement: Update, values: Mapping[str, object]) -> None:
    if not transaction.connection.execute(statement, values).rowcount:
        raise NoLongerOurs("its build was taken over, or has ended")


def _finish(
    transaction: Transaction, step: Step, result: Result, state: str, hidden: bool, now: float
) -> None:
    values = {
        **_keys(step),
        "now": now,
        "outcome": result,
        "sentence": state,
        "hide": hidden,
    }
    _alter(transaction, _FINISH, values)
    transaction.announce(StepFinished(step=_finished(step, result, state, hidden, now)))


def _finished(step: Step, result: Result, state: str, hidden: bool, now: float) -> Step:
    return replace(step, complete=True, complete_at=now, result=result, state=state, hidden=hidden)


def _add(
    transaction: Transaction,
    build_id: BuildId,
    name: str,
    state: str,
    started_at: float | None,
    end: Values | None = None,
    *,
    number: int = 0,
) -> Step:
    wanted = name
    if number:
        name = with_number(wanted, number)
    values = {"build": build_id, "step": name, "sentence": state, "started": started_at}
    if end is not None:
        values |= end
    connection = transaction.connection
    if connection.dialect.name != "sqlite":
        open_builds.hold(connection, build_id)
    row = connection.execute(_INSERT, values).first()
    if row is None:
        if not open_builds.hold(connection, build_id):
            raise NoLongerOurs("its build was taken over, or has ended")
        name = _free_name(connection, build_id, wanted)
        row = connection.execute(_INSERT, {**values, "step": name}).one()
    step = Step(
        id=StepId(row[0]),
        build_id=build_id,
        number=row[1],
        name=name,
        state=state,
        started_at=started_at,
        locks_acquired_at=started_at,
    )
    if started_at is None:
        transaction.announce(StepAdded(step=step))
        return step
    # Each event says what was the case by then.
    pending = replace(step, state="pending", started_at=None, locks_acquired_at=None)
    transaction.announce(StepAdded(step=pending))
    transaction.announce(StepStarted(step=step))
    return step


def _free_name(connection: Connection, build_id: BuildId, name: str) -> str:
    taken = set(connection.execute(_NAMES, {"build": build_id}).scalars())
    return numbered(name, taken)
