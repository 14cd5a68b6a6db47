"""Who may finish or give back a build: the master that claimed it, in the epoch of its claim."""

from __future__ import annotations

from dataclasses import dataclass


class NoLongerOurs(Exception):
    """Another master, or a later start of this one, has taken it over; leave it alone."""


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """The last that a master wrote of itself; while it lives, the next one differs."""

    epoch: int
    last_active: float
