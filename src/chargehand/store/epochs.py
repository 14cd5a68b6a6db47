"""Epochs: fence off earlier processes of a master.

A master's epoch increases at each start, and when it stops or another master declares it stopped.
Its claims carry the epoch, so that a process of an earlier epoch can neither finish nor release
builds of a later one.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select

from chargehand.domain.identifiers import MasterId
from chargehand.domain.ownership import NoLongerOurs
from chargehand.store.engine.tables import masters
from chargehand.store.engine.transaction import Transaction

# Declaring a master stopped updates its row. The update waits for claims in progress, and then sees
# them; later claims wait for the update, and then see another epoch.
_EPOCH = (
    select(masters.c.epoch).where(masters.c.id == bindparam("master")).with_for_update(read=True)
)


class Epochs:
    """The epochs in which this process runs its masters (only one, except in tests)."""

    def __init__(self) -> None:
        self._of: dict[MasterId, int] = {}

    def begin(self, master_id: MasterId, epoch: int) -> None:
        """Record that this process runs that master from now on."""
        self._of[master_id] = epoch

    def of(self, master_id: MasterId) -> int:
        """Return the epoch in which this process runs the master; -1 if it does not."""
        return self._of.get(master_id, -1)

    def check(self, transaction: Transaction, master_id: MasterId) -> int:
        """Return the epoch, and keep it until the transaction ends. Raises NoLongerOurs."""
        epoch = transaction.connection.execute(_EPOCH, {"master": master_id}).scalar_one()
        if epoch != self.of(master_id):
            raise NoLongerOurs(f"master {master_id} was declared stopped, or restarted")
        return int(epoch)
