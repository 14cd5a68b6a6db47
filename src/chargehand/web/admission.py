"""The order in which clients are served, and which of them give way. Pure rules."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar, assert_never

import msgspec

from chargehand.web.request_progress import Progress
from chargehand.web.shares import Shares

_M = TypeVar("_M", bound=Hashable)

PATIENCE_SECONDS = 0.25
"""Seconds that whole requests may wait before the newest is served first."""


class _Entry(msgspec.Struct):
    arrived: float
    address: str
    progress: Progress


class Admission(Generic[_M]):
    """Waiting clients, by what has arrived of their requests.

    Whole requests are served first: only these cost the client as much as the server. The addresses
    take turns, and so do the kinds of requests of one address: who asks for one page does not wait
    for a program, on the same machine or behind the same proxy, that asks for another all the time.
    Of one kind the oldest is next, but the newest when more arrive than can be served: then most
    are answered soon, instead of all too late.

    When there are too many, those give way that have sent least, of the address with the most.
    """

    def __init__(self) -> None:
        self._entries: dict[_M, _Entry] = {}
        """The oldest first."""
        self._heads: Shares[_M] = Shares()
        self._bodies: Shares[_M] = Shares()
        self._whole: Shares[_M] = Shares()
        self._kinds: dict[str, Shares[_M]] = {}
        """The whole requests of each address, by kind."""

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, member: object) -> bool:
        return member in self._entries

    def add(self, member: _M, address: str, progress: Progress, now: float, kind: int = 0) -> None:
        """Add a client."""
        entry = self._entries[member] = _Entry(now, address, progress)
        self._enter(member, entry, kind)

    def advance(self, member: _M, progress: Progress, kind: int = 0) -> None:
        """Note what has arrived of its request."""
        entry = self._entries[member]
        if progress is not entry.progress:
            self._leave(member, entry)
            entry.progress = progress
            self._enter(member, entry, kind)

    def remove(self, member: _M) -> None:
        """Forget a client, if it is known."""
        entry = self._entries.pop(member, None)
        if entry is not None:
            self._leave(member, entry)

    def progress(self, member: _M) -> Progress:
        """Return what has arrived."""
        return self._entries[member].progress

    def first(self, now: float) -> _M | None:
        """Return the client to serve next, if a request has arrived."""
        member = self._whole.first_in_turn()
        if member is None:
            return self._bodies.first_in_turn()
        kinds = self._kinds[self._entries[member].address]
        member = kinds.first_in_turn()
        if member is not None and now - self._entries[member].arrived > PATIENCE_SECONDS:
            return kinds.last_in_turn()
        return member

    def take(self, member: _M) -> None:
        """Forget the client to serve next; then other addresses and kinds have their turn."""
        entry = self._entries[member]
        self._of(entry.progress).take_turn()
        if entry.progress is Progress.WHOLE:
            self._kinds[entry.address].take_turn()
        self.remove(member)

    def to_close(self) -> _M | None:
        """Return the client that gives way to others."""
        for shares in (self._heads, self._bodies, self._whole):
            if (member := shares.oldest_of_largest()) is not None:
                return member
        return None

    def arrived_before(self, moment: float) -> list[_M]:
        """Return the clients that arrived no later than this."""
        found: list[_M] = []
        for member, entry in self._entries.items():
            if entry.arrived > moment:
                break
            found.append(member)
        return found

    def _enter(self, member: _M, entry: _Entry, kind: int) -> None:
        self._of(entry.progress).add(member, entry.address)
        if entry.progress is Progress.WHOLE:
            kinds = self._kinds.get(entry.address)
            if kinds is None:
                kinds = self._kinds[entry.address] = Shares()
            kinds.add(member, str(kind))

    def _leave(self, member: _M, entry: _Entry) -> None:
        self._of(entry.progress).discard(member)
        if entry.progress is Progress.WHOLE:
            kinds = self._kinds[entry.address]
            kinds.discard(member)
            if not kinds:
                del self._kinds[entry.address]

    def _of(self, progress: Progress) -> Shares[_M]:
        match progress:
            case Progress.HEAD:
                return self._heads
            case Progress.BODY:
                return self._bodies
            case Progress.WHOLE:
                return self._whole
        assert_never(progress)
