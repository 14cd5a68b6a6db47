"""What steps counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import Json

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column; what earlier steps counted was not stored."""
    op.add_column("steps", sa.Column("statistics", Json, nullable=True))
