"""No filter and no order tells two rows apart that differ only in a password."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Double,
    Integer,
    LargeBinary,
    Table,
    Text,
    create_engine,
    event,
    insert,
    literal,
    select,
)
from store_workshop import Workshop

from chargehand.kit.passwords import without_passwords, without_passwords_in_json
from chargehand.resources.catalog import KINDS
from chargehand.resources.field import Storage
from chargehand.resources.query import Filter, Operator, Order, Query
from chargehand.resources.visibility import EVERYTHING
from chargehand.store.engine import tables
from chargehand.store.engine.columns import Json, as_json
from chargehand.store.engine.reading import Reading
from chargehand.store.engine.redacted import RedactedJson, RedactedText, prepare_sqlite
from chargehand.store.reading.planning import parameters_of, planner, shape_of
from chargehand.store.reading.resources import KINDS as STORED

ADDRESS = "see https://user:{0}@host.example/x.git and /x?private_token={0}"
SHOWN = ADDRESS.format("***")
FIRST, BETWEEN, LAST = "aa", "mm", "zz"

_plan = planner(STORED)


def _fields() -> Iterator[tuple[str, str]]:
    for kind, entity in KINDS.items():
        for field in entity.fields:
            is_json = field.storage is Storage.JSON
            if field.column and (field.type.is_text or is_json):
                yield kind, field.name


def _value(column: Column[Any], number: int, text: str | None) -> object:
    if text is not None:
        return as_json([text]) if column.type is Json else text
    if isinstance(column.type, Boolean):
        return False
    if isinstance(column.type, Integer):
        return number
    if isinstance(column.type, Double):
        return 1.0
    if isinstance(column.type, LargeBinary):
        return str(number).encode()
    if column.type is Json:
        return "[]"
    return str(number) if column.unique or "name" in column.name else "same"


def _rows(table: Table, of: str, *texts: str) -> list[dict[str, object]]:
    return [
        {
            column.name: _value(column, number, text if column.name == of else None)
            for column in table.columns
        }
        for number, text in enumerate(texts, 1)
    ]


def _ids(connection: Connection, kind: str, **asked: Any) -> list[int]:
    query = Query(kind=kind, sees=EVERYTHING, **asked)
    statement = _plan(shape_of(query, STORED[kind])).identities
    found = Reading(connection, EVERYTHING).execute(statement, parameters_of(query, STORED[kind]))
    return list(found.scalars())


@pytest.mark.parametrize(("kind", "name"), sorted(_fields()))
def test_rows_that_differ_in_a_password_are_found_and_sorted_alike(kind: str, name: str) -> None:
    field = next(field for field in KINDS[kind].fields if field.name == name)
    table = tables.metadata.tables[KINDS[kind].table]
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda connection, _: prepare_sqlite(connection))
    for first, second in ((FIRST, LAST), (LAST, FIRST)):
        with engine.begin() as connection:
            table.create(connection)
            texts = (ADDRESS.format(first), ADDRESS.format(second))
            connection.execute(insert(table), _rows(table, field.column, *texts))

            for operator in Operator:
                for text in (*texts, ADDRESS.format(BETWEEN), SHOWN, FIRST, "a", "user"):
                    value = Filter(name, operator, (text,))
                    assert _ids(connection, kind, filters=(value,)) in ([], [1, 2]), value
            shown = Filter(name, Operator.CONTAINS, (SHOWN,))
            assert _ids(connection, kind, filters=(shown,)) == [1, 2]
            for descending, ids in ((False, [1, 2]), (True, [2, 1])):
                assert _ids(connection, kind, order=(Order(name, descending),)) == ids
            table.drop(connection)
    engine.dispose()


TEXTS = [
    None,
    "",
    "no address: me@host",
    "https://host/x.git",
    "https://:pw@host",
    "https://u:p@ss:w@host/ and ssh://v:\u00e9'\\x@h",
    "https://me@corp.example:pw@host/x",
    "https://u:***@host/",
    "https://u:***@pw@host/",
    "https://u:<a/b>@host/",
    "https://u:<a>pw@host",
    'http://host:80" "a@b.c',
    "http://host:8080\nme@host \t http://host:1\u00a0me@h",
    "http://u:\\n@h http://u:\\\\@h\\",
    "://u:1@://:2@:3@",
    "https://ghp_abc@github.com/x https://alice@host",
    "https://ghp_abc:x@a:b@github.com/x",
    f"https://{'0f' * 20}:@host",
    "https://abc:x-oauth-basic@host https://abc:x-oauth-basic@d@host",
    "/x?token=a'b&API_KEY=c\\d#sig=\u00e9;f&design=g",
    "://u:a;token=/x&c@d ://;token=a:b@c ://u:pw;token=***@h",
]


async def test_databases_take_passwords_out_as_python_does(workshop: Workshop) -> None:
    def read(connection: Connection) -> list[tuple[str | None, str | None]]:
        rows = []
        for text in TEXTS:
            written = as_json([text, {"a": text}])
            asked = RedactedText(literal(text, Text())), RedactedJson(literal(written, Text()))
            rows.append(connection.execute(select(*asked)).one())
        return [(row[0], row[1]) for row in rows]

    found = await workshop.store.database.read(read)

    assert found == [
        (text and without_passwords(text), without_passwords_in_json(as_json([text, {"a": text}])))
        for text in TEXTS
    ]


@pytest.mark.parametrize(
    ("operator", "text", "is_redacted"),
    [
        (Operator.EQ, "abc", False),
        (Operator.NE, "abc", False),
        (Operator.EQ, SHOWN, True),
        (Operator.IN, ADDRESS, True),
        (Operator.CONTAINS, "abc", True),
        (Operator.LT, "abc", True),
    ],
)
def test_equality_with_what_is_no_address_can_use_an_index(
    operator: Operator, text: str, is_redacted: bool
) -> None:
    query = Query(kind="changes", sees=EVERYTHING, filters=(Filter("revision", operator, (text,)),))

    statement = _plan(shape_of(query, STORED["changes"])).rows

    where = str(statement).partition("WHERE")[2].partition("ORDER BY")[0]
    assert ("redacted_text" in where) is is_redacted
