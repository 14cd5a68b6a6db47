"""An index for what runs, and for what has ended, the newest first."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the index."""
    op.create_index("builds_by_end", "builds", ["complete", "complete_at"], unique=False)
