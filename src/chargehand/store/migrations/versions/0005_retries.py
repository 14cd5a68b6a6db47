"""How often requests were retried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; what was retried before is not counted."""
    op.add_column("build_requests", sa.Column("retry", sa.Text(), nullable=True))
