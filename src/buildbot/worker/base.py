"""What all workers have in common, and workers that connect to the master."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buildbot._border.argument_errors import checked
from buildbot._border.bridge import settled
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error, warn
from buildbot._border.kinds import Given
from buildbot._border.making import place_of_making
from buildbot._border.numbers import COUNT_OR_NONE, SECONDS, SECONDS_OR_NONE, check_constant
from buildbot._border.rendering import is_constant, render_value
from buildbot.interfaces import IWorker, implementer
from buildbot.locks import lock_accesses
from buildbot.process.access import MasterAccess
from buildbot.process.properties import Properties
from buildbot.process.quarantine import INITIAL_SECONDS, LONGEST_SECONDS, WorkerQuarantine
from chargehand.config.model import WorkerConfig

DEFAULT_MISSING_TIMEOUT = 3600
DEFAULT_KEEPALIVE_INTERVAL = 3600
_RESERVED = ("debug", "change", "status")


class _Connection:
    """``worker.conn``, where a subclass has set none of its own."""

    def __get__(self, worker: AbstractWorker | None, kind: type) -> Any:
        return worker if worker is not None and worker.isConnected() else None


class WorkerRegistration:
    """The ports at which a worker connects to the running master."""

    def __init__(self, worker: AbstractWorker) -> None:
        self._worker = worker

    def getPBPort(self) -> int | None:
        """Return the port for Perspective Broker, None where ``c['protocols']`` has none."""
        return self._worker._running_master.worker_port("pb")


@implementer(IWorker)
class AbstractWorker(WorkerQuarantine, ComparableMixin):
    """A worker; subclasses may override ``checkConfig`` with their own arguments.

    The constructor's arguments go to `checkConfig`, which says all that is wrong with them.

    Args:
        name (str): The worker's name.
        password (str | None, renderable): Password with which it connects.
        max_builds (int | None): How many builds it runs at once; None or 0 for no limit.
        notify_on_missing (str | list[str] | None): Addresses that get a mail when it is missing.
        missing_timeout (float | None, seconds): How long it may be away before that mail is sent.
        properties (dict[str, Any] | None): Properties of its builds.
        defaultProperties (dict[str, Any] | None): Properties of its builds, unless something else
            sets them.
        locks (Any): Lock accesses that each of its builds holds.
        keepalive_interval (float | None, seconds): How often the connection is tested; None for
            never.
        machine_name (str | None): Name of the machine it runs on.
    """

    compare_attrs = ("_arguments", "_keywords")
    reconfig_priority = 64
    conn: Any = _Connection()
    """The worker while it is connected, else None: connections are the engine's business."""
    quarantine_initial_timeout = INITIAL_SECONDS
    quarantine_max_timeout = LONGEST_SECONDS
    _kind = "remote"

    _set_by_init = "_arguments"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._made_at = place_of_making(self)
        self._arguments = args
        self._keywords = kwargs
        self.master: Any = None
        self._keywords = checked(self.checkConfig, type(self), args, kwargs)

    def checkConfig(
        self,
        name: str,
        password: Any,
        max_builds: int | None = None,
        notify_on_missing: str | Sequence[str] | None = None,
        missing_timeout: float | None = None,
        properties: Mapping[str, Any] | None = None,
        defaultProperties: Mapping[str, Any] | None = None,
        locks: Any = None,
        keepalive_interval: float | None = DEFAULT_KEEPALIVE_INTERVAL,
        machine_name: str | None = None,
    ) -> None:
        """Check the arguments, and keep them."""
        self.name = name
        self.workername = name
        self.password = Given(f'worker "{name}"').text("password", password, is_rendered=True)
        self.max_builds = max_builds
        self.keepalive_interval = keepalive_interval
        self.machine_name = machine_name
        self.missing_timeout = (
            DEFAULT_MISSING_TIMEOUT if missing_timeout is None else missing_timeout
        )
        self.notify_on_missing = _checked_addresses(notify_on_missing)
        self.access = locks or []
        self.locks = self.access
        self.properties = Properties()
        self.properties.update(properties or {}, "Worker")
        self.properties.setProperty("workername", name, "Worker")
        self.defaultProperties = Properties()
        self.defaultProperties.update(defaultProperties or {}, "Worker")
        self._check_numbers()
        if name in _RESERVED:
            error(f'worker name "{name}" is reserved; choose another')

    @property
    def slavename(self) -> str:
        """Return the name, as Buildbot 0.8 calls it."""
        warn(f'worker "{self.name}": slavename was removed from Buildbot; use workername')
        return self.workername

    def _check_numbers(self) -> None:
        what = f'worker "{self.name}"'
        if not check_constant(what, "max_builds", self.max_builds, COUNT_OR_NONE):
            self.max_builds = None
        check_constant(what, "keepalive_interval", self.keepalive_interval, SECONDS_OR_NONE)
        if not check_constant(what, "missing_timeout", self.missing_timeout, SECONDS):
            self.missing_timeout = DEFAULT_MISSING_TIMEOUT

    def reconfigService(self, *args: Any, **kwargs: Any) -> Any:
        """Take new arguments; subclasses call it with those of this class."""
        return settled(None)

    def canStartBuild(self) -> bool:
        """Return whether a build may start on it at all; to be overridden. It is asked before
        ``canStartBuild`` of the builder, and only about a worker that is free."""
        return True

    def buildStarted(self, wfb: Any) -> Any:
        """A build begins on it, at the builder of the WorkerForBuilder *wfb*; to be overridden."""

    def buildFinished(self, wfb: Any) -> Any:
        """A build has ended on it, at the builder of the WorkerForBuilder *wfb*; to be overridden.
        It is called once for each `buildStarted`, also if the worker was lost."""

    def attached(self, conn: Any = None) -> Any:
        """It has connected; to be overridden. A build may have begun on it by then."""
        return settled(None)

    def detached(self, mind: Any = None) -> Any:
        """Its connection has ended; to be overridden, also as ``detached(self, mind)``."""
        return settled(None)

    @property
    def _hears_builds(self) -> bool:
        return self._overrides("buildStarted", "buildFinished")

    @property
    def _hears_connections(self) -> bool:
        return self._overrides("attached", "detached")

    @property
    def _decides(self) -> bool:
        return self._overrides("canStartBuild")

    def _overrides(self, *methods: str) -> bool:
        kind = type(self)
        return any(getattr(kind, name) is not getattr(AbstractWorker, name) for name in methods)

    def _access_if_running(self) -> MasterAccess | None:
        access: MasterAccess | None = getattr(self.master, "access", None)
        return access

    def isConnected(self) -> bool:
        """Return whether it is connected."""
        access = self._access_if_running()
        return access is not None and access.is_connected(self.name)

    @property
    def registration(self) -> WorkerRegistration:
        """Where it can connect: ``registration.getPBPort()``."""
        return WorkerRegistration(self)

    def _as_worker_config(self) -> WorkerConfig:
        """Return the engine's value for this worker."""
        return WorkerConfig(
            name=self.name,
            kind=self._kind,
            password=self._password_or_function(),
            max_builds=self.max_builds or None,
            properties=self.properties.asDict(),
            default_properties=self.defaultProperties.asDict(),
            locks=self._lock_accesses(),
            missing_timeout=float(self.missing_timeout),
            notify_on_missing=tuple(self.notify_on_missing),
            settings=self._settings(),
            extension=self,
        )

    def _password_or_function(self) -> object:
        if self.password is None or isinstance(self.password, str):
            return self.password
        return self._rendered_password

    async def _rendered_password(self) -> str:
        properties = Properties()
        properties.master = self.master
        return str(await render_value(self.password, properties))

    def _lock_accesses(self) -> Any:
        if not is_constant(self.locks):
            warn(f'worker "{self.name}": renderable locks are not supported for workers yet')
            return ()
        try:
            return lock_accesses(self.locks)
        except TypeError as wrong:
            error(f'worker "{self.name}": {wrong}')
            return ()

    def _settings(self) -> dict[str, Any]:
        return {"keepalive_interval": self.keepalive_interval}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class Worker(AbstractWorker):
    """A worker on any machine, which connects to the master by itself."""


def _checked_addresses(addresses: str | Sequence[str] | None) -> list[str]:
    if addresses is None:
        return []
    found = [addresses] if isinstance(addresses, str) else list(addresses)
    for address in found:
        if not isinstance(address, str):
            error(f"notify_on_missing arg {address!r} is not a string")
    return found
