"""A value that is rendered to itself."""

from __future__ import annotations

from typing import Any

from buildbot.interfaces import IRenderable, implementer

__all__ = ["ConstantRenderable"]


@implementer(IRenderable)
class ConstantRenderable:
    """A renderable that always gives *value*."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def getRenderingFor(self, props: Any) -> Any:
        """Return the value."""
        return self.value
