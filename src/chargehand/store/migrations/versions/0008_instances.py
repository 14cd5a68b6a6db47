"""The machines of workers that are started on demand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import Id, Json, Name, Time

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table. What earlier versions have started was not recorded."""
    op.create_table(
        "instances",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("worker_id", Id, autoincrement=False, nullable=False),
        sa.Column("master_id", Id, autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", Name, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("identity", Json, nullable=False),
        sa.Column("handle", Json, nullable=True),
        sa.Column("started_at", Time, nullable=False),
        sa.Column("state_since", Time, nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["workers.id"],
            name="instances_to_workers_by_worker_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["master_id"],
            ["masters.id"],
            name="instances_to_masters_by_master_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="instances_key"),
        sa.UniqueConstraint("name", name="instances_unique_name"),
    )
    op.create_index("instances_by_worker_id", "instances", ["worker_id"], unique=False)
    op.create_index("instances_by_master_id", "instances", ["master_id"], unique=False)
