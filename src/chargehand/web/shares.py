"""Members by the address they come from: who has taken most, and whose turn it is."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from ipaddress import IPv6Address
from typing import Generic, TypeVar

_M = TypeVar("_M", bound=Hashable)


class Shares(Generic[_M]):
    """Members in order of arrival, grouped by address. Every operation takes constant time."""

    def __init__(self) -> None:
        self._addresses: dict[_M, str] = {}
        self._members: dict[str, dict[_M, None]] = {}
        """The addresses in the order in which their turns come."""
        self._by_size: dict[int, dict[str, None]] = {}
        self._largest = 0

    def __len__(self) -> int:
        return len(self._addresses)

    def __contains__(self, member: object) -> bool:
        return member in self._addresses

    def __iter__(self) -> Iterator[_M]:
        return iter(self._addresses)

    def add(self, member: _M, address: str) -> None:
        """Add a member as the newest of its address."""
        self.discard(member)
        self._addresses[member] = address
        members = self._members.setdefault(address, {})
        members[member] = None
        self._resize(address, len(members) - 1, len(members))

    def renew(self, member: _M) -> bool:
        """Do what adding it again would do; return whether it is a member."""
        address = self._addresses.pop(member, None)
        if address is None:
            return False
        self._addresses[member] = address
        members = self._members[address]
        if len(members) > 1:
            del members[member]
            members[member] = None
        else:
            self._members[address] = self._members.pop(address)
        if len(self._members) > 1:
            same = self._by_size[len(members)]
            del same[address]
            same[address] = None
        return True

    def discard(self, member: _M) -> None:
        """Remove a member, if it is one."""
        address = self._addresses.pop(member, None)
        if address is None:
            return
        members = self._members[address]
        del members[member]
        self._resize(address, len(members) + 1, len(members))
        if not members:
            del self._members[address]

    def count(self, address: str) -> int:
        """Return how many members come from this address."""
        return len(self._members.get(address, ()))

    @property
    def largest(self) -> str | None:
        """The address with the most members."""
        return next(iter(self._by_size[self._largest])) if self._largest else None

    def oldest_of_largest(self) -> _M | None:
        """Return the oldest member of the address with the most."""
        address = self.largest
        return None if address is None else next(iter(self._members[address]))

    def first_in_turn(self) -> _M | None:
        """Return the oldest member of the address whose turn it is."""
        address = next(iter(self._members), None)
        return None if address is None else next(iter(self._members[address]))

    def last_in_turn(self) -> _M | None:
        """Return the newest member of the address whose turn it is."""
        address = next(iter(self._members), None)
        return None if address is None else next(reversed(self._members[address]))

    def take_turn(self) -> None:
        """Let the next address have its turn."""
        address = next(iter(self._members), None)
        if address is not None:
            self._members[address] = self._members.pop(address)

    def _resize(self, address: str, before: int, after: int) -> None:
        if before:
            same = self._by_size[before]
            del same[address]
            if not same:
                del self._by_size[before]
        if after:
            self._by_size.setdefault(after, {})[address] = None
        if after > self._largest:
            self._largest = after
        elif self._largest not in self._by_size:
            # Only sizes next to each other are exchanged: the largest is now one smaller.
            self._largest = after


def address_key(host: str) -> str:
    """Return what counts as one client: an IPv4 address, or the network of an IPv6 one."""
    if ":" not in host:
        return host
    whole = IPv6Address(host.partition("%")[0])
    if whole.ipv4_mapped is not None:
        return str(whole.ipv4_mapped)
    return str(IPv6Address(int(whole) >> 64 << 64)) + "/64"
