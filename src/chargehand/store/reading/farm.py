"""Masters, builders, workers …: paths and related data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Never

from sqlalchemy import ColumnElement, exists, or_

from chargehand.resources import farm
from chargehand.resources.entity import Entity
from chargehand.resources.query import Query
from chargehand.store import builders, workers
from chargehand.store.engine.columns import ids_as_json
from chargehand.store.engine.reading import Reading
from chargehand.store.engine.tables import (
    builder_masters,
    configured_workers,
    connected_workers,
    masters,
    metadata,
)
from chargehand.store.engine.tables import builders as builder_table
from chargehand.store.engine.tables import workers as worker_table
from chargehand.store.reading.binding import bound
from chargehand.store.reading.rows import one_of
from chargehand.store.reading.shapes import Key, Kind, Parameters, Related, grouped, scope

_runs = builder_masters.c
_connected = connected_workers.c
_configured = configured_workers.c
_builder = builder_table.c
_worker = worker_table.c

MASTERS = bound(
    farm.MASTER,
    scopes=(
        scope("builderid")(
            lambda given: exists().where(
                _runs.master_id == masters.c.id, _runs.builder_id == given["builderid"]
            )
        ),
    ),
)


def _load_masters(reading: Reading, ids: Sequence[Key], _query: Query) -> dict[Key, list[int]]:
    rows = reading.execute(builders.MASTERS, {"ids": ids_as_json(ids)})
    return grouped((row[0], row[1]) for row in rows)


def _runs_on(master: object) -> ColumnElement[bool]:
    return exists().where(_runs.builder_id == _builder.id, _runs.master_id == master)


BUILDERS = bound(
    farm.BUILDER,
    related={
        "masterids": Related(
            key=_builder.id, load=_load_masters, otherwise=list, contains=_runs_on
        ),
    },
    scopes=(
        scope("masterid")(lambda given: _runs_on(given["masterid"])),
        scope("workerid")(
            lambda given: exists().where(
                _configured.builder_id == _builder.id,
                _configured.worker_id == given["workerid"],
            )
        ),
    ),
)


def _load_connections(
    reading: Reading, ids: Sequence[Key], _query: Query
) -> dict[Key, list[dict[str, int]]]:
    rows = reading.execute(workers.CONNECTIONS, {"ids": ids_as_json(ids)})
    return grouped((row[0], {"masterid": row[1]}) for row in rows)


def _load_configurations(
    reading: Reading, ids: Sequence[Key], _query: Query
) -> dict[Key, list[dict[str, int]]]:
    rows = reading.execute(workers.CONFIGURATIONS, {"ids": ids_as_json(ids)})
    return grouped((row[0], {"masterid": row[1], "builderid": row[2]}) for row in rows)


def _is_configured(**wanted: object) -> ColumnElement[bool]:
    conditions = (_configured[name] == value for name, value in wanted.items())
    return exists().where(_configured.worker_id == _worker.id, *conditions)


def _is_known_to(given: Parameters) -> ColumnElement[bool]:
    master = given["masterid"]
    is_connected = exists().where(
        _connected.worker_id == _worker.id, _connected.master_id == master
    )
    return or_(_is_configured(master_id=master), is_connected)


WORKERS = bound(
    farm.WORKER,
    related={
        "connected_to": Related(key=_worker.id, load=_load_connections, otherwise=list),
        "configured_on": Related(key=_worker.id, load=_load_configurations, otherwise=list),
    },
    scopes=(
        scope("builderid", "masterid")(
            lambda given: _is_configured(builder_id=given["builderid"], master_id=given["masterid"])
        ),
        scope("builderid")(lambda given: _is_configured(builder_id=given["builderid"])),
        scope("masterid")(_is_known_to),
    ),
)


def _nothing() -> None:
    return None


def _run_by_one_master(entity: Entity[Never]) -> Kind:
    """Bind what one of several masters runs: the table between it and the masters says which."""
    identity = metadata.tables[entity.table].c.id
    runs = metadata.tables[f"{entity.table.removesuffix('s')}_masters"]
    run = next(column for column in runs.c if column.references(identity))
    return bound(
        entity,
        related={
            "master": Related(
                key=identity,
                load=one_of(MASTERS, by=run, through=runs.join(masters)),
                otherwise=_nothing,
            ),
        },
        scopes=(
            scope("masterid")(
                lambda given: exists().where(run == identity, runs.c.master_id == given["masterid"])
            ),
        ),
    )


KINDS = {
    "builders": BUILDERS,
    "masters": MASTERS,
    "workers": WORKERS,
    **{entity.plural: _run_by_one_master(entity) for entity in farm.RUN_BY_ONE_MASTER},
}
"""By plural: what leads to them in a way of its own, or has something of other tables."""
