"""The types of resources as JSON Schema, for the OpenAPI document."""

from __future__ import annotations

from typing import Never

from chargehand.domain.result import Result
from chargehand.resources.catalog import KINDS
from chargehand.resources.entity import Entity
from chargehand.resources.field import FieldType, Resource
from chargehand.web.rest.order_parameters import ORDERS, OrderForm
from chargehand.web.rest.parameters import Check, boolean, integer, names, result, text

_WORDS: dict[str, Resource] = {
    "integer": {"type": "integer"},
    "float": {"type": "number"},
    "datetime": {"type": "integer", "description": "seconds since 1970, UTC"},
    "string": {"type": "string"},
    "identifier": {"type": "string"},
    "binary": {"type": "string"},
    "boolean": {"type": "boolean"},
    "jsonobject": {"description": "any JSON"},
    "sourcedproperties": {
        "type": "object",
        "description": "by name: the value, and where it is from",
        "additionalProperties": {
            "type": "array",
            "prefixItems": [{}, {"type": "string"}],
            "minItems": 2,
            "maxItems": 2,
        },
    },
    "range": {
        "type": "array",
        "description": "start and end",
        "prefixItems": [{"type": "integer"}, {"type": "integer"}],
        "minItems": 2,
        "maxItems": 2,
    },
}

_CHECKS: dict[Check, Resource] = {
    text: {"type": "string"},
    integer: {"type": "integer"},
    boolean: {"type": "boolean"},
    result: {"type": "integer", "enum": [int(one) for one in Result]},
    names: {"type": ["string", "array"], "items": {"type": "string"}},
}


def reference(section: str, name: str) -> Resource:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{section}/{name}"}


def schemas() -> dict[str, Resource]:
    """Return the schemas of all rows, orders and errors, by name."""
    found = {name_of(kind): _of_entity(kind) for kind in KINDS.values()}
    for (kind, method), form in ORDERS.items():
        found[order_name(kind, method)] = _order(method, form)
    return found | _OTHERS


def name_of(kind: Entity[Never]) -> str:
    """Return the name of the schema of a kind's rows."""
    words = kind.singular.strip("_").split("_")
    return "".join(word[:1].upper() + word[1:] for word in words)


def order_name(kind: str, method: str) -> str:
    """Return the name of the schema of a control method's call."""
    words = [method, *name_of(KINDS[kind]).split("_"), "call"]
    return "".join(part[:1].upper() + part[1:] for word in words for part in word.split("_"))


def type_schema(field: FieldType[object]) -> Resource:
    """Return the schema of a field's values."""
    if (named := _named(field)) is not None:
        schema = reference("schemas", named)
    elif field.members:
        schema = _object({name: type_schema(type_) for name, type_ in field.members})
    else:
        schema = _WORDS[field.word]
    if field.is_list:
        return {"type": "array", "items": schema}
    if not (field.nullable or field.may_be_null):
        return schema
    if "$ref" in schema:
        return {"oneOf": [schema, {"type": "null"}]}
    return schema | {"type": [schema["type"], "null"]} if "type" in schema else schema


def _named(field: FieldType[object]) -> str | None:
    """Return the name of the schema of which the values are whole rows, if there is one."""
    for kind in KINDS.values():
        if kind.singular == field.word and kind.members() == field.members:
            return name_of(kind)
    return None


def _of_entity(kind: Entity[Never]) -> Resource:
    types = kind.types()
    if not types:
        return _WORDS[kind.singular]
    row = _object({name: type_schema(type_) for name, type_ in types.items()})
    row["properties"] |= _ON_REQUEST.get(kind.plural, {})
    return row


def _object(properties: dict[str, Resource]) -> Resource:
    return {"type": "object", "properties": properties, "required": list(properties)}


_INTEGER = _WORDS["integer"]
_ON_REQUEST: dict[str, dict[str, Resource]] = {
    "builders": {
        "recent_builds": {
            "type": "array",
            "description": "with `recent`: the newest first, running ones included",
            "items": _object(
                {
                    "buildid": _INTEGER,
                    "number": _INTEGER,
                    "results": {"type": ["integer", "null"]},
                    "started_at": _INTEGER,
                    "complete_at": {"type": ["integer", "null"]},
                }
            ),
        },
        "pending_count": _INTEGER | {"description": "with `recent`: requests that wait"},
        "running_count": _INTEGER | {"description": "with `recent`: builds that run"},
        "statistics": _object(
            {
                "builds": _INTEGER,
                "success_rate": {"type": ["number", "null"]},
                "median_seconds": {"type": ["number", "null"]},
            }
        )
        | {"description": "with `recent`: of builds that began in the last 30 days"},
        "cause": {
            "type": ["object", "null"],
            "description": "with `recent` and `cause`: why the newest build was built",
        },
    },
    "builds": {
        "cause": {"type": ["object", "null"], "description": "with `cause`: why it was built"}
    },
}
"""What rows have only when it is asked for."""


def _order(method: str, form: OrderForm) -> Resource:
    parameters: Resource = {
        "type": "object",
        "properties": {name: _CHECKS[check] for name, check in form.parameters.items()},
    }
    if form.has_own_parameters:
        parameters["description"] = "and the values of the form's fields"
    return _object(
        {
            "jsonrpc": {"const": "2.0"},
            "id": {"type": ["string", "number", "null"]},
            "method": {"const": method},
            "params": parameters,
        }
    )


_CALL_ID: Resource = {"type": ["string", "number", "null"]}

_OTHERS: dict[str, Resource] = {
    "Meta": _object({"total": {"type": "integer", "description": "how many there are in all"}}),
    "SearchMeta": _object(
        {
            "total": {"type": "integer", "description": "how many lines match"},
            "is_complete": {"type": "boolean", "description": "whether there was time for all"},
            "lines_searched": {"type": "integer"},
        }
    ),
    "FirstErrorMeta": _object(
        {
            "total": {"type": "integer"},
            "is_complete": {"type": "boolean", "description": "whether there was time for all"},
        }
    ),
    "Error": _object({"error": {"type": "string"}}),
    "OrderError": {
        "type": "object",
        "properties": {
            "jsonrpc": {"const": "2.0"},
            "id": _CALL_ID,
            "error": _object(
                {
                    "code": {"type": "integer"},
                    "message": {
                        "type": ["string", "object"],
                        "description": "or by name, what is wrong with parameters",
                        "additionalProperties": {"type": "string"},
                    },
                }
            ),
        },
        "required": ["jsonrpc", "error"],
    },
    "Done": _object({"jsonrpc": {"const": "2.0"}, "id": _CALL_ID, "result": {"type": "null"}}),
    "Requested": _object(
        {
            "jsonrpc": {"const": "2.0"},
            "id": _CALL_ID,
            "result": {
                "type": "array",
                "description": "the buildset's number, and the request's number by builder",
                "prefixItems": [
                    {"type": "integer"},
                    {"type": "object", "additionalProperties": {"type": "integer"}},
                ],
                "minItems": 2,
                "maxItems": 2,
            },
        }
    ),
}
