"""Runs this master's change sources, and stores every change."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import structs

from chargehand.config.model import Component, Hook, HostedSettings, NotYet
from chargehand.domain.change import Change, NewChange
from chargehand.domain.failed_part import FailedPart, reason_of
from chargehand.domain.identifiers import ChangeSourceId, MasterId
from chargehand.domain.remembered import Remembered
from chargehand.domain.source_health import SourceHealth, SourceState
from chargehand.intake import git_settings, svn_settings
from chargehand.intake.polling import Report
from chargehand.intake.ports import ChangeSourceStore, ChangeStore, StateStore
from chargehand.intake.rules import as_dict, checked
from chargehand.intake.sources import Hosted, Source, Unsupported, polled
from chargehand.intake.trust import TrustInForce
from chargehand.kit.error_text import message_of
from chargehand.kit.guard import Guard, contained, described, guarded
from chargehand.kit.tasks import Tasks

_log = logging.getLogger(__name__)

_COMMANDS_AT_ONCE = 8
_CLAIM_INTERVAL = 60.0
_FIRST_LOOK_SECONDS = 5.0
"""Seconds that starting waits for pollers to list branches; they continue after that."""

Revlink = Callable[[str, str], str | None]


class Intake:
    """Runs the configured change sources, and completes and stores every change.

    Skips sources that another master runs, until that master releases them.
    """

    def __init__(
        self,
        *,
        changes: ChangeStore,
        state: StateStore,
        sources: ChangeSourceStore,
        master_id: MasterId,
        basedir: Path,
        trust: TrustInForce | None = None,
    ) -> None:
        self._changes = changes
        self._state = state
        self._sources = sources
        self._master_id = master_id
        self._basedir = basedir
        self._trust = trust or TrustInForce()
        self._tasks = Tasks("intake")
        self._failed: dict[str, FailedPart] = {}
        self._looks = Tasks("first polls of change sources")
        self._wanted: dict[str, Component] = {}
        self._ours: set[str] = set()
        self._running: dict[str, tuple[Component, Source]] = {}
        self._claiming = asyncio.Lock()
        self._revlink: Revlink | None = None
        self._codebase_generator: Hook | None = None
        self._git_slots = asyncio.Semaphore(_COMMANDS_AT_ONCE)
        self._svn_slots = asyncio.Semaphore(_COMMANDS_AT_ONCE)
        self._cache_locks: defaultdict[Path, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def reconfigure(
        self,
        components: Sequence[Component],
        *,
        revlink: Revlink | None = None,
        codebase_generator: Hook | None = None,
    ) -> None:
        """Run these sources instead; unchanged ones keep running."""
        self._revlink = revlink
        self._codebase_generator = codebase_generator
        self._wanted = {component.name: component for component in components}
        self._failed = {name: part for name, part in self._failed.items() if name in self._wanted}
        async with self._claiming:
            await self._stop_altered()
            await self._claim()
        if self._wanted and not len(self._tasks):
            self._tasks.repeat(
                self._claim_others, every=_CLAIM_INTERVAL, name="claim change sources"
            )

    async def _stop_altered(self) -> None:
        altered = [
            name
            for name, (component, _) in self._running.items()
            if self._wanted.get(name) != component
        ]
        await self._stop(altered)
        if altered:
            # Sources can only be released together; those we keep are claimed again right after.
            await self._sources.deactivate(self._master_id)

    async def stop(self) -> None:
        """Stop and release all sources."""
        await self._tasks.close()
        await self._looks.close()
        await self._stop(list(self._running))
        await self._sources.deactivate(self._master_id)

    @property
    def failed_parts(self) -> Sequence[FailedPart]:
        """The configured sources that could not be started; each is retried every minute."""
        return [self._failed[name] for name in sorted(self._failed)]

    async def add_change(self, change: NewChange) -> Change:
        """Complete and store a change durably."""
        [stored] = await self.add_changes([change])
        return stored

    async def add_changes(
        self, changes: Sequence[NewChange], remember: Remembered | None = None
    ) -> list[Change]:
        """Complete and store changes, with the source's position, in one transaction.

        Raises InvalidChange if one of them is invalid; then nothing is stored.
        """
        completed = [await self._completed(checked(change)) for change in changes]
        return await self._changes.add(completed, remember)

    def force(self, name: str) -> bool:
        """Make the source with that name poll now; False if it is not a poller."""
        running = self._running.get(name)
        return running is not None and running[1].force()

    async def _completed(self, change: NewChange) -> NewChange:
        """Add link, codebase and trust. A failing function of the user does not lose the change."""
        if not change.revlink and change.revision and change.repository and self._revlink:
            with guarded(_log, "the configured revlink failed for %s", change.repository):
                link = contained(self._revlink, change.revision, change.repository) or ""
                change = structs.replace(change, revlink=link)
        if not change.codebase and self._codebase_generator is not None:
            with guarded(_log, "the configured codebaseGenerator failed; the codebase stays empty"):
                codebase = await self._codebase_generator(as_dict(change))
                change = structs.replace(change, codebase=str(codebase or ""))
        trust = self._trust.of_change(change)
        return structs.replace(change, trust=trust.level, trust_reason=trust.reason)

    async def _claim_others(self) -> None:
        if self._wanted.keys() - self._running.keys():
            await self.claim_again()

    @property
    def elsewhere(self) -> list[str]:
        """The sources that another master runs."""
        return [name for name in self._wanted if name not in self._ours]

    async def claim_again(self) -> None:
        """Run sources that no other master runs; stop those that another one took over."""
        async with self._claiming:
            await self._claim()

    async def _claim(self) -> None:
        """Run the sources that are configured and ours. Call with the lock held."""
        wanted = self._wanted
        ids = await self._sources.ids(list(wanted)) if wanted else {}
        active = await self._sources.activate(list(ids.values()), self._master_id)
        self._ours = {name for name, source_id in ids.items() if source_id in active}
        await self._stop([name for name in self._running if name not in self._ours])
        new = [name for name in wanted if name in self._ours and name not in self._running]
        for name in new:
            await self._start(wanted[name], self._reporter(ids[name]))
        await self._first_look([self._running[name][1] for name in new if name in self._running])

    async def _first_look(self, sources: Sequence[Source]) -> None:
        """Wait, for a limited time, until the sources will miss no change from now on."""
        looks = [self._looks.spawn(source.prepared(), name="first look") for source in sources]
        if looks:
            await asyncio.wait(looks, timeout=_FIRST_LOOK_SECONDS)
        for look in looks:
            look.cancel()

    def _reporter(self, source_id: ChangeSourceId) -> Report:
        async def report(health: SourceHealth) -> None:
            await self._sources.report(source_id, health)

        return report

    async def _start(self, component: Component, report: Report) -> None:
        source: Source | None = None
        self._failed.pop(component.name, None)

        def failed(error: Exception) -> None:
            is_expected = isinstance(error, OSError)
            self._failed[component.name] = FailedPart(
                kind="change source", name=component.name, reason=reason_of(error)
            )
            _log.error(
                "cannot start change source %s: %s%s",
                component.name,
                message_of(error),
                " (retrying every minute)",
                exc_info=None if is_expected else described(error),
            )

        with Guard(failed):
            source = self._source(component, report)
            await source.start()
            self._running[component.name] = component, source
        if (part := self._failed.get(component.name)) is not None:
            if source is not None:
                await self._end(component.name, source)
            await report(SourceHealth(state=SourceState.FAILING, sentence=part.reason))

    async def _stop(self, names: Sequence[str]) -> None:
        await asyncio.gather(*[self._stop_one(name) for name in names])

    async def _stop_one(self, name: str) -> None:
        _, source = self._running.pop(name)
        await self._end(name, source)

    @staticmethod
    async def _end(name: str, source: Source) -> None:
        with guarded(_log, "error while stopping change source %s", name):
            await source.stop()

    def _source(self, component: Component, report: Report) -> Source:
        match component.settings:
            case git_settings.Settings() as settings:
                return self._git_poller(component.name, settings, report)
            case svn_settings.Settings() as settings:
                return self._svn_poller(component.name, settings, report)
            case HostedSettings(runtime=runtime):
                return Hosted(runtime, report)
            case NotYet():
                return Unsupported()
            case unknown:
                raise TypeError(f"unknown change source settings: {type(unknown)}")

    def _git_poller(self, name: str, settings: git_settings.Settings, report: Report) -> Source:
        from chargehand.intake.git_cache import GitCache
        from chargehand.intake.git_command import GitCommand
        from chargehand.intake.git_poller import GitPoller

        directory = self._basedir / settings.directory
        git = GitCommand(binary=settings.binary, slots=self._git_slots)
        poller = GitPoller(
            name=name,
            settings=settings,
            git=git,
            cache=GitCache(
                owner=name,
                url=settings.url,
                directory=directory,
                git=git,
                lock=self._cache_locks[directory],
            ),
            state=self._state,
            publish=self.add_changes,
        )
        return polled(name, poller, settings.schedule, report, warnings=lambda: poller.warnings)

    def _svn_poller(self, name: str, settings: svn_settings.Settings, report: Report) -> Source:
        from chargehand.intake.svn_command import SvnCommand
        from chargehand.intake.svn_poller import SvnPoller

        svn = SvnCommand(
            binary=settings.binary, slots=self._svn_slots, more=settings.more_arguments
        )
        poller = SvnPoller(
            name=name, settings=settings, svn=svn, state=self._state, publish=self.add_changes
        )
        return polled(name, poller, settings.schedule, report)
