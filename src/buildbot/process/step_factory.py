"""Making a build's step from a configured one: a new instance with the same class and arguments."""

from __future__ import annotations

from typing import Any

from buildbot._border.comparison import ComparableMixin
from buildbot._border.making import place_of_new


class BuildStepFactory(ComparableMixin):
    """The class and the arguments of a step; equal ones make equal steps."""

    compare_attrs = ("factory", "args", "kwargs")

    def __init__(self, factory: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.factory = factory
        self.args = args
        self.kwargs = kwargs
        self._made_at = place_of_new()

    def buildStep(self) -> Any:
        """Return a new step."""
        step = self.factory(*self.args, **self.kwargs)
        if self._made_at is not None:
            step._made_at = self._made_at
        return step

    def set_step_arg(self, name: str, value: Any) -> None:
        """Use another value for an argument."""
        self.kwargs = {**self.kwargs, name: value}

    def __repr__(self) -> str:
        return f"<step factory of {self.factory.__name__}>"


def get_factory_from_step_or_factory(step_or_factory: Any) -> Any:
    """Return what makes the step: a step's own factory, or the factory itself."""
    factory = getattr(step_or_factory, "get_step_factory", None)
    return factory() if factory is not None else step_or_factory


def create_step_from_step_or_factory(step_or_factory: Any) -> Any:
    """Return a new step of a step's kind, or of a factory."""
    return get_factory_from_step_or_factory(step_or_factory).buildStep()
