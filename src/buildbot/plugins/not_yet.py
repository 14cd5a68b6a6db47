"""Making the classes and functions that are accepted, and not supported yet."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from buildbot._border.arguments import bound
from buildbot._border.comparison import ComparableMixin
from buildbot._border.old_arguments import RENAMED_ARGUMENTS, say_renamed, without_removed
from buildbot._border.rendering import Renderable
from buildbot.plugins.accepted import MODULES
from buildbot.plugins.default_names import GENERATORS, default_name
from buildbot.util.service import BuildbotService
from chargehand.config.model import Component, NotYet

_REPORTER = ("name", "generators", "debug", "verify", "verbose", "headers")
_NAMED_BY_GENERATORS = frozenset({"PushjetNotifier", "PushoverNotifier"})


class NotSupportedYet(NotImplementedError):
    """A name was used at run time that is only accepted so far."""


def make(module: str, name: str) -> Any:
    """Return the thing with that name; AttributeError is raised for a name that is not listed."""
    accepted = MODULES.get(module, {}).get(name)
    if accepted is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    body = {
        "__module__": module,
        "__doc__": f"{name}: accepted, and not supported yet.",
        "documented": accepted.arguments,
        "documented_name": name,
    }
    match accepted.kind:
        case "step" | "shell" | "source":
            steps = importlib.import_module("buildbot.steps.not_yet")
            return steps.step_class(module, name, accepted.kind, accepted.arguments)
        case "alias":
            return getattr(importlib.import_module(accepted.arguments[0]), name)
        case "function":
            return refusing(module, name)
        case "error":
            return type(name, (Exception,), {"__module__": module, "__doc__": body["__doc__"]})
        case "reporter":
            names = (*accepted.arguments, *_REPORTER)
            own = None if name in _NAMED_BY_GENERATORS else name
            return type(name, (NotYetReporter,), {**body, "documented": names, "name": own})
        case "changes":
            names = tuple(dict.fromkeys((*accepted.arguments, "pollinterval", "name")))
            return type(name, (NotYetChangeSource,), {**body, "documented": names, "name": None})
        case "service":
            names = ("name", *accepted.arguments)
            return type(name, (NotYetService,), {**body, "documented": names, "name": name})
        case _:
            return type(name, (_VALUES.get(accepted.kind, NotYetValue),), body)


def refusing(module: str, name: str) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise NotSupportedYet(
            f"{module}.{name} is not supported yet (see docs/migrating-from-buildbot.md)"
        )

    refuse.__doc__ = f"{name}: accepted, and not supported yet."
    refuse.__name__ = refuse.__qualname__ = name
    refuse.__module__ = module
    return refuse


class NotYetValue(ComparableMixin):
    """Keeps its documented arguments as attributes; users' subclasses may do what they like."""

    compare_attrs = ("_arguments",)
    documented: ClassVar[Sequence[str]] = ()
    documented_name: ClassVar[str] = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        taken = without_removed(self.documented_name, kwargs)
        self._arguments = bound(self.documented_name, self.documented, args, taken)
        for name in self.documented:
            if name != "*" and not hasattr(type(self), name):
                setattr(self, name, self._arguments.get(name))


class NotYetRenderable(Renderable, NotYetValue):
    """A value that renders to nothing."""

    async def rendering(self, properties: Any) -> Any:
        raise NotSupportedYet(f"{self.documented_name} is not supported yet")


class NotYetService(BuildbotService):
    """A reporter or another service that is checked, and not started."""

    documented: ClassVar[Sequence[str]] = ()
    documented_name: ClassVar[str] = ""

    def checkConfig(self, *args: Any, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments."""
        values = bound(self.documented_name, self.documented, args, kwargs)
        self.name = values.get("name") or self.name

    def _as_component(self) -> Component:
        return Component(
            name=str(self.name), settings=NotYet(kind=type(self).__name__), extension=self
        )


class NotYetReporter(NotYetService):
    """A reporter; where it has no name, it is called by its class and its generators."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("name") is None and self.name is None:
            generators = kwargs.get("generators") or ()
            names = list(map(_generator_name, generators))
            usual = GENERATORS.get(self.documented_name)
            self.name = "_".join([type(self).__name__, *(names or filter(None, [usual]))])
        super().__init__(*args, **kwargs)


def _generator_name(generator: Any) -> str:
    """Return what tells a generator from others: its class, and which builds it is for."""
    choices = ("tags", "builders", "schedulers", "branches", "workers")
    parts = [
        f"_{choice}_{'+'.join(map(str, wanted))}"
        for choice in choices
        if (wanted := getattr(generator, choice, None))
    ]
    mode = getattr(generator, "mode", None) or ()
    modes = (mode,) if isinstance(mode, str) else mode
    return type(generator).__name__ + "".join(parts) + "_".join(map(str, modes))


class NotYetChangeSource(NotYetService):
    """A change source; where it has no name, it is called as in Buildbot."""

    def checkConfig(self, *args: Any, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments, and which have another name today."""
        for old in RENAMED_ARGUMENTS.get(self.documented_name, {}):
            if old in kwargs:
                say_renamed(self.documented_name, old)
        super().checkConfig(*args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("name") is None and self.name is None:
            given = {**dict(zip(self.documented, args, strict=False)), **kwargs}
            first = given.get(self.documented[0])
            usual = first if isinstance(first, str) else type(self).__name__
            self.name = default_name(self.documented_name, given) or usual
        super().__init__(*args, **kwargs)


_VALUES: dict[str, type] = {"renderable": NotYetRenderable}
