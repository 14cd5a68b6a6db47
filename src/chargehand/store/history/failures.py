"""Steps that failed, of builds in memory: read once for each build."""

from __future__ import annotations

from collections import defaultdict
from itertools import islice

from sqlalchemy import Connection, select, true

from chargehand.domain.result import Result
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import builds, steps
from chargehand.store.history.memory import Memory

_AT_ONCE = 10_000
_FAILED = (
    select(builds.c.builder_id, steps.c.name, builds.c.started_at)
    .select_from(steps.join(builds, builds.c.id == steps.c.build_id))
    .where(is_among(steps.c.build_id), steps.c.result == int(Result.FAILURE))
)
_ENDED = select(builds.c.id).where(is_among(builds.c.id), builds.c.complete == true())


class Failures:
    """When those builds began in which a step failed, by builder and step."""

    def __init__(self) -> None:
        self.times: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def catch_up(self, connection: Connection, memory: Memory) -> None:
        """Read the failed steps of the builds that have ended without success since.

        The memory may know of the end of a build that this connection does not see yet: that one
        is left for the next time.
        """
        left: set[int] = set()
        while memory.failed:
            some = set(islice(memory.failed, _AT_ONCE))
            ended = set(connection.execute(_ENDED, {"ids": ids_as_json(some)}).scalars())
            found = connection.execute(_FAILED, {"ids": ids_as_json(ended)}).all()
            memory.failed -= some
            left |= some - ended
            for builder, step, started in found:
                self.times[builder][step].append(started)
        memory.failed |= left
