"""What readings of the configuration leave when nothing of them is in use any more."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from buildbot._host.views.master_config import view_of
from chargehand.config.equivalence import Identity
from chargehand.config.model import MasterConfig
from chargehand.kit.circles import Scope

_BUILTIN = (
    dict,
    list,
    tuple,
    set,
    frozenset,
    property,
    staticmethod,
    classmethod,
    types.CellType,
    types.MethodType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.MappingProxyType,
)
"""Without generators and their like: they end when they are freed."""
_MODULES = frozenset({"collections", "dataclasses", "enum", "functools", "string", "typing"})
"""Of the standard library: their objects hold what users' files define."""
_AGAIN = 50
"""How many modules are looked at again."""
_OURS = "buildbot."
_NOT_THE_USERS = ("buildbot._host.", "buildbot.plugins.", "buildbot._border.")
_LISTS = ("builders", "workers", "schedulers", "change_sources", "services")

Namespace = dict[str, Any]


class Leftovers:
    """Remembers for each reading of the file its modules' names, and what of it is in use."""

    def __init__(self) -> None:
        self._readings: list[tuple[list[Namespace], set[int]]] = []
        self._roots: list[object] = []
        self._last = Scope(roots=[], is_inside=_belonging([], set()))
        self._in_use: MasterConfig | None = None

    def accepted(self, config: MasterConfig, namespaces: list[Namespace]) -> None:
        """Note what is in use now, of which the newest has these namespaces."""
        items = {id(item) for item in _items(config)}
        if self._in_use is not None:
            replaced = (old for old in _items(self._in_use) if id(old) not in items)
            self._roots.extend(map(_user_object, replaced))
        older = []
        for its_namespaces, its_items in self._readings:
            its_items &= items
            items -= its_items
            if its_items:
                older.append((its_namespaces, its_items))
            else:
                self._roots.extend(its_namespaces)
        self._readings = [*older, (namespaces, items)]
        self._in_use = config

    def take(self, refused: Iterable[Namespace]) -> Scope:
        """Return, once, what is not in use any more; of *refused* readings nothing ever was.

        Modules that were still in use when they were looked at, by a build, say, come again.
        """
        again = [root for root in self._last.roots if type(root) is dict]
        roots, self._roots = [*again[-_AGAIN:], *self._roots, *refused], []
        used = set() if self._in_use is None else set(map(id, _used(self._in_use)))
        self._last = Scope(roots=roots, is_inside=_belonging(roots, used))
        return self._last


def _items(config: MasterConfig) -> Iterator[Any]:
    for name in _LISTS:
        yield from getattr(config, name)


def _user_object(item: Any) -> object:
    """Return the user's object that the engine's value was made of."""
    identity = item.identity
    return identity.value if isinstance(identity, Identity) else item.extension


def _used(config: MasterConfig) -> Iterator[object]:
    yield config
    view = view_of(config)
    yield view
    yield from view.builders
    yield from view.extensions
    yield from map(_user_object, _items(config))


def _belonging(roots: list[object], used: set[int]) -> Callable[[object], bool]:
    """Return what tells users' objects from all others."""
    namespaces = {id(root) for root in roots if type(root) is dict}
    modules = {str(root.get("__name__")) for root in roots if type(root) is dict}

    def is_of_user(kind: type) -> bool:
        return getattr(kind, "__module__", None) in modules

    def is_inside(one: object) -> bool:
        kind = type(one)
        if id(one) in used:
            return False
        if isinstance(one, dict) and kind is dict:
            return "__spec__" not in one or id(one) in namespaces  # A library's module has one.
        if kind in _BUILTIN:
            return True
        if isinstance(one, types.FunctionType):
            # Decorators of libraries make functions that refer to the user's.
            return id(one.__globals__) in namespaces or one.__closure__ is not None
        if isinstance(one, type):
            return is_of_user(one) and not _ends_itself(one)
        return (is_of_user(kind) or _is_for_users(kind)) and not _ends_itself(kind)

    return is_inside


def _is_for_users(kind: type) -> bool:
    module = str(getattr(kind, "__module__", ""))
    return module in _MODULES or (
        module.startswith(_OURS) and not module.startswith(_NOT_THE_USERS)
    )


def _ends_itself(kind: type) -> bool:
    return hasattr(kind, "__del__")
