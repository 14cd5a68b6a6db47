"""Orders as messages of ``master.mq``: ``control.builds.ID.stop`` and the like."""

from __future__ import annotations

from collections.abc import Sequence

from chargehand.events.messages import OrderGiven

_CONTROL = "control"
_WORD_OF = {"builds": "builds", "buildrequests": "buildrequests", "workers": "worker"}
"""Workers are one in these keys."""
_KIND_OF = {word: kind for kind, word in _WORD_OF.items()}


def key_of(order: OrderGiven) -> tuple[str, ...]:
    """Return the key of an order that was given."""
    return (_CONTROL, _WORD_OF[order.kind], str(order.subject), order.method)


def may_be_order(pattern: Sequence[str | None]) -> bool:
    """Return whether an order's key can fit the pattern."""
    return len(pattern) == 4 and pattern[0] in (None, _CONTROL)


def ordered_by(key: Sequence[str]) -> tuple[str, str] | None:
    """Return the resource's path and the method of an order that a plug-in gives by sending a
    message; None for other messages."""
    if len(key) != 4 or key[0] != _CONTROL or key[1] not in _KIND_OF or not key[2].isdecimal():
        return None
    return f"{_KIND_OF[key[1]]}/{key[2]}", key[3]
