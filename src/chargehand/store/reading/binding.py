"""An entity's field table, bound to the columns of its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Never

from sqlalchemy import Table, func

from chargehand.kit.passwords import without_passwords, without_passwords_in_json
from chargehand.resources.entity import Entity
from chargehand.resources.field import Field, Storage
from chargehand.store.engine.columns import shown_of_json
from chargehand.store.engine.portable import seconds
from chargehand.store.engine.redacted import RedactedJson, RedactedText
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
            return Column(
                selected=column,
                compared=column,
                decode=_shown_list if is_list else shown_of_json,
                is_list=is_list,
                redact=without_passwords_in_json,
                redacted=RedactedJson(column),
            )
        case Storage.TEXT:
            return Column(selected=column, compared=column, decode=_text, redact=_redacted_text)
        case _ if field.missing is not None:
            shown = func.coalesce(column, field.missing)
            return Column(selected=shown, compared=shown)
        case _ if field.type.is_text:
            return Column(
                selected=column,
                compared=column,
                redact=without_passwords,
                redacted=RedactedText(column),
            )
        case _:
            return Column(selected=column, compared=column)


def _shown_list(text: str | bytes) -> list[object]:
    shown = shown_of_json(text)
    return shown if isinstance(shown, list) else []


def _text(data: str | bytes) -> str:
    return data if isinstance(data, str) else bytes(data).decode(errors="replace")


def _redacted_text(data: str | bytes) -> str:
    return without_passwords(_text(data))
