"""What is damaged in a database and its log files: found, and mended where that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Integer,
    Table,
    cast,
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import Text, TypeEngine

from chargehand.domain.build import LogType
from chargehand.domain.result import Result
from chargehand.store.damage import Damage
from chargehand.store.engine import schema
from chargehand.store.engine.columns import Json, of_json
from chargehand.store.engine.engines import resolved, writing_engine
from chargehand.store.engine.tables import metadata
from chargehand.store.errors import translated
from chargehand.store.logs.checking import damaged_logs, unknown_files

_LISTS = frozenset({"urls", "files", "tags"})
_WORDS: dict[str, tuple[frozenset[object], object]] = {
    "result": (frozenset(int(one) for one in Result), int(Result.EXCEPTION)),
    "type": (frozenset(one.value for one in LogType), LogType.TEXT.value),
}


def damages(connection: Connection) -> list[Damage]:
    """Return all damaged values in the database."""
    found: list[Damage] = []
    for table in metadata.sorted_tables:
        for column in table.columns:
            found.extend(_in_column(connection, table, column))
        for key in table.foreign_keys:
            found.extend(_dangling(connection, table, key))
    return found


def repair(connection: Connection, found: list[Damage]) -> None:
    """Repair the damaged values."""
    for damage in found:
        if damage.is_lasting or damage.file is not None:
            continue
        table = metadata.tables[damage.table]
        is_it = [table.c[name] == value for name, value in damage.key]
        if damage.is_deleted:
            connection.execute(delete(table).where(*is_it))
        else:
            connection.execute(update(table).where(*is_it).values({damage.column: damage.value}))


def _in_column(connection: Connection, table: Table, column: Column[Any]) -> Iterator[Damage]:
    if column.type is Json:
        is_bad, what = _is_no_json, "is not JSON"
    elif column.name in _WORDS and not column.foreign_keys:
        allowed = _WORDS[column.name][0]
        is_bad, what = (lambda value: value is not None and value not in allowed), "is unknown"
    elif connection.dialect.name == "sqlite" and (kinds := _kinds(column.type)):
        yield from _of_wrong_kind(connection, table, column, kinds)
        return
    else:
        return
    keys = list(table.primary_key.columns) or list(table.columns)
    for *key, value in connection.execute(select(*keys, column)):
        if is_bad(value):
            yield _damage(table, _named(keys, key), column, what)


def _is_no_json(value: object) -> bool:
    if value is None:
        return False
    try:
        of_json(str(value))
    except ValueError:
        return True
    return False


def _kinds(type_: TypeEngine[Any]) -> tuple[str, ...]:
    if isinstance(type_, Boolean | Integer):
        return ("integer", "null")
    if isinstance(type_, Double):
        return ("real", "integer", "null")
    return ()


def _of_wrong_kind(
    connection: Connection, table: Table, column: Column[Any], kinds: tuple[str, ...]
) -> Iterator[Damage]:
    """Find texts in number columns, which SQLite allows."""
    keys = list(table.primary_key.columns) or list(table.columns)
    shown = [cast(one, Text) if one is column else one for one in keys]
    is_null = () if column.nullable else ("null",)
    is_wrong = func.typeof(column).not_in(kinds) | func.typeof(column).in_(is_null)
    what = "is not a number"
    if isinstance(column.type, Boolean):
        is_wrong |= cast(column, Integer).not_in((0, 1))
        what = "is neither 0 nor 1"
    for key in connection.execute(select(*shown).where(is_wrong)):
        yield _damage(table, _named(keys, list(key)), column, what)


def _dangling(connection: Connection, table: Table, key: ForeignKey) -> Iterator[Damage]:
    column, target = key.parent, key.column
    parent = target.table.alias("parent")
    keys = list(table.primary_key.columns) or list(table.columns)
    query = select(*keys, column).where(
        column.is_not(None), ~exists().where(parent.c[target.name] == column)
    )
    for *own, value in connection.execute(query):
        what = f"refers to {target.table.name} {value}, which does not exist"
        if column.nullable:
            yield _mended(table, _named(keys, own), column, what, None)
        else:
            yield Damage(
                table=table.name,
                key=_named(keys, own),
                column=column.name,
                what=what,
                remedy="delete the row",
                is_deleted=True,
            )


def _named(keys: list[Column[Any]], values: list[object]) -> tuple[tuple[str, object], ...]:
    return tuple((key.name, value) for key, value in zip(keys, values, strict=True))


def _damage(
    table: Table, key: tuple[tuple[str, object], ...], column: Column[Any], what: str
) -> Damage:
    if table.name == "object_state":
        return Damage(
            table=table.name,
            key=key,
            column=column.name,
            what=what,
            remedy="forget it",
            is_deleted=True,
        )
    return _mended(table, key, column, what, _default(table, column))


def _default(table: Table, column: Column[Any]) -> object:
    if column.name in _WORDS and column.type is not Json:
        return _WORDS[column.name][1]
    if column.type is Json:
        if table.name == "build_properties":
            return "null"
        return "[]" if column.name in _LISTS else "{}"
    return None if column.nullable else 0


def _mended(
    table: Table,
    key: tuple[tuple[str, object], ...],
    column: Column[Any],
    what: str,
    value: object,
) -> Damage:
    remedy = f"set it to {'NULL' if value is None else value}"
    return Damage(
        table=table.name, key=key, column=column.name, what=what, remedy=remedy, value=value
    )


def checked(url: str, basedir: Path, *, is_to_be_repaired: bool) -> list[Damage]:
    """Return the damaged values in the database at *url*, repaired if *is_to_be_repaired*.

    Raises StoreError.
    """
    engine = writing_engine(resolved(url, basedir))
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                # Dangling references can only be repaired while foreign keys are not enforced.
                connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
                connection.rollback()
            with connection.begin():
                revision = schema.revision_of(connection)
                if revision is None:
                    return []
                schema.check(revision)
                found = damages(connection)
                found.extend(damaged_logs(connection, basedir))
                found.extend(unknown_files(connection, basedir))
                if is_to_be_repaired:
                    repair(connection, found)
            if is_to_be_repaired:
                for damage in found:
                    if damage.file is not None:
                        damage.file.unlink(missing_ok=True)
            return found
    except SQLAlchemyError as error:
        raise translated(error) from error
    finally:
        engine.dispose()
