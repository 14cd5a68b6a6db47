"""A change with the attributes that a test gives it."""

from __future__ import annotations

from typing import Any

from buildbot.process.properties import Properties

__all__ = ["Change"]


class Change:
    """What filters and functions of schedulers look at; `asChDict` has the same."""

    project = repository = codebase = ""
    branch: Any = None
    category: Any = None

    def __init__(self, **values: Any) -> None:
        self.properties = Properties()
        properties = values.pop("properties", None) or {}
        self.properties.update(properties, "Change")
        self.__dict__.update(values)
        self._values = values

    def asChDict(self) -> dict[str, Any]:
        """Return the change as a dictionary."""
        return {**self._values, "properties": self.properties.asDict()}
