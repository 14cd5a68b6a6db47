"""``master.db.state``: values that components remember."""

from __future__ import annotations

from typing import Any

from buildbot._border.bridge import outward, settled
from buildbot._host.views.engine_access import EngineAccess

_ABSENT = object()


class StateView:
    """``master.db.state``: values that objects remember, by the object's name and class.

    The identifiers that `getObjectId` gives are valid as long as the master runs.
    """

    def __init__(self, access: EngineAccess) -> None:
        self._access = access
        self._objects: list[tuple[str, str]] = []

    def getObjectId(self, name: str, class_name: str) -> Any:
        """Return a Deferred of a number that stands for the object."""
        key = (name, class_name)
        if key not in self._objects:
            self._objects.append(key)
        return settled(self._objects.index(key) + 1)

    def getState(self, objectid: int, name: str, default: Any = _ABSENT) -> Any:
        """Return a Deferred of the value; without a default it fails with KeyError."""
        return outward(self._get(objectid, name, default))

    def setState(self, objectid: int, name: str, value: Any) -> Any:
        """Remember a value that JSON can hold; returns a Deferred."""
        owner, kind = self._objects[objectid - 1]
        return outward(self._access.engine.state.set(owner, kind, name, value))

    async def _get(self, objectid: int, name: str, default: Any) -> Any:
        owner, kind = self._objects[objectid - 1]
        value = await self._access.engine.state.get(owner, kind, name, default)
        if value is _ABSENT:
            raise KeyError(name)
        return value
