"""What tables are made of: names for constraints, and columns that many of them have."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, MetaData

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
