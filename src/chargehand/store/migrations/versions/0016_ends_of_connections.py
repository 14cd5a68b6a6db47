"""Since when a worker is connected to no master."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import Time

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the column; of connections that ended before, nobody knows."""
    op.add_column("workers", sa.Column("disconnected_at", Time, nullable=True))
