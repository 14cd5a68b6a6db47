"""Test results, in sets: what steps and plug-ins say about tests."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import asdict, replace
from sqlalchemy import bindparam, false, insert, select, true, update

from chargehand.domain.identifiers import TestResultSetId
from chargehand.domain.result_set import ResultOfTest, ResultSet
from chargehand.events.messages import ResultSetAdded, ResultSetCompleted
from chargehand.store.engine.database import Database
from chargehand.store.engine.mapping import Rows
from chargehand.store.engine.tables import steps, test_result_sets, test_results
from chargehand.store.engine.transaction import Transaction

_set = test_result_sets.c
_rows = Rows(ResultSet, test_result_sets)
_INSERT = insert(test_result_sets).returning(_set.id)
_SELECT = select(*_rows.columns).where(_set.id == bindparam("of"))
_COMPLETE = (
    update(test_result_sets)
    .where(_set.id == bindparam("of"), _set.complete == false())
    .values(complete=true(), tests_passed=bindparam("passed"), tests_failed=bindparam("failed"))
)
_STEP = select(steps.c.build_id).where(steps.c.id == bindparam("of"))


class TestResults:
    """Stores sets of test results."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def add_set(self, result_set: ResultSet) -> ResultSet:
        """Store an open set, whose identifier is ignored; announce ResultSetAdded. Raises
        LookupError unless its step is one of its build."""
        values = {
            name: value
            for name, value in asdict(result_set).items()
            if name not in ("id", "complete")
        }

        def use_case(transaction: Transaction) -> ResultSet:
            connection = transaction.connection
            found = connection.execute(_STEP, {"of": result_set.step_id}).scalar()
            if found != result_set.build_id:
                raise LookupError(f"build {result_set.build_id} has no step {result_set.step_id}")
            id_ = connection.execute(_INSERT, {**values, "complete": False}).scalar_one()
            added = replace(result_set, id=TestResultSetId(id_), complete=False)
            transaction.announce(ResultSetAdded(result_set=added))
            return added

        return await self._database.insist(use_case, sequence=result_set.build_id)

    async def add(self, set_id: TestResultSetId, results: Sequence[ResultOfTest]) -> None:
        """Add results to a set. Raises LookupError if there is no such set."""

        def use_case(transaction: Transaction) -> None:
            belongs = {
                "builder_id": _found(transaction, set_id).builder_id,
                "test_result_set_id": set_id,
            }
            if rows := [{**asdict(one), **belongs} for one in results]:
                transaction.connection.execute(insert(test_results), rows)

        await self._database.insist(use_case)

    async def complete(
        self, set_id: TestResultSetId, passed: int | None = None, failed: int | None = None
    ) -> None:
        """Record how many tests passed and failed, and that no more come; announce
        ResultSetCompleted. Raises LookupError if there is no such open set."""

        def use_case(transaction: Transaction) -> None:
            values = {"of": set_id, "passed": passed, "failed": failed}
            result_set = _found(transaction, set_id)
            if not transaction.connection.execute(_COMPLETE, values).rowcount:
                raise LookupError(f"the set {set_id} of test results is complete")
            completed = replace(result_set, tests_passed=passed, tests_failed=failed, complete=True)
            transaction.announce(ResultSetCompleted(result_set=completed))

        await self._database.insist(use_case)


def _found(transaction: Transaction, set_id: TestResultSetId) -> ResultSet:
    row = transaction.connection.execute(_SELECT, {"of": set_id}).first()
    if row is None:
        raise LookupError(f"there is no set {set_id} of test results")
    return _rows.of(row)
