"""``master.db`` in tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buildbot._border.bridge import settled
from buildbot._host.views.data import DataView
from buildbot._host.views.database import DatabaseView
from buildbot._host.views.engine_access import EngineAccess
from buildbot.test.fake_state import FakeState
from buildbot.test.fakedb import Row
from buildbot.test.stored_rows import StoredRows


class FakeDatabase(DatabaseView):
    """Rows of a test, in memory: what is inserted here is what ``master.data`` returns."""

    def __init__(self, access: EngineAccess, data: DataView, rows: StoredRows) -> None:
        super().__init__(access, data)
        self._rows = rows
        self.state: Any = FakeState()

    def insert_test_data(self, rows: Sequence[Row]) -> Any:
        """Add rows of `buildbot.test.fakedb`; returns a Deferred that has fired."""
        self._rows.insert(rows)
        return settled(None)

    insertTestData = insert_test_data
