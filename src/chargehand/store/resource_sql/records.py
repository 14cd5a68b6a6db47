"""Results of tests: the paths that lead to them."""

from __future__ import annotations

from sqlalchemy import false

from chargehand.resources import records
from chargehand.store.resource_sql.binding import bound
from chargehand.store.resource_sql.running import builder_named
from chargehand.store.resource_sql.shapes import scope
from chargehand.store.tables import test_result_sets

TEST_RESULT_SETS = bound(
    records.TEST_RESULT_SET,
    scopes=(
        scope("buildername")(lambda given: test_result_sets.c.builder_id == builder_named(given)),
        # Sets of results are not stored by commits.
        scope("codebaseid", "commitid1", "commitid2")(lambda _: false()),
    ),
)
