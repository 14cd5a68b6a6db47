"""Who paused or stopped a worker, since when, and why it was stopped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import CleanText, Time

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the columns; who gave an order before, and when, only the audit log knows."""
    for name in ("paused_by", "stop_reason", "stopped_by"):
        op.add_column("workers", sa.Column(name, CleanText(), nullable=True))
    for name in ("paused_at", "stopped_at"):
        op.add_column("workers", sa.Column(name, Time, nullable=True))
