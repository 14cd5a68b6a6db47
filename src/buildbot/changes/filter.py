"""Filters of changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from buildbot._border.comparison import ComparableMixin
from buildbot._border.text import NotABranch
from buildbot.util.ssfilter import conditions, described, function_name
from chargehand.scheduling import change_filter as rules
from chargehand.scheduling.change_filter import Condition


class ChangeFilter(ComparableMixin):
    """Lets changes pass that fulfil all conditions.

    ``FIELD``, ``FIELD_not_eq`` (a string or a list of them; for branches None is the default one),
    ``FIELD_re``, ``FIELD_not_re`` (expressions, matched from the beginning) and ``FIELD_fn`` look
    at fields, ``property_eq`` and so on at properties by name, and ``filter_fn`` at the change.

    Args:
        filter_fn (Callable[[Any], Any] | None): function(change) that returns whether the change
            passes; in addition to the other conditions.
        project (str | None | list[str | None]): The project, or one of a list of them, that passes.
        project_not_eq (str | None | list[str | None]): The project, or a list of them, that does
            not pass.
        project_re (str | list[str] | None): Regular expression, or a list of them, that the project
            matches from its start.
        project_not_re (str | list[str] | None): Regular expression, or a list of them, that the
            project does not match.
        project_fn (Callable[[Any], Any] | None): function(project) that returns whether it passes.
        repository (str | None | list[str | None]): The repository, or one of a list of them, that
            passes.
        repository_not_eq (str | None | list[str | None]): The repository, or a list of them, that
            does not pass.
        repository_re (str | list[str] | None): Regular expression, or a list of them, that the
            repository matches from its start.
        repository_not_re (str | list[str] | None): Regular expression, or a list of them, that the
            repository does not match.
        repository_fn (Callable[[Any], Any] | None): function(repository) that returns whether it
            passes.
        branch (str | None | list[str | None]): The branch, or one of a list of them, that passes.
        branch_not_eq (str | None | list[str | None]): The branch, or a list of them, that does not
            pass.
        branch_re (str | list[str] | None): Regular expression, or a list of them, that the branch
            matches from its start.
        branch_not_re (str | list[str] | None): Regular expression, or a list of them, that the
            branch does not match.
        branch_fn (Callable[[Any], Any] | None): function(branch) that returns whether it passes.
        category (str | None | list[str | None]): The category, or one of a list of them, that
            passes.
        category_not_eq (str | None | list[str | None]): The category, or a list of them, that does
            not pass.
        category_re (str | list[str] | None): Regular expression, or a list of them, that the
            category matches from its start.
        category_not_re (str | list[str] | None): Regular expression, or a list of them, that the
            category does not match.
        category_fn (Callable[[Any], Any] | None): function(category) that returns whether it
            passes.
        codebase (str | None | list[str | None]): The codebase, or one of a list of them, that
            passes.
        codebase_not_eq (str | None | list[str | None]): The codebase, or a list of them, that does
            not pass.
        codebase_re (str | list[str] | None): Regular expression, or a list of them, that the
            codebase matches from its start.
        codebase_not_re (str | list[str] | None): Regular expression, or a list of them, that the
            codebase does not match.
        codebase_fn (Callable[[Any], Any] | None): function(codebase) that returns whether it
            passes.
        property_eq (dict[str, Any] | None): Properties by name with the value, or one of a list of
            them, that passes.
        property_not_eq (dict[str, Any] | None): Properties by name with the values that do not
            pass.
        property_re (dict[str, Any] | None): Properties by name with regular expressions that the
            value matches.
        property_not_re (dict[str, Any] | None): Properties by name with regular expressions that
            the value does not match.
    """

    compare_attrs = ("filter_fn", "filters", "property_filters", "functions")

    def __init__(
        self,
        filter_fn: Callable[[Any], Any] | None = None,
        project: Any = None,
        project_not_eq: Any = None,
        project_re: Any = None,
        project_not_re: Any = None,
        project_fn: Any = None,
        repository: Any = None,
        repository_not_eq: Any = None,
        repository_re: Any = None,
        repository_not_re: Any = None,
        repository_fn: Any = None,
        branch: Any = NotABranch,
        branch_not_eq: Any = NotABranch,
        branch_re: Any = None,
        branch_not_re: Any = None,
        branch_fn: Any = None,
        category: Any = None,
        category_not_eq: Any = None,
        category_re: Any = None,
        category_not_re: Any = None,
        category_fn: Any = None,
        codebase: Any = None,
        codebase_not_eq: Any = None,
        codebase_re: Any = None,
        codebase_not_re: Any = None,
        codebase_fn: Any = None,
        property_eq: Any = None,
        property_not_eq: Any = None,
        property_re: Any = None,
        property_not_re: Any = None,
    ) -> None:
        given = dict(locals())
        self.filter_fn = filter_fn
        self.filters: list[Condition] = []
        self.functions: list[tuple[str, Any]] = []
        for field in rules.FIELDS:
            self.filters += conditions(
                field,
                given[field],
                given[f"{field}_not_eq"],
                given[f"{field}_re"],
                given[f"{field}_not_re"],
            )
            if given[f"{field}_fn"] is not None:
                self.functions.append((field, given[f"{field}_fn"]))
        self.property_filters = _property_conditions(
            property_eq, property_not_eq, property_re, property_not_re
        )
        self._rule = rules.ChangeFilter(
            fields=tuple(self.filters),
            properties=tuple(self.property_filters),
            functions=tuple(self.functions),
        )

    @staticmethod
    def fromSchedulerConstructorArgs(
        change_filter: Any = None, branch: Any = NotABranch, categories: Any = None
    ) -> Any:
        """Return the filter that a scheduler's old arguments mean."""
        if change_filter is not None:
            return change_filter
        return ChangeFilter(branch=branch, category=categories or None)

    def filter_change(self, change: Any) -> bool:
        """Return whether the change passes."""
        if self.filter_fn is not None and not self.filter_fn(change):
            return False
        return self._rule(_WithProperties(change))

    def _as_rule(self) -> rules.ChangeFilter | None:
        """Return the engine's filter, None where users' code must be asked about whole changes."""
        asks_whole = self.filter_fn is not None
        is_overridden = type(self).filter_change is not ChangeFilter.filter_change
        return None if asks_whole or is_overridden else self._rule

    def __repr__(self) -> str:
        parts = [f"{function_name(self.filter_fn)}()"] if self.filter_fn is not None else []
        parts += [f"{function_name(function)}({field})" for field, function in self.functions]
        parts += map(described, [*self.filters, *self.property_filters])
        return f"<{type(self).__name__} on {' and '.join(parts)}>"


class _WithProperties:
    """A change with its properties as a mapping, whichever form they have."""

    __slots__ = ("_change",)

    def __init__(self, change: Any) -> None:
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._change, name)

    @property
    def properties(self) -> Mapping[str, tuple[Any, str]]:
        properties = self._change.properties
        found: Mapping[str, tuple[Any, str]] = getattr(properties, "properties", properties)
        return found


def _property_conditions(eq: Any, not_eq: Any, match: Any, not_match: Any) -> list[Condition]:
    given = (
        ("property_eq", eq, rules.exactly),
        ("property_not_eq", not_eq, rules.none_of),
        ("property_re", match, rules.matching),
        ("property_not_re", not_match, rules.matching_none),
    )
    found = []
    for argument, wanted, make in given:
        if wanted is not None and not isinstance(wanted, dict):
            raise ValueError(f"filter {argument} must be a dictionary, not {wanted!r}")
        found += [make(name, value) for name, value in (wanted or {}).items()]
    return found
