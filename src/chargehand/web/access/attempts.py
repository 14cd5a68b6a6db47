"""Passwords are guessed slowly: who fails has to wait, each time longer. Pure rules."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

_FREE = 3
"""Wrong passwords without a delay: people mistype."""
_LONGEST = {"address": 300.0, "name": 10.0}
"""Seconds. A name waits less: strangers must not keep its owner out."""
_FORGOTTEN_AFTER = 3600.0
_MOST_KEPT = 10_000


class _Failures(msgspec.Struct):
    count: int
    last_at: float


class Attempts:
    """Wrong passwords by address and by name; times are seconds of any clock."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def seconds_to_wait(self, name: str, address: str, now: float) -> float:
        """Return in how many seconds the next attempt is heard; 0: now."""
        waits = [0.0]
        for key in _keys(name, address):
            failures = self._failures.get(key)
            if failures is not None and now - failures.last_at < _FORGOTTEN_AFTER:
                delay = _delay(failures.count, _LONGEST[key[0]])
                waits.append(failures.last_at + delay - now)
        return max(waits)

    def failed(self, name: str, address: str, now: float) -> int:
        """Count a wrong password; return how many there have been from this address."""
        counts = [0]
        for key in _keys(name, address):
            failures = self._failures.pop(key, None)
            if failures is None or now - failures.last_at >= _FORGOTTEN_AFTER:
                failures = _Failures(0, now)
            self._failures[key] = _Failures(failures.count + 1, now)
            counts.append(failures.count + 1)
            while len(self._failures) > _MOST_KEPT:
                self._failures.popitem(last=False)
        return counts[-1]

    def succeeded(self, name: str, address: str) -> None:
        """Take back the failure that was counted for an attempt with the right password.

        Others stay with the address: somebody who has one password may be guessing more.
        """
        for key in _keys(name, address):
            failures = self._failures.get(key)
            if failures is None:
                continue
            if key[0] == "name" or failures.count <= 1:
                del self._failures[key]
            else:
                failures.count -= 1


def _delay(count: int, longest: float) -> float:
    return 0.0 if count < _FREE else min(longest, 2.0 ** min(count - _FREE, 30))


def _keys(name: str, address: str) -> Sequence[tuple[str, str]]:
    return [("name", name), ("address", _network(address))] if address else [("name", name)]


def _network(address: str) -> str:
    """Return the part of an IPv6 address that one customer of a provider has alone."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((found, 64), strict=False))
