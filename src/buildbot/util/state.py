"""Remembering small things from one start of the master to the next."""

from __future__ import annotations

from typing import Any

from buildbot._border.bridge import inward, outward

__all__ = ["StateMixin"]


class StateMixin:
    """For services: values that JSON can hold, kept under the service's name and class.

    ``db_class_name`` takes the class name's place, so that a class may be renamed.
    """

    db_class_name: str | None = None

    def getState(self, *args: Any, **kwargs: Any) -> Any:
        """Return a Deferred of a value; without a default it fails with KeyError."""
        return outward(self._get_state(args, kwargs))

    def setState(self, key: str, value: Any) -> Any:
        """Remember a value; returns a Deferred."""
        return outward(self._set_state(key, value))

    async def _get_state(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return await inward(self.master.db.state.getState, await self._object_id(), *args, **kwargs)

    async def _set_state(self: Any, key: str, value: Any) -> None:
        await inward(self.master.db.state.setState, await self._object_id(), key, value)

    async def _object_id(self: Any) -> int:
        kind = self.db_class_name or type(self).__name__
        object_id: int = await inward(self.master.db.state.getObjectId, self.name, kind)
        return object_id
