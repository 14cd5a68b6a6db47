"""Builds and what they produce, in the first revision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import Blob, CleanText, Id, Json, Name, Time


def _builds() -> None:
    op.create_table(
        "builds",
        sa.Column("id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("builder_id", Id, nullable=False),
        sa.Column("request_id", Id, nullable=False),
        sa.Column("worker_id", Id, nullable=False),
        sa.Column("master_id", Id, nullable=False),
        sa.Column("started_at", Time, nullable=False),
        sa.Column("locks_duration", Time, nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("complete_at", Time, nullable=True),
        sa.Column("result", sa.Integer(), nullable=True),
        sa.Column("state", CleanText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["builder_id"],
            ["builders.id"],
            name=("builds_to_builders_by_builder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["master_id"],
            ["masters.id"],
            name=("builds_to_masters_by_master_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["build_requests.id"],
            name=("builds_to_build_requests_by_request_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["workers.id"],
            name=("builds_to_workers_by_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("builds_key")),
    )
    op.create_index("builds_by_builder", "builds", ["builder_id", "id"], unique=False)
    op.create_index("builds_by_number", "builds", ["builder_id", "number"], unique=True)
    op.create_index("builds_by_request_id", "builds", ["request_id"], unique=False)
    op.create_index("builds_by_start", "builds", ["started_at"], unique=False)
    op.create_index("builds_by_worker", "builds", ["worker_id", "id"], unique=False)
    op.create_index(
        "builds_running",
        "builds",
        ["master_id"],
        unique=False,
        sqlite_where=sa.text("complete = 0"),
        postgresql_where=sa.text("NOT complete"),
    )


def _build_properties() -> None:
    op.create_table(
        "build_properties",
        sa.Column("build_id", Id, autoincrement=False, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("value", Json, nullable=False),
        sa.Column("source", CleanText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["build_id"],
            ["builds.id"],
            name=("build_properties_to_builds_by_build_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("build_id", "name", name=("build_properties_key")),
    )


def _build_data() -> None:
    op.create_table(
        "build_data",
        sa.Column("id", Id, nullable=False),
        sa.Column("build_id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("value", Blob, nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("source", CleanText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["build_id"],
            ["builds.id"],
            name=("build_data_to_builds_by_build_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("build_data_key")),
    )
    op.create_index("build_data_by_name", "build_data", ["build_id", "name"], unique=True)


def _steps() -> None:
    op.create_table(
        "steps",
        sa.Column("id", Id, nullable=False),
        sa.Column("build_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("state", CleanText(), nullable=False),
        sa.Column("started_at", Time, nullable=True),
        sa.Column("locks_acquired_at", Time, nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("complete_at", Time, nullable=True),
        sa.Column("result", sa.Integer(), nullable=True),
        sa.Column("urls", Json, nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["build_id"], ["builds.id"], name=("steps_to_builds_by_build_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("steps_key")),
    )
    op.create_index("steps_by_name", "steps", ["build_id", "name"], unique=True)
    op.create_index("steps_by_number", "steps", ["build_id", "number"], unique=True)


def _logs() -> None:
    op.create_table(
        "logs",
        sa.Column("id", Id, nullable=False),
        sa.Column("step_id", Id, nullable=False),
        sa.Column("name", CleanText(), nullable=False),
        sa.Column("slug", Name, nullable=False),
        sa.Column("type", CleanText(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("size", Id, nullable=False),
        sa.Column("content", Blob, nullable=True),
        sa.ForeignKeyConstraint(
            ["step_id"], ["steps.id"], name=("logs_to_steps_by_step_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("logs_key")),
    )
    op.create_index("logs_by_slug", "logs", ["step_id", "slug"], unique=True)


def _test_result_sets() -> None:
    op.create_table(
        "test_result_sets",
        sa.Column("id", Id, nullable=False),
        sa.Column("builder_id", Id, nullable=False),
        sa.Column("build_id", Id, nullable=False),
        sa.Column("step_id", Id, nullable=False),
        sa.Column("description", CleanText(), nullable=True),
        sa.Column("category", CleanText(), nullable=False),
        sa.Column("value_unit", CleanText(), nullable=False),
        sa.Column("tests_passed", sa.Integer(), nullable=True),
        sa.Column("tests_failed", sa.Integer(), nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["build_id"],
            ["builds.id"],
            name=("test_result_sets_to_builds_by_build_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["builder_id"],
            ["builders.id"],
            name=("test_result_sets_to_builders_by_builder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["step_id"],
            ["steps.id"],
            name=("test_result_sets_to_steps_by_step_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("test_result_sets_key")),
    )
    op.create_index("test_result_sets_by_build_id", "test_result_sets", ["build_id"], unique=False)
    op.create_index(
        "test_result_sets_by_builder_id", "test_result_sets", ["builder_id"], unique=False
    )
    op.create_index("test_result_sets_by_step_id", "test_result_sets", ["step_id"], unique=False)


def _test_results() -> None:
    op.create_table(
        "test_results",
        sa.Column("id", Id, nullable=False),
        sa.Column("builder_id", Id, nullable=False),
        sa.Column("test_result_set_id", Id, nullable=False),
        sa.Column("test_name", CleanText(), nullable=True),
        sa.Column("test_code_path", CleanText(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("duration_ns", Id, nullable=True),
        sa.Column("value", CleanText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["builder_id"],
            ["builders.id"],
            name=("test_results_to_builders_by_builder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["test_result_set_id"],
            ["test_result_sets.id"],
            name=("test_results_to_test_result_sets_by_test_result_set_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("test_results_key")),
    )
    op.create_index(
        "test_results_by_test_result_set_id", "test_results", ["test_result_set_id"], unique=False
    )


def create() -> None:
    """Make these tables and their indexes."""
    _builds()
    _build_properties()
    _build_data()
    _steps()
    _logs()
    _test_result_sets()
    _test_results()
