"""Which results of a step are told in the sentence of its build."""

from __future__ import annotations

from typing import Any

from buildbot._border.errors import error
from buildbot.process.results import ALL_RESULTS, CANCELLED, EXCEPTION, FAILURE, RETRY, WARNINGS


def summary_policy(step: Any, kind: str) -> Any:
    """Return ``updateBuildSummaryPolicy`` of a step as a list of results; by default those that
    bear on the build's result."""
    policy = step.updateBuildSummaryPolicy
    if policy is None:
        policy = [EXCEPTION, RETRY, CANCELLED]
        if step.haltOnFailure or step.flunkOnFailure or step.warnOnFailure:
            policy.append(FAILURE)
        if step.flunkOnWarnings or step.warnOnWarnings:
            policy.append(WARNINGS)
        return policy
    if isinstance(policy, bool):
        return ALL_RESULTS if policy else []
    if not isinstance(policy, list):
        error(
            f"{kind} updateBuildSummaryPolicy must be a list of result ids or boolean but it "
            f"is {policy!r}"
        )
    return policy
