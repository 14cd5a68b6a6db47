"""What schedulers are, what they wait for, and when they are due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import CleanText, Time

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the columns; schedulers fill them in as soon as a master runs them."""
    op.add_column("schedulers", sa.Column("type", CleanText(), nullable=True))
    op.add_column("schedulers", sa.Column("waits_for", CleanText(), nullable=True))
    op.add_column("schedulers", sa.Column("next_at", Time, nullable=True))
