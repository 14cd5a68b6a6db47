"""Builders, and the masters that run them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from chargehand.config.model import BuilderConfig
from chargehand.domain.builder import Builder, VirtualBuilder
from chargehand.domain.identifiers import BuilderId, MasterId
from chargehand.events.messages import BuilderChanged
from chargehand.kit.markdown import rendered
from chargehand.store.engine.columns import as_json, ids_as_json
from chargehand.store.engine.database import Database
from chargehand.store.engine.mapping import Rows
from chargehand.store.engine.portable import is_among
from chargehand.store.engine.tables import builder_masters, builders, projects
from chargehand.store.engine.transaction import Transaction

_builder = builders.c
_runs = builder_masters.c
_FIELDS = ("description", "description_format", "description_html", "project_id", "tags")
_SELECT = select(_builder.id, _builder.name, *(_builder[field] for field in _FIELDS))
_NAMED = select(_builder.id, *(_builder[field] for field in _FIELDS)).where(
    _builder.name == bindparam("named")
)
_PROJECT_NAMED = select(projects.c.id).where(projects.c.name == bindparam("named"))
_builders = Rows(Builder, builders, elsewhere=("master_ids",))
_BY_IDS = select(_builder.id, *_builders.columns).where(is_among(_builder.id))
_INSERT = insert(builders)
_UPDATE = (
    update(builders)
    .where(_builder.id == bindparam("of"))
    .values({field: bindparam(f"new_{field}") for field in _FIELDS})
)
_OF_MASTER = select(_runs.builder_id).where(_runs.master_id == bindparam("master"))
MASTERS = (
    select(_runs.builder_id, _runs.master_id)
    .where(is_among(_runs.builder_id))
    .order_by(_runs.builder_id, _runs.master_id)
)
"""Query for the masters that run some builders."""
_RUN = insert(builder_masters)
_STOP = delete(builder_masters).where(
    is_among(_runs.builder_id), _runs.master_id == bindparam("master")
)
_STOP_ALL = delete(builder_masters).where(_runs.master_id == bindparam("master"))

_Facts = tuple[str | None, str | None, str | None, int | None, str]
_Present = dict[str, tuple[BuilderId, _Facts]]


class Builders:
    """Keeps builders."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def sync(
        self, configs: Sequence[BuilderConfig], master_id: MasterId
    ) -> dict[str, BuilderId]:
        """Record that this master runs these builders and no others; return their identifiers.

        Takes few statements however many there are, writes changed ones only, and announces
        BuilderChanged ("started", "update", "stopped") for those. Projects must be stored first.
        """
        return await self._database.write(
            lambda transaction: _sync(transaction, configs, master_id)
        )


def virtual_id(transaction: Transaction, virtual: VirtualBuilder) -> BuilderId:
    """Return the identifier of a virtual builder, made or brought up to date; announce
    BuilderChanged then. One that masters have configured stays as they configured it."""
    connection = transaction.connection
    found = connection.execute(_NAMED, {"named": virtual.name}).first()
    project = None
    if virtual.project is not None:
        project = connection.execute(_PROJECT_NAMED, {"named": virtual.project}).scalar()
    facts: _Facts = (virtual.description, None, None, project, as_json(virtual.tags))
    if found is None:
        row = {"name": virtual.name, **dict(zip(_FIELDS, facts, strict=True))}
        connection.execute(_INSERT, row)
        id_ = BuilderId(connection.execute(_NAMED, {"named": virtual.name}).one()[0])
    else:
        id_ = BuilderId(found[0])
        if (
            tuple(found[1:]) == facts
            or connection.execute(MASTERS, {"ids": ids_as_json([id_])}).all()
        ):
            return id_
        connection.execute(_UPDATE, _altered_row(id_, facts))
    _announce(transaction, {id_: "update"})
    return id_


def stop_all(transaction: Transaction, master_id: MasterId) -> None:
    """Record that a master stopped its builders; announce BuilderChanged for each."""
    connection = transaction.connection
    values = {"master": master_id}
    stopped = {BuilderId(row[0]) for row in connection.execute(_OF_MASTER, values).all()}
    if stopped:
        connection.execute(_STOP_ALL, values)
        _announce(transaction, dict.fromkeys(stopped, "stopped"))


def _sync(
    transaction: Transaction, configs: Sequence[BuilderConfig], master_id: MasterId
) -> dict[str, BuilderId]:
    connection = transaction.connection
    wanted = _wanted(connection, configs)
    present = _present(connection)
    altered = {
        name for name, facts in wanted.items() if name in present and present[name][1] != facts
    }
    if altered:
        connection.execute(_UPDATE, [_altered_row(present[n][0], wanted[n]) for n in altered])
    added = [name for name in wanted if name not in present]
    if added:
        rows = [{"name": n, **dict(zip(_FIELDS, wanted[n], strict=True))} for n in added]
        connection.execute(_INSERT, rows)
    if added:
        present = _present(connection)
    ids = {name: present[name][0] for name in wanted}
    verbs = {ids[name]: "update" for name in altered} | _run(connection, ids.values(), master_id)
    if verbs:
        _announce(transaction, verbs)
    return ids


def _wanted(connection: Connection, configs: Sequence[BuilderConfig]) -> dict[str, _Facts]:
    project_ids = {
        row[1]: row[0] for row in connection.execute(select(projects.c.id, projects.c.name))
    }
    return {
        config.name: (
            config.description,
            config.description_format,
            rendered(config.description, config.description_format),
            project_ids.get(config.project) if config.project else None,
            as_json(config.tags),
        )
        for config in configs
    }


def _present(connection: Connection) -> _Present:
    return {
        row[1]: (BuilderId(row[0]), (row[2], row[3], row[4], row[5], row[6]))
        for row in connection.execute(_SELECT).all()
    }


def _altered_row(builder_id: BuilderId, facts: _Facts) -> dict[str, object]:
    names = (f"new_{field}" for field in _FIELDS)
    return {"of": builder_id, **dict(zip(names, facts, strict=True))}


def _run(
    connection: Connection, ids: Iterable[BuilderId], master_id: MasterId
) -> dict[BuilderId, str]:
    values = {"master": master_id}
    running = {BuilderId(row[0]) for row in connection.execute(_OF_MASTER, values).all()}
    wanted = set(ids)
    started, stopped = wanted - running, running - wanted
    if started:
        rows = [{"builder_id": id_, "master_id": master_id} for id_ in sorted(started)]
        connection.execute(_RUN, rows)
    if stopped:
        connection.execute(_STOP, {"ids": ids_as_json(stopped), **values})
    return dict.fromkeys(started, "started") | dict.fromkeys(stopped, "stopped")


def _announce(transaction: Transaction, verbs: Mapping[BuilderId, str]) -> None:
    for builder in by_ids(transaction.connection, verbs):
        transaction.announce(BuilderChanged(builder=builder, verb=verbs[builder.id]))


def by_ids(connection: Connection, ids: Iterable[BuilderId]) -> list[Builder]:
    """Return these builders, with two queries."""
    values = {"ids": ids_as_json(ids)}
    masters: dict[int, list[int]] = defaultdict(list)
    for builder_id, master_id in connection.execute(MASTERS, values):
        masters[builder_id].append(master_id)
    rows = connection.execute(_BY_IDS, values)
    return [_builders.of(row[1:], master_ids=tuple(masters[row[0]])) for row in rows]
