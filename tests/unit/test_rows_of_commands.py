"""What commands read of resources is what the field tables say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chargehand.cli.remote import rows
from chargehand.resources.catalog import KINDS
from chargehand.resources.field import FieldType

_ROWS: dict[str, type[msgspec.Struct]] = {
    "builders": rows.Builder,
    "buildrequests": rows.Request,
    "builds": rows.Build,
    "buildsets": rows.Buildset,
    "changes": rows.Change,
    "changesources": rows.ChangeSource,
    "etas": rows.Eta,
    "forceschedulers": rows.ForceScheduler,
    "logs": rows.Log,
    "steps": rows.Step,
    "why": rows.Why,
    "workers": rows.Worker,
}
_OF_OTHERS = {"ConnectedTo", "Field", "SourceStamp"}
_EXAMPLES = {
    "binary": "",
    "boolean": True,
    "datetime": 1,
    "float": 1.5,
    "identifier": "a",
    "integer": 1,
    "string": "a",
}


def _example(kind: FieldType[Any], *, empty: bool) -> Any:
    if empty and kind.nullable:
        return None
    if kind.members:
        one: Any = {name: _example(type_, empty=empty) for name, type_ in kind.members}
    else:
        one = _EXAMPLES.get(kind.word, {})
    return ([] if empty else [one]) if kind.is_list else one


def test_each_kind_of_row_is_compared() -> None:
    there = {
        name
        for name, one in vars(rows).items()
        if isinstance(one, type) and one.__module__ == rows.__name__
    }

    assert there == {one.__name__ for one in _ROWS.values()} | _OF_OTHERS


@pytest.mark.parametrize("plural", _ROWS)
@pytest.mark.parametrize("empty", [True, False])
def test_a_row_is_read_from_the_fields_that_there_are(plural: str, empty: bool) -> None:
    resource = {name: _example(type_, empty=empty) for name, type_ in KINDS[plural].members()}

    row = msgspec.convert(resource, _ROWS[plural])

    read = {field.encode_name for field in msgspec.structs.fields(type(row))}
    assert read <= resource.keys()
