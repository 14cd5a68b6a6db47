"""Where sources come from, and what changed, in the first revision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chargehand.store.engine.columns import Blob, CleanText, Id, Json, Name, Time


def _patches() -> None:
    op.create_table(
        "patches",
        sa.Column("id", Id, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("body", Blob, nullable=False),
        sa.Column("subdir", CleanText(), nullable=False),
        sa.Column("author", CleanText(), nullable=False),
        sa.Column("comment", CleanText(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("patches_key")),
    )


def _source_stamps() -> None:
    op.create_table(
        "source_stamps",
        sa.Column("id", Id, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=20), nullable=False),
        sa.Column("branch", CleanText(), nullable=True),
        sa.Column("revision", CleanText(), nullable=True),
        sa.Column("repository", CleanText(), nullable=False),
        sa.Column("project", CleanText(), nullable=False),
        sa.Column("codebase", CleanText(), nullable=False),
        sa.Column("patch_id", Id, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.ForeignKeyConstraint(
            ["patch_id"],
            ["patches.id"],
            name=("source_stamps_to_patches_by_patch_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("source_stamps_key")),
        sa.UniqueConstraint("digest", name=("source_stamps_unique_digest")),
    )
    op.create_index("source_stamps_by_patch_id", "source_stamps", ["patch_id"], unique=False)


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("id", Id, nullable=False),
        sa.Column("source_stamp_id", Id, nullable=False),
        sa.Column("author", CleanText(), nullable=False),
        sa.Column("committer", CleanText(), nullable=True),
        sa.Column("files", Json, nullable=False),
        sa.Column("comments", CleanText(), nullable=False),
        sa.Column("revision", CleanText(), nullable=True),
        sa.Column("when_timestamp", Time, nullable=False),
        sa.Column("branch", CleanText(), nullable=True),
        sa.Column("category", CleanText(), nullable=True),
        sa.Column("revlink", CleanText(), nullable=False),
        sa.Column("properties", Json, nullable=False),
        sa.Column("repository", CleanText(), nullable=False),
        sa.Column("project", CleanText(), nullable=False),
        sa.Column("codebase", CleanText(), nullable=False),
        sa.Column("parent_id", Id, nullable=True),
        sa.ForeignKeyConstraint(
            ["source_stamp_id"],
            ["source_stamps.id"],
            name=("changes_to_source_stamps_by_source_stamp_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("changes_key")),
    )
    op.create_index(
        "changes_by_branch",
        "changes",
        ["branch", "repository", "project", "codebase", "id"],
        unique=False,
        mysql_length={"branch": 64, "repository": 128, "project": 64, "codebase": 64},
    )
    op.create_index("changes_by_revision", "changes", ["revision"], unique=False, mysql_length=64)
    op.create_index("changes_by_source_stamp_id", "changes", ["source_stamp_id"], unique=False)
    op.create_index("changes_by_time", "changes", ["when_timestamp"], unique=False)


def _change_sources() -> None:
    op.create_table(
        "change_sources",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.PrimaryKeyConstraint("id", name=("change_sources_key")),
        sa.UniqueConstraint("name", name=("change_sources_unique_name")),
    )


def _change_source_masters() -> None:
    op.create_table(
        "change_source_masters",
        sa.Column("change_source_id", Id, autoincrement=False, nullable=False),
        sa.Column("master_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["change_source_id"],
            ["change_sources.id"],
            name=("change_source_masters_to_change_sources_by_change_source_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["master_id"],
            ["masters.id"],
            name=("change_source_masters_to_masters_by_master_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("change_source_id", name=("change_source_masters_key")),
    )
    op.create_index(
        "change_source_masters_by_master_id", "change_source_masters", ["master_id"], unique=False
    )


def _codebases() -> None:
    op.create_table(
        "codebases",
        sa.Column("id", Id, nullable=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("slug", CleanText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=("codebases_to_projects_by_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("codebases_key")),
    )
    op.create_index("codebases_by_name", "codebases", ["project_id", "name"], unique=True)


def _commits() -> None:
    op.create_table(
        "commits",
        sa.Column("id", Id, nullable=False),
        sa.Column("codebase_id", Id, nullable=False),
        sa.Column("author", CleanText(), nullable=False),
        sa.Column("committer", CleanText(), nullable=True),
        sa.Column("comments", CleanText(), nullable=False),
        sa.Column("when_timestamp", Time, nullable=False),
        sa.Column("revision", Name, nullable=False),
        sa.Column("parent_commit_id", Id, nullable=True),
        sa.ForeignKeyConstraint(
            ["codebase_id"],
            ["codebases.id"],
            name=("commits_to_codebases_by_codebase_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("commits_key")),
    )
    op.create_index("commits_by_revision", "commits", ["codebase_id", "revision"], unique=True)


def _branches() -> None:
    op.create_table(
        "branches",
        sa.Column("id", Id, nullable=False),
        sa.Column("codebase_id", Id, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("commit_id", Id, nullable=True),
        sa.Column("last_timestamp", Time, nullable=False),
        sa.ForeignKeyConstraint(
            ["codebase_id"],
            ["codebases.id"],
            name=("branches_to_codebases_by_codebase_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["commit_id"],
            ["commits.id"],
            name=("branches_to_commits_by_commit_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=("branches_key")),
    )
    op.create_index("branches_by_name", "branches", ["codebase_id", "name"], unique=True)


def create() -> None:
    """Make these tables and their indexes."""
    _patches()
    _source_stamps()
    _changes()
    _change_sources()
    _change_source_masters()
    _codebases()
    _commits()
    _branches()
