"""What the arguments of every scheduler may be."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

from buildbot._border.rendering import IRenderable
from buildbot.config import error
from buildbot.process.properties import Properties

BUILDER_NAMES_ERROR = (
    "The builderNames argument to a scheduler must be a list of Builder names or an IRenderable "
    "object that will render to a list of builder names."
)


@dataclass(slots=True, kw_only=True)
class Arguments:
    """Arguments that ``checkConfig`` and ``reconfigService`` both take, declared once, as fields
    under Buildbot's names."""

    @classmethod
    def taken_from(cls, keywords: dict[str, Any]) -> Self:
        """Return those among *keywords*, which lose them; the rest is for the base class."""
        names = (field.name for field in fields(cls))
        return cls(**{name: keywords.pop(name) for name in names if name in keywords})

    def give_to(self, scheduler: Any) -> None:
        """Make each an attribute of the scheduler."""
        for field in fields(self):
            setattr(scheduler, field.name, getattr(self, field.name))


def check_arguments(
    what: str, *, builder_names: Any, properties: Any, codebases: Any, priority: Any
) -> None:
    """Say what is wrong with the arguments that all schedulers take."""
    if not are_builder_names(builder_names):
        error(BUILDER_NAMES_ERROR)
    if properties is not None and not isinstance(properties, dict | Properties):
        error(f"{what}: properties must be a dictionary, not {properties!r}")
    if codebases is not None:
        _check_codebases(codebases)
    if priority is not None and not isinstance(priority, int) and not callable(priority):
        error(
            f"Invalid type for priority: {type(priority)}. "
            "It must either be an integer or a function"
        )


def check_change_arguments(what: str, *, is_important: Any, change_filter: Any) -> None:
    """Say what is wrong with the arguments of schedulers that look at changes."""
    if is_important is not None and not callable(is_important):
        error("fileIsImportant must be a callable")
    if change_filter is not None and not callable(getattr(change_filter, "filter_change", None)):
        error(f"{what}: change_filter must be a ChangeFilter, not {change_filter!r}")


def are_names(names: Any) -> bool:
    return isinstance(names, list | tuple) and all(isinstance(name, str | bytes) for name in names)


def are_builder_names(names: Any) -> bool:
    if isinstance(names, str | bytes):
        return False
    if isinstance(names, list | tuple):
        return all(isinstance(n, str | bytes) or IRenderable.providedBy(n) for n in names)
    return bool(IRenderable.providedBy(names))


def _check_codebases(codebases: Any) -> None:
    if not isinstance(codebases, dict | list | tuple):
        error("Codebases must be a dict of dicts, or list of strings")
    elif isinstance(codebases, dict) and not all(isinstance(v, dict) for v in codebases.values()):
        error("Codebases must be a dict of dicts")
    elif isinstance(codebases, list | tuple) and not all(isinstance(n, str) for n in codebases):
        error("Codebases must be a list of strings")


def codebases_given(codebases: Any) -> dict[str, dict[str, Any]]:
    if isinstance(codebases, dict):
        return {name: value for name, value in codebases.items() if isinstance(value, dict)}
    return {name: {} for name in codebases or () if isinstance(name, str)}
