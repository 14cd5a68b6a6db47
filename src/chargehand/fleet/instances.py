"""The machines of all workers that are started on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from chargehand.config.model import HostedInstance, WorkerConfig
from chargehand.domain.worker import Worker
from chargehand.fleet.left_instances import LeftInstances
from chargehand.fleet.on_demand import OnDemandLink
from chargehand.fleet.ports import Link
from chargehand.fleet.recorded_machine import Books, RecordedMachine
from chargehand.kit.tasks import Tasks

SWEEP_SECONDS = 600.0
"""Seconds between two looks for machines that no record names."""


class Instances:
    """Makes the links of such workers, and stops what none of them is in charge of.

    *in_use* returns the links that there are.
    """

    def __init__(
        self, *, books: Books, tasks: Tasks, in_use: Callable[[], Iterable[OnDemandLink]]
    ) -> None:
        self._books = books
        self._tasks = tasks
        self._in_use = in_use
        self._left = LeftInstances(books=books, live=self._live)
        self._sweeping: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Read what earlier processes of this master have left, once."""
        await self._left.load()

    def link(
        self,
        config: WorkerConfig,
        hosted: HostedInstance,
        *,
        worker: Callable[[], Worker],
        connect: Callable[[], Link],
        refused: Callable[[str], None],
        recovered: Callable[[], None],
        refusal: Callable[[], str],
    ) -> OnDemandLink:
        """Return the link of a worker; it begins with stopping what the worker has left."""
        machine = RecordedMachine(
            hosted=hosted,
            worker=worker,
            books=self._books,
            left=self._left.take(config.name),
            stranded=self._left.strand,
        )
        return OnDemandLink(
            config=config,
            hosted=hosted,
            machine=machine,
            connect=connect,
            refused=refused,
            recovered=recovered,
            refusal=refusal,
        )

    def configured(self) -> None:
        """All workers have their links: say what is left of others, and look for more."""
        self._left.say_whose_worker_is_gone()
        if self._sweeping is None and any(True for _ in self._in_use()):
            self._sweeping = self._tasks.spawn(self._sweep(), name="look for left instances")

    async def _sweep(self) -> None:
        while True:
            await self._left.sweep([link.hosted for link in self._in_use()])
            await asyncio.sleep(SWEEP_SECONDS)

    def _live(self) -> set[str]:
        return {name for link in self._in_use() for name in link.instances}
