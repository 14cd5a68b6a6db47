"""Interfaces that control methods need from other packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from chargehand.domain.identifiers import BuildsetId, ChangeId
from chargehand.resources.query import Page, Query


class Resources(Protocol):
    """Resources as rows, read from the store."""

    async def fetch(self, query: Query) -> Page:
        """Return rows with the REST API's fields, filtered, sorted and cut."""


class Changes(Protocol):
    """What changes became."""

    async def buildsets_of(self, change_id: ChangeId) -> Mapping[str, Sequence[BuildsetId]]:
        """Return the buildsets that build the change, by their schedulers' names."""
