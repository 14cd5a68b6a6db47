"""Ownership of builds: only the master that claimed a build, in the same epoch, may finish it."""

from __future__ import annotations

import msgspec


class NoLongerOurs(Exception):
    """Another master, or a later start of this one, took the build over; do not touch it."""


class SignOfLife(msgspec.Struct, frozen=True):
    """The last that a master wrote of itself; while it lives, the next one differs."""

    epoch: int
    last_active: float
