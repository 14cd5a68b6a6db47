"""The renderables that users write: properties, functions, transformations, secrets."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from buildbot._border.bridge import answered, inward
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error
from buildbot._border.making import Making, Placed
from buildbot._border.rendering import IRenderable, Renderable, render_value
from buildbot._border.sequences import flatten
from buildbot.process.withholding import BUILD_TOKEN, check_trusted


class Operand(Renderable, ComparableMixin):
    """A renderable that may be compared and reckoned with; the outcome is a renderable as well."""

    def __eq__(self, other: object) -> Any:
        return Operation(operator.eq, self, other, "==")

    def __ne__(self, other: object) -> Any:
        return Operation(operator.ne, self, other, "!=")

    def __lt__(self, other: Any) -> Any:
        return Operation(operator.lt, self, other, "<")

    def __le__(self, other: Any) -> Any:
        return Operation(operator.le, self, other, "<=")

    def __gt__(self, other: Any) -> Any:
        return Operation(operator.gt, self, other, ">")

    def __ge__(self, other: Any) -> Any:
        return Operation(operator.ge, self, other, ">=")

    def __add__(self, other: Any) -> Any:
        return Operation(operator.add, self, other, "+")

    def __sub__(self, other: Any) -> Any:
        return Operation(operator.sub, self, other, "-")

    def __mul__(self, other: Any) -> Any:
        return Operation(operator.mul, self, other, "*")

    def __truediv__(self, other: Any) -> Any:
        return Operation(operator.truediv, self, other, "/")

    def __floordiv__(self, other: Any) -> Any:
        return Operation(operator.floordiv, self, other, "//")

    def __mod__(self, other: Any) -> Any:
        return Operation(operator.mod, self, other, "%")

    def in_(self, other: Any) -> Any:
        """Return a renderable of whether this is in *other* (Python's ``in`` must be a bool)."""
        return Operation(_is_in, self, other, "in")


def _is_in(item: Any, collection: Any) -> bool:
    return item in collection


class Operation(Operand):
    """An operator and its two operands."""

    compare_attrs = ("function", "left", "right", "sign")

    def __init__(
        self, function: Callable[[Any, Any], Any], left: Any, right: Any, sign: str
    ) -> None:
        self.function = function
        self.left = left
        self.right = right
        self.sign = sign

    async def rendering(self, properties: Any) -> Any:
        left = await render_value(self.left, properties)
        return self.function(left, await render_value(self.right, properties))

    def __repr__(self) -> str:
        return f"{self.left!r} {self.sign} {self.right!r}"


class renderer(Placed, Renderable, ComparableMixin):
    """A function of properties, as a renderable; it may be plain, ``async``, or return a Deferred.

    `withArgs` gives it further arguments, which are rendered. What it returns is rendered too.

    Args:
        fn (Callable[..., Any]): function(props) that returns the value; plain, async, or returning
            a Deferred.
    """

    compare_attrs = ("fn", "args", "kwargs")

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.fn = fn
        self.args: list[Any] = []
        self.kwargs: dict[str, Any] = {}

    def withArgs(self, *args: Any, **kwargs: Any) -> renderer:
        """Return a copy that passes these arguments after the properties, too."""
        copy = renderer(self.fn)
        copy.args = [*self.args, *args]
        copy.kwargs = {**self.kwargs, **kwargs}
        return copy

    async def rendering(self, properties: Any) -> Any:
        args = await render_value(self.args, properties)
        kwargs = await render_value(self.kwargs, properties)
        with Making(self):
            found = await answered("renderer", self.fn, properties, *args, **kwargs)
        return await render_value(found, properties)

    def __repr__(self) -> str:
        if self.args or self.kwargs:
            return f"renderer({self.fn!r}, args={self.args!r}, kwargs={self.kwargs!r})"
        return f"renderer({self.fn!r})"


class Transform(Placed, Renderable, ComparableMixin):
    """Calls a function (or what a renderable gives) with arguments, all rendered.

    Args:
        function (Callable[..., Any], renderable): Function to call with the rendered arguments.
        args (Any, renderable): Positional arguments of the function, rendered before it is called.
        kwargs (Any, renderable): Keyword arguments of the function, rendered before it is called.
    """

    compare_attrs = ("_function", "_args", "_kwargs")

    def __init__(self, function: Any, *args: Any, **kwargs: Any) -> None:
        if not callable(function) and not IRenderable.providedBy(function):
            error("function given to Transform neither callable nor renderable")
        self._function = function
        self._args = args
        self._kwargs = kwargs

    async def rendering(self, properties: Any) -> Any:
        function = await render_value(self._function, properties)
        args = await render_value(self._args, properties)
        kwargs = await render_value(self._kwargs, properties)
        with Making(self):
            return await answered("the function of Transform", function, *args, **kwargs)


class FlattenList(Renderable, ComparableMixin):
    """A list of lists, rendered and made flat.

    Args:
        nestedlist (Any, renderable): List that contains lists.
        types (tuple[type, ...]): Kinds of lists to flatten.
    """

    compare_attrs = ("nestedlist", "types")

    def __init__(self, nestedlist: Any, types: tuple[type, ...] = (list, tuple)) -> None:
        self.nestedlist = nestedlist
        self.types = types

    async def rendering(self, properties: Any) -> Any:
        return flatten(await render_value(self.nestedlist, properties), self.types)

    def __add__(self, other: Any) -> FlattenList:
        nested = other.nestedlist if isinstance(other, FlattenList) else other
        return FlattenList([*self.nestedlist, *nested], self.types)


class Property(Operand):
    """The value of a property.

    ``default`` is used if it is missing or, unless ``defaultWhenFalse=False``, false.

    Args:
        key (str): Name of the property.
        default (Any, renderable): Value when there is no such property.
        defaultWhenFalse (bool): Use the default also for a value that counts as false.
    """

    compare_attrs = ("key", "default", "defaultWhenFalse")

    def __init__(self, key: str, default: Any = None, defaultWhenFalse: bool = True) -> None:
        self.key = key
        self.default = default
        self.defaultWhenFalse = defaultWhenFalse

    async def rendering(self, properties: Any) -> Any:
        if self.defaultWhenFalse:
            found = await render_value(properties.getProperty(self.key), properties)
            return found if found else await render_value(self.default, properties)
        if properties.hasProperty(self.key):
            return await render_value(properties.getProperty(self.key), properties)
        return await render_value(self.default, properties)

    def __repr__(self) -> str:
        return f"Property({self.key})"


class Secret(Renderable, ComparableMixin):
    """The value of a secret, from the configuration's ``secretsProviders``.

    Raises KeyError if no provider has it, and SecretWithheld in builds whose sources are not
    trusted enough (``c['trust']``). Logs show ``<name>`` instead of the value.

    Args:
        secret_name (str): Name of the secret.
    """

    compare_attrs = ("secret_name",)

    def __init__(self, secret_name: str) -> None:
        self.secret_name = secret_name

    async def rendering(self, properties: Any) -> Any:
        return await secret_of(self.secret_name, properties)

    def __repr__(self) -> str:
        return f"Secret({self.secret_name})"


_SCOPES = ("read", "force", "stop", "admin")


class BuildToken(Renderable, ComparableMixin):
    """An API token for the build that renders it: a command can show it as ``Authorization: Bearer
    TOKEN`` to the master's ``/api/v2``. It ends with the build. Logs show ``<build token>``.

    Args:
        actions (list[str]): What it may do in addition to reading: ``force``, ``stop``, ``admin``.
        builders (list[str] | None): The builders that it may see and use; None: the build's own.
            ``[]`` are all.
    """

    compare_attrs = ("actions", "builders")

    def __init__(self, actions: Sequence[str] = (), builders: Sequence[str] | None = None) -> None:
        for action in actions:
            if action not in _SCOPES:
                error(f"BuildToken: there is no action {action!r}, only {', '.join(_SCOPES)}")
        self.actions = tuple(actions)
        self.builders = None if builders is None else tuple(builders)

    async def rendering(self, properties: Any) -> Any:
        build = properties.getBuild()
        if build is None:
            raise ValueError("util.BuildToken has a value in builds only")
        check_trusted(BUILD_TOKEN, properties)
        builder = str(properties.getProperty("buildername"))
        name = f"build {builder} #{properties.getProperty('buildnumber')}"
        allowed = (builder,) if self.builders is None else self.builders
        token: str = await properties.master.build_token(build.buildid, name, self.actions, allowed)
        properties.useSecret(token, BUILD_TOKEN)
        return token


async def secret_of(name: str, properties: Any) -> str:
    """Return the secret's value, and remember that logs must not show it. Raises SecretWithheld
    in a build whose sources are not trusted enough."""
    check_trusted(name, properties)
    master = getattr(properties, "master", None)
    services = getattr(master, "namedServices", {})
    if "secrets" not in services:
        raise KeyError(f"secret {name!r}: c['secretsProviders'] is not configured")
    found = await inward(services["secrets"].get, name)
    if found is None:
        raise KeyError(f"secret {name!r} is not known to any of c['secretsProviders']")
    if hasattr(properties, "useSecret"):
        properties.useSecret(found.value, name)
    if master is not None and hasattr(master, "note_secret"):
        master.note_secret(found.key, found.provider, properties)
    return str(found.value)
