"""Arguments of builders that Buildbot has removed, and what they are called today."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from buildbot._border.argument_errors import refuse
from buildbot._border.errors import warn

RENAMED = {
    "slavename": "workername",
    "slavenames": "workernames",
    "slavebuilddir": "workerbuilddir",
    "nextSlave": "nextWorker",
    "mergeRequests": "collapseRequests",
    "category": "tags",
}
"""Old arguments, and the ones of today that mean the same."""


TODAYS_RULE = "collapseRequests with a function(master, builder, request1, request2)"
"""What to use instead of a function for ``mergeRequests``."""


class MergeRule(msgspec.Struct, frozen=True):
    """A function of the configuration as ``mergeRequests`` took it: ``(builder, one, other)``.

    Its requests are objects with ``source`` and ``reason``.
    """

    function: Callable[..., Any]

    def __call__(self, *arguments: Any) -> Any:
        """Call the function."""
        return self.function(*arguments)


def of_today(where: str, old: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Return old arguments of a *kind* of builder under today's names, with a warning for each;
    one that never was is an error of the configuration, outside of reading one a TypeError."""
    found: dict[str, Any] = {}
    for name, value in old.items():
        if name not in RENAMED:
            refuse(kind, name)
            continue
        new = RENAMED[name]
        written = "tags=[...]" if name == "category" else new
        if name == "mergeRequests" and callable(value):
            value = MergeRule(value)
            written = TODAYS_RULE
        warn(f'{where}: argument "{name}" was removed from Buildbot; use {written}')
        if value is not None:
            found[new] = [value] if name == "category" else value
    return found
