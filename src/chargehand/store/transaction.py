"""A transaction: what a use case may do, and what is to be known when it is committed."""

from __future__ import annotations

from sqlalchemy import Connection

from chargehand.events.messages import Event


class Transaction:
    """Given to a use case, which reads and writes by ``connection`` and announces what it did.

    ``now`` is the time of the transaction, in seconds since 1970. Tables that are written to are
    noted by themselves; `touch` is for what is not a table of ours.
    """

    __slots__ = ("connection", "events", "now", "touched")

    def __init__(self, connection: Connection, now: float, touched: set[str]) -> None:
        self.connection = connection
        self.now = now
        self.events: list[Event] = []
        self.touched = touched

    def announce(self, event: Event) -> None:
        """Have *event* published after the commit, in the order of the announcements."""
        self.events.append(event)

    def touch(self, kind: str) -> None:
        """Note that answers about *kind* may differ from now on."""
        self.touched.add(kind)
