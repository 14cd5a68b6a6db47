"""How far changes and buildsets are trusted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import Name
from chargehand.store.engine.tables import changes

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns; what there is was built with all rights, and is trusted."""
    for table in ("changes", "buildsets"):
        op.add_column(table, sa.Column("trust", Name, nullable=False, server_default="trusted"))
        op.add_column(table, sa.Column("trust_reason", sa.Text(), nullable=True))
    index = next(one for one in changes.indexes if one.name == "changes_not_trusted")
    index.create(op.get_bind())
