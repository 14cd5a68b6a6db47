"""Allows writes to a build's steps and logs only while the build is open.

Taking a build over ends it in the same transaction, with its steps and logs; later writes of the
former master find it closed.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, false, select

from chargehand.domain.identifiers import BuildId, StepId
from chargehand.store.engine.tables import builds, steps

# Taking the build over waits for the commit of this write, and then ends it, too. SQLite has a
# single writer, and no such locks.
_BUILD = (
    select(builds.c.id)
    .where(builds.c.id == bindparam("build"), builds.c.complete == false())
    .with_for_update(read=True)
)
_BUILD_OF_STEP = (
    select(builds.c.id)
    .select_from(builds.join(steps))
    .where(steps.c.id == bindparam("step"), builds.c.complete == false())
    .with_for_update(read=True, of=builds)
)


def hold(connection: Connection, build_id: BuildId) -> bool:
    """Keep the build open for the rest of the transaction; False if it has ended."""
    return connection.execute(_BUILD, {"build": build_id}).first() is not None


def hold_of_step(connection: Connection, step_id: StepId) -> bool:
    """Keep a step's build open for the rest of the transaction; False if it has ended."""
    return connection.execute(_BUILD_OF_STEP, {"step": step_id}).first() is not None
