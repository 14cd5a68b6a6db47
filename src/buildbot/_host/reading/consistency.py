"""Consistency of a configuration: duplicate names, and names of things that do not exist."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from buildbot._border.arguments import did_you_mean
from buildbot._host.reading.section import Section
from chargehand.config.model import BuilderConfig, Component, MasterConfig
from chargehand.domain.lock import LockAccess, LockSpec

_WORKER_NAME = re.compile(r"[^\W\d][\w.-]{0,49}|-[\w.-]{0,49}")


def check(config: MasterConfig, section: Section) -> None:
    """Report duplicate names, unknown names, and missing parts."""
    _check_presence(config, section)
    _check_names(config, section)
    _check_workers_of_builders(config, section)
    _check_builders_of_schedulers(config, section)
    _check_projects(config, section)
    _check_locks(config, section)


def _check_presence(config: MasterConfig, section: Section) -> None:
    if not config.multi_master:
        if not config.workers:
            section.error("no workers are configured; add one to c['workers']", "workers")
        if not config.builders:
            section.error("no builders are configured; add one to c['builders']", "builders")
    remote = [worker for worker in config.workers if worker.kind == "remote"]
    if remote and not config.protocols:
        section.error(
            f'worker "{remote[0].name}" cannot connect without a port: '
            "add c['protocols'] = {'pb': {'port': 9989}}",
            "protocols",
            remote[0].name,
        )


def _check_names(config: MasterConfig, section: Section) -> None:
    builders = config.builders
    for worker in config.workers:
        if not isinstance(worker.name, str) or not _WORKER_NAME.fullmatch(worker.name):
            section.error(
                f"worker name {worker.name!r} is not valid: use at most 50 letters, digits, "
                "'-', '_' and '.', not starting with a digit or '.'",
                "workers",
                worker.name,
            )
    for key, what, names in (
        ("builders", "several builders are named", [builder.name for builder in builders]),
        ("builders", "several builders use builddir", [builder.builddir for builder in builders]),
        ("workers", "several workers are named", [worker.name for worker in config.workers]),
        ("schedulers", "several schedulers are named", _names(config.schedulers)),
        ("change_source", "several change sources are named", _names(config.change_sources)),
        ("services", "several services are named", _names(config.services)),
        ("projects", "several projects are named", [p.name for p in config.projects]),
    ):
        for name in _doubled(names):
            section.error(f'{what} "{name}"; names must be unique', key, str(name))


def _check_workers_of_builders(config: MasterConfig, section: Section) -> None:
    known = {worker.name for worker in config.workers}
    for builder in config.builders:
        if unknown := sorted(name for name in builder.worker_names if name not in known):
            section.error(
                f'builder "{builder.name}" uses {_unknown_workers(unknown, known)}',
                "builders",
                builder.name,
            )


def _unknown_workers(unknown: Sequence[str], known: Iterable[str]) -> str:
    if len(unknown) > 1:
        return "unknown workers " + ", ".join(f'"{name}"' for name in unknown)
    return f'unknown worker "{unknown[0]}"{did_you_mean(unknown[0], known)}'


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
                    f'scheduler "{scheduler.name}" uses unknown builder "{name}"'
                    f"{did_you_mean(name, known)}",
                    "schedulers",
                    scheduler.name,
                    name,
                )
    idle = sorted(known - driven)
    if idle and not config.multi_master:
        section.error(f"{_listed(idle)}: add a scheduler that builds it", "schedulers")


def builder_names(scheduler: Component) -> Sequence[str] | None:
    """Return the builders a scheduler names; None if they are known only when it runs."""
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
                f'builder "{builder.name}" uses unknown project "{builder.project}"'
                f"{did_you_mean(builder.project, known)}",
                "builders",
                builder.name,
            )


def _check_locks(config: MasterConfig, section: Section) -> None:
    """Locks are identified by name: two different locks may not share one."""
    seen: dict[str, LockSpec] = {}
    for access in _accesses(config.builders):
        other = seen.setdefault(access.lock.name, access.lock)
        if other is not access.lock and other != access.lock:
            section.error(
                f'two different locks are named "{access.lock.name}"; names must be unique',
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


def _listed(names: Sequence[str]) -> str:
    """Return which builders have no scheduler."""
    shown = ", ".join(f'"{name}"' for name in names[:10])
    if len(names) == 1:
        return f"builder {shown} has no scheduler"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"builders {shown}{more} have no scheduler"
