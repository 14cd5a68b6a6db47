"""The configuration of a master as one immutable value.

The reader of ``master.cfg`` produces it; the engine does not know the file. Users' functions
(``nextBuild``, ``fileIsImportant``, renderables …) appear as *hooks*: async callables that
the reader has already wrapped, so that the engine can simply await them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from chargehand.config.avatars import AvatarMethod
from chargehand.config.badges import BadgeSettings
from chargehand.config.dashboards import Dashboard
from chargehand.config.login import Login
from chargehand.config.tls_files import TlsFiles
from chargehand.config.trust import TrustConfig
from chargehand.config.web_limits import WebLimits
from chargehand.domain.instance import (
    FoundInstance,
    InstanceHealth,
    InstanceLabels,
    LeftInstance,
    StartedInstance,
)
from chargehand.domain.lock import LockAccess
from chargehand.domain.properties import Property
from chargehand.kit.values import compared_without, shown_without
from chargehand.logs.error_rules import DEFAULT_ERROR_RULES, ErrorRule
from chargehand.resources.policy import Everybody, Policy

Hook = Callable[..., Awaitable[Any]]


class Hosted(Protocol):
    """A user's service or change source, wrapped by the reader of the configuration."""

    async def start(self) -> None:
        """Begin to work."""

    async def stop(self) -> None:
        """Stop, and wait for the end of all activity."""


class BegunInstance(Protocol):
    """A machine that is recorded, and is about to be started."""

    @property
    def labels(self) -> InstanceLabels:
        """Its name, and what to label it with."""

    async def connect(self) -> None:
        """Expect its worker from now on; starts the agent of a local one."""

    async def keep(self, handle: object) -> None:
        """Record durably what is needed to stop it: plain data. Raises TypeError."""


class HostedInstance(Protocol):
    """The machine of a user's latent worker, wrapped by the reader of the configuration."""

    @property
    def build_wait_timeout(self) -> float:
        """Seconds after its last build until it is stopped; negative: never."""

    @property
    def missing_timeout(self) -> float:
        """Seconds that starting it and connecting its worker may take."""

    @property
    def check_every(self) -> float:
        """Seconds between two calls of `health`, at most."""

    @property
    def first_check(self) -> float:
        """Seconds until its first call; those that follow are twice as far apart each time."""

    @property
    def may_be_incompatible(self) -> bool:
        """Whether a running machine may be unfit for a build."""

    async def start(self, build: object, begun: BegunInstance) -> StartedInstance:
        """Start it for a build, and return what identifies it. Raises WorkerNotStarted."""

    async def start_ended(self) -> None:
        """Wait until a start that was given up does nothing more, in threads either."""

    async def stop(self, *, fast: bool) -> None:
        """Stop it, whether it was started or not; with *fast* as soon as is safe."""

    async def restore(self, left: LeftInstance) -> None:
        """Take over one that an earlier process of the master has left, to stop it."""

    async def find(self, fleet: str) -> Sequence[FoundInstance] | None:
        """Return everything at its place that is labelled with *fleet*; None if it cannot tell."""

    async def stop_found(self, found: FoundInstance) -> None:
        """Stop one of those that `find` has returned."""

    @property
    def place(self) -> str:
        """Where it is started; what `find` returns is the same for equal places."""

    async def health(self) -> InstanceHealth:
        """Return whether its worker may still connect, and why not or what it waits for."""

    async def is_compatible(self, properties: Mapping[str, Property]) -> bool:
        """Return whether the running machine is fit for a build with these properties."""

    def properties_of(self, build: object) -> Mapping[str, Property]:
        """Return the properties of a build."""

    def has_become(self, state: str) -> None:
        """Take the name of the machine's new state."""

    async def close(self) -> None:
        """End what the user's object has begun; it is not started again."""


@compared_without("runtime")
class HostedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a component implemented by a user's class."""

    runtime: Hosted


class NotYet(msgspec.Struct, frozen=True):
    """Settings of a kind of component that is accepted but not supported yet."""

    kind: str


