"""``master.data.updates``: results of tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buildbot._border.bridge import outgoing, outward
from buildbot._host.views.engine_access import EngineAccess
from chargehand.domain.identifiers import BuilderId, BuildId, StepId, TestResultSetId
from chargehand.domain.result_set import ResultOfTest, ResultSet


class ResultUpdates:
    """Writes sets of test results, which steps make with ``addTestResultSet``."""

    _access: EngineAccess

    @outgoing
    async def addTestResultSet(
        self,
        builderid: int,
        buildid: int,
        stepid: int,
        description: str,
        category: str,
        value_unit: str,
    ) -> int:
        """Begin a set of results of a step; returns a Deferred of its identifier. Raises
        LookupError if the build has no such step."""
        begun = ResultSet(
            id=TestResultSetId(0),
            builder_id=BuilderId(builderid),
            build_id=BuildId(buildid),
            step_id=StepId(stepid),
            description=description,
            category=category,
            value_unit=value_unit,
        )
        return (await self._access.engine.test_results.add_set(begun)).id

    def addTestResults(
        self, builderid: int, test_result_setid: int, result_values: Sequence[Mapping[str, Any]]
    ) -> Any:
        """Add results to a set; returns a Deferred.

        Each has a ``value``, and ``test_name`` or ``test_code_path``; it may have ``line`` and
        ``duration_ns``. Raises KeyError for one that lacks them, LookupError for an unknown set.
        """
        results = [_result(one) for one in result_values]
        return outward(
            self._access.engine.test_results.add(TestResultSetId(test_result_setid), results)
        )

    def completeTestResultSet(
        self,
        test_result_setid: int,
        tests_passed: int | None = None,
        tests_failed: int | None = None,
    ) -> Any:
        """End a set, with numbers of tests where they are known; returns a Deferred. Raises
        LookupError if there is no such open set."""
        return outward(
            self._access.engine.test_results.complete(
                TestResultSetId(test_result_setid), tests_passed, tests_failed
            )
        )


def _result(given: Mapping[str, Any]) -> ResultOfTest:
    if "value" not in given:
        raise KeyError("a test result needs a 'value'")
    if "test_name" not in given and "test_code_path" not in given:
        raise KeyError("a test result needs a 'test_name' or a 'test_code_path'")
    return ResultOfTest(
        value=str(given["value"]),
        test_name=given.get("test_name"),
        test_code_path=given.get("test_code_path"),
        line=given.get("line"),
        duration_ns=given.get("duration_ns"),
    )
