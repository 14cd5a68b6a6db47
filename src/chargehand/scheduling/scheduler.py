"""An active scheduler: the behaviour of its kind, with its dependencies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from chargehand.domain.change import Change
from chargehand.domain.identifiers import SchedulerId
from chargehand.scheduling.behaviour import Behaviour, Parts, Settings
from chargehand.scheduling.buildsets import SchedulerBuildsets
from chargehand.scheduling.change_feed import ChangeFeed
from chargehand.scheduling.memory import LatestSources, Memory
from chargehand.scheduling.rules import Codebase
from chargehand.scheduling.submitting import SchedulerServices, Submitter

S = TypeVar("S", bound=Settings)


class Scheduler:
    """One scheduler. ``kind`` is its behaviour, which a user's class may override."""

    def __init__(
        self,
        *,
        name: str,
        scheduler_id: SchedulerId,
        settings: S,
        kind: Callable[[S, Parts], Behaviour],
        services: SchedulerServices,
        is_enabled: Callable[[], bool] = lambda: True,
    ) -> None:
        common = settings.common
        targets, extension = common.targets, common.extension
        memory = Memory(name=name, class_name=common.class_name, state=services.state)
        self.name = name
        self.id = scheduler_id
        self.feed = ChangeFeed(
            name=name, codebases=targets.codebases, receive=self._receive, tasks=services.tasks
        )
        self._targets = targets
        self._sources = LatestSources(memory) if common.absolute_source_stamps else None
        default = SchedulerBuildsets(
            scheduler_id=scheduler_id,
            submitter=Submitter(
                scheduler=name, scheduler_id=scheduler_id, targets=targets, services=services
            ),
            schedulers=services.schedulers,
            codebases=self._codebases,
        )
        parts = Parts(
            name=name,
            id=scheduler_id,
            feed=self.feed,
            buildsets=default if extension is None else extension.buildsets(default),
            memory=memory,
            services=services,
            is_enabled=is_enabled,
        )
        self.kind = kind(settings, parts)
        self._behaviour = self.kind if extension is None else extension.behaviour(self.kind, parts)

    async def activate(self) -> None:
        """Begin to work."""
        if self._sources is not None:
            await self._sources.load()
        await self._behaviour.activate()

    async def deactivate(self) -> None:
        """Stop; nothing is submitted afterwards, and waiting changes stay in the store."""
        await self.feed.stop()
        await self._behaviour.deactivate()

    def _codebases(self) -> Mapping[str, Codebase]:
        configured = self._targets.codebases
        return configured if self._sources is None else self._sources.over(configured)

    async def _receive(self, change: Change, important: bool) -> None:
        if self._sources is not None:
            await self._sources.note(change)
        await self._behaviour.got_change(change, important)
