"""The REST API as an OpenAPI document, made of the same descriptions as the API itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import groupby

from chargehand.resources.audit import RESTRICTED
from chargehand.resources.catalog import KINDS
from chargehand.resources.endpoints import ENDPOINTS, Endpoint
from chargehand.resources.entity import Parameter
from chargehand.resources.field import Resource
from chargehand.resources.query import Operator
from chargehand.web.rest.openapi_schemas import (
    name_of,
    order_name,
    reference,
    schemas,
    type_schema,
)
from chargehand.web.rest.order_parameters import ORDERS

PATH = "/openapi.json"

_PLACEHOLDER = re.compile(r"([nis]):(\w+)")
_DESCRIPTION = """\
Everything that the master knows, and the orders that it takes. Paths, parameters, fields and error
texts are those of Buildbot 4.3; additions are marked as such in the reference of the REST API.
Answers are compact JSON for clients that send "Accept: application/json"."""

_META = {"matches": "SearchMeta", "first_errors": "FirstErrorMeta", "failures": "FirstErrorMeta"}
_TEXTS = {
    "raw": "The whole text of a log, to be saved",
    "raw_inline": "The whole text of a log, to be shown",
    "value": "The value of build data",
}
"""Forms of resources that are not JSON."""
_HAVE_PROPERTIES = {"builds", "buildrequests"}


def document(url: str) -> Resource:
    """Return the document of a site whose API is at *url*."""
    return {**_document(), "servers": [{"url": url}]}


@cache
def _document() -> Resource:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Chargehand's REST API", "version": "2", "description": _DESCRIPTION},
        "paths": _paths(),
        "components": {
            "schemas": schemas(),
            "parameters": _parameters(),
            "responses": _RESPONSES,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        # Without a token, what visitors may who have not logged in, or the session of a browser.
        "security": [{}, {"token": []}],
    }


def template(endpoint: Endpoint) -> str:
    """Return the path in OpenAPI's form.

    Endpoints that differ only in how they name a thing (by number, by name) are one path there.
    """
    return _templates()[_normal(endpoint.path)]


def _normal(path: str) -> str:
    return _PLACEHOLDER.sub("{}", path)


def _same_paths() -> list[list[Endpoint]]:
    ordered = sorted(ENDPOINTS, key=lambda endpoint: _normal(endpoint.path))
    return [list(same) for _, same in groupby(ordered, key=lambda one: _normal(one.path))]


@cache
def _templates() -> dict[str, str]:
    return {_normal(same[0].path): _merged(same) for same in _same_paths()}


def _merged(same: Sequence[Endpoint]) -> str:
    parts = []
    for segments in zip(*(endpoint.path.split("/") for endpoint in same), strict=True):
        names = [_PLACEHOLDER.fullmatch(segment) for segment in dict.fromkeys(segments)]
        known = [found[2] for found in names if found]
        parts.append("{" + "_or_".join(known) + "}" if known else segments[0])
    return "/" + "/".join(parts)


def _paths() -> Resource:
    paths: Resource = {}
    for same in _same_paths():
        path = _merged(same)
        item: Resource = {"get": _reading(path, same[0])}
        if places := _places(same):
            item["parameters"] = places
        if (order := _ordering(path, same[0])) is not None:
            item["post"] = order
        paths[path] = item
    paths[PATH] = {
        "get": {
            "operationId": "get_openapi",
            "summary": "This document",
            "responses": {"200": _json({"type": "object"}, "the document")},
        }
    }
    return paths


def _places(same: Sequence[Endpoint]) -> list[Resource]:
    """Return the parameters that stand in the path."""
    found = []
    for segments in zip(*(endpoint.path.split("/") for endpoint in same), strict=True):
        names = [_PLACEHOLDER.fullmatch(segment) for segment in dict.fromkeys(segments)]
        known = [match for match in names if match]
        if not known:
            continue
        types = list(dict.fromkeys("integer" if one[1] == "n" else "string" for one in known))
        found.append(
            {
                "name": "_or_".join(one[2] for one in known),
                "in": "path",
                "required": True,
                "schema": {"type": types[0] if len(types) == 1 else types},
            }
        )
    return found


_LINES: Resource = {
    # Named, not any type: programs that make clients from this document leave out what they cannot
    # tell the type of.
    "text/plain": {"schema": {"type": "string"}},
    "text/html": {"schema": {"type": "string"}},
}
_BYTES: Resource = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def _reading(path: str, endpoint: Endpoint) -> Resource:
    kind = KINDS[endpoint.plural]
    described: Resource = {"operationId": _operation("get", path), "tags": [kind.plural]}
    if endpoint.form in _TEXTS:
        answer: Resource = {
            "description": _TEXTS[endpoint.form],
            "content": _BYTES if endpoint.form == "value" else _LINES,
        }
        return described | {"summary": _TEXTS[endpoint.form], "responses": _responses(answer)}
    row = reference("schemas", name_of(kind))
    many = "" if endpoint.is_collection else " (one)"
    schema: Resource = {
        "type": "object",
        "properties": {
            endpoint.key: {"type": "array", "items": row} | ({} if many == "" else _ONE),
            "meta": _meta(endpoint),
        },
        "required": [endpoint.key, "meta"],
    }
    if endpoint.kind == "matches":
        schema["properties"]["lines"] = {"type": "array", "items": {"type": "integer"}}
        schema["required"] = ["meta"]
    described["summary"] = f"Read {kind.plural.strip('_')}{many}"
    if parameters := _queries(endpoint):
        described["parameters"] = parameters
    return described | {"responses": _responses(_json(schema, "the rows"), kind.plural)}


_ONE: Resource = {"minItems": 1, "maxItems": 1}


def _meta(endpoint: Endpoint) -> Resource:
    if endpoint.is_collection:
        return reference("schemas", _META.get(endpoint.plural, "Meta"))
    return {"type": "object"}


def _queries(endpoint: Endpoint) -> list[Resource]:
    """Return the parameters of the query string."""
    kind = KINDS[endpoint.plural]
    if kind.parameters is not None:
        return [_own(one) for one in kind.parameters]
    if not kind.fields:
        return []
    found = [reference("parameters", f"fields_of_{kind.plural}")]
    found += [_own(one) for one in kind.more_parameters]
    if endpoint.plural in _HAVE_PROPERTIES:
        found.append(reference("parameters", "property"))
    if endpoint.is_collection:
        found += [reference("parameters", name) for name in ("limit", "offset")]
        found += [
            reference("parameters", f"{what}_of_{kind.plural}") for what in ("order", "filters")
        ]
    return found


def _own(one: Parameter) -> Resource:
    """Return a parameter that only one kind has."""
    schema = type_schema(one.type)
    if one.span is not None:
        schema = schema | {"minimum": one.span[0], "maximum": one.span[1]}
    if one.words:
        schema = schema | {"enum": list(one.words)}
    return {"name": one.name, "in": "query", "description": one.description, "schema": schema}


def _parameters() -> Resource:
    found: Resource = dict(_PARAMETERS)
    operators = "|".join(operator.value for operator in Operator)
    for kind in KINDS.values():
        if kind.parameters is not None or not kind.fields:
            continue
        names = list(kind.types())
        found[f"fields_of_{kind.plural}"] = _query(
            "field", "only these fields", {"type": "array", "items": {"enum": names}}
        )
        if not (kind.collections or kind.variants):
            continue
        ordered = [f"{sign}{name}" for name in names for sign in ("", "-")]
        found[f"order_of_{kind.plural}"] = _query(
            "order",
            "sort by these fields, with - in descending order",
            {"type": "array", "items": {"enum": ordered}},
        )
        pattern = f"^(?:{'|'.join(names)})(?:__(?:{operators}))?$"
        found[f"filters_of_{kind.plural}"] = _query(
            "filters",
            "conditions: NAME=VALUE or NAME__OPERATOR=VALUE",
            {
                "type": "object",
                "propertyNames": {"pattern": pattern},
                "additionalProperties": {"type": ["string", "array"], "items": {"type": "string"}},
            },
        )
    return found


def _query(name: str, description: str, schema: Resource) -> Resource:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "style": "form",
        "explode": True,
        "schema": schema,
    }


_PARAMETERS: Resource = {
    "limit": _query("limit", "at most so many rows", {"type": "integer", "minimum": 0}),
    "offset": _query("offset", "without the first so many rows", {"type": "integer", "minimum": 0}),
    "property": _query(
        "property",
        "fill properties with these ones, or * for all",
        {"type": "array", "items": {"type": "string"}},
    ),
}


def _ordering(path: str, endpoint: Endpoint) -> Resource | None:
    if endpoint.is_collection or endpoint.form in _TEXTS:
        return None
    forms = {method: form for (kind, method), form in ORDERS.items() if kind == endpoint.kind}
    if not forms:
        return None
    calls = [reference("schemas", order_name(endpoint.kind, method)) for method in forms]
    results = {"Requested" if form.makes_requests else "Done" for form in forms.values()}
    answers = [reference("schemas", name) for name in sorted(results)]
    schema = answers[0] if len(answers) == 1 else {"oneOf": answers}
    failures = ("400", "403", "404", "408", "413", "500", "501", "503")
    return {
        "operationId": _operation("order", path),
        "tags": [endpoint.plural],
        "summary": "; ".join(form.summary for form in forms.values()),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"oneOf": calls}}},
        },
        "responses": {
            "200": _json(schema, "the result"),
            **{status: reference("responses", "OrderError") for status in failures},
        },
    }


def _operation(verb: str, path: str) -> str:
    return f"{verb}_{re.sub(r'[^a-zA-Z0-9]+', '_', path).strip('_') or 'root'}"


def _json(schema: Resource, description: str) -> Resource:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _responses(answer: Resource, plural: str = "") -> Resource:
    failures = ["400", "404", "500", "503", *(["403"] if plural in RESTRICTED else [])]
    return {
        "200": answer,
        "304": {"description": "not modified since the answer with this ETag"},
        **{status: reference("responses", "Error") for status in sorted(failures)},
    }


_RESPONSES: Resource = {
    "Error": _json(reference("schemas", "Error"), "what is wrong"),
    "OrderError": _json(reference("schemas", "OrderError"), "what is wrong"),
}
