"""What a step says about tests: sets of results of one kind."""

import msgspec

from chargehand.domain.identifiers import BuilderId, BuildId, StepId, TestResultSetId


class ResultSet(msgspec.Struct, frozen=True, kw_only=True):
    """Results of one kind from one step, complete when no more are added."""

    id: TestResultSetId
    builder_id: BuilderId
    build_id: BuildId
    step_id: StepId
    description: str | None
    category: str
    """What a result says: ``pass_fail``, ``pass_only``, ``fail_only``, ``code_issue`` …"""
    value_unit: str
    """What its value is: ``boolean``, ``message``, ``ms`` …"""
    tests_passed: int | None = None
    tests_failed: int | None = None
    complete: bool = False


class ResultOfTest(msgspec.Struct, frozen=True, kw_only=True):
    """One result; it has the name of a test, or a place in the code."""

    value: str
    test_name: str | None = None
    test_code_path: str | None = None
    line: int | None = None
    duration_ns: int | None = None
