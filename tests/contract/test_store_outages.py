"""A database that is out of order for a while: what runs is recorded when it works again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest
from store_workshop import Workshop, opened, segment

from chargehand.domain.build import LogType
from chargehand.domain.remembered import Remembered
from chargehand.domain.result import Result
from chargehand.store.engine.transaction import Transaction
from chargehand.store.errors import DiskFull
from chargehand.store.state import encoded, remember

_LONG = "x" * 30_000
"""A name that needs more room than there is."""


async def _room(workshop: Workshop, pages: int | None) -> None:
    """Let the database file grow by that many pages only, or freely again."""

    def use_case(transaction: Transaction) -> None:
        used = transaction.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        most = 1_000_000 if pages is None else used + pages
        transaction.connection.exec_driver_sql(f"PRAGMA max_page_count={most}")

    await workshop.store.database.write(use_case)


def _remember(transaction: Transaction) -> None:
    filler = Remembered(name="test", kind="Filler", key=str(uuid4()), value="x" * 20_000)
    remember(transaction, encoded([filler]))


async def _fill(workshop: Workshop) -> None:
    """Use up the room."""
    with pytest.raises(DiskFull):
        while True:
            await workshop.store.database.write(_remember)


async def test_what_has_happened_is_recorded_when_there_is_room_again(tmp_path: Path):
    async with opened("sqlite:///state.sqlite", tmp_path) as workshop:
        build = await workshop.build()
        await _room(workshop, 2)
        await _fill(workshop)

        adding = [
            asyncio.ensure_future(
                workshop.store.steps.add_step(build.id, f"{n}{_LONG}", "running", started=True)
            )
            for n in range(3)
        ]
        await asyncio.wait(adding, timeout=0.3)
        assert not any(one.done() for one in adding)
        await _room(workshop, None)
        steps = await asyncio.gather(*adding)

        assert [added.step.name[:1] for added in steps] == ["0", "1", "2"]
        await workshop.store.builds.finish_build(build, Result.SUCCESS, "done", [])


async def test_a_master_that_stops_does_not_wait_for_room(tmp_path: Path):
    async with opened("sqlite:///state.sqlite", tmp_path) as workshop:
        build = await workshop.build()
        await _room(workshop, 2)
        await _fill(workshop)
        adding = asyncio.ensure_future(
            workshop.store.steps.add_step(build.id, _LONG, "running", started=True)
        )

        workshop.store.give_up(after=0)

        with pytest.raises(DiskFull):
            await adding
        await _room(workshop, None)


async def test_a_short_log_waits_for_room(tmp_path: Path):
    async with opened("sqlite:///state.sqlite", tmp_path) as workshop:
        build = await workshop.build()
        step = await workshop.step(build, "one")
        log = await workshop.store.logs.open(step.id, "stdio", "stdio", LogType.STDIO)
        await _room(workshop, 0)
        await _fill(workshop)
        noise = b"".join(b"o%d\n" % (n * n * 7919 % 1_000_003) for n in range(3000))

        appending = asyncio.ensure_future(workshop.store.logs.append(log.id, segment(noise)))
        await asyncio.wait([appending], timeout=0.2)
        await _room(workshop, None)
        await appending

        assert await workshop.store.logs.lines(log.id, 0, None) == noise
