"""What orders need besides the stages that carry them out."""

from __future__ import annotations

from typing import Protocol

from chargehand.resources.query import Page, Query


class Resources(Protocol):
    """Resources as rows, read from the store."""

    async def fetch(self, query: Query) -> Page:
        """Return rows with the REST API's fields, filtered, sorted and cut."""
