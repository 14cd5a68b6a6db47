"""Reading a ``master.cfg``: the file's ``BuildmasterConfig`` becomes a MasterConfig.

Whatever is wrong is collected, and raised together at the end.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterable
from operator import is_
from typing import Any

from buildbot._border.errors import Collector, collecting
from buildbot._host.reading.builders import BuilderReader, builder_objects
from buildbot._host.reading.components import ComponentReader
from buildbot._host.reading.configuring import configured
from buildbot._host.reading.consistency import check
from buildbot._host.reading.document import Document
from buildbot._host.reading.hooks import Hooks
from buildbot._host.reading.keys import check_keys, rename_keys
from buildbot._host.reading.leftovers import Leftovers
from buildbot._host.reading.section import Section
from buildbot._host.reading.settings import read_plain
from buildbot._host.reading.trust import read_trust
from buildbot._host.reading.web_settings import read_web
from buildbot._host.views.engine_access import EngineAccess
from buildbot._host.views.master_config import MasterConfigView, view_of
from buildbot.config.builder import BuilderConfig
from chargehand.config.equivalence import Equivalence, Identity
from chargehand.config.errors import ConfigErrors
from chargehand.config.model import Component, MasterConfig, WorkerConfig
from chargehand.kit.circles import Scope
from chargehand.kit.error_text import headline_of
from chargehand.kit.guard import Guard
from chargehand.kit.values import replace

_LISTS = {
    "workers": "workers",
    "builders": "builders",
    "schedulers": "schedulers",
    "change_sources": "change_source",
    "services": "services",
}


class Reader:
    """Reads one configuration file, as often as it is asked to."""

    def __init__(self, document: Document, access: EngineAccess) -> None:
        self._document = document
        self._access = access
        self._leftovers = Leftovers()
        self._reading = threading.Lock()
        """Held while the file is executed."""

    def read(self, previous: MasterConfig | None = None) -> MasterConfig:
        """Return the configuration. What is as it was in the previous one is the very same object;
        the whole is, if nothing has changed.

        Raises ConfigErrors. Runs users' code; meant for a thread of its own.
        """
        with self._reading:
            return self._accepted(previous)

    def tried(self) -> MasterConfig:
        """Return what the file says now; modules that it imports stay as they are in use."""
        with self._reading:
            try:
                config, _ = self._executed(Equivalence())
                self._document.take_back()
                return config
            finally:
                self._document.given_up()  # Its caller may use it: the collector frees it later.

    def _executed(self, equivalence: Equivalence) -> tuple[MasterConfig, dict[str, Any]]:
        with collecting(self._document.directory) as collector:
            values = self._document.execute(collector)
            config = None if values is None else self._converted(values, collector, equivalence)
        if config is None or values is None or collector.errors:
            if values is not None:
                self._document.take_back()
            values = config = None  # The frame lives as long as the exception.
            raise ConfigErrors(collector.causes())
        return config, values

    def _accepted(self, previous: MasterConfig | None) -> MasterConfig:
        equivalence = Equivalence()
        config, values = self._executed(equivalence)
        if previous is not None:
            with equivalence.remembering():
                config = _recognised(previous, config)
            if config is previous:
                self._document.take_back()
                return config
            _share(previous, config, values)
        self._leftovers.accepted(config, self._document.keep())
        return config

    def leftovers(self) -> Scope:
        """Return, once, what was read and is not in use any more."""
        return self._leftovers.take(self._document.given_up())

    def _converted(
        self, values: dict[str, Any], collector: Collector, equivalence: Equivalence
    ) -> MasterConfig | None:
        section = Section(values, document=self._document, collector=collector)

        def report(error: Exception) -> None:
            if collector.errors:
                return  # What was found before may be the cause.
            found = traceback.extract_tb(error.__traceback__)[-1]
            collector.add(
                f"exception while reading the configuration: {headline_of(error)} "
                f"(in {found.filename}:{found.lineno})",
                collector.place and collector.place(),
            )

        with Guard(report):  # users' classes convert themselves
            rename_keys(section)
            if configured(section):
                rename_keys(section)
                check_keys(section)
                return self._read(section, collector, equivalence)
        return None

    def _read(
        self, section: Section, collector: Collector, equivalence: Equivalence
    ) -> MasterConfig:
        objects = builder_objects(section)
        by_name = {builder.name: builder for builder in objects}
        hooks = Hooks(self._access, by_name)
        components = ComponentReader(section, equivalence)
        workers = components.workers()
        builders = BuilderReader(
            section,
            hooks=hooks,
            access=self._access,
            equivalence=equivalence,
            deciding=_deciding(workers),
        )
        plain = read_plain(section)
        config = MasterConfig(
            **plain,
            web=read_web(section, self._access, objects, [worker.name for worker in workers]),
            workers=workers,
            builders=tuple(map(builders.read, objects)),
            schedulers=components.schedulers(),
            change_sources=components.change_sources(),
            services=components.services(),
            projects=components.projects(),
            secrets_providers=components.secrets_providers(),
            trust=read_trust(section),
            modules=self._document.modules(),
            extension=MasterConfigView(
                section.values,
                title=plain["title"],
                title_url=plain["title_url"],
                url=plain["url"],
                builders=objects,
                builders_by_name=by_name,
                extensions=components.extensions,
                identity=Identity(_settings(section), equivalence),
            ),
            **_hooks(section, hooks),
        )
        check(config, section)
        return replace(config, warnings=tuple(collector.warnings))


def _settings(section: Section) -> dict[str, Any]:
    return {key: value for key, value in section.values.items() if key not in _LISTS.values()}


def _hooks(section: Section, hooks: Hooks) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, field, wrap in (
        ("prioritizeBuilders", "prioritize_builders", hooks.prioritize_builders),
        ("select_next_worker", "select_next_worker", hooks.next_worker),
        ("codebaseGenerator", "codebase_generator", hooks.codebase_generator),
    ):
        function = section.function(key)
        made[field] = wrap(function) if function is not None else None
    rule = section.get("collapseRequests")
    if rule is None:
        rule = True
    elif not isinstance(rule, bool):
        function = section.function("collapseRequests")
        rule = hooks.collapse_requests(function) if function is not None else True
    made["collapse_requests"] = rule
    return made


def _recognised(previous: MasterConfig, config: MasterConfig) -> MasterConfig:
    """Return the configuration with the previous objects where nothing has changed."""
    kept: dict[str, Any] = {}
    for name in _LISTS:
        before = {item.name: item for item in getattr(previous, name)}
        kept[name] = tuple(
            old if (old := before.get(item.name)) is not None and _is_same(old, item) else item
            for item in getattr(config, name)
        )
    if view_of(config).identity == view_of(previous).identity and all(
        _are_identical(getattr(previous, name), items) for name, items in kept.items()
    ):
        return previous
    return replace(config, **kept)


def _share(previous: MasterConfig, config: MasterConfig, values: Any) -> None:
    """Let the new configuration's lists have the very builders that are still in use."""
    in_use = {id(builder) for builder in previous.builders}
    kept = {
        builder.name: builder.identity.value
        for builder in config.builders
        if id(builder) in in_use and isinstance(builder.identity, Identity)
    }
    view = view_of(config)
    view.builders_by_name.update(kept)
    for builders in (view.builders, values.get("builders")):
        if isinstance(builders, list):
            builders[:] = [
                kept.get(one.name, one) if isinstance(one, BuilderConfig) else one
                for one in builders
            ]


def _are_identical(old: tuple[Any, ...], new: tuple[Any, ...]) -> bool:
    return len(old) == len(new) and all(map(is_, old, new))


def _is_same(old: Any, new: Any) -> bool:
    if isinstance(new, Component) and type(old.settings) is not type(new.settings):
        return False
    return bool(new.identity == old.identity)


def _deciding(workers: Iterable[WorkerConfig]) -> dict[str, Callable[..., Any]]:
    """Return ``canStartBuild`` of the workers whose classes have their own."""
    own: dict[str, Any] = {worker.name: worker.extension for worker in workers}
    return {
        name: worker.canStartBuild
        for name, worker in own.items()
        if getattr(worker, "_decides", False)
    }
