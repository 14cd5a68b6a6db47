"""``master.db.state`` in tests: what components remember."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet import defer

from buildbot._border.bridge import settled

_ABSENT = object()


class FakeState:
    """``master.db.state``, in memory; values must be such that JSON can hold them."""

    def __init__(self) -> None:
        self._objects: list[tuple[str, str]] = []
        self._values: dict[int, dict[str, str]] = {}

    def getObjectId(self, name: str, class_name: str) -> Any:
        """Return a Deferred of a number that stands for the object."""
        return settled(self._number(name, class_name))

    def getState(self, objectid: int, name: str, default: Any = _ABSENT) -> Any:
        """Return a Deferred of a value; without a default it fails with KeyError."""
        values = self._values.get(objectid, {})
        if name in values:
            return settled(json.loads(values[name]))
        return defer.fail(KeyError(name)) if default is _ABSENT else settled(default)

    def setState(self, objectid: int, name: str, value: Any) -> Any:
        """Remember a value; returns a Deferred."""
        self._values.setdefault(objectid, {})[name] = json.dumps(value)
        return settled(None)

    def set_fake_state(self, object: Any, **values: Any) -> None:
        """Let a service find these values."""
        kind = getattr(object, "db_class_name", None) or type(object).__name__
        number = self._number(object.name, kind)
        for name, value in values.items():
            self.setState(number, name, value)

    def assertState(self, objectid: int, **values: Any) -> None:
        """Check what an object remembers."""
        found = self._values.get(objectid, {})
        for name, value in values.items():
            if name not in found:
                raise AssertionError(f"{name} is not remembered; remembered: {sorted(found)}")
            if json.loads(found[name]) != value:
                raise AssertionError(f"{name} is {json.loads(found[name])!r}; expected {value!r}")

    def assertStateByClass(self, name: str, class_name: str, **values: Any) -> None:
        """Check what the object of that name and class remembers."""
        if (name, class_name) not in self._objects:
            raise AssertionError(f"nothing is remembered of {class_name} {name!r}")
        self.assertState(self._number(name, class_name), **values)

    def _number(self, name: str, class_name: str) -> int:
        key = (name, class_name)
        if key not in self._objects:
            self._objects.append(key)
        return self._objects.index(key) + 1
