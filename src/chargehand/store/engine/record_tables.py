"""Tables of codebases, which are not filled yet, and of test results."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from chargehand.store.engine.columns import CleanText, Id, Name, Time
from chargehand.store.engine.definitions import flag, identity, metadata, reference, text

codebases = Table(
    "codebases",
    metadata,
    identity(),
    reference("project_id", "projects"),
    Column("name", Name, nullable=False),
    text("slug"),
    Index("codebases_by_name", "project_id", "name", unique=True),
)

commits = Table(
    "commits",
    metadata,
    identity(),
    reference("codebase_id", "codebases"),
    text("author"),
    Column("committer", CleanText),
    text("comments"),
    Column("when_timestamp", Time, nullable=False),
    Column("revision", Name, nullable=False),
    Column("parent_commit_id", Id),
    Index("commits_by_revision", "codebase_id", "revision", unique=True),
)

branches = Table(
    "branches",
    metadata,
    identity(),
    reference("codebase_id", "codebases"),
    Column("name", Name, nullable=False),
    reference("commit_id", "commits", nullable=True),
    Column("last_timestamp", Time, nullable=False),
    Index("branches_by_name", "codebase_id", "name", unique=True),
)

test_result_sets = Table(
    "test_result_sets",
    metadata,
    identity(),
    reference("builder_id", "builders", index=True),
    reference("build_id", "builds", index=True),
    reference("step_id", "steps", index=True),
    Column("description", CleanText),
    text("category"),
    text("value_unit"),
    Column("tests_passed", Integer),
    Column("tests_failed", Integer),
    flag("complete"),
)

test_results = Table(
    "test_results",
    metadata,
    identity(),
    reference("builder_id", "builders"),
    reference("test_result_set_id", "test_result_sets", index=True),
    Column("test_name", CleanText),
    Column("test_code_path", CleanText),
    Column("line", Integer),
    Column("duration_ns", Id),
    text("value"),
)
