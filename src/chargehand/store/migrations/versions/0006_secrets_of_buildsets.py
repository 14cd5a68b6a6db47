"""Properties of buildsets that have secrets: what is shown, and what builds get."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns; what has been submitted stays as it is."""
    for name in ("raw_properties", "secrets"):
        op.add_column("buildsets", sa.Column(name, sa.Text(), nullable=True))
