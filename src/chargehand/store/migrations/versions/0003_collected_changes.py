"""Changes that a buildset builds besides those of its source stamps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import Id

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table. What earlier buildsets collected was not recorded."""
    op.create_table(
        "buildset_changes",
        sa.Column("buildset_id", Id, autoincrement=False, nullable=False),
        sa.Column("change_id", Id, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["buildset_id"],
            ["buildsets.id"],
            name=("buildset_changes_to_buildsets_by_buildset_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["changes.id"],
            name=("buildset_changes_to_changes_by_change_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("buildset_id", "change_id", name=("buildset_changes_key")),
    )
    op.create_index(
        "buildset_changes_by_change_id", "buildset_changes", ["change_id"], unique=False
    )
