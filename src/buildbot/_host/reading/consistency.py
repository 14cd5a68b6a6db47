"""Consistency of a configuration: duplicate names, and names of things that do not exist."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from buildbot._border.arguments import did_you_mean
from buildbot._host.reading.section import Section
from buildbot.config.builder import NAMELESS
from chargehand.config.model import BuilderConfig, Component, MasterConfig, WorkerConfig
from chargehand.config.trust import SCHEDULERS, WORKERS
from chargehand.domain.lock import LockAccess, LockSpec

_WORKER_NAME = re.compile(r"[^\W\d][\w.-]{0,49}|-[\w.-]{0,49}")
_OLD_WORKER_NAME = re.compile(r"(?!\.\.?$)[^/\\\x00-\x1f]{1,50}")


def check(config: MasterConfig, section: Section) -> None:
    """Report duplicate names, unknown names, and missing parts."""
    broken = _Broken.found(config, section)
    _check_presence(config, section, broken)
    _check_names(config, section)
    if not broken.workers:
        _check_workers_of_builders(config, section)
    _check_builders_of_schedulers(config, section, broken)
    if not broken.schedulers:
        _check_upstreams(config, section)
    if not broken.projects:
        _check_projects(config, section)
    _check_locks(config, section)
    _check_machines(config, section)
    _check_trust(config, section)


class _Broken(msgspec.Struct, frozen=True, kw_only=True):
    """Lists with entries that could not be read. That others name what they miss follows from it,
    and is not another mistake."""

    workers: bool
    builders: bool
    schedulers: bool
    projects: bool

    @classmethod
    def found(cls, config: MasterConfig, section: Section) -> _Broken:
        return cls(
            workers=section.is_broken("workers") or not _are_named(config.workers),
            builders=section.is_broken("builders")
            or not _are_named(config.builders)
            or any(builder.name == NAMELESS for builder in config.builders),
            schedulers=section.is_broken("schedulers"),
            projects=section.is_broken("projects"),
        )


def _are_named(items: Iterable[WorkerConfig | BuilderConfig]) -> bool:
    return all(isinstance(item.name, str) for item in items)


def _check_presence(config: MasterConfig, section: Section, broken: _Broken) -> None:
    if not config.multi_master:
        if not config.workers and not broken.workers:
            section.error("no workers are configured; add one to c['workers']", "workers")
        if not config.builders and not broken.builders:
            section.error("no builders are configured; add one to c['builders']", "builders")
    remote = [worker for worker in config.workers if worker.kind in ("remote", "latent")]
    if remote and not (config.protocols or config.web.listen):
        section.error(
            f'worker "{remote[0].name}" cannot connect without a port: '
            "add c['protocols'] = {'pb': {'port': 9989}}",
            "protocols",
            remote[0].name,
        )


def _check_machines(config: MasterConfig, section: Section) -> None:
    machines = section.get("machines")
    if not isinstance(machines, list | tuple | None):
        return  # Reading it has said so.
    known = {str(getattr(machine, "name", "")) for machine in machines or ()}
    for worker in config.workers:
        name = getattr(worker.extension, "machine_name", None)
        if name is not None and worker.instance is not None and name not in known:
            section.error(
                f'worker "{worker.name}" runs on unknown machine "{name}"; add it to '
                f"c['machines']{did_you_mean(str(name), known)}",
                "workers",
                str(worker.name),
            )


def _check_names(config: MasterConfig, section: Section) -> None:
    builders = config.builders
    for worker in config.workers:
        if isinstance(worker.name, str) and _WORKER_NAME.fullmatch(worker.name):
            continue
        is_old = isinstance(worker.name, str) and _OLD_WORKER_NAME.fullmatch(worker.name)
        say = section.warn if is_old else section.error
        say(
            f"worker name {worker.name!r} is not {'valid in Buildbot 4' if is_old else 'valid'}"
            ": use at most 50 letters, digits, '-', '_' and '.', not starting with a digit or '.'",
            "workers",
            str(worker.name),
        )
    for key, what, names in (
        ("builders", "several builders are named", [builder.name for builder in builders]),
        ("builders", "several builders use builddir", _directories(builders)),
        ("workers", "several workers are named", [worker.name for worker in config.workers]),
        ("schedulers", "several schedulers are named", _names(config.schedulers)),
        ("change_source", "several change sources are named", _names(config.change_sources)),
        ("services", "several services are named", _names(config.services)),
        ("projects", "several projects are named", [p.name for p in config.projects]),
    ):
        for name in _doubled(names):
            section.error(f'{what} "{name}"; names must be unique', key, str(name))


def _directories(builders: Iterable[BuilderConfig]) -> list[str]:
    """Return the directories of builders with different names."""
    return list({builder.name: builder.builddir for builder in builders}.values())


def _check_workers_of_builders(config: MasterConfig, section: Section) -> None:
    known = {worker.name for worker in config.workers}
    missed: dict[str, list[str]] = {}
    for builder in config.builders:
        for name in dict.fromkeys(builder.worker_names):
            if known and name not in known:  # Having none at all is another error.
                missed.setdefault(name, []).append(builder.name)
    for name, builders in missed.items():
        section.error(
            f'builder {_use(builders)} unknown worker "{name}"{did_you_mean(str(name), known)}',
            "builders",
            builders[0],
            str(name),
        )


def _check_upstreams(config: MasterConfig, section: Section) -> None:
    names = {scheduler.name for scheduler in config.schedulers}
    for scheduler in config.schedulers:
        upstream = getattr(scheduler.settings, "upstream", None)
        if upstream is not None and upstream not in names:
            section.warn(
                f'scheduler "{scheduler.name}" builds nothing: its upstream scheduler "{upstream}" '
                "is not in c['schedulers']",
                "schedulers",
                scheduler.name,
            )


def _check_builders_of_schedulers(config: MasterConfig, section: Section, broken: _Broken) -> None:
    known = {builder.name for builder in config.builders}
    if broken.builders or not known:
        return
    driven: set[str] = set()
    missed: dict[str, list[str]] = {}
    is_broken = broken.schedulers
    for scheduler in config.schedulers:
        names = builder_names(scheduler)
        driven.update(known if names is None else names)
        is_broken |= names is not None and not names  # what it was given is no list of names
        for name in dict.fromkeys(names or ()):
            if name not in known:
                missed.setdefault(name, []).append(scheduler.name)
    for name, schedulers in missed.items():
        section.error(
            f'scheduler {_use(schedulers)} unknown builder "{name}"{did_you_mean(name, known)}',
            "schedulers",
            schedulers[0],
            name,
        )
    idle = sorted(known - driven)
    if idle and not config.multi_master and not missed and not is_broken:
        key = "schedulers" if "schedulers" in section else "builders"
        whom = "it" if len(idle) == 1 else "them"
        section.error(f"{_listed(idle)}: add a scheduler that builds {whom}", key)


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


def _check_trust(config: MasterConfig, section: Section) -> None:
    """A pattern that matches nothing is a typing error most often: the wrong ones are let in."""
    workers = {pattern for names in config.trust.workers.values() for pattern in names}
    given = (
        ("worker", WORKERS, workers, [worker.name for worker in config.workers]),
        ("scheduler", SCHEDULERS, dict(config.trust.schedulers), _names(config.schedulers)),
    )
    for noun, key, patterns, names in given:
        for pattern in sorted(patterns):
            if not any(fnmatchcase(name, pattern) for name in names):
                hint = did_you_mean(pattern, names)
                section.warn(f'{key}: no {noun} is called "{pattern}"{hint}', "trust", pattern)


def _accesses(builders: Iterable[BuilderConfig]) -> Iterable[LockAccess]:
    for builder in builders:
        if isinstance(builder.locks, tuple):
            yield from builder.locks


def _names(components: Iterable[Component]) -> list[str]:
    return [component.name for component in components]


def _doubled(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _use(names: Sequence[str]) -> str:
    more = len(names) - 1
    return f'"{names[0]}" and {more} more use' if more else f'"{names[0]}" uses'


def _listed(names: Sequence[str]) -> str:
    """Return which builders have no scheduler."""
    shown = ", ".join(f'"{name}"' for name in names[:10])
    if len(names) == 1:
        return f"builder {shown} has no scheduler"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"builders {shown}{more} have no scheduler"
