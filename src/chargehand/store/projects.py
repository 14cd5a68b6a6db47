"""Projects of builders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, insert, select, update

from chargehand.config.model import ProjectConfig
from chargehand.domain.identifiers import ProjectId
from chargehand.kit.markdown import rendered
from chargehand.store.engine.database import Database
from chargehand.store.engine.tables import projects
from chargehand.store.engine.transaction import Transaction

_project = projects.c
_FIELDS = ("slug", "description", "description_format", "description_html", "active")
_SELECT = select(_project.id, _project.name, *(_project[field] for field in _FIELDS))
_INSERT = insert(projects)
_UPDATE = (
    update(projects)
    .where(_project.id == bindparam("of"))
    .values({field: bindparam(f"new_{field}") for field in _FIELDS})
)

_Facts = tuple[str | bool | None, ...]


class Projects:
    """Keeps projects."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def sync(self, configs: Sequence[ProjectConfig]) -> dict[str, ProjectId]:
        """Record the configured projects, mark the others as inactive, return identifiers."""
        return await self._database.write(lambda transaction: _sync(transaction, configs))


def _sync(transaction: Transaction, configs: Sequence[ProjectConfig]) -> dict[str, ProjectId]:
    connection = transaction.connection
    wanted: dict[str, _Facts] = {
        config.name: (
            config.slug,
            config.description,
            config.description_format,
            rendered(config.description, config.description_format),
            True,
        )
        for config in configs
    }
    present = _present(connection)
    for name, (_id, facts) in present.items():
        wanted.setdefault(name, (*facts[:-1], False))
    altered = [
        {"of": present[name][0], **dict(zip((f"new_{f}" for f in _FIELDS), facts, strict=True))}
        for name, facts in wanted.items()
        if name in present and present[name][1] != facts
    ]
    added = [
        {"name": name, **dict(zip(_FIELDS, facts, strict=True))}
        for name, facts in wanted.items()
        if name not in present
    ]
    if altered:
        connection.execute(_UPDATE, altered)
    if added:
        connection.execute(_INSERT, added)
        present = _present(connection)
    return {config.name: ProjectId(present[config.name][0]) for config in configs}


def _present(connection: Connection) -> Mapping[str, tuple[int, _Facts]]:
    return {row[1]: (row[0], tuple(row[2:])) for row in connection.execute(_SELECT)}
