"""A value and its row show the same: field tables, columns, and mappings of rows agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from types import UnionType
from typing import Any, NewType, Union, get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert, select

from chargehand.domain.audit import AuditEntry
from chargehand.domain.build import Build, Log, Step
from chargehand.domain.builder import Builder, Project
from chargehand.domain.buildset import BuildRequest, Buildset
from chargehand.domain.change import Change
from chargehand.domain.instance import InstanceRecord
from chargehand.domain.master import ChangeSource, Master, Scheduler
from chargehand.domain.result_set import ResultSet
from chargehand.domain.source_stamp import StoredSourceStamp
from chargehand.domain.worker import Worker
from chargehand.resources.catalog import KINDS
from chargehand.resources.field import Resource, Storage
from chargehand.resources.query import Query
from chargehand.resources.visibility import EVERYTHING
from chargehand.store import build_rows, request_rows
from chargehand.store.engine import tables
from chargehand.store.engine.columns import Json, as_json
from chargehand.store.engine.reading import Reading
from chargehand.store.reading.planning import planner, shape_of
from chargehand.store.reading.resources import KINDS as STORED

# What rows have besides what values have.
_EXTRA: dict[type, Callable[[Any], dict[str, Any]]] = {
    BuildRequest: lambda request: {
        "claimed": request.complete or request.claimed_by is not None,
    },
    Buildset: lambda _: {"scheduler": "s", "properties": "{}"},
    Change: lambda change: {"when_timestamp": change.when},
    Log: lambda _: {"size": 0},
    StoredSourceStamp: lambda stored: {
        "digest": b"",
        **{name: getattr(stored.stamp, name) for name in _STAMP},
    },
}
_STAMP = ("branch", "revision", "repository", "project", "codebase")
_VALUES: dict[str, type] = {
    "audit": AuditEntry,
    "builders": Builder,
    "buildrequests": BuildRequest,
    "builds": Build,
    "buildsets": Buildset,
    "changes": Change,
    "changesources": ChangeSource,
    "instances": InstanceRecord,
    "logs": Log,
    "masters": Master,
    "projects": Project,
    "schedulers": Scheduler,
    "sourcestamps": StoredSourceStamp,
    "steps": Step,
    "test_result_sets": ResultSet,
    "workers": Worker,
}
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
_NUMBERS = st.integers(1, 2**53)
_PLAIN: dict[object, st.SearchStrategy[Any]] = {
    str: _TEXT,
    int: _NUMBERS,
    bool: st.booleans(),
    float: st.floats(0, 2**40),
    bytes: st.binary(max_size=9),
    object: st.one_of(st.none(), _NUMBERS, _TEXT),
    Any: st.one_of(st.none(), _NUMBERS, _TEXT),
    type(None): st.none(),
}


def _any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Return values of a type that a domain value's attribute has."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, NewType):
        return _any_of(kind.__supertype__)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        parts = {one.name: _any_of(one.type) for one in msgspec.structs.fields(kind)}
        return st.fixed_dictionaries(parts).map(lambda values: kind(**values))
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return st.dictionaries(_TEXT, _any_of(arguments[1]), max_size=2)
    if get_origin(kind) is list:
        return st.lists(_any_of(arguments[0]), max_size=2)
    if get_origin(kind) is tuple and arguments[-1] is Ellipsis:
        return st.lists(_any_of(arguments[0]), max_size=2).map(tuple)
    if get_origin(kind) is tuple:
        return st.tuples(*map(_any_of, arguments))
    assert get_origin(kind) in (Union, UnionType), kind
    return st.one_of(*map(_any_of, arguments))


def _row(value: Any, columns: Mapping[str, Any]) -> dict[str, Any]:
    row = {}
    for name, column in columns.items():
        if hasattr(value, name):
            found = getattr(value, name)
            plain = found.value if isinstance(found, Enum) else found
            row[name] = as_json(plain) if column.type is Json else plain
    return row | _EXTRA.get(type(value), lambda _: {})(value)


def _read_back(kind: str, row: dict[str, Any]) -> tuple[Resource, Any]:
    """Store a row, and return the resource of it, and the value where there is a mapping."""
    table = tables.metadata.tables[KINDS[kind].table]
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(insert(table), row)
        columns = tuple(
            one.name for one in KINDS[kind].fields if one.storage is not Storage.RELATED
        )
        query = Query(kind=kind, sees=EVERYTHING, fields=columns)
        plan = planner(STORED)(shape_of(query, STORED[kind]))
        reading = Reading(connection, EVERYTHING)
        (resource,) = plan.selection.resources(reading, reading.execute(plan.rows, {}), query)
        mapped = _MAPPED.get(kind)
        value = mapped and mapped[1](connection.execute(select(*mapped[0])).one())
    engine.dispose()
    return resource, value


_MAPPED: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "builds": (build_rows.BUILD_COLUMNS, build_rows.build_of),
    "buildrequests": (request_rows.REQUEST_COLUMNS, request_rows.request_of),
    "logs": (build_rows.LOG_COLUMNS, build_rows.log_of),
    "steps": (build_rows.STEP_COLUMNS, build_rows.step_of),
}


@pytest.mark.parametrize("kind", sorted(_VALUES))
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_value_and_its_row_show_the_same(kind: str, data: st.DataObject) -> None:
    value = data.draw(_any_of(_VALUES[kind]))
    table = tables.metadata.tables[KINDS[kind].table]

    resource, read = _read_back(kind, _row(value, dict(table.columns)))

    shown = KINDS[kind].shown(value)
    assert list(shown) == list(KINDS[kind].types())
    assert msgspec.json.encode(resource) == msgspec.json.encode(
        {name: shown[name] for name in resource}
    )
    assert read in (None, value)


def test_every_kind_of_which_there_are_values_and_rows_is_compared() -> None:
    stored = {kind: entity for kind, entity in KINDS.items() if entity.table}
    told = {kind for kind in stored if any(one.show is not None for one in stored[kind].fields)}

    assert told == set(_VALUES)


def test_every_kind_that_is_stored_is_bound_to_a_table_and_every_table_is_shown_or_named() -> None:
    hidden = {
        # What schedulers and components remember is theirs.
        "object_state",
        "scheduler_changes",
        # What people log in with is shown to them alone, by the web.
        "api_tokens",
        "web_sessions",
    }

    shown = {KINDS[kind].table for kind in KINDS} - {""}

    assert set(STORED) >= {kind for kind in KINDS if KINDS[kind].table}
    links = {"builder_masters", "buildset_source_stamps", "build_properties", "patches"} | {
        "buildset_changes",
        "change_source_masters",
        "configured_workers",
        "connected_workers",
        "scheduler_masters",
    }
    assert shown | links | hidden == set(tables.metadata.tables)
