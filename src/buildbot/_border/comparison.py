"""Objects that are equal when their compared attributes are."""

from __future__ import annotations

from typing import Any, ClassVar

from buildbot._border.argument_errors import tell_arguments

_ABSENT = object()


class Attributes(tuple[str, ...]):
    """Names of attributes: subclasses add lists and tuples to them; a list makes it a list."""

    __slots__ = ()

    def __add__(self, other: Any) -> Any:
        if isinstance(other, list):
            return [*self, *other]
        return Attributes((*self, *other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        if isinstance(other, list):
            return [*other, *self]
        return Attributes((*other, *self)) if isinstance(other, tuple) else NotImplemented


class ComparableMixin:
    """Equal to an object of the same class whose ``compare_attrs`` are equal.

    The names in ``compare_attrs`` of all base classes count together.
    """

    compare_attrs: ClassVar[Any] = ()
    _compared_attrs: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        tell_arguments(cls)
        own = cls.__dict__.get("compare_attrs")
        if type(own) is tuple:
            cls.compare_attrs = Attributes(own)

    @classmethod
    def _compared(cls) -> tuple[str, ...]:
        own: tuple[str, ...] | None = cls.__dict__.get("_compared_attrs")
        if own is None:
            names: dict[str, None] = {}
            for base in cls.__mro__:
                names.update(dict.fromkeys(base.__dict__.get("compare_attrs") or ()))
            own = tuple(names)
            cls._compared_attrs = own  # kept per class
        return own

    def _key(self) -> list[Any]:
        return [getattr(self, name, _ABSENT) for name in self._compared()]

    def __hash__(self) -> int:
        parts = [type(self).__name__]
        parts.extend(repr(value) for value in self._key() if isinstance(value, str | int | float))
        return hash(tuple(parts))

    def _comparable_to(self, other: object) -> bool:
        return type(self) is type(other)

    def isEquivalent(self, other: object) -> bool:
        """Return whether *other* is of the same class, and equal where it matters."""
        if self is other:
            return True
        if not isinstance(other, ComparableMixin) or not self._comparable_to(other):
            return False
        names = self._compared()
        return all(
            equivalent(getattr(self, name, _ABSENT), getattr(other, name, _ABSENT))
            for name in names
        )

    def __eq__(self, other: object) -> bool:
        return self.isEquivalent(other)

    def __ne__(self, other: object) -> bool:
        return not bool(self == other)

    def __lt__(self, other: Any) -> bool:
        if not self._comparable_to(other):
            return NotImplemented
        return bool(self._key() < other._key())

    def __le__(self, other: Any) -> bool:
        return bool(self == other or self < other)

    def __gt__(self, other: Any) -> bool:
        return not self <= other

    def __ge__(self, other: Any) -> bool:
        return not self < other

    def getConfigDict(self) -> dict[str, Any]:
        """Return the compared attributes that are set and not None."""
        values = {name: getattr(self, name, None) for name in self._compared()}
        return {name: value for name, value in values.items() if value is not None}


def equivalent(one: Any, other: Any) -> bool:
    """Return whether two values are equal, lists and dictionaries item by item.

    Renderables answer ``==`` with a renderable, which is always true, and so must be asked this.
    """
    if one is other:
        return True
    if isinstance(one, ComparableMixin):
        return one.isEquivalent(other)
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(equivalent, one, other))
    if isinstance(one, dict) and type(one) is type(other):
        return one.keys() == other.keys() and all(
            equivalent(value, other[key]) for key, value in one.items()
        )
    return not isinstance(other, ComparableMixin) and bool(one == other)
