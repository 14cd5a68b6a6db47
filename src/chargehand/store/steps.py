"""Steps: added, started, told about, finished."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace
from sqlalchemy import (
    Boolean,
    Connection,
    Double,
    Integer,
    Text,
    Update,
    bindparam,
    exists,
    func,
    insert,
    select,
    true,
    update,
)

from chargehand.domain.build import Step, StepUrl
from chargehand.domain.identifiers import BuildId, StepId
from chargehand.domain.result import Result
from chargehand.events.messages import Event, StepAdded, StepFinished, StepStarted, StepUpdated
from chargehand.store.columns import as_json
from chargehand.store.database import Database
from chargehand.store.tables import steps
from chargehand.store.transaction import Transaction

_step = steps.c
_NAME_LENGTH = 50

_next_number = (
    select(func.coalesce(func.max(_step.number), -1) + 1)
    .where(_step.build_id == bindparam("build"))
    .scalar_subquery()
)
_is_taken = exists().where(_step.build_id == bindparam("build"), _step.name == bindparam("step"))
_COLUMNS = (
    "build_id",
    "number",
    "name",
    "state",
    "started_at",
    "locks_acquired_at",
    "complete",
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
            bindparam("no", False, type_=Boolean()),
            bindparam("no_urls", "[]", type_=Text()),
            bindparam("no", False, type_=Boolean()),
        ).where(~_is_taken),
    )
    .returning(_step.id, _step.number)
)
_NAMES = select(_step.name).where(_step.build_id == bindparam("build"))
_IS_IT = _step.id == bindparam("of")
_START = (
    update(steps)
    .where(_IS_IT)
    .values(started_at=bindparam("now"), locks_acquired_at=bindparam("locked"))
)
_GOT_LOCKS = update(steps).where(_IS_IT).values(locks_acquired_at=bindparam("locked"))
_SET_STATE = update(steps).where(_IS_IT).values(state=bindparam("sentence"))
_SET_URLS = update(steps).where(_IS_IT).values(urls=bindparam("links"))
_FINISH = (
    update(steps)
    .where(_IS_IT)
    .values(
        complete=true(),
        complete_at=bindparam("now"),
        result=bindparam("outcome"),
        state=bindparam("sentence"),
        hidden=bindparam("hide"),
    )
)


class Steps:
    """Keeps steps (``execution.StepStore``)."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def add_step(
        self, build_id: BuildId, name: str, state: str, *, started: bool = False
    ) -> Step:
        """Add the build's next step; the name is made unique (``_1`` …).

        One that is *started* at once has no locks to wait for.
        """
        return await self._database.insist(
            lambda transaction: _add(transaction, build_id, name, state, started)
        )

    async def start_step(self, step: Step, *, locks_acquired: bool) -> Step:
        """The step begins; announce StepStarted."""

        def use_case(transaction: Transaction) -> Step:
            now = transaction.now
            locked = now if locks_acquired else None
            transaction.connection.execute(_START, {"of": step.id, "now": now, "locked": locked})
            started = replace(step, started_at=now, locks_acquired_at=locked)
            transaction.announce(StepStarted(step=started))
            return started

        return await self._database.insist(use_case)

    async def step_got_locks(self, step: Step) -> Step:
        """Record when the step got its locks; announce StepUpdated."""

        def use_case(transaction: Transaction) -> Step:
            now = transaction.now
            transaction.connection.execute(_GOT_LOCKS, {"of": step.id, "locked": now})
            locked = replace(step, locks_acquired_at=now)
            transaction.announce(StepUpdated(step=locked))
            return locked

        return await self._database.insist(use_case)

    async def set_step_state(self, step: Step, state: str) -> Step:
        """Set the sentence; announce StepUpdated."""
        altered = replace(step, state=state)
        return await self._update(_SET_STATE, {"of": step.id, "sentence": state}, altered)

    async def add_step_url(self, step: Step, url: StepUrl) -> Step:
        """Add a link; announce StepUpdated."""
        altered = replace(step, urls=(*step.urls, url))
        values = {"of": step.id, "links": as_json(altered.urls)}
        return await self._update(_SET_URLS, values, altered)

    async def finish_step(self, step: Step, result: Result, state: str, hidden: bool) -> Step:
        """End the step; announce StepFinished."""
        return await self._database.insist(
            lambda transaction: _finish(transaction, step, result, state, hidden)
        )

    async def _update(self, statement: Update, values: Mapping[str, object], step: Step) -> Step:
        event: Event = StepUpdated(step=step)

        def use_case(transaction: Transaction) -> Step:
            transaction.connection.execute(statement, values)
            transaction.announce(event)
            return step

        return await self._database.insist(use_case)


def _finish(transaction: Transaction, step: Step, result: Result, state: str, hidden: bool) -> Step:
    now = transaction.now
    values = {
        "of": step.id,
        "now": now,
        "outcome": result,
        "sentence": state,
        "hide": hidden,
    }
    transaction.connection.execute(_FINISH, values)
    finished = replace(
        step, complete=True, complete_at=now, result=result, state=state, hidden=hidden
    )
    transaction.announce(StepFinished(step=finished))
    return finished


def _add(transaction: Transaction, build_id: BuildId, name: str, state: str, started: bool) -> Step:
    started_at = transaction.now if started else None
    values = {"build": build_id, "step": name, "sentence": state, "started": started_at}
    connection = transaction.connection
    row = connection.execute(_INSERT, values).first()
    if row is None:
        name = _free_name(connection, build_id, name)
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
    transaction.announce(StepAdded(step=step))
    if started:
        transaction.announce(StepStarted(step=step))
    return step


def _free_name(connection: Connection, build_id: BuildId, name: str) -> str:
    taken = set(connection.execute(_NAMES, {"build": build_id}).scalars())
    return numbered(name, taken)


def numbered(name: str, taken: set[str], first: int = 1) -> str:
    """Return *name* with the first number (from *first* on) that makes it unlike all of *taken*."""
    number = first
    candidate = name
    while candidate in taken:
        suffix = f"_{number}"
        candidate = name[: _NAME_LENGTH - len(suffix)] + suffix
        number += 1
    return candidate
