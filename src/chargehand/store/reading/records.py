"""Test results: paths."""

from __future__ import annotations

from sqlalchemy import false

from chargehand.resources import records
from chargehand.store.engine.tables import test_result_sets
from chargehand.store.reading.binding import bound
from chargehand.store.reading.running import builder_named
from chargehand.store.reading.shapes import scope

TEST_RESULT_SETS = bound(
    records.TEST_RESULT_SET,
    scopes=(
        scope("buildername")(lambda given: test_result_sets.c.builder_id == builder_named(given)),
        # Sets of results are not stored by commits.
        scope("codebaseid", "commitid1", "commitid2")(lambda _: false()),
    ),
)

KINDS = {
    "test_result_sets": TEST_RESULT_SETS,
}
"""By plural: what leads to them in a way of its own, or has something of other tables."""
