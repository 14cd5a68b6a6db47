"""Why requests were cancelled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column; of what was cancelled before, the reason is not known."""
    op.add_column("build_requests", sa.Column("end_reason", sa.Text(), nullable=True))
