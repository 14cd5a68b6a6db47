"""Steps and tests that failed, of builds in memory: read once for each build."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import islice
from operator import attrgetter
from typing import Any, Self

from sqlalchemy import Connection, Select, and_, func, or_, select, true

from chargehand.domain.result import Result
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import builds, steps, test_result_sets, test_results
from chargehand.store.history.memory import Memory

_AT_ONCE = 10_000
_MOST_TESTS = 200
"""Of a build in which more tests failed, nothing can be said about one of them."""
_FAILED_STEPS = (
    select(builds.c.builder_id, steps.c.name, builds.c.started_at)
    .select_from(steps.join(builds, builds.c.id == steps.c.build_id))
    .where(is_among(steps.c.build_id), steps.c.result == int(Result.FAILURE))
)
_TEST = func.coalesce(test_results.c.test_name, test_results.c.test_code_path)
_FAILED_TESTS = (
    select(builds.c.builder_id, _TEST, builds.c.started_at)
    .select_from(
        test_result_sets.join(builds, builds.c.id == test_result_sets.c.build_id).join(
            test_results, test_results.c.test_result_set_id == test_result_sets.c.id
        )
    )
    .where(
        is_among(test_result_sets.c.build_id),
        test_result_sets.c.tests_failed.between(1, _MOST_TESTS),
        or_(
            test_result_sets.c.category == "fail_only",
            and_(test_result_sets.c.category == "pass_fail", test_results.c.value == "0"),
        ),
    )
    # A test that ran several times in a build, or in several of its steps, failed once.
    .distinct()
)
_ENDED = select(builds.c.id).where(is_among(builds.c.id), builds.c.complete == true())


class Failures:
    """When those builds began in which something failed, by builder and its name."""

    def __init__(self, failed: Select[Any], unread: Callable[[Memory], set[int]]) -> None:
        self._failed = failed
        self._unread = unread
        self.times: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    @classmethod
    def of_steps(cls) -> Self:
        """Return those of steps."""
        return cls(_FAILED_STEPS, attrgetter("failed"))

    @classmethod
    def of_tests(cls) -> Self:
        """Return those of tests, as far as steps have stored their results."""
        return cls(_FAILED_TESTS, attrgetter("failed_tests"))

    def catch_up(self, connection: Connection, memory: Memory) -> None:
        """Read what failed in the builds that have ended without success since.

        The memory may know of the end of a build that this connection does not see yet: that one
        is left for the next time.
        """
        left: set[int] = set()
        unread = self._unread(memory)
        while unread:
            some = set(islice(unread, _AT_ONCE))
            ended = set(connection.execute(_ENDED, {"ids": ids_as_json(some)}).scalars())
            found = connection.execute(self._failed, {"ids": ids_as_json(ended)}).all()
            unread -= some
            left |= some - ended
            for builder, name, started in found:
                self.times[builder][name].append(started)
        unread |= left
