"""An entity's field table, bound to the columns of its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Never

from sqlalchemy import Table, func

from chargehand.kit.redaction import without_passwords
from chargehand.resources.entity import Entity
from chargehand.resources.field import Field, Storage
from chargehand.store.engine.columns import shown_of_json
from chargehand.store.engine.portable import seconds
from chargehand.store.engine.tables import metadata
from chargehand.store.reading.shapes import Column, Kind, NamedScope, Related


def bound(
    entity: Entity[Never],
    *,
    related: Mapping[str, Related] | None = None,
    scopes: Sequence[NamedScope] = (),
) -> Kind:
    """Return the kind that *entity* describes.

    A field whose column there is not, or that is related and nobody loads, is a KeyError: when this
    module's users are imported, not when somebody asks.
    """
    table = metadata.tables[entity.table]
    loaded = related or {}
    return Kind(
        source=table,
        identity=table.c.id,
        fields={
            one.name: loaded[one.name] if one.storage is Storage.RELATED else _column(one, table)
            for one in entity.fields
        },
        placeholders=entity.placeholders,
        scopes=scopes,
    )


def _column(field: Field[Never, object], table: Table) -> Column:
    column = table.c[field.column]
    match field.storage:
        case Storage.SECONDS:
            return Column(selected=seconds(column), compared=column, is_time=True)
        case Storage.JSON:
            is_list = field.type.is_list
            decode = _shown_list if is_list else shown_of_json
            return Column(selected=column, compared=column, decode=decode, is_list=is_list)
        case Storage.URL:
            return Column(selected=column, compared=column, decode=_redacted)
        case Storage.TEXT:
            return Column(selected=column, compared=column, decode=_text)
        case _ if field.missing is not None:
            shown = func.coalesce(column, field.missing)
            return Column(selected=shown, compared=shown)
        case _:
            return Column(selected=column, compared=column)


def _shown_list(text: str | bytes) -> list[object]:
    shown = shown_of_json(text)
    return shown if isinstance(shown, list) else []


def _redacted(text: str | None) -> str | None:
    return None if text is None else without_passwords(text)


def _text(data: str | bytes) -> str:
    return data if isinstance(data, str) else bytes(data).decode(errors="replace")
