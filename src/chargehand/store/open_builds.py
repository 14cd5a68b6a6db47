"""What belongs to a build may be written while the build is open, and not afterwards.

A build that is taken from a master ends in the same transaction, with its steps and logs; whatever
the master writes later finds it closed.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, false, select

from chargehand.domain.identifiers import BuildId, StepId
from chargehand.store.engine.tables import builds, steps

# Whoever takes the build over waits until what is written now is committed, and then ends it, too.
# SQLite has one writer, and no such locks.
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
    """Keep the build open for the rest of the transaction; False when it has ended."""
    return connection.execute(_BUILD, {"build": build_id}).first() is not None


def hold_of_step(connection: Connection, step_id: StepId) -> bool:
    """Keep the build of a step open for the rest of the transaction; False when it has ended."""
    return connection.execute(_BUILD_OF_STEP, {"step": step_id}).first() is not None
