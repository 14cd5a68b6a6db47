"""Codebases with branches and commits, which nothing writes so far, and test results."""

from typing import Never

from chargehand.domain.result_set import ResultSet
from chargehand.events import messages
from chargehand.resources.announcement_rules import announces
from chargehand.resources.entity import Entity
from chargehand.resources.field import (
    BOOLEAN,
    IDENTIFIER,
    INTEGER,
    STRING,
    Fields,
    list_of,
    made,
    read,
    read_seconds,
)

_RANGE = "codebases/n:codebaseid/commit_range/n:commitid1/n:commitid2"

CODEBASE = Entity(
    plural="codebases",
    singular="codebase",
    table="codebases",
    fields=(
        read("codebaseid", INTEGER, "id"),
        read("projectid", INTEGER, "project_id"),
        read("name", IDENTIFIER),
        read("slug", IDENTIFIER),
    ),
    collections=("codebases", "projects/n:projectid/codebases"),
    singles=("codebases/n:codebaseid", "projects/n:projectid/codebases/i:codebasename"),
    placeholders={"codebasename": "name"},
)

BRANCH = Entity(
    plural="branches",
    singular="branch",
    table="branches",
    fields=(
        read("branchid", INTEGER, "id"),
        read("codebaseid", INTEGER, "codebase_id"),
        read("name", STRING),
        read("commitid", INTEGER, "commit_id"),
        read_seconds("last_timestamp", INTEGER),
    ),
    collections=("codebases/n:codebaseid/branches",),
    singles=("branches/n:branchid",),
)

COMMIT = Entity(
    plural="commits",
    singular="commit",
    table="commits",
    fields=(
        read("commitid", INTEGER, "id"),
        read("codebaseid", INTEGER, "codebase_id"),
        read("author", STRING),
        read("committer", STRING.or_none),
        read("comments", STRING),
        read_seconds("when_timestamp", INTEGER),
        read("revision", STRING),
        read("parent_commitid", INTEGER.or_none, "parent_commit_id"),
    ),
    collections=("codebases/n:codebaseid/commits",),
    singles=(
        "codebases/n:codebaseid/commits_by_revision/s:revision",
        "commits/n:commitid",
    ),
)

COMMIT_GRAPH = Entity(
    plural="commit_graphs",
    singular="commit_graph",
    fields=(made("common", INTEGER), made("to1", list_of(INTEGER)), made("to2", list_of(INTEGER))),
    singles=(f"{_RANGE}/commits_common_parent",),
)

_set = Fields(ResultSet)

TEST_RESULT_SET = Entity(
    plural="test_result_sets",
    singular="test_result_set",
    table="test_result_sets",
    fields=(
        _set.column("test_result_setid", INTEGER, "id", lambda one: one.id),
        _set.column("builderid", INTEGER, "builder_id", lambda one: one.builder_id),
        _set.column("buildid", INTEGER, "build_id", lambda one: one.build_id),
        _set.column("stepid", INTEGER, "step_id", lambda one: one.step_id),
        _set.column("description", STRING.or_none, "description", lambda one: one.description),
        _set.column("category", STRING, "category", lambda one: one.category),
        _set.column("value_unit", STRING, "value_unit", lambda one: one.value_unit),
        _set.column("tests_passed", INTEGER.or_none, "tests_passed", lambda one: one.tests_passed),
        _set.column("tests_failed", INTEGER.or_none, "tests_failed", lambda one: one.tests_failed),
        _set.column("complete", BOOLEAN, "complete", lambda one: one.complete),
    ),
    collections=(
        "builders/n:builderid/test_result_sets",
        "builders/s:buildername/test_result_sets",
        "builds/n:buildid/test_result_sets",
        f"{_RANGE}/test_result_sets",
        "steps/n:stepid/test_result_sets",
        "test_result_sets",
    ),
    singles=("test_result_sets/n:test_result_setid",),
    is_at_root=False,  # As in Buildbot.
    event_keys={"test_result_sets": lambda one: (str(one.id),)},
)

TEST_RESULT = Entity(
    plural="test_results",
    singular="test_result",
    table="test_results",
    fields=(
        read("test_resultid", INTEGER, "id"),
        read("builderid", INTEGER, "builder_id"),
        read("test_result_setid", INTEGER, "test_result_set_id"),
        read("test_name", STRING.or_none),
        read("test_code_path", STRING.or_none),
        read("line", INTEGER.or_none),
        read("duration_ns", INTEGER.or_none),
        read("value", STRING),
    ),
    collections=("test_result_sets/n:test_result_setid/results",),
)

ENTITIES: tuple[Entity[Never], ...] = (
    BRANCH,
    CODEBASE,
    COMMIT,
    COMMIT_GRAPH,
    TEST_RESULT,
    TEST_RESULT_SET,
)

ANNOUNCEMENT_RULES = (
    announces(TEST_RESULT_SET, messages.ResultSetAdded, "new", lambda event: event.result_set),
    announces(
        TEST_RESULT_SET,
        messages.ResultSetCompleted,
        "completed",
        lambda event: event.result_set,
    ),
)
"""Events of these resources."""
