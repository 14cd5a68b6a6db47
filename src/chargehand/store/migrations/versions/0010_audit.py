"""The audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import Id, Json, Name, Time

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the table, empty."""
    op.create_table(
        "audit",
        sa.Column("id", Id, nullable=False),
        sa.Column("happened_at", Time, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("is_allowed", sa.Boolean(), nullable=False),
        sa.Column("details", Json, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="audit_key"),
    )
    op.create_index("audit_by_happened_at", "audit", ["happened_at"], unique=False)
