"""The configuration of a master as one immutable value.

Whatever reads a ``master.cfg`` produces it; the engine knows nothing of the file. Users' functions
(``nextBuild``, ``fileIsImportant``, renderables …) appear as *hooks*: async callables that
the reader has already wrapped, so that the engine may simply await them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from chargehand.config.web_limits import WebLimits
from chargehand.domain.lock import LockAccess
from chargehand.domain.properties import Property
from chargehand.resources.policy import Everybody, Policy

Hook = Callable[..., Awaitable[Any]]


class Hosted(Protocol):
    """A user's own service or change source; the reader of the configuration has wrapped it."""

    async def start(self) -> None:
        """Begin to work."""

    async def stop(self) -> None:
        """Stop, and wait until everything has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedSettings:
    """Settings of a component whose behaviour is a class of the user's."""

    runtime: Hosted = field(compare=False)


@dataclass(frozen=True, slots=True)
class NotYet:
    """Settings of a kind of component that is accepted and not supported yet."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A scheduler, change source, worker or service: what it is, and what identifies it.

    ``settings`` is a frozen value whose type selects the kind (``scheduling.nightly.Settings`` …).
    ``extension`` is the user's object, where the behaviour is a class of the user's. ``identity``
    is what two configurations compare: equal identities mean that nothing needs a restart.
    """

    name: str
    settings: object
    extension: object = field(default=None, compare=False)
    identity: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """A configured worker; ``kind`` is "local" (the master starts it) or "remote"."""

    name: str
    kind: str
    password: object = field(default=None, compare=False, repr=False)
    max_builds: int | None = None
    properties: dict[str, Property] = field(default_factory=dict)
    default_properties: dict[str, Property] = field(default_factory=dict)
    locks: tuple[LockAccess, ...] = ()
    missing_timeout: float = 3600.0
    notify_on_missing: tuple[str, ...] = ()
    settings: dict[str, object] = field(default_factory=dict)
    extension: object = field(default=None, compare=False)
    identity: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderConfig:
    """A configured builder.

    ``plan`` makes the steps of each build (see ``execution.ports.Plan``). Hooks are None when not
    given. They take and return the engine's values (the reader wraps the user's function, and makes
    Buildbot's Builder, BuildRequest and WorkerForBuilder objects of them):
    ``next_build(builder_name, Sequence[PendingRequest]) -> PendingRequest | None`` (the sequence
    follows the queue: what is to be kept over an ``await`` has to be copied),
    ``next_worker(builder_name, [WorkerSlot], PendingRequest) -> WorkerSlot | None``,
    ``can_start_build(builder_name, WorkerSlot, PendingRequest) -> bool``. ``collapse_requests`` is
    True, False, a hook ``(builder_name, PendingRequest, PendingRequest) -> bool``, or None for the
    master's setting. ``locks`` is a tuple, or a hook ``(properties) -> tuple[LockAccess, ...]``.
    """

    name: str
    worker_names: tuple[str, ...]
    plan: Any = field(compare=False)
    builddir: str
    worker_builddir: str
    tags: tuple[str, ...] = ()
    description: str | None = None
    description_format: str | None = None
    project: str | None = None
    env: dict[str, object] = field(default_factory=dict)
    properties: dict[str, Property] = field(default_factory=dict)
    default_properties: dict[str, Property] = field(default_factory=dict)
    locks: tuple[LockAccess, ...] | Hook = ()
    next_build: Hook | None = field(default=None, compare=False)
    next_worker: Hook | None = field(default=None, compare=False)
    can_start_build: Hook | None = field(default=None, compare=False)
    collapse_requests: bool | Hook | None = field(default=None, compare=False)
    identity: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConfig:
    """A project that builders belong to."""

    name: str
    slug: str
    description: str | None = None
    description_format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """How logs are kept: sizes in bytes, None is no limit."""

    max_size: int | None = None
    """What of one log is kept from its beginning."""
    max_tail_size: int | None = None
    """What of its end is kept besides, where ``max_size`` cut it."""
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """The web server; ``listen`` has (host, port) pairs or unix socket paths; empty: no server."""

    listen: tuple[tuple[str, int] | str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    """Patterns of origins besides the site's own."""
    allowed_hosts: tuple[str, ...] = ()
    """Patterns of names by which the site is reached, besides that of its URL."""
    limits: WebLimits = field(default_factory=WebLimits)
    """What visitors may take."""
    plugins: dict[str, object] = field(default_factory=dict, compare=False)
    policy: Policy = field(default_factory=Everybody)
    """Who may see and do what through the web."""
    login_keys: tuple[str, ...] = ()
    """The keys that want people to log in, which is not supported yet."""
    options: dict[str, Any] = field(default_factory=dict, compare=False)
    """Everything else of ``c['www']``, as given."""
    plain: object = None
    """What is plain data in ``plugins`` and ``options``: objects, such as the application of a
    dashboard, are made anew whenever the configuration is read, and do not count as a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A thing in the configuration that is accepted and not supported yet, or deprecated."""

    message: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterConfig:
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
    properties: dict[str, Property] = field(default_factory=dict)
    collapse_requests: bool | Hook = True
    prioritize_builders: Hook | None = field(default=None, compare=False)
    select_next_worker: Hook | None = field(default=None, compare=False)
    codebase_generator: Hook | None = field(default=None, compare=False)
    revlink: Callable[[str, str], str | None] | None = field(default=None, compare=False)
    """Makes a link of (revision, repository)."""
    logs: LogConfig = field(default_factory=LogConfig)
    web: WebConfig = field(default_factory=WebConfig)
    manhole: object = field(default=None, compare=False)
    secrets_providers: tuple[object, ...] = field(default=(), compare=False)
    protocols: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[Warned, ...] = field(default=(), compare=False)
    modules: tuple[str, ...] = field(default=(), compare=False)
    """Files that were imported from beside the configuration file (absolute paths)."""
    extension: object = field(default=None, compare=False)
    """What the reader wants to find again (``master.config`` for users' code)."""
