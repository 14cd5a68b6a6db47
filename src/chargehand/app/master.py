"""The composition root: creates the stages and connects them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from chargehand.app.directory import Directory
from chargehand.app.engine import Engine
from chargehand.app.extension import ExtensionHost, open_host
from chargehand.app.failure import CommandFailed, PartlyApplied
from chargehand.app.garbage import ReplacedConfigurations
from chargehand.app.heartbeat import Heartbeat
from chargehand.app.parts import MakeLinks, Parts, links_of_all_kinds
from chargehand.app.recovering import recover
from chargehand.config.difference import difference
from chargehand.config.errors import ConfigErrors
from chargehand.config.model import MasterConfig
from chargehand.domain.audit import CONFIGURATION, THIS_MACHINE, AuditEntry
from chargehand.domain.buildset import NewBuildset, SubmittedBuildset
from chargehand.domain.change import Change, NewChange
from chargehand.domain.failed_part import FailedPart
from chargehand.domain.identifiers import BuilderId, LogId
from chargehand.domain.user import MASTER
from chargehand.events.bus import Bus
from chargehand.events.messages import BuilderChanged
from chargehand.execution.recovery import Cause, outcomes_of
from chargehand.kit.accounts import account_name
from chargehand.kit.clock import Clock, SystemClock
from chargehand.kit.guard import contained
from chargehand.kit.limits import time_limit
from chargehand.kit.pauses import without_pauses
from chargehand.kit.redaction import Redaction
from chargehand.kit.tasks import Tasks
from chargehand.links.doors import PortNotOpened
from chargehand.links.native.adoption import Adoption
from chargehand.links.native.local_listener import LocalListener
from chargehand.store.engine.engines import shown
from chargehand.store.engine.writer import MakeWriter, Writer
from chargehand.store.errors import StoreError
from chargehand.store.store import Store
from chargehand.web.listening import CannotListen

_log = logging.getLogger("chargehand.master")

_CHANGE_SECONDS = 10.0
"""Seconds that `stop` waits for a reconfiguration in progress."""


class Master:
    """A master: reads its configuration, and runs until `stop`.

    Tests pass another *clock*, other workers (*make_links*), and a database that writes in the
    loop (*make_writer*). *redaction* learns the secrets that are handed out, for the master's log.
    """

    def __init__(
        self,
        *,
        basedir: Path,
        config_path: Path,
        heartbeat: float = 60.0,
        dead_after: float = 600.0,
        adjust: Callable[[MasterConfig], MasterConfig] = lambda config: config,
        clock: Clock | None = None,
        make_links: MakeLinks = links_of_all_kinds,
        make_writer: MakeWriter = Writer,
        redaction: Redaction | None = None,
    ) -> None:
        self._redaction = redaction or Redaction()
        self._basedir = basedir
        self._every = heartbeat
        self._dead_after = dead_after
        self._adjust = adjust
        self._clock = clock or SystemClock()
        self._make_links = make_links
        self._make_writer = make_writer
        self.name = f"{socket.gethostname()}:{basedir}"
        self.bus = Bus()
        self.config = MasterConfig()
        self._directory = Directory()
        self.bus.subscribe(self._directory.learn, BuilderChanged)
        self._tasks = Tasks("master")
        self._host: ExtensionHost = open_host(basedir, config_path)
        self._parts: Parts | None = None
        self._is_configured = False
        self._replaced_configurations = ReplacedConfigurations(
            tasks=self._tasks, leftovers=self._host.leftovers, is_quiet=self._is_quiet
        )
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Read the configuration and start working.

        Raises ConfigErrors, or CommandFailed for problems of the machine (database, port). Stops
        everything that it had started.
        """
        self._host.install(asyncio.get_running_loop())
        with without_pauses():
            config = self._adjust(await self._host.load())
            try:
                await self._start(config)
            except StoreError as error:
                await self.stop()
                raise _database_failed(config, error) from error
            except (CannotListen, PortNotOpened) as error:
                await self.stop()
                raise CommandFailed(str(error)) from error
            except BaseException:
                await self.stop()
                raise

    async def _start(self, config: MasterConfig) -> None:
        store = Store(
            url=config.db_url,
            basedir=self._basedir,
            publish=self.bus.publish,
            clock=self._clock,
            is_shared=config.multi_master,
            make_writer=self._make_writer,
        )
        await store.open()
        master_id = await store.masters.start(self.name)
        reception = LocalListener(self._basedir / "agents")
        await Adoption(reception=reception, logs=store.logs).run()
        left = await store.masters.left_behind(master_id)
        self._parts = parts = Parts(
            basedir=self._basedir,
            bus=self.bus,
            directory=self._directory,
            store=store,
            master_id=master_id,
            clock=self._clock,
            reception=reception,
            links=self._make_links(reception, self._basedir / "workers"),
            redaction=self._redaction,
        )
        # Surviving agents delivered their output before this decision; nothing may be queued before
        # it is carried out.
        retried = await store.masters.carry_out(left, outcomes_of(left, Cause.KILLED))
        if retried:
            _log.info("%s", _interrupted(retried))
        self._host.attach(
            Engine(
                name=self.name,
                bus=self.bus,
                directory=self._directory,
                parts=parts,
                reconfigure=self.reconfigure,
            )
        )
        await self._apply(config)
        await parts.dispatcher.start()
        if elsewhere := parts.elsewhere:
            _log.warning(
                "another master runs %s: the one that shares this database, or that it was copied "
                "from. This master takes over when the other has been silent for %g minutes",
                ", ".join(elsewhere),
                self._dead_after / 60,
            )
        await store.masters.tell_started(master_id)
        parts.web.open()
        self._tasks.repeat(self._heartbeat().beat, every=self._every, name="heartbeat")
        if config.web.listen:
            self._tasks.spawn(store.history.read_ahead(), name="read the last weeks of builds")

    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(
            masters=self._ready.store.masters,
            master_id=self._ready.master_id,
            clock=self._clock,
            every=self._every,
            dead_after=self._dead_after,
            begin_again=self._begin_again,
            register=self._register_again,
        )

    async def _apply(self, config: MasterConfig) -> None:
        """Apply a configuration stage by stage, in the order of their dependencies."""
        parts = self._ready
        parts.trust.use(config.trust)
        await parts.web.reconfigure(config)
        await parts.worker_doors.reconfigure(config)
        await parts.store.projects.sync(config.projects)
        ids = await parts.store.builders.sync(config.builders, parts.master_id)
        self._directory.update(ids)
        parts.remote_workers.reconfigure(config)
        await parts.fleet.reconfigure(config.workers, _builders_of_workers(config, ids))
        await parts.worker_doors.serve()
        parts.absences.reconfigure(config.workers)
        await parts.housekeeping.reconfigure(config)
        parts.builds.reconfigure(config)
        await parts.dispatcher.reconfigure(config, ids)
        if self._is_configured:
            await parts.scheduling.reconfigure(config.schedulers)
        else:
            await parts.scheduling.start(config.schedulers)
        await parts.intake.reconfigure(
            config.change_sources,
            revlink=config.revlink,
            codebase_generator=config.codebase_generator,
        )
        await parts.services.reconfigure(config.services)
        self._is_configured = True
        self.config = config
        for warning in config.warnings:
            _log.warning("%s", warning)

    async def reconfigure(self) -> str:
        """Read the configuration again and apply only what changed; return a summary.

        Raises ConfigErrors or CommandFailed; then the active configuration stays unchanged, except
        for PartlyApplied.
        """
        async with self._changing:
            with self._replaced_configurations.reading():
                try:
                    summary = await self._reconfigure()
                except (ConfigErrors, CommandFailed) as error:
                    self._note_reading("reconfigure", refusal=str(error))
                    raise
                self._note_reading("reconfigure", changed=summary)
                return summary

    def _note_reading(self, action: str, *, changed: str = "", refusal: str = "") -> None:
        """Let the audit log say that the configuration was read."""
        entry = AuditEntry(
            happened_at=self._clock.timestamp(),
            kind=CONFIGURATION,
            action=action,
            path="",
            user_name=account_name(),
            origin=THIS_MACHINE,
            is_allowed=not refusal,
            details={"changed": changed} if changed else {},
            reason=refusal,
        )
        self._ready.store.audit.note(entry)

    async def _reconfigure(self) -> str:
        old, config = self.config, self._adjust(await self._host.load())
        both = [(old, config)]  # Taken out: the thread keeps what it was called with.
        changed = await asyncio.to_thread(lambda: contained(difference, *both.pop()))
        if config.db_url != old.db_url:
            _log.warning("changing the database needs a restart; still using the old one")
        try:
            await self._apply(config)
        except StoreError as error:
            raise PartlyApplied(str(_database_failed(self.config, error))) from error
        except (CannotListen, PortNotOpened) as error:
            raise CommandFailed(str(error)) from error
        if config is not old:
            builders: list[object] = list(old.builders)
            del old
            await self._replaced_configurations.replaced(builders)
        return changed.summary()

    def _is_quiet(self) -> bool:
        parts = self._parts
        return parts is None or (not parts.dispatcher.running and parts.web.is_quiet)

    @property
    def urls(self) -> list[str]:
        """The addresses of the web server."""
        return self._ready.web.urls

    @property
    def failed_parts(self) -> list[FailedPart]:
        """The parts of the configuration that could not be started."""
        return self._ready.failed_parts

    def summary(self) -> str:
        """Return a short summary of the configuration."""
        return self.config.summary

    async def finish_builds(self) -> None:
        """Start no more builds, and wait for the running ones."""
        self._ready.dispatcher.stop_starting()
        await self._ready.dispatcher.idle()

    async def stop(self) -> None:
        """Stop cleanly: running builds are returned to the queue. May be called twice."""
        with contextlib.suppress(TimeoutError):
            # Users' code, too, may have asked for a reconfiguration, which is not to start anything
            # in a master that has stopped.
            async with time_limit(_CHANGE_SECONDS), self._changing:
                pass
        parts, self._parts = self._parts, None
        await self._tasks.close()
        if parts is not None:
            await parts.stop()
        await self._host.close()

    async def _begin_again(self) -> None:
        """Start a new epoch after other masters declared this one stopped."""
        parts = self._ready
        parts.builds.stop_all("the master was declared stopped")
        async with self._changing:
            await parts.store.masters.start(self.name)
            await parts.store.masters.tell_started(parts.master_id)

    async def _register_again(self) -> None:
        """Record what runs here, after others were told that nothing does."""
        parts = self._ready
        async with self._changing:
            await recover(parts.store.masters, parts.master_id, Cause.SILENT)
            await self._apply(self.config)
            await parts.register_again()

    @property
    def _ready(self) -> Parts:
        if self._parts is None:
            raise RuntimeError("the master is not running")
        return self._parts

    # For code that runs a master in its own process

    async def submit(self, buildset: NewBuildset) -> SubmittedBuildset:
        """Submit a buildset."""
        return await self._ready.store.buildsets.submit(buildset)

    async def add_change(self, change: NewChange) -> Change:
        """Add a change, as a change source does."""
        return await self._ready.intake.add_change(change)

    async def force(self, scheduler: str, parameters: Mapping[str, object]) -> None:
        """Force builds, as with a form."""
        await self._ready.orders.force(scheduler, parameters, MASTER)

    async def read_lines(self, log_id: LogId, first: int, count: int | None) -> bytes:
        """Return lines of a log, with their channel letters."""
        return await self._ready.store.logs.lines(log_id, first, count)

    def builder_name(self, builder_id: BuilderId) -> str:
        """Return a builder's name."""
        return self._directory.name(builder_id)

    def builder_id(self, name: str) -> BuilderId:
        """Return a builder's identifier. Raises LookupError."""
        return self._directory.ids([name])[0]

    @property
    def basedir(self) -> Path:
        """The master's directory."""
        return self._basedir

    @property
    def directory(self) -> Directory:
        """The builders of the active configuration."""
        return self._directory


def _interrupted(builds: int) -> str:
    subject = "1 build was" if builds == 1 else f"{builds} builds were"
    return f"{subject} interrupted when the master was killed; retrying"


def _database_failed(config: MasterConfig, error: StoreError) -> CommandFailed:
    return CommandFailed(f"database {shown(config.db_url)}: {error}")


def _builders_of_workers(
    config: MasterConfig, ids: Mapping[str, BuilderId]
) -> dict[str, list[BuilderId]]:
    found: dict[str, list[BuilderId]] = defaultdict(list)
    for builder in config.builders:
        for worker_name in builder.worker_names:
            found[worker_name].append(ids[builder.name])
    return found
