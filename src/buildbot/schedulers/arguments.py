"""Checking the arguments of schedulers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from buildbot._border.errors import warn
from buildbot._border.numbers import PRIORITY, check_number
from buildbot._border.rendering import IRenderable
from buildbot.config import error
from buildbot.process.properties import Properties


@dataclass(slots=True, kw_only=True)
class Arguments:
    """Arguments that ``checkConfig`` and ``reconfigService`` share, as fields with Buildbot's
    names."""

    @classmethod
    def taken_from(cls, keywords: dict[str, Any]) -> Self:
        """Take the fields out of *keywords*; what remains is for the base class."""
        names = (field.name for field in fields(cls))
        return cls(**{name: keywords.pop(name) for name in names if name in keywords})

    def give_to(self, scheduler: Any) -> None:
        """Set each as an attribute of the scheduler."""
        for field in fields(self):
            setattr(scheduler, field.name, getattr(self, field.name))


def check_arguments(
    what: str, *, builder_names: Any, properties: Any, codebases: Any, priority: Any
) -> None:
    """Report errors in the arguments that all schedulers take."""
    if not are_builder_names(builder_names):
        once = isinstance(builder_names, map | filter | zip)
        advice = ": in Python 3 write list(...) around it" if once else ""
        error(
            f"{what}: builderNames must be a list of builder names or a renderable of one, "
            f"not {builder_names!r}{advice}"
        )
    if properties is not None and not isinstance(properties, dict | Properties):
        error(f"{what}: properties must be a dictionary, not {properties!r}")
    if codebases is not None:
        _check_codebases(what, codebases)
    if priority is not None and not callable(priority):
        check_number(what, "priority", priority, PRIORITY)


def check_change_arguments(what: str, *, is_important: Any, change_filter: Any) -> None:
    """Report errors in the arguments of schedulers that look at changes."""
    if is_important is not None and not callable(is_important):
        error(f"{what}: fileIsImportant must be a function, not {is_important!r}")
    if change_filter is not None and not callable(getattr(change_filter, "filter_change", None)):
        error(f"{what}: change_filter must be a util.ChangeFilter, not {change_filter!r}")


def named(what: str, names: Sequence[str], given: Sequence[Any]) -> dict[str, Any]:
    """Return arguments that were given by position, with their names; that is deprecated."""
    if len(given) > len(names):
        raise TypeError(f"{what} takes these arguments by name only: {', '.join(names)} …")
    found = dict(zip(names, given, strict=False))
    if found:
        words = ", ".join(f"{name}=…" for name in found)
        warn(f"{what}: Buildbot 4 takes these arguments by name only; write {words}")
    return found


def are_names(names: Any) -> bool:
    return isinstance(names, list | tuple) and all(isinstance(name, str | bytes) for name in names)


def are_builder_names(names: Any) -> bool:
    if isinstance(names, str | bytes):
        return False
    if isinstance(names, list | tuple):
        return all(isinstance(n, str | bytes) or IRenderable.providedBy(n) for n in names)
    return bool(IRenderable.providedBy(names))


def _check_codebases(what: str, codebases: Any) -> None:
    if isinstance(codebases, dict):
        is_right = all(isinstance(value, dict) for value in codebases.values())
    else:
        is_right = isinstance(codebases, list | tuple) and all(
            isinstance(name, str) for name in codebases
        )
    if not is_right:
        error(
            f"{what}: codebases must be a list of names or a dictionary of dictionaries, "
            f"not {codebases!r}"
        )


def codebases_given(codebases: Any) -> dict[str, dict[str, Any]]:
    if isinstance(codebases, dict):
        return {name: value for name, value in codebases.items() if isinstance(value, dict)}
    return {name: {} for name in codebases or () if isinstance(name, str)}
