"""Codebases with their branches and commits, and results of tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, false, select

from chargehand.store.resource_sql.shapes import Kind, by, plain, scope, time
from chargehand.store.tables import (
    branches,
    builders,
    codebases,
    commits,
    test_result_sets,
    test_results,
)

_codebase = codebases.c
_branch = branches.c
_commit = commits.c
_set = test_result_sets.c
_result = test_results.c

CODEBASES = Kind(
    source=codebases,
    identity=_codebase.id,
    fields={
        "codebaseid": plain(_codebase.id),
        "projectid": plain(_codebase.project_id),
        "name": plain(_codebase.name),
        "slug": plain(_codebase.slug),
    },
    scopes=(
        *by(_codebase.id, "codebaseid"),
        *by(_codebase.project_id, "projectid"),
        *by(_codebase.name, "codebasename"),
    ),
)

BRANCHES = Kind(
    source=branches,
    identity=_branch.id,
    fields={
        "branchid": plain(_branch.id),
        "codebaseid": plain(_branch.codebase_id),
        "name": plain(_branch.name),
        "commitid": plain(_branch.commit_id),
        "last_timestamp": time(_branch.last_timestamp),
    },
    scopes=(*by(_branch.id, "branchid"), *by(_branch.codebase_id, "codebaseid")),
)

COMMITS = Kind(
    source=commits,
    identity=_commit.id,
    fields={
        "commitid": plain(_commit.id),
        "codebaseid": plain(_commit.codebase_id),
        "author": plain(_commit.author),
        "committer": plain(_commit.committer),
        "comments": plain(_commit.comments),
        "when_timestamp": time(_commit.when_timestamp),
        "revision": plain(_commit.revision),
        "parent_commitid": plain(_commit.parent_commit_id),
    },
    scopes=(
        *by(_commit.id, "commitid"),
        *by(_commit.codebase_id, "codebaseid"),
        *by(_commit.revision, "revision"),
    ),
)


def _of_builder_named(given: Mapping[str, BindParameter[Any]]) -> ColumnElement[bool]:
    found = select(builders.c.id).where(builders.c.name == given["buildername"])
    return _set.builder_id == found.scalar_subquery()


TEST_RESULT_SETS = Kind(
    source=test_result_sets,
    identity=_set.id,
    fields={
        "test_result_setid": plain(_set.id),
        "builderid": plain(_set.builder_id),
        "buildid": plain(_set.build_id),
        "stepid": plain(_set.step_id),
        "description": plain(_set.description),
        "category": plain(_set.category),
        "value_unit": plain(_set.value_unit),
        "tests_passed": plain(_set.tests_passed),
        "tests_failed": plain(_set.tests_failed),
        "complete": plain(_set.complete),
    },
    scopes=(
        *by(_set.id, "test_result_setid"),
        *by(_set.builder_id, "builderid"),
        scope("buildername")(_of_builder_named),
        *by(_set.build_id, "buildid"),
        *by(_set.step_id, "stepid"),
        # Sets of results are not stored by commits.
        scope("codebaseid", "commitid1", "commitid2")(lambda given: false()),
    ),
)

TEST_RESULTS = Kind(
    source=test_results,
    identity=_result.id,
    fields={
        "test_resultid": plain(_result.id),
        "builderid": plain(_result.builder_id),
        "test_result_setid": plain(_result.test_result_set_id),
        "test_name": plain(_result.test_name),
        "test_code_path": plain(_result.test_code_path),
        "line": plain(_result.line),
        "duration_ns": plain(_result.duration_ns),
        "value": plain(_result.value),
    },
    scopes=by(_result.test_result_set_id, "test_result_setid"),
)
