"""Change filters: conditions on the fields and properties of changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Protocol

import msgspec

from chargehand.kit.linear_patterns import matches

FIELDS = ("project", "repository", "branch", "category", "codebase")
"""The fields of a change that conditions can test."""


class Filterable(Protocol):
    """What a filter tests: a change, or an equivalent object of users' code."""

    @property
    def properties(self) -> Mapping[str, tuple[object, str]]:
        """Values and their sources, by name."""


Expressions = str | re.Pattern[str] | Sequence[str | re.Pattern[str]]
"""One regular expression, or several of which one must match."""


class Comparison(Enum):
    """How a condition compares values."""

    IN = auto()
    NOT_IN = auto()
    MATCHES = auto()
    MATCHES_NOT = auto()


class Condition(msgspec.Struct, frozen=True):
    """One condition: *values* are strings (None: no value) or compiled expressions."""

    name: str
    comparison: Comparison
    values: tuple[object, ...]

    def holds(self, value: object) -> bool:
        """Return whether *value* satisfies the condition; expressions match from the beginning."""
        match self.comparison:
            case Comparison.IN:
                return value in self.values
            case Comparison.NOT_IN:
                return value not in self.values
            case Comparison.MATCHES:
                return self._matches(value)
            case Comparison.MATCHES_NOT:
                return not self._matches(value)

    def refusal(self, value: object) -> str:
        """Say why *value*, which does not satisfy it, does not."""
        is_so = f"it has no {self.name}" if value is None else f'its {self.name} is "{value}"'
        match self.comparison:
            case Comparison.IN:
                return f"{is_so}, not {self._listed(' or ')}"
            case Comparison.NOT_IN:
                return f"{is_so}, which is excluded"
            case Comparison.MATCHES:
                return f"{is_so}, which does not match {self._listed(' or ')}"
            case Comparison.MATCHES_NOT:
                return f"{is_so}, which must not match {self._listed(' or ')}"

    def _listed(self, between: str) -> str:
        return between.join(
            "none"
            if value is None
            else f'"{value.pattern if isinstance(value, re.Pattern) else value}"'
            for value in self.values
        )

    def _matches(self, value: object) -> bool:
        if value is None:
            return False
        text = value if isinstance(value, str) else str(value)
        expressions = (value for value in self.values if isinstance(value, re.Pattern))
        return any(matches(expression, text) for expression in expressions)


class ChangeFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Accepts a change if all conditions and functions do; an empty filter accepts everything."""

    fields: tuple[Condition, ...] = ()
    properties: tuple[Condition, ...] = ()
    functions: tuple[tuple[str, Callable[[object], object]], ...] = ()
    """Functions that test a single field."""

    def __call__(self, change: Filterable) -> bool:
        """Return whether *change*, with the fields as attributes, passes."""
        return (
            all(condition.holds(getattr(change, condition.name)) for condition in self.fields)
            and all(function(getattr(change, name)) for name, function in self.functions)
            and self._properties_hold(change.properties if self.properties else {})
        )

    def refusal(self, change: Filterable) -> str:
        """Say why a change that does not pass does not."""
        for condition in self.fields:
            value = getattr(change, condition.name)
            if not condition.holds(value):
                return condition.refusal(value)
        for name, function in self.functions:
            if not function(getattr(change, name)):
                return f"its filter's function for the {name} rejected it"
        for condition in self.properties:
            value = change.properties.get(condition.name, (None, ""))[0]
            if not condition.holds(value):
                return condition.refusal(value).replace(
                    condition.name, f"property {condition.name}", 1
                )
        return "its filter rejected it"

    def _properties_hold(self, properties: Mapping[str, tuple[object, str]]) -> bool:
        return all(
            condition.holds(properties.get(condition.name, (None, ""))[0])
            for condition in self.properties
        )


def exactly(name: str, values: object) -> Condition:
    """Return the condition that the field has one of *values* (one value, or a list)."""
    return Condition(name, Comparison.IN, _listed(values))


def none_of(name: str, values: object) -> Condition:
    """Return the condition that the field has none of *values*."""
    return Condition(name, Comparison.NOT_IN, _listed(values))


def matching(name: str, expressions: Expressions) -> Condition:
    """Return the condition that the field matches one of *expressions*."""
    return Condition(name, Comparison.MATCHES, _compiled(expressions))


def matching_none(name: str, expressions: Expressions) -> Condition:
    """Return the condition that the field matches none of *expressions*."""
    return Condition(name, Comparison.MATCHES_NOT, _compiled(expressions))


def _listed(values: object) -> tuple[object, ...]:
    return tuple(values) if isinstance(values, list | tuple) else (values,)


def _compiled(expressions: Expressions) -> tuple[re.Pattern[str], ...]:
    if isinstance(expressions, str | re.Pattern):
        return (re.compile(expressions),)
    return tuple(map(re.compile, expressions))
