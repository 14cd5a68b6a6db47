"""What the tables of ``master.db`` have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from buildbot._host.views.data import DataView
from buildbot._host.views.rows import Model, identified


class TableView:
    """A table of ``master.db``, read by the paths of the REST API."""

    _key: ClassVar[str]
    """The field with the identifier."""

    def __init__(self, data: DataView) -> None:
        self._data = data

    def _model(self, row: dict[str, Any]) -> Model:
        """Return a row as users' code gets it."""
        return identified(row, self._key)

    async def _one(self, *path: Any) -> Model | None:
        """Return the row at a path, or None."""
        row = await self._data.fetch(path)
        return None if row is None else self._model(row)

    async def _all(self, *path: Any) -> list[Model]:
        """Return the rows at a path."""
        return [self._model(row) for row in await self._data.fetch(path)]

    async def _selected(
        self, table: str, wanted: dict[str, Any], resultspec: Any = None
    ) -> list[Model]:
        """Return the rows of a collection with these values; None is any value."""
        rows = await self._data.select(table, wanted, resultspec)
        return [self._model(row) for row in rows]

    async def _identifier(self, *path: Any) -> int | None:
        """Return the identifier of the row at a path, or None."""
        row = await self._data.fetch(path)
        return None if row is None else int(row[self._key])

    async def _named(self, table: str, name: str) -> int | None:
        """Return the identifier of the row of a collection with this name, or None."""
        rows = await self._data.select(table, {"name": name})
        return int(rows[0][self._key]) if rows else None


class OwnedTableView(TableView):
    """A table whose rows belong to a master while it runs them."""

    _shown: ClassVar[tuple[str, ...]] = ("name",)

    def _model(self, row: dict[str, Any]) -> Model:
        """Return a row with its master's identifier."""
        master = row.get("master")
        return Model(
            {"id": row[self._key], **{name: row[name] for name in self._shown}},
            masterid=None if master is None else master["masterid"],
        )

    async def _owned(self, table: str, active: bool | None, masterid: int | None) -> list[Model]:
        """Return the rows that a master runs, or none does; of one master where given."""
        return [
            row
            for row in await self._all(table)
            if active in (None, row["masterid"] is not None) and masterid in (None, row["masterid"])
        ]
