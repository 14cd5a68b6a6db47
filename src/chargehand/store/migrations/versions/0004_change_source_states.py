"""Whether change sources find changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import CleanText, Name, Time

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; each source reports its state when it starts."""
    state = sa.Column("state", Name, nullable=False, server_default="starting")
    op.add_column("change_sources", state)
    op.add_column("change_sources", sa.Column("state_since", Time, nullable=True))
    op.add_column("change_sources", sa.Column("state_string", CleanText, nullable=True))
