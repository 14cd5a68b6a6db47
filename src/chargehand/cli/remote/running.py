"""What running builds do, and how long they are expected to take."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from chargehand.cli.remote.master import RemoteMaster
from chargehand.cli.remote.rows import Build, Eta, Step, Why
from chargehand.cli.showing import prospect

_AT_ONCE = 8

T = TypeVar("T")


async def each(master: RemoteMaster, kind: type[T], paths: Iterable[str]) -> list[list[T]]:
    """Read several collections, a few at a time."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(path: str) -> list[T]:
        async with gate:
            return await master.all(kind, path)

    return await asyncio.gather(*map(one, paths))


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What some running builds do."""

    doing: dict[int, str]
    """In words, by build."""
    etas: list[Eta]


async def running_builds(master: RemoteMaster, builds: Sequence[Build]) -> Running:
    """Return what those of the builds do that have not finished."""
    running = [build for build in builds if build.result is None]
    steps = await each(master, Step, (f"builds/{build.buildid}/steps" for build in running))
    etas = await each(master, Eta, (f"builds/{build.buildid}/etas" for build in running))
    waits = await each(master, Why, (f"builds/{build.buildid}/why" for build in running))
    return Running(
        doing={
            build.buildid: "; ".join(
                filter(None, (prospect(_step(its_steps), its_etas), _waits(its_waits)))
            )
            for build, its_steps, its_etas, its_waits in zip(
                running, steps, etas, waits, strict=True
            )
        },
        etas=[eta for of_build in etas for eta in of_build],
    )


def _step(steps: list[Step]) -> str:
    """Return what a build's running step does."""
    for step in steps:
        if step.result is None and step.started_at is not None:
            return f"{step.name}: {step.state_string}".removesuffix(": running")
    return ""


def _waits(reasons: list[Why]) -> str:
    """Return what keeps a build from going on."""
    return "; ".join(reason.sentence for reason in reasons)
