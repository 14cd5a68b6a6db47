"""Since when a worker is connected and how, and why it was lost; what is unfinished, by number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import CleanText, Time

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the columns; of what was before, nobody knows."""
    for column in (
        sa.Column("connected_at", Time, nullable=True),
        sa.Column("protocol", CleanText, nullable=True),
        sa.Column("lost_at", Time, nullable=True),
        sa.Column("lost_reason", CleanText, nullable=True),
    ):
        op.add_column("workers", column)
    for name, flag, columns in (
        ("requests_waiting", "claimed", ["claimed", "builder_id", "id"]),
        ("requests_incomplete", "complete", ["complete", "id"]),
    ):
        op.drop_index(name, table_name="build_requests")
        op.create_index(
            name,
            "build_requests",
            columns,
            sqlite_where=sa.text(f"{flag} = 0"),
            postgresql_where=sa.text(f"NOT {flag}"),
        )
