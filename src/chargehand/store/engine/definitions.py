"""What tables are made of: names for constraints, columns that many of them have, and indexes of
some rows."""

from __future__ import annotations

from operator import methodcaller
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, ForeignKey, Integer, MetaData
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.compiler import DDLCompiler

from chargehand.store.engine.columns import CleanText, Id

# Constraints have names everywhere, so that migrations can speak of them.
metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_by_%(column_0_N_name)s",
        "uq": "%(table_name)s_unique_%(column_0_N_name)s",
        "fk": "%(table_name)s_to_%(referred_table_name)s_by_%(column_0_N_name)s",
        "pk": "%(table_name)s_key",
    }
)


def identity() -> Column[int]:
    """Make the primary key."""
    return Column("id", Id, primary_key=True)


def reference(
    name: str,
    target: str,
    *,
    primary_key: bool = False,
    nullable: bool = False,
    index: bool | None = None,
) -> Column[int]:
    """Make a reference; rows go together with what they belong to."""
    reference = ForeignKey(f"{target}.id", ondelete="CASCADE")
    return Column(
        name,
        Id,
        reference,
        primary_key=primary_key,
        autoincrement=False,
        nullable=nullable,
        index=index,
    )


def flag(name: str) -> Column[bool]:
    """Make a column that is true or false, at first false."""
    return Column(name, Boolean, nullable=False, default=False)


def epoch() -> Column[int]:
    """Make a column for the epoch of a master, which grows whenever its claims end."""
    return Column("epoch", Integer, nullable=False, server_default="0")


def text(name: str) -> Column[str]:
    """Make a column of text from outside, which may be empty and is always there."""
    return Column(name, CleanText, nullable=False)


_OPTIONS = "options of databases"
"""Where an index's options are until it is created. As arguments of the index itself they would
import what SQLAlchemy has for each of these databases, whenever a master starts."""


def only_where(rows: ColumnElement[bool]) -> dict[str, object]:
    """Make the ``info`` of an index of these rows only, where the database has such indexes."""
    return {_OPTIONS: {"sqlite": {"where": rows}, "postgresql": {"where": rows}}}


def lengths(**columns: int) -> dict[str, object]:
    """Make the ``info`` of an index of the beginnings of texts, where the database needs that."""
    given = columns if len(columns) > 1 else next(iter(columns.values()))
    return {_OPTIONS: {"mysql": {"length": given}, "mariadb": {"length": given}}}


@compiles(CreateIndex)
def _create_index(creation: CreateIndex, compiler: DDLCompiler, **options: Any) -> str:
    index, name = creation.element, compiler.dialect.name
    for option, value in index.info.get(_OPTIONS, {}).get(name, {}).items():
        index.dialect_options[name][option] = value
    return str(methodcaller("visit_create_index", creation, **options)(compiler))
