"""Temporary failures."""

from __future__ import annotations

from chargehand.kit.expected import Expected


class TemporarilyUnavailable(Expected):
    """Something that the master depends on is unavailable; retrying may work."""


class StorageFailed(Exception):
    """Something could not be stored or read; the message says why."""


class TooSlow(TemporarilyUnavailable):
    """A visitor's question was given up after its time; the message says what to do."""
