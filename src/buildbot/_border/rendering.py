"""Turning renderables into values.

`render_value` is what the engine's side awaits: constants cost a look at their type, and nothing is
scheduled unless a renderable really waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from zope.interface import Interface, implementer, interfacemethod

from buildbot._border.bridge import answered, outward, settled
from buildbot._border.per_class import per_class


class IRenderable(Interface):
    """A value that depends on properties: a step's argument, a scheduler's, a reporter's.

    Lists, tuples and dictionaries adapt to it.
    """

    def getRenderingFor(iprops: Any) -> Any:
        """Return the value (or a Deferred, or an awaitable of it) for these properties."""

    @interfacemethod
    def __adapt__(self, value: Any) -> Any:
        if self.providedBy(value):
            return value
        return Container(value) if isinstance(value, list | tuple | dict) else None


class _Kind(Enum):
    PLAIN = auto()
    OURS = auto()
    USERS = auto()
    LIST = auto()
    DICT = auto()


_BUILTIN = {
    **dict.fromkeys((str, int, float, bool, bytes, type(None)), _Kind.PLAIN),
    list: _Kind.LIST,
    tuple: _Kind.LIST,
    dict: _Kind.DICT,
}


PLAIN_TYPES = frozenset(cls for cls, kind in _BUILTIN.items() if kind is _Kind.PLAIN)
"""Types of values that rendering surely gives back unchanged."""


async def render_value(value: Any, properties: Any) -> Any:
    """Return *value* with every renderable in it (lists, tuples and dicts included) rendered."""
    match _kind(value.__class__):
        case _Kind.PLAIN:
            return value
        case _Kind.OURS:
            return await value.rendering(properties)
        case _Kind.USERS:
            return await answered("getRenderingFor", value.getRenderingFor, properties)
        case _Kind.DICT:
            return await _rendered_dict(value, properties)
        case _:
            items = [
                item
                if _kind(item.__class__) is _Kind.PLAIN
                else await render_value(item, properties)
                for item in value
            ]
            return items if isinstance(value, list) else tuple(items)


async def _rendered_dict(value: Mapping[Any, Any], properties: Any) -> dict[Any, Any]:
    return {
        await render_value(key, properties): await render_value(item, properties)
        for key, item in value.items()
    }


def _kind(cls: type) -> _Kind:
    return _BUILTIN.get(cls) or _kind_of(cls)


@per_class
def _kind_of(cls: type) -> _Kind:
    if issubclass(cls, Renderable) and cls.getRenderingFor is Renderable.getRenderingFor:
        return _Kind.OURS
    if hasattr(cls, "getRenderingFor"):
        return _Kind.USERS
    if issubclass(cls, list | tuple):
        # A named tuple is a value of its own, not a sequence of renderables.
        return _Kind.PLAIN if hasattr(cls, "_fields") else _Kind.LIST
    return _Kind.DICT if issubclass(cls, dict) else _Kind.PLAIN


def is_constant(value: Any) -> bool:
    """Return whether rendering *value* gives it back unchanged."""
    if value.__class__ in PLAIN_TYPES:
        return True
    match _kind(value.__class__):
        case _Kind.PLAIN:
            return True
        case _Kind.LIST:
            return all(map(is_constant, value))
        case _Kind.DICT:
            return all(map(is_constant, value)) and all(map(is_constant, value.values()))
        case _:
            return False


def render_outward(value: Any, properties: Any) -> Any:
    """Return a Deferred of *value*, rendered: for extension code."""
    if is_constant(value):
        return settled(value)
    return outward(render_value(value, properties))


@implementer(IRenderable)
class Renderable:
    """A renderable of ours; subclasses that override ``getRenderingFor`` are asked by that."""

    async def rendering(self, properties: Any) -> Any:
        """Return the value for these properties."""
        raise NotImplementedError

    def getRenderingFor(self, props: Any) -> Any:
        """Return a Deferred of the value for these properties."""
        return outward(self.rendering(props))


class Container(Renderable):
    """A list, tuple or dictionary, as a renderable."""

    def __init__(self, value: Any) -> None:
        self.value = value

    async def rendering(self, properties: Any) -> Any:
        return await render_value(self.value, properties)
