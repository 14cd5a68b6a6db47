"""Sessions of browsers, and API tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import Id, Json, Name, Time

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the tables, empty."""
    op.create_table(
        "web_sessions",
        sa.Column("id", Id, nullable=False),
        sa.Column("digest", Name, nullable=False),
        sa.Column("account", Json, nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("method", Name, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("seen_at", Time, nullable=False),
        sa.Column("ends_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="web_sessions_key"),
        sa.UniqueConstraint("digest", name="web_sessions_unique_digest"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", Id, nullable=False),
        sa.Column("digest", Name, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("account", Json, nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("actions", Json, nullable=False),
        sa.Column("builders", Json, nullable=False),
        sa.Column("build_id", Id, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("ends_at", Time, nullable=False),
        sa.Column("used_at", Time, nullable=False),
        sa.Column("used_from", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="api_tokens_key"),
        sa.UniqueConstraint("digest", name="api_tokens_unique_digest"),
    )
