"""What the parts of a configuration say of each other: names that clash, and names of nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from buildbot._host.reading.section import Section
from chargehand.config.model import BuilderConfig, Component, MasterConfig
from chargehand.domain.lock import LockAccess, LockSpec

_WORKER_NAME = re.compile(r"[^\W\d][\w.-]{0,49}|-[\w.-]{0,49}")


def check(config: MasterConfig, section: Section) -> None:
    """Complain about everything that does not fit together."""
    _check_presence(config, section)
    _check_names(config, section)
    _check_workers_of_builders(config, section)
    _check_builders_of_schedulers(config, section)
    _check_projects(config, section)
    _check_locks(config, section)


def _check_presence(config: MasterConfig, section: Section) -> None:
    if not config.multi_master:
        if not config.workers:
            section.error("no workers are configured", "workers")
        if not config.builders:
            section.error("no builders are configured", "builders")
    remote = [worker for worker in config.workers if worker.kind == "remote"]
    if remote and not config.protocols:
        section.error(
            "workers are configured, but c['protocols'] not: "
            "without c['protocols'] = {'pb': {'port': 9989}} they cannot connect",
            "protocols",
            remote[0].name,
        )


def _check_names(config: MasterConfig, section: Section) -> None:
    builders = config.builders
    for worker in config.workers:
        if not isinstance(worker.name, str) or not _WORKER_NAME.fullmatch(worker.name):
            section.error(
                f"worker name {worker.name!r} is not an identifier", "workers", worker.name
            )
    for key, what, names in (
        ("builders", "duplicate builder name {!r}", [builder.name for builder in builders]),
        ("builders", "duplicate builder builddir {!r}", [builder.builddir for builder in builders]),
        ("workers", "duplicate worker name {!r}", [worker.name for worker in config.workers]),
        ("schedulers", "scheduler name {!r} used multiple times", _names(config.schedulers)),
        ("change_source", "duplicate change source name {!r}", _names(config.change_sources)),
        ("services", "Duplicate service name {!r}", _names(config.services)),
        ("projects", "duplicate project name {!r}", [p.name for p in config.projects]),
    ):
        for name in _doubled(names):
            section.error(what.format(name), key, str(name))


def _check_workers_of_builders(config: MasterConfig, section: Section) -> None:
    known = {worker.name for worker in config.workers}
    for builder in config.builders:
        if unknown := sorted(name for name in builder.worker_names if name not in known):
            section.error(
                f"builder {builder.name!r} uses unknown workers {_quoted(unknown)}",
                "builders",
                builder.name,
            )


def _check_builders_of_schedulers(config: MasterConfig, section: Section) -> None:
    known = {builder.name for builder in config.builders}
    driven: set[str] = set()
    for scheduler in config.schedulers:
        names = builder_names(scheduler)
        if names is None:
            driven |= known
            continue
        driven.update(names)
        for name in names:
            if name not in known:
                section.error(
                    f"Unknown builder {name!r} in scheduler {scheduler.name!r}",
                    "schedulers",
                    scheduler.name,
                    name,
                )
    idle = sorted(known - driven)
    if idle and not config.multi_master:
        section.error(f"builder(s) {_listed(idle)} have no schedulers to drive them", "schedulers")


def builder_names(scheduler: Component) -> Sequence[str] | None:
    """Return the builders that a scheduler names; None where they are known only when it runs."""
    for holder in (scheduler.extension, scheduler.settings):
        for attribute in ("builderNames", "builder_names"):
            names: Any = getattr(holder, attribute, None)
            if isinstance(names, list | tuple | set | frozenset):
                return [name for name in names if isinstance(name, str)]
            if names is not None:
                return None
    return None


def _check_projects(config: MasterConfig, section: Section) -> None:
    known = {project.name for project in config.projects}
    for builder in config.builders:
        if builder.project and builder.project not in known:
            section.error(
                f"builder {builder.name!r} uses unknown project name {builder.project!r}",
                "builders",
                builder.name,
            )


def _check_locks(config: MasterConfig, section: Section) -> None:
    """Locks are known by their names: different ones may not share one."""
    seen: dict[str, LockSpec] = {}
    for access in _accesses(config.builders):
        other = seen.setdefault(access.lock.name, access.lock)
        if other is not access.lock and other != access.lock:
            section.error(
                f"Two locks share the same name, {access.lock.name!r}",
                "builders",
                access.lock.name,
            )


def _accesses(builders: Iterable[BuilderConfig]) -> Iterable[LockAccess]:
    for builder in builders:
        if isinstance(builder.locks, tuple):
            yield from builder.locks


def _names(components: Iterable[Component]) -> list[str]:
    return [component.name for component in components]


def _doubled(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
