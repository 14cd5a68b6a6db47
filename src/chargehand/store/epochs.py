"""Epochs: which life of a master this process is.

A master's epoch is raised at each of its starts, and when it stops or another master declares it
stopped. What it claims bears the epoch, so that a process whose epoch is over can neither finish
nor give back what a later one runs.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select

from chargehand.domain.identifiers import MasterId
from chargehand.domain.ownership import NoLongerOurs
from chargehand.store.engine.tables import masters
from chargehand.store.engine.transaction import Transaction

# Who declares a master stopped updates its row. It waits for the claims that are under way here,
# and then finds them; claims that come after it wait for it, and then find another epoch.
_EPOCH = (
    select(masters.c.epoch).where(masters.c.id == bindparam("master")).with_for_update(read=True)
)


class Epochs:
    """The epochs in which this process runs its masters (one, but in tests)."""

    def __init__(self) -> None:
        self._of: dict[MasterId, int] = {}

    def begin(self, master_id: MasterId, epoch: int) -> None:
        """Note that this process is that master from now on."""
        self._of[master_id] = epoch

    def of(self, master_id: MasterId) -> int:
        """Return the epoch in which this process runs the master; -1 when it does not."""
        return self._of.get(master_id, -1)

    def check(self, transaction: Transaction, master_id: MasterId) -> int:
        """Return the epoch, which does not end before the transaction. Raises NoLongerOurs."""
        epoch = transaction.connection.execute(_EPOCH, {"master": master_id}).scalar_one()
        if epoch != self.of(master_id):
            raise NoLongerOurs(f"master {master_id} was declared stopped, or started again")
        return int(epoch)
