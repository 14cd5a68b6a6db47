"""What steps need of locks: the fake and the real ones keep the same promises."""

from __future__ import annotations

import pytest

from chargehand.dispatch.locks import LockTable
from chargehand.domain.identifiers import BuildId
from chargehand.domain.lock import LockAccess, LockHolder, LockMode, LockScope, LockSpec
from chargehand.domain.waiting import LockHeld
from chargehand.execution.ports import Locks
from chargehand.testing.free_locks import FreeGrant, FreeLocks

_ACCESS = LockAccess(lock=LockSpec(name="l", scope=LockScope.MASTER), mode=LockMode.EXCLUSIVE)


def _heard(held: LockHeld) -> None:
    raise AssertionError(f"nobody waits here: {held.sentence}")


_ME = LockHolder(builder_name="b", build_id=BuildId(1), build_number=1)


@pytest.fixture(params=["free", "real"])
def locks(request: pytest.FixtureRequest) -> Locks:
    return FreeLocks() if request.param == "free" else LockTable()


async def test_locks_that_nobody_has_are_granted_again_and_again(locks: Locks) -> None:
    for _ in range(3):
        grant = await locks.acquire([_ACCESS], "w", _ME, _heard)
        grant.name(_ME)
        grant.release()


async def test_giving_back_twice_is_giving_back_once(locks: Locks) -> None:
    grant = await locks.acquire([_ACCESS], "w", _ME, _heard)
    grant.release()

    other = await locks.acquire([_ACCESS], "w", _ME, _heard)
    grant.release()
    other.release()

    if isinstance(locks, FreeLocks):
        assert isinstance(grant, FreeGrant)
        assert locks.held == 0


async def test_no_locks_are_granted_at_once(locks: Locks) -> None:
    grant = await locks.acquire([], "w", _ME, _heard)

    grant.release()
