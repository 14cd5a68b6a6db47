"""Reading lists of components: workers, schedulers, change sources, services, projects, secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from buildbot._border.initialised import what_is_forgotten
from buildbot._host.reading.section import Section
from buildbot.util.service import BuildbotService
from chargehand.config.equivalence import Equivalence, Identity
from chargehand.config.model import Component, NotYet, ProjectConfig, WorkerConfig
from chargehand.kit.values import replace


class ComponentReader:
    """Asks users' objects for the engine's values of themselves.

    ``extensions`` has the objects that are alive while the master runs and want to know it.
    """

    def __init__(self, section: Section, equivalence: Equivalence) -> None:
        self._given = section
        self._equivalence = equivalence
        self.extensions: list[Any] = []

    def workers(self) -> tuple[WorkerConfig, ...]:
        """``c['workers']``."""
        found: list[WorkerConfig] = self._read(
            "workers", "worker.Worker, worker.LocalWorker, …", "_as_worker_config"
        )
        self.extensions.extend(one.extension for one in found if one.instance is not None)
        return tuple(
            config
            if isinstance(config.identity, Identity)
            else replace(config, identity=Identity(config.extension, self._equivalence))
            for config in found
        )

    def schedulers(self) -> tuple[Component, ...]:
        """``c['schedulers']``."""
        return self._components("schedulers", "schedulers.*")

    def change_sources(self) -> tuple[Component, ...]:
        """``c['change_source']``: one, or a list."""
        return tuple(self._numbered(self._components("change_source", "changes.*")))

    def services(self) -> tuple[Component, ...]:
        """``c['services']``."""
        found = self._components("services", "reporters.*, or a subclass of BuildbotService")
        receivers = self._receivers({component.name for component in found})
        return (*found, *receivers, *self._components("machines", "machine.GenericLatentMachine"))

    def projects(self) -> tuple[ProjectConfig, ...]:
        """``c['projects']``."""
        return tuple(self._read("projects", "util.Project(...)", "_as_project_config"))

    def secrets_providers(self) -> tuple[Any, ...]:
        """``c['secretsProviders']``: the objects themselves."""
        found = []
        for provider in self._given.listing("secretsProviders", "secrets providers"):
            if callable(getattr(provider, "get", None)):
                found.append(provider)
            else:
                self._complain("secretsProviders", provider, "secrets.*")
        self.extensions.extend(found)
        return tuple(found)

    def _numbered(self, sources: Iterable[Component]) -> Iterator[Component]:
        """Yield change sources with names of their own: before they had names, configurations
        polled a repository twice."""
        seen: dict[str, int] = {}
        objects: set[int] = set()
        for source in sources:
            if id(source.extension) in objects:  # It is in the list twice: that is an error.
                yield source
                continue
            objects.add(id(source.extension))
            number = seen[source.name] = seen.get(source.name, 0) + 1
            name = source.name if number == 1 else f"{source.name}#{number}"
            if number > 1:
                self._given.warn(
                    f'several change sources are named "{source.name}"; this one is called '
                    f'"{name}": give each a different name with name=',
                    "change_source",
                    source.name,
                )
                if isinstance(source.extension, BuildbotService):
                    source.extension.name = name
            yield replace(source, name=name)

    def _receivers(self, taken: set[str]) -> Iterator[Component]:
        """``c['status']``, as for Buildbot 0.8. What does nothing has said so at its import."""
        for entry in self._given.listing("status", "status receivers"):
            if isinstance(entry, type) or not hasattr(entry, "_as_component"):
                continue
            for component in self._converted("status", entry, entry._as_component):
                name, number = component.name, 2
                while name in taken:
                    name, number = f"{component.name}#{number}", number + 1
                taken.add(name)
                yield self._identified(replace(component, name=name))

    def _components(self, key: str, kinds: str) -> tuple[Component, ...]:
        found = []
        for component in self._read(key, kinds, "_as_component"):
            if isinstance(component.settings, NotYet):
                self._given.warn(
                    f'{component.settings.kind} "{component.name}" is not supported yet; '
                    "it does nothing",
                    key,
                    component.name,
                )
            found.append(self._identified(component))
        return tuple(found)

    def _identified(self, component: Component) -> Component:
        """Let the identity compare by structure, where it is more than a plain value."""
        value = component.identity
        if isinstance(value, Identity):
            return component
        if value is None:
            value = component.extension
        return replace(component, identity=Identity(value, self._equivalence))

    def _read(self, key: str, kinds: str, method: str) -> list[Any]:
        section = self._given.get(key)
        single = section is not None and hasattr(section, method)
        objects = [section] if single else self._given.listing(key, kinds)
        found = []
        for entry in objects:
            convert: Callable[[], Any] | None = getattr(entry, method, None)
            if convert is None or isinstance(entry, type):
                self._complain(key, entry, kinds)
                continue
            found.extend(self._converted(key, entry, convert))
        return found

    def _converted(self, key: str, entry: Any, convert: Callable[[], Any]) -> list[Any]:
        """Return the engine's value of an object; nothing if it is incomplete."""
        if (forgotten := what_is_forgotten(entry)) is not None:
            self._given.error(f"{self._given.shown(key)}: {forgotten}", key)
            return []
        self.extensions.append(entry)
        found: list[Any] = []
        with self._given.reading(key, *_names_of(entry)):
            found.append(convert())
        return found

    def _complain(self, key: str, entry: Any, kinds: str) -> None:
        shown = f"the class {entry.__name__}" if isinstance(entry, type) else repr(entry)
        self._given.error(
            f"{self._given.shown(key)} must be a list of {kinds}, not of {shown}", key
        )


def _names_of(entry: Any) -> tuple[str, ...]:
    name = getattr(entry, "name", None)
    return (name,) if isinstance(name, str) else ()
