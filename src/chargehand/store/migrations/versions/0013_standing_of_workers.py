"""Who paused or stopped a worker, since when, and why it was stopped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import CleanText, Time

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the columns; who gave an order before, and when, only the audit log knows."""
    for name in ("paused_by", "paused_at", "stop_reason", "stopped_by", "stopped_at"):
        kind = Time if name.endswith("_at") else CleanText()
        op.add_column("workers", sa.Column(name, kind, nullable=True))
