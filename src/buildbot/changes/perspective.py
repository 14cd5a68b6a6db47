"""What a client may do that has logged in to a PBChangeSource."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.spread import pb

from buildbot._border.bridge import inward, outward
from chargehand.intake.rules import change_from

_log = logging.getLogger(__name__)

AddChange = Callable[..., Awaitable[Any]]

_NEW_NAMES = {"who": "author", "when": "when_timestamp"}
_DROPPED = ("links", "isdir")


class ChangePerspective(pb.Avatar):
    """Takes changes from a client; ``add_change`` gets them as keywords, and stores them.

    With a ``prefix`` only files below it count, and lose it; a change of other files is dropped.
    """

    def __init__(self, add_change: AddChange, prefix: str | None) -> None:
        self._add_change = add_change
        self._prefix = prefix

    def perspective_addChange(self, changedict: Mapping[Any, Any]) -> Deferred[None]:
        """Store a change; the answer says that it is durable."""
        return outward(self._add(changedict))

    async def _add(self, fields: Mapping[Any, Any]) -> None:
        try:
            change = _with_new_names(fields)
            if self._prefix is not None:
                files = change.get("files") or []
                change["files"] = _below(self._prefix, files)
                if files and not change["files"]:
                    return
            change_from(change)  # says what is wrong with it, if anything is
            await inward(self._add_change, **change)
        except Exception as error:
            # A client gets to know the message, and no traceback, of a pb.Error only.
            _log.warning("rejected a change: %s", error)
            raise pb.Error(str(error)) from error


def _with_new_names(fields: Mapping[Any, Any]) -> dict[str, Any]:
    decoded = {_decoded(name): _decoded(value) for name, value in fields.items()}
    for name in _DROPPED:
        decoded.pop(name, None)
    return {
        _NEW_NAMES.get(name, name): value for name, value in decoded.items() if value is not None
    }


def _decoded(value: Any) -> Any:
    """Take bytes for UTF-8 wherever they are."""
    match value:
        case bytes():
            return value.decode("utf-8", "replace")
        case list() | tuple():
            return [_decoded(part) for part in value]
        case Mapping():
            return {_decoded(name): _decoded(part) for name, part in value.items()}
        case _:
            return value


def _below(prefix: str, files: list[str]) -> list[str]:
    return [name.removeprefix(prefix) for name in files if name.startswith(prefix)]
