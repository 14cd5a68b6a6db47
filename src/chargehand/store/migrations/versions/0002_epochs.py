"""Epochs of masters, and of what they claim."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_requests = sa.table(
    "build_requests",
    sa.column("claimed_by", sa.BigInteger),
    sa.column("claimed_epoch", sa.Integer),
)


def upgrade() -> None:
    """Add the columns. What is claimed already was so in the first epoch."""
    for table in ("masters", "builds"):
        op.add_column(table, sa.Column("epoch", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("build_requests", sa.Column("claimed_epoch", sa.Integer(), nullable=True))
    op.execute(
        sa.update(_requests).where(_requests.c.claimed_by.is_not(None)).values(claimed_epoch=0)
    )
    op.create_index(
        "requests_claimed",
        "build_requests",
        ["claimed_by"],
        unique=False,
        sqlite_where=sa.text("claimed = 1 AND complete = 0"),
        postgresql_where=sa.text("claimed AND NOT complete"),
    )
