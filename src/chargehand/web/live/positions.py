"""Positions in the stream of events, as identifiers that tell nothing else."""

from __future__ import annotations

import os
import secrets
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple

_NONCE, _NUMBER, _TAG = 6, 7, 4
"""Bytes of the parts of an identifier."""
_PLACE_BITS = 6
_MOST_KEYS = 2**_PLACE_BITS


class Position(NamedTuple):
    """How far a client is: which event, and which of the event's keys.

    An event is told once for each key that a client listens to, and a connection may end between
    two of them.
    """

    number: int
    place: int

    @classmethod
    def after(cls, number: int) -> Position:
        """Return the position after all that is told of an event."""
        return cls(number, _MOST_KEYS - 1)


class Positions:
    """Makes identifiers of positions, and reads them again.

    An identifier contains a word for this run of the master, so that those of another are known as
    such. The rest is encrypted and signed: visitors from whom something is hidden could otherwise
    count how often it changes. The same position gets another identifier each time.
    """

    def __init__(self) -> None:
        self._epoch = secrets.token_hex(4)
        self._pad = blake2b(key=secrets.token_bytes(32), digest_size=_NUMBER)
        self._tag = blake2b(key=secrets.token_bytes(32), digest_size=_TAG)

    def sealed(self, position: Position) -> str:
        """Return an identifier of *position*."""
        nonce = os.urandom(_NONCE)
        number = position.number * _MOST_KEYS + position.place
        sealed = nonce + (number ^ self._number_of(nonce)).to_bytes(_NUMBER, "big")
        return f"{self._epoch}-{(sealed + _digest(self._tag, sealed)).hex()}"

    def opened(self, identifier: str) -> Position | None:
        """Return the position, None if it is not one of this run."""
        epoch, _, text = identifier.partition("-")
        if epoch != self._epoch:
            return None
        try:
            whole = bytes.fromhex(text)
        except ValueError:
            return None
        sealed, tag = whole[:-_TAG], whole[-_TAG:]
        if len(sealed) != _NONCE + _NUMBER or not compare_digest(_digest(self._tag, sealed), tag):
            return None
        number = int.from_bytes(sealed[_NONCE:], "big") ^ self._number_of(sealed[:_NONCE])
        return Position(*divmod(number, _MOST_KEYS))

    def _number_of(self, nonce: bytes) -> int:
        return int.from_bytes(_digest(self._pad, nonce), "big")


def _digest(keyed: blake2b, text: bytes) -> bytes:
    made = keyed.copy()
    made.update(text)
    return made.digest()