@compared_without("extension")
class Component(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduler, change source, worker or service, with its identity.

    ``settings`` is a frozen value whose type selects the kind (``scheduling.nightly.Settings`` …).
    ``extension`` is the user's object, if a user's class implements it. Configurations compare
    ``identity``: with equal identities nothing needs a restart.
    """

    name: str
    settings: object
    extension: object = None
    identity: object = None


@compared_without("password", "extension", "instance")
@shown_without("password", "instance")
class WorkerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A configured worker; ``kind`` is how it is connected: "local" (the master starts it),
    "remote", or "latent" (remote, and started on demand).

    ``password`` is a text, None, or an async function that returns it (a secret). ``instance`` is
    the machine of a worker that is started on demand.
    """

    name: str
    kind: str
    password: object = None
    max_builds: int | None = None
    properties: dict[str, Property] = msgspec.field(default_factory=dict)
    default_properties: dict[str, Property] = msgspec.field(default_factory=dict)
    locks: tuple[LockAccess, ...] = ()
    missing_timeout: float = 3600.0
    notify_on_missing: tuple[str, ...] = ()
    settings: dict[str, object] = msgspec.field(default_factory=dict)
    extension: object = None
    identity: object = None
    instance: HostedInstance | None = None


WORKER_PROTOCOLS = ("pb", "msgpack_experimental_v7", "native")
"""The protocols of workers that connect at a port, by their names in ``c['protocols']``."""


class WorkerPort(msgspec.Struct, frozen=True, kw_only=True):
    """A port at which workers connect: (host, port), or the path of a unix socket."""

    protocol: str
    """One of `WORKER_PROTOCOLS`."""
    address: tuple[str, int] | str
    text: str
    """The same as it is configured, a plain number as ``tcp:NUMBER``."""
    tls: TlsFiles | None = None
    """For TLS; None: connections are not encrypted."""


@compared_without("plan", "next_build", "next_worker", "can_start_build", "collapse_requests")
class BuilderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A configured builder.

    ``plan`` creates the steps of each build (see ``execution.ports.Plan``). Hooks are None if not
    given. They take and return the engine's values (the reader wraps the user's function, and
    converts them to Buildbot's Builder, BuildRequest and WorkerForBuilder objects):
    ``next_build(builder_name, Sequence[PendingRequest]) -> PendingRequest | None``
    (the sequence follows the queue: copy what you keep over an ``await``),
    ``next_worker(builder_name, [WorkerSlot], PendingRequest) -> WorkerSlot | None``,
    ``can_start_build(builder_name, WorkerSlot, PendingRequest) -> bool``. ``collapse_requests`` is
    True, False, a hook ``(builder_name, PendingRequest, PendingRequest) -> bool``, or None for the
    master's setting. ``locks`` is a tuple, or a hook ``(properties) -> tuple[LockAccess, ...]``.
    """

    name: str
    worker_names: tuple[str, ...]
    plan: Any
    builddir: str
    worker_builddir: str
    tags: tuple[str, ...] = ()
    description: str | None = None
    description_format: str | None = None
    project: str | None = None
    env: dict[str, object] = msgspec.field(default_factory=dict)
    properties: dict[str, Property] = msgspec.field(default_factory=dict)
    default_properties: dict[str, Property] = msgspec.field(default_factory=dict)
    locks: tuple[LockAccess, ...] | Hook = ()
    next_build: Hook | None = None
    next_worker: Hook | None = None
    can_start_build: Hook | None = None
    collapse_requests: bool | Hook | None = None
    identity: object = None


class ProjectConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A project that builders belong to."""

    name: str
    slug: str
    description: str | None = None
    description_format: str | None = None


class LogConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of logs: sizes in bytes, None for no limit."""

    max_size: int | None = None
    """Size to keep of the beginning of a log."""
    max_tail_size: int | None = None
    """Size to keep of the end of a log that exceeds ``max_size``."""
    encoding: str = "utf-8"


@compared_without("plugins", "dashboards", "options")
class WebConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The web server; ``listen`` has (host, port) pairs or unix socket paths; empty: no server."""

    listen: tuple[tuple[str, int] | str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    """Patterns of origins besides the site's own."""
    allowed_hosts: tuple[str, ...] = ()
    """Patterns of host names accepted besides that of the site's URL."""
    tls: dict[tuple[str, int] | str, TlsFiles] = msgspec.field(default_factory=dict)
    """The addresses of ``listen`` that serve HTTPS."""
    hsts_seconds: float = 0.0
    """For how long browsers that used HTTPS are to use nothing else; 0: that is not said."""
    limits: WebLimits = msgspec.field(default_factory=WebLimits)
    """Limits for visitors."""
    first_error_rules: tuple[ErrorRule, ...] = DEFAULT_ERROR_RULES
    """How the first error of a log is found."""
    plugins: dict[str, object] = msgspec.field(default_factory=dict)
    plugin_files: dict[str, str] = msgspec.field(default_factory=dict)
    """The directories whose files are served for plug-ins, by their names."""
    badges: BadgeSettings | None = None
    """How badges look; None: there are none."""
    dashboards: tuple[Dashboard, ...] = ()
    avatars: tuple[AvatarMethod, ...] = ()
    """Who is asked for pictures of people, one after the other."""
    stock_ui: bool | None = None
    """Whether Buildbot's own interface is served; None: if it is installed."""
    policy: Policy = msgspec.field(default_factory=Everybody)
    """Permissions of visitors."""
    login: Login | None = None
    """How people log in; None: nobody does."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks from which ``X-Forwarded-For`` and the like, and the header of a `ProxyLogin`, are
    believed; unix sockets always are."""
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    """All other keys of ``c['www']``, as given."""
    plain: object = None
    """The plain data of ``plugins`` and ``options``. Objects, such as a dashboard's application,
    are created each time the configuration is read, and do not count as a change."""


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the configuration that is accepted but not supported yet, or deprecated."""

    message: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else self.message


@compared_without(
    "prioritize_builders",
    "select_next_worker",
    "codebase_generator",
    "revlink",
    "manhole",
    "secrets_providers",
    "warnings",
    "modules",
    "extension",
)
class MasterConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration.

    Hooks: ``prioritize_builders([builder names]) -> [builder names]``,
    ``select_next_worker(builder_name, [WorkerSlot], PendingRequest) -> WorkerSlot | None``,
    ``codebase_generator(change as a dict) -> codebase``.
    """

    title: str = "Chargehand"
    title_url: str = "http://localhost:8010/"
    url: str = "http://localhost:8010/"
    db_url: str = "sqlite:///state.sqlite"
    multi_master: bool = False
    workers: tuple[WorkerConfig, ...] = ()
    builders: tuple[BuilderConfig, ...] = ()
    schedulers: tuple[Component, ...] = ()
    change_sources: tuple[Component, ...] = ()
    services: tuple[Component, ...] = ()
    projects: tuple[ProjectConfig, ...] = ()
    properties: dict[str, Property] = msgspec.field(default_factory=dict)
    collapse_requests: bool | Hook = True
    prioritize_builders: Hook | None = None
    select_next_worker: Hook | None = None
    codebase_generator: Hook | None = None
    revlink: Callable[[str, str], str | None] | None = None
    """Returns a link for (revision, repository)."""
    logs: LogConfig = msgspec.field(default_factory=LogConfig)
    change_horizon: int | None = None
    """How many changes to keep, None for all."""
    audit_days: float | None = 365.0
    """For how many days to keep what people did, None for ever."""
    web: WebConfig = msgspec.field(default_factory=WebConfig)
    manhole: object = None
    secrets_providers: tuple[object, ...] = ()
    trust: TrustConfig = msgspec.field(default_factory=TrustConfig)
    """How far changes are trusted, and what their builds may use."""
    protocols: dict[str, Any] = msgspec.field(default_factory=dict)
    worker_ports: tuple[WorkerPort, ...] = ()
    warnings: tuple[Warned, ...] = ()
    modules: tuple[str, ...] = ()
    """Imported files from the configuration file's directory (absolute paths)."""
    extension: object = None
    """The reader's own object (``master.config`` for users' code)."""

    @property
    def summary(self) -> str:
        """How much there is of what, for people."""
        counted = (
            (len(self.builders), "builder"),
            (len(self.workers), "worker"),
            (len(self.schedulers), "scheduler"),
            (len(self.change_sources), "change source"),
        )
        return ", ".join(f"{count} {noun}{'s' * (count != 1)}" for count, noun in counted)
