"""Stores in memory for what intake needs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from chargehand.domain.change import Change, NewChange
from chargehand.domain.identifiers import ChangeId, ChangeSourceId, MasterId, SourceStampId
from chargehand.domain.remembered import Remembered
from chargehand.domain.source_health import SourceHealth


class MemoryStateStore:
    """Remembers JSON values."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str, str], bytes] = {}

    async def get(self, name: str, kind: str, key: str, default: Any = None) -> Any:
        """Return what was set."""
        stored = self.values.get((name, kind, key))
        return default if stored is None else msgspec.json.decode(stored)

    async def set(self, name: str, kind: str, key: str, value: object) -> None:
        """Remember it."""
        self.values[name, kind, key] = msgspec.json.encode(value)


class MemoryChangeStore:
    """Keeps changes in a list; `refuse` makes it fail the next time."""

    def __init__(self, state: MemoryStateStore) -> None:
        self._state = state
        self._arrived = asyncio.Condition()
        self.changes: list[Change] = []
        self.transactions = 0
        self.refuse: Exception | None = None

    async def add(
        self, changes: Sequence[NewChange], remember: Remembered | None = None
    ) -> list[Change]:
        """Store them, and what to remember with them."""
        if self.refuse is not None:
            error, self.refuse = self.refuse, None
            raise error
        added = [self._stored(change, number) for number, change in enumerate(changes)]
        async with self._arrived:
            if remember is not None:
                await self._state.set(remember.name, remember.kind, remember.key, remember.value)
            self.transactions += 1
            self.changes += added
            self._arrived.notify_all()
        return added

    async def wait_for(self, count: int) -> list[Change]:
        """Wait until there are that many changes, and return all."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.changes) >= count)
            return list(self.changes)

    async def wait_for_transactions(self, count: int) -> None:
        """Wait until `add` has succeeded that many times."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self.transactions >= count)

    def _stored(self, change: NewChange, number: int) -> Change:
        fields = msgspec.structs.asdict(change)
        fields["when"] = 0.0 if change.when is None else change.when
        key = len(self.changes) + number + 1
        return Change(id=ChangeId(key), source_stamp_id=SourceStampId(key), **fields)


class MemoryChangeSourceStore:
    """Gives a source to the first who asks, but those in ``others`` to nobody."""

    def __init__(self) -> None:
        self.known: dict[str, ChangeSourceId] = {}
        self.others: set[str] = set()
        self.reported: dict[ChangeSourceId, list[SourceHealth]] = {}
        self._masters: dict[ChangeSourceId, MasterId] = {}

    @property
    def active(self) -> set[ChangeSourceId]:
        """The sources that some master has."""
        return set(self._masters)

    async def ids(self, names: Sequence[str]) -> dict[str, ChangeSourceId]:
        """Return identifiers."""
        for name in names:
            self.known.setdefault(name, ChangeSourceId(len(self.known) + 1))
        return {name: self.known[name] for name in names}

    async def activate(
        self, ids: Sequence[ChangeSourceId], master_id: MasterId
    ) -> set[ChangeSourceId]:
        """Make them the master's where no other has them; return its own."""
        taken = {self.known[name] for name in self.others if name in self.known}
        for source_id in set(ids) - taken:
            self._masters.setdefault(source_id, master_id)
        return {source_id for source_id in ids if self._masters.get(source_id) == master_id}

    async def report(self, source_id: ChangeSourceId, health: SourceHealth) -> None:
        """Note how a source fares."""
        self.reported.setdefault(source_id, []).append(health)

    async def deactivate(self, master_id: MasterId) -> None:
        """Give the master's up."""
        self._masters = {one: m for one, m in self._masters.items() if m != master_id}
