"""Finding users' classes that do not call the ``__init__`` they override."""

from __future__ import annotations

from typing import Any

from buildbot._border.errors import is_incomplete
from chargehand.kit.asking import place_of

_METHODS = ("__init__", "reconfigService", "checkConfig")


class NotInitialised(Exception):
    """A class does not call the ``__init__`` of its base class; the message names it."""


def what_is_forgotten(thing: Any) -> str | None:
    """Return the message for an object whose ``__init__`` did not call ours; None if it did.

    Ours sets the attribute named by the class's ``_set_by_init``.
    """
    marker = getattr(type(thing), "_set_by_init", None)
    if marker is None or marker in getattr(thing, "__dict__", {}) or is_incomplete(thing):
        return None
    for method in _METHODS:
        for kind in type(thing).__mro__:
            if method in kind.__dict__:
                if kind.__module__.startswith("buildbot."):
                    break
                place = place_of(kind.__dict__[method])
                where = f" ({place})" if place else ""
                return f"{kind.__name__}.{method}{where} must call super().{method}(…)"
    return f"{type(thing).__name__} was not initialised; call super().__init__(…)"


def check_initialised(thing: Any) -> None:
    """Raise NotInitialised if *thing* did not call our ``__init__``."""
    if (sentence := what_is_forgotten(thing)) is not None:
        raise NotInitialised(sentence)
