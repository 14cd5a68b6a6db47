"""Recovers interrupted builds: the store lists them, execution decides, the store records."""

from __future__ import annotations

from chargehand.domain.identifiers import MasterId
from chargehand.execution.recovery import Cause, outcomes_of
from chargehand.store.masters import Masters


async def recover(masters: Masters, master_id: MasterId, cause: Cause) -> int:
    """Recover the master's interrupted builds; return their number."""
    left = await masters.left_behind(master_id)
    return await masters.carry_out(left, outcomes_of(left, cause))
