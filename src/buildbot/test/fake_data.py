"""``master.data`` in tests: rows that the test puts there, and what was ordered."""

from __future__ import annotations

import copy
from typing import Any

from buildbot._border.bridge import settled
from buildbot._host.views.data import DataView
from buildbot._host.views.engine_access import EngineAccess

Row = dict[str, Any]


class FakeUpdates:
    """``master.data.updates``: changes and buildsets are kept as they were added."""

    def __init__(self) -> None:
        self.changesAdded: list[Row] = []
        self.buildsetsAdded: list[Row] = []

    def addChange(
        self,
        files: Any = None,
        comments: Any = None,
        author: Any = None,
        committer: Any = None,
        revision: Any = None,
        when_timestamp: Any = None,
        branch: Any = None,
        category: Any = None,
        revlink: Any = "",
        properties: Any = None,
        repository: Any = "",
        codebase: Any = None,
        project: Any = "",
        src: Any = None,
    ) -> Any:
        """Keep a change; returns a Deferred of its number."""
        change = {name: value for name, value in locals().items() if name != "self"}
        change["properties"] = dict(properties or {})
        self.changesAdded.append(change)
        return settled(len(self.changesAdded))

    def addBuildset(self, **buildset: Any) -> Any:
        """Keep a buildset; returns a Deferred of its number and its requests' by builder."""
        self.buildsetsAdded.append(buildset)
        number = len(self.buildsetsAdded)
        builders = buildset.get("builderids") or ()
        return settled((number, {one: 1000 * number + one for one in builders}))


class FakeData(DataView):
    """Reads what the test has inserted with ``master.db.insert_test_data``.

    ``rows`` has what `get` returns instead, by path: ``data.rows[("builds", "20")] = {...}``.
    """

    def __init__(self, access: EngineAccess) -> None:
        super().__init__(access)
        self.updates: Any = FakeUpdates()
        self.rows: dict[tuple[str, ...], Any] = {}

    async def fetch(self, path: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a copy of what is there; None or an empty list where there is nothing."""
        parts = path.strip("/").split("/") if isinstance(path, str) else path
        key = tuple(map(str, parts))
        if key in self.rows:
            return copy.deepcopy(self.rows[key])
        return copy.deepcopy(await super().fetch(path, *args, **kwargs))
