"""The rows that the web UI reads are those that the API describes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chargehand.web.rest.openapi import document

TYPES = (Path(__file__).parents[2] / "web/src/api/types.ts").read_text()
ROWS = {
    "Builder": "Builder",
    "Build": "Build",
    "Step": "Step",
    "Log": "Log",
    "BuildRequest": "Buildrequest",
    "SourceStamp": "Sourcestamp",
    "Buildset": "Buildset",
    "Change": "Change",
    "Worker": "Worker",
    "Master": "Master",
    "Project": "Project",
    "Scheduler": "Scheduler",
    "Why": "Why",
    "Eta": "Eta",
    "Failure": "Failure",
    "ForceScheduler": "Forcescheduler",
}
"""Interfaces of the UI, and the schemas that describe the same."""
_KINDS = {
    "number": {"integer", "number"},
    "string": {"string"},
    "boolean": {"boolean"},
}


def _interface(name: str) -> dict[str, str]:
    """Return the fields that each row has, and their types."""
    found = re.search(rf"^export interface {name} {{\n(.*?)^}}", TYPES, re.MULTILINE | re.DOTALL)
    assert found, name
    return dict(re.findall(r"^  (\w+): (.+);$", found[1], re.MULTILINE))


def _kinds(schema: dict[str, object]) -> set[str]:
    """Return the JSON types that a schema allows."""
    kind = schema.get("type", ())
    kinds = {kind} if isinstance(kind, str) else set(kind)  # type: ignore[arg-type]
    for either in schema.get("anyOf", ()):  # type: ignore[attr-defined]
        kinds |= _kinds(either)
    return kinds


@pytest.mark.parametrize("name", ROWS)
def test_the_fields_of_an_interface_are_described(name: str):
    schemas = document("http://localhost/")["components"]["schemas"]
    properties = schemas[ROWS[name]]["properties"]

    fields = _interface(name)
    wrong = {
        field: (kind, properties[field])
        for field, kind in fields.items()
        if field in properties
        and (base := kind.removesuffix(" | null")) in _KINDS
        and not (
            (_kinds(properties[field]) - {"null"}) <= _KINDS[base]
            and (kind.endswith("| null") or "null" not in _kinds(properties[field]))
        )
    }

    assert set(fields) - set(properties) == set()
    assert wrong == {}
