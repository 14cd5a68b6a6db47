"""What may be out of order for a while."""

from __future__ import annotations


class TemporarilyUnavailable(Exception):
    """Something that the master depends on is out of order; the same may work later."""


class StorageFailed(Exception):
    """Something could not be stored or read; the message says why."""
