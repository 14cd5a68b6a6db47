"""The first revision."""

from __future__ import annotations

from chargehand.store.migrations.first import builds, farm, queue, sources

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables, those first that others refer to."""
    farm.create()
    sources.create()
    queue.create()
    builds.create()
