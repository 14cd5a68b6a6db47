"""What a step says about tests: results in sets, which the data API and plug-ins read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from buildbot._border.bridge import inward, outgoing, settled

_BATCH = 200
"""So many results are kept in memory before they are stored."""

_ALL_PASSED = frozenset({"pass_only"})
_ALL_FAILED = frozenset({"fail_only", "code_issue"})
_BOTH = "pass_fail"


@dataclass
class _OpenSet:
    category: str
    passed: int = 0
    failed: int = 0
    waiting: list[dict[str, Any]] = field(default_factory=list)
    being_stored: list[Any] = field(default_factory=list)
    """Deferreds of batches."""

    def add(self, result: dict[str, Any]) -> None:
        self.waiting.append(result)
        if self.category in _ALL_PASSED:
            self.passed += 1
        elif self.category in _ALL_FAILED:
            self.failed += 1
        elif self.category == _BOTH and (is_passed := _is_true(result["value"])) is not None:
            self.passed += is_passed
            self.failed += not is_passed

    def numbers(self) -> tuple[int | None, int | None]:
        """Return how many tests passed and failed, as far as the category says it."""
        is_counted = self.category in _ALL_PASSED | _ALL_FAILED | {_BOTH}
        return (self.passed, self.failed) if is_counted else (None, None)


class StepTestResults:
    """The sets of test results of a step."""

    build: Any
    master: Any
    stepid: int | None
    _open_sets: dict[int, _OpenSet] | None = None

    def addTestResultSets(self) -> Any:
        """Begin the sets that the step has in any case; called before ``run()``. Subclasses
        override it, and may return a Deferred."""
        return settled(None)

    @outgoing
    async def addTestResultSet(self, description: str, category: str, value_unit: str) -> int:
        """Begin a set of test results; returns a Deferred of its identifier.

        The end of the step completes it. Of the categories ``pass_fail``, ``pass_only``,
        ``fail_only`` and ``code_issue`` it then says how many tests passed and failed.
        """
        updates = self.master.data.updates
        number: int = await inward(
            updates.addTestResultSet,
            self.build.builder.builderid,
            self.build.buildid,
            self.stepid,
            description,
            category,
            value_unit,
        )
        if self._open_sets is None:
            self._open_sets = {}
        self._open_sets[number] = _OpenSet(category)
        return number

    def addTestResult(
        self,
        setid: int,
        value: Any,
        test_name: str | None = None,
        test_code_path: str | None = None,
        line: int | None = None,
        duration_ns: int | None = None,
    ) -> None:
        """Add a result to a set that this step has begun: of the test with a name, or of a place
        in the code. Raises KeyError for another set, ValueError without name and place."""
        if self._open_sets is None or setid not in self._open_sets:
            raise KeyError(setid)
        if test_name is None and test_code_path is None:
            raise ValueError("a test result needs test_name or test_code_path")
        of_set = self._open_sets[setid]
        of_set.add(
            {
                "value": str(value),
                "test_name": test_name,
                "test_code_path": test_code_path,
                "line": line,
                "duration_ns": duration_ns,
            }
        )
        if len(of_set.waiting) >= _BATCH:
            of_set.being_stored.append(self._store(setid, of_set))

    async def _end_test_results(self) -> None:
        """Store the results, and complete the sets."""
        sets, self._open_sets = self._open_sets, None
        updates = self.master.data.updates
        for number, one in (sets or {}).items():
            for stored in (*one.being_stored, self._store(number, one)):
                await inward(lambda stored=stored: stored)
            await inward(updates.completeTestResultSet, number, *one.numbers())

    def _store(self, set_id: int, results: _OpenSet) -> Any:
        batch, results.waiting = results.waiting, []
        updates = self.master.data.updates
        return updates.addTestResults(self.build.builder.builderid, set_id, batch)


def _is_true(value: str) -> bool | None:
    """Return what a value of ``pass_fail`` says, None if that is not known."""
    try:
        return bool(int(value))
    except ValueError:
        return None
