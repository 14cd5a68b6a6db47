"""Filters of source stamps, and the conditions that filters are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from buildbot._border.comparison import ComparableMixin
from buildbot._border.text import NotABranch
from chargehand.scheduling import change_filter as rules
from chargehand.scheduling.change_filter import Comparison, Condition

_SIGNS = {
    Comparison.IN: "in",
    Comparison.NOT_IN: "not in",
    Comparison.MATCHES: "matches",
    Comparison.MATCHES_NOT: "does not match",
}


class SourceStampFilter(ComparableMixin):
    """Lets source stamps (dictionaries) pass that fulfil all conditions.

    Args:
        filter_fn (Callable[[Any], Any] | None): function(source stamp) that returns whether it
            passes; in addition to the other conditions.
        project_eq (str | None | list[str | None]): The project, or one of a list of them, that
            passes.
        project_not_eq (str | None | list[str | None]): The project, or a list of them, that does
            not pass.
        project_re (str | list[str] | None): Regular expression, or a list of them, that the project
            matches from its start.
        project_not_re (str | list[str] | None): Regular expression, or a list of them, that the
            project does not match.
        repository_eq (str | None | list[str | None]): The repository, or one of a list of them,
            that passes.
        repository_not_eq (str | None | list[str | None]): The repository, or a list of them, that
            does not pass.
        repository_re (str | list[str] | None): Regular expression, or a list of them, that the
            repository matches from its start.
        repository_not_re (str | list[str] | None): Regular expression, or a list of them, that the
            repository does not match.
        branch_eq (str | None | list[str | None]): The branch, or one of a list of them, that
            passes.
        branch_not_eq (str | None | list[str | None]): The branch, or a list of them, that does not
            pass.
        branch_re (str | list[str] | None): Regular expression, or a list of them, that the branch
            matches from its start.
        branch_not_re (str | list[str] | None): Regular expression, or a list of them, that the
            branch does not match.
        codebase_eq (str | None | list[str | None]): The codebase, or one of a list of them, that
            passes.
        codebase_not_eq (str | None | list[str | None]): The codebase, or a list of them, that does
            not pass.
        codebase_re (str | list[str] | None): Regular expression, or a list of them, that the
            codebase matches from its start.
        codebase_not_re (str | list[str] | None): Regular expression, or a list of them, that the
            codebase does not match.
    """

    compare_attrs = ("filter_fn", "filters")

    def __init__(
        self,
        filter_fn: Callable[[Any], Any] | None = None,
        project_eq: Any = None,
        project_not_eq: Any = None,
        project_re: Any = None,
        project_not_re: Any = None,
        repository_eq: Any = None,
        repository_not_eq: Any = None,
        repository_re: Any = None,
        repository_not_re: Any = None,
        branch_eq: Any = NotABranch,
        branch_not_eq: Any = NotABranch,
        branch_re: Any = None,
        branch_not_re: Any = None,
        codebase_eq: Any = None,
        codebase_not_eq: Any = None,
        codebase_re: Any = None,
        codebase_not_re: Any = None,
    ) -> None:
        given = dict(locals())
        self.filter_fn = filter_fn
        self.filters = [
            condition
            for field in ("project", "repository", "branch", "codebase")
            for condition in conditions(
                field,
                given[f"{field}_eq"],
                given[f"{field}_not_eq"],
                given[f"{field}_re"],
                given[f"{field}_not_re"],
            )
        ]

    def is_matched(self, ss: Mapping[str, Any]) -> bool:
        """Return whether the source stamp passes."""
        if self.filter_fn is not None and not self.filter_fn(ss):
            return False
        return all(condition.holds(ss[condition.name]) for condition in self.filters)

    def __repr__(self) -> str:
        parts = [f"{function_name(self.filter_fn)}()"] if self.filter_fn is not None else []
        parts += map(described, self.filters)
        return f"<{type(self).__name__} on {' and '.join(parts)}>"


def conditions(field: str, eq: Any, not_eq: Any, match: Any, not_match: Any) -> list[Condition]:
    found = []
    unset = NotABranch if field == "branch" else None
    if eq is not unset:
        found.append(rules.exactly(field, _values(f"{field}_eq", eq)))
    if not_eq is not unset:
        found.append(rules.none_of(field, _values(f"{field}_not_eq", not_eq)))
    if match is not None:
        found.append(rules.matching(field, _expressions(f"{field}_re", match)))
    if not_match is not None:
        found.append(rules.matching_none(field, _expressions(f"{field}_not_re", not_match)))
    return found


def _values(argument: str, given: Any) -> Any:
    values = given if isinstance(given, list) else [given]
    may_be_none = argument.startswith("branch")
    if all(isinstance(value, str) or (value is None and may_be_none) for value in values):
        return values
    words = "a string, None, or a list of these" if may_be_none else "a string or a list of strings"
    raise ValueError(f"filter {argument} must be {words}, not {given!r}")


def _expressions(argument: str, given: Any) -> Any:
    values = given if isinstance(given, list) else [given]
    if all(isinstance(value, str | re.Pattern) for value in values):
        return values
    raise ValueError(
        f"filter {argument} must be a string, a regular expression, or a list of these, "
        f"not {given!r}"
    )


def function_name(function: Any) -> str:
    return getattr(function, "__name__", repr(function))


def described(condition: Condition) -> str:
    return f"{condition.name} {_SIGNS[condition.comparison]} {list(condition.values)}"
