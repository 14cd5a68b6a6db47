"""Texts without passwords in SQL: what is compared and sorted is what is shown."""

from __future__ import annotations

from sqlite3 import Connection as SqliteConnection

from sqlalchemy import FunctionElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from chargehand.kit.passwords import without_passwords, without_passwords_in_json
from chargehand_wire.addresses import IN_JSON, IN_TEXT, REPLACEMENT


class RedactedText(FunctionElement[str]):
    """A text without passwords in addresses."""

    name = "redacted_text"
    type = Text()
    inherit_cache = True
    pattern = IN_TEXT


class RedactedJson(RedactedText):
    """A JSON text without passwords in addresses."""

    name = "redacted_json"
    inherit_cache = True
    pattern = IN_JSON


def prepare_sqlite(connection: SqliteConnection) -> None:
    """Let statements on *connection* call what SQLite has no function for."""
    for name, function in (
        (RedactedText.name, without_passwords),
        (RedactedJson.name, without_passwords_in_json),
    ):
        connection.create_function(name, 1, function, deterministic=True)


@compiles(RedactedText)
def _redacted(element: RedactedText, compiler: SQLCompiler, **options: object) -> str:
    text = compiler.process(element.clauses, **options)
    return _guarded(text, "instr", f"{element.name}({text})")


@compiles(RedactedText, "postgresql")
def _redacted_in_postgresql(element: RedactedText, compiler: SQLCompiler, **options: object) -> str:
    text = compiler.process(element.clauses, **options)
    redacted = f"regexp_replace({text}, {_quoted(element.pattern)}, '{REPLACEMENT}', 'g')"
    return _guarded(text, "strpos", redacted)


@compiles(RedactedText, "mysql", "mariadb")
def _redacted_in_mysql(element: RedactedText, compiler: SQLCompiler, **options: object) -> str:
    text = compiler.process(element.clauses, **options)
    pattern, replacement = (
        _quoted(each.replace("\\", r"\\")) for each in (element.pattern, REPLACEMENT)
    )
    return _guarded(text, "instr", f"REGEXP_REPLACE({text}, {pattern}, {replacement})")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _guarded(text: str, find: str, redacted: str) -> str:
    """Return SQL that does the costly work only for texts that `is_plain` does not let pass."""
    is_address = f"{find}({text}, '://') > 0 AND {find}({text}, '@') > 0"
    return f"CASE WHEN {is_address} OR {find}({text}, '=') > 0 THEN {redacted} ELSE {text} END"
