"""Putting right what masters left behind: the store tells, execution decides, the store does it."""

from __future__ import annotations

from chargehand.domain.identifiers import MasterId
from chargehand.execution.recovery import Cause, outcomes_of
from chargehand.store.masters import Masters


async def recover(masters: Masters, master_id: MasterId, cause: Cause) -> int:
    """Put right what the master left behind; return how many builds were unfinished."""
    left = await masters.left_behind(master_id)
    return await masters.carry_out(left, outcomes_of(left, cause))
