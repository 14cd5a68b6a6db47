"""Masters, projects, builders and workers of the first revision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import CleanText, Id, Json, Name, Time


def _masters() -> None:
    op.create_table(
        "masters",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("last_active", Time, nullable=False),
        sa.PrimaryKeyConstraint("id", name=("masters_key")),
        sa.UniqueConstraint("name", name=("masters_unique_name")),
    )


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("slug", CleanText(), nullable=False),
        sa.Column("description", CleanText(), nullable=True),
        sa.Column("description_format", CleanText(), nullable=True),
        sa.Column("description_html", CleanText(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("projects_key")),
        sa.UniqueConstraint("name", name=("projects_unique_name")),
    )


def _builders() -> None:
    op.create_table(
        "builders",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("description", CleanText(), nullable=True),
        sa.Column("description_format", CleanText(), nullable=True),
        sa.Column("description_html", CleanText(), nullable=True),
        sa.Column("project_id", Id, nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=("builders_to_projects_by_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("builders_key")),
        sa.UniqueConstraint("name", name=("builders_unique_name")),
    )
    op.create_index("builders_by_project_id", "builders", ["project_id"], unique=False)


def _builder_masters() -> None:
    op.create_table(
        "builder_masters",
        sa.Column("builder_id", Id, autoincrement=False, nullable=False),
        sa.Column("master_id", Id, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["builder_id"],
            ["builders.id"],
            name=("builder_masters_to_builders_by_builder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["master_id"],
            ["masters.id"],
            name=("builder_masters_to_masters_by_master_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("builder_id", "master_id", name=("builder_masters_key")),
    )
    op.create_index("builder_masters_by_master_id", "builder_masters", ["master_id"], unique=False)


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("info", Json, nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("pause_reason", CleanText(), nullable=True),
        sa.Column("graceful", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("workers_key")),
        sa.UniqueConstraint("name", name=("workers_unique_name")),
    )


def _connected_workers() -> None:
    op.create_table(
        "connected_workers",
        sa.Column("worker_id", Id, autoincrement=False, nullable=False),
        sa.Column("master_id", Id, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["master_id"],
            ["masters.id"],
            name=("connected_workers_to_masters_by_master_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["workers.id"],
            name=("connected_workers_to_workers_by_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("worker_id", "master_id", name=("connected_workers_key")),
    )
    op.create_index(
        "connected_workers_by_master_id", "connected_workers", ["master_id"], unique=False
    )


def _configured_workers() -> None:
    op.create_table(
        "configured_workers",
        sa.Column("worker_id", Id, autoincrement=False, nullable=False),
        sa.Column("builder_id", Id, autoincrement=False, nullable=False),
        sa.Column("master_id", Id, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["builder_id"],
            ["builders.id"],
            name=("configured_workers_to_builders_by_builder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["master_id"],
            ["masters.id"],
            name=("configured_workers_to_masters_by_master_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["workers.id"],
            name=("configured_workers_to_workers_by_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "worker_id", "builder_id", "master_id", name=("configured_workers_key")
        ),
    )
    op.create_index(
        "configured_workers_by_builder_id", "configured_workers", ["builder_id"], unique=False
    )
    op.create_index(
        "configured_workers_by_master_id", "configured_workers", ["master_id"], unique=False
    )


def create() -> None:
    """Make these tables and their indexes."""
    _masters()
    _projects()
    _builders()
    _builder_masters()
    _workers()
    _connected_workers()
    _configured_workers()
