"""Masters, builders, workers, schedulers, change sources, projects: who builds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, Table, exists, or_, select

from chargehand.resources.query import Query
from chargehand.store.columns import ids_as_json
from chargehand.store.portable import is_among, seconds
from chargehand.store.resource_sql.shapes import (
    Kind,
    Load,
    Related,
    by,
    grouped,
    json,
    plain,
    scope,
    time,
)
from chargehand.store.tables import (
    builder_masters,
    builders,
    change_source_masters,
    change_sources,
    configured_workers,
    connected_workers,
    masters,
    projects,
    scheduler_masters,
    schedulers,
    workers,
)

_master = masters.c
_builder = builders.c
_runs = builder_masters.c
_worker = workers.c
_connected = connected_workers.c
_configured = configured_workers.c
_project = projects.c

MASTERS = Kind(
    source=masters,
    identity=_master.id,
    fields={
        "masterid": plain(_master.id),
        "name": plain(_master.name),
        "active": plain(_master.active),
        "last_active": time(_master.last_active),
    },
    scopes=(
        *by(_master.id, "masterid"),
        scope("builderid")(
            lambda given: exists().where(
                _runs.master_id == _master.id, _runs.builder_id == given["builderid"]
            )
        ),
    ),
)


def _loading(statement: Select[Any]) -> Load:
    """Load pairs of key and value, and collect the values of each key."""

    def load(connection: Connection, ids: list[Any], _query: Query) -> Mapping[Any, Any]:
        return grouped(connection.execute(statement, {"ids": ids_as_json(ids)}))

    return load


BUILDERS = Kind(
    source=builders,
    identity=_builder.id,
    fields={
        "builderid": plain(_builder.id),
        "name": plain(_builder.name),
        "masterids": Related(
            key=_builder.id,
            load=_loading(
                select(_runs.builder_id, _runs.master_id)
                .where(is_among(_runs.builder_id))
                .order_by(_runs.builder_id, _runs.master_id)
            ),
            otherwise=list,
            contains=lambda value: exists().where(
                _runs.builder_id == _builder.id, _runs.master_id == value
            ),
        ),
        "description": plain(_builder.description),
        "description_format": plain(_builder.description_format),
        "description_html": plain(_builder.description_html),
        "projectid": plain(_builder.project_id),
        "tags": json(_builder.tags, is_list=True),
    },
    scopes=(
        *by(_builder.id, "builderid"),
        *by(_builder.name, "buildername"),
        *by(_builder.project_id, "projectid"),
        scope("masterid")(
            lambda given: exists().where(
                _runs.builder_id == _builder.id, _runs.master_id == given["masterid"]
            )
        ),
        scope("workerid")(
            lambda given: exists().where(
                _configured.builder_id == _builder.id,
                _configured.worker_id == given["workerid"],
            )
        ),
    ),
)

_CONNECTIONS = (
    select(_connected.worker_id, _connected.master_id)
    .where(is_among(_connected.worker_id))
    .order_by(_connected.worker_id, _connected.master_id)
)
_CONFIGURATIONS = (
    select(_configured.worker_id, _configured.master_id, _configured.builder_id)
    .where(is_among(_configured.worker_id))
    .order_by(_configured.worker_id, _configured.master_id, _configured.builder_id)
)


def _load_connections(connection: Connection, ids: list[Any], _query: Query) -> Mapping[Any, Any]:
    rows = connection.execute(_CONNECTIONS, {"ids": ids_as_json(ids)})
    return grouped((worker, {"masterid": master}) for worker, master in rows)


def _load_configurations(
    connection: Connection, ids: list[Any], _query: Query
) -> Mapping[Any, Any]:
    rows = connection.execute(_CONFIGURATIONS, {"ids": ids_as_json(ids)})
    return grouped(
        (worker, {"masterid": master, "builderid": builder}) for worker, master, builder in rows
    )


WORKERS = Kind(
    source=workers,
    identity=_worker.id,
    fields={
        "workerid": plain(_worker.id),
        "name": plain(_worker.name),
        "connected_to": Related(key=_worker.id, load=_load_connections, otherwise=list),
        "configured_on": Related(key=_worker.id, load=_load_configurations, otherwise=list),
        "workerinfo": json(_worker.info),
        "paused": plain(_worker.paused),
        "pause_reason": plain(_worker.pause_reason),
        "graceful": plain(_worker.graceful),
    },
    scopes=(
        *by(_worker.id, "workerid"),
        *by(_worker.name, "name"),
        scope("builderid", "masterid")(
            lambda given: exists().where(
                _configured.worker_id == _worker.id,
                _configured.builder_id == given["builderid"],
                _configured.master_id == given["masterid"],
            )
        ),
        scope("builderid")(
            lambda given: exists().where(
                _configured.worker_id == _worker.id,
                _configured.builder_id == given["builderid"],
            )
        ),
        scope("masterid")(
            lambda given: or_(
                exists().where(
                    _configured.worker_id == _worker.id,
                    _configured.master_id == given["masterid"],
                ),
                exists().where(
                    _connected.worker_id == _worker.id,
                    _connected.master_id == given["masterid"],
                ),
            )
        ),
    ),
)


def _load_owner(owners: Table, column: str) -> Load:
    """Load the master that does the work of a scheduler or change source."""
    thing = owners.c[column]
    statement = (
        select(thing, _master.id, _master.name, _master.active, seconds(_master.last_active))
        .select_from(owners.join(masters))
        .where(is_among(thing))
    )

    def load(connection: Connection, ids: list[Any], _query: Query) -> Mapping[Any, Any]:
        rows = connection.execute(statement, {"ids": ids_as_json(ids)})
        return {
            row[0]: {
                "masterid": row[1],
                "name": row[2],
                "active": row[3],
                "last_active": row[4],
            }
            for row in rows
        }

    return load


SCHEDULERS = Kind(
    source=schedulers,
    identity=schedulers.c.id,
    fields={
        "schedulerid": plain(schedulers.c.id),
        "name": plain(schedulers.c.name),
        "enabled": plain(schedulers.c.enabled),
        "master": Related(
            key=schedulers.c.id,
            load=_load_owner(scheduler_masters, "scheduler_id"),
            otherwise=lambda: None,
        ),
    },
    scopes=(
        *by(schedulers.c.id, "schedulerid"),
        *by(schedulers.c.name, "schedulername"),
        scope("masterid")(
            lambda given: exists().where(
                scheduler_masters.c.scheduler_id == schedulers.c.id,
                scheduler_masters.c.master_id == given["masterid"],
            )
        ),
    ),
)

CHANGE_SOURCES = Kind(
    source=change_sources,
    identity=change_sources.c.id,
    fields={
        "changesourceid": plain(change_sources.c.id),
        "name": plain(change_sources.c.name),
        "master": Related(
            key=change_sources.c.id,
            load=_load_owner(change_source_masters, "change_source_id"),
            otherwise=lambda: None,
        ),
    },
    scopes=(
        *by(change_sources.c.id, "changesourceid"),
        scope("masterid")(
            lambda given: exists().where(
                change_source_masters.c.change_source_id == change_sources.c.id,
                change_source_masters.c.master_id == given["masterid"],
            )
        ),
    ),
)

PROJECTS = Kind(
    source=projects,
    identity=_project.id,
    fields={
        "projectid": plain(_project.id),
        "name": plain(_project.name),
        "slug": plain(_project.slug),
        "active": plain(_project.active),
        "description": plain(_project.description),
        "description_format": plain(_project.description_format),
        "description_html": plain(_project.description_html),
    },
    scopes=(*by(_project.id, "projectid"), *by(_project.name, "projectname")),
)
