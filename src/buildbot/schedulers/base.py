"""What all schedulers have in common; users' schedulers may be subclasses of `BaseScheduler`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from buildbot._border.argument_errors import checked
from buildbot._border.bridge import outward, settled
from buildbot._border.comparison import ComparableMixin
from buildbot._border.making import place_of_new
from buildbot._border.origin import Origin
from buildbot._border.rendering import render_value
from buildbot.config import error
from buildbot.process.properties import Properties
from buildbot.schedulers import wiring
from buildbot.schedulers.arguments import (
    are_builder_names,
    are_names,
    check_arguments,
    codebases_given,
)
from buildbot.schedulers.overriding import UsersScheduler
from buildbot.schedulers.service_names import ServiceNames
from buildbot.util import bytes2unicode
from chargehand.config.equivalence import Equivalence, Identity
from chargehand.config.model import Component
from chargehand.domain.buildset import SubmittedBuildset
from chargehand.domain.identifiers import BuildId, ChangeId
from chargehand.scheduling import custom
from chargehand.scheduling.behaviour import Behaviour, Common, Parts
from chargehand.scheduling.buildsets import SchedulerBuildsets
from chargehand.scheduling.change_feed import Interest
from chargehand.scheduling.submitting import SCHEDULER_SOURCE, BuildsetOptions, Targets


class BaseScheduler(ServiceNames, ComparableMixin):
    """A scheduler. ``self.master`` is there from `activate` on.

    Subclasses override `gotChange` (having called `startConsumingChanges` in `activate`) or what
    submits buildsets; all these methods may be plain, ``async``, or return a Deferred.

    Args:
        name (str): The scheduler's name.
        builderNames (list[str], renderable): Builders to build on.
        properties (dict[str, Any] | None): Properties of the builds; values may be renderables.
        codebases (list[str] | dict[str, dict[str, Any]] | None): Codebases to build: names, or by
            name a dictionary with repository, branch and revision.
        priority (int | Callable[..., Any] | None): Priority of the requests, or
            function(builderNames, changesByCodebase) that returns it; higher comes first.
    """

    DEFAULT_CODEBASES: ClassVar[dict[str, dict[str, Any]]] = {"": {}}
    compare_attrs: ClassVar[tuple[str, ...]] = ("name", "builderNames", "properties", "codebases")
    _set_by_init = "codebases"
    name: Any = None
    master: Any = None
    _waits_for: str | None = None
    _parts: Parts | None = None
    _default: Behaviour
    """What the scheduler's kind does, once it runs."""
    _default_buildsets: SchedulerBuildsets
    _constructed: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
    _made_at: Origin | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__new__(cls)
        made._constructed = (args, kwargs)
        made._made_at = place_of_new()
        return made

    def __init__(
        self,
        name: Any,
        builderNames: Any,
        properties: Any = None,
        codebases: Any = None,
        priority: Any = None,
    ) -> None:
        self.name = bytes2unicode(name)
        check_arguments(
            self._what,
            builder_names=builderNames,
            properties=properties,
            codebases=codebases,
            priority=priority,
        )
        self._take(builderNames, properties, codebases, priority)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.name}, {self.builderNames!r})>"

    # The configuration

    def _take(self, builder_names: Any, properties: Any, codebases: Any, priority: Any) -> None:
        self.builderNames = (
            _names(builder_names)
            if are_names(builder_names)
            else (builder_names if are_builder_names(builder_names) else [])
        )
        self.properties = Properties()
        if isinstance(properties, Properties):
            self.properties.updateFromProperties(properties)
        elif isinstance(properties, dict):
            self.properties.update(properties, SCHEDULER_SOURCE)
        self.properties.setProperty("scheduler", self.name, SCHEDULER_SOURCE)
        self.codebases: Any = codebases_given(codebases) or dict(self.DEFAULT_CODEBASES)
        self.priority = priority

    @property
    def _what(self) -> str:
        return f'{type(self).__name__} "{self.name}"'

    @property
    def enabled(self) -> bool:
        """Whether it is switched on, over the REST API or on the pages."""
        return self._parts is None or self._parts.is_enabled()

    @property
    def active(self) -> bool:
        """Whether it works at this master."""
        return self._parts is not None

    def listBuilderNames(self) -> Any:
        """Return the names of the builders."""
        return self.builderNames

    def getCodebaseDict(self, codebase: str) -> Any:
        """Return a Deferred of what the configuration says of a codebase. Raises KeyError."""
        return settled(self.codebases[codebase])

    # Beginning and end

    def activate(self) -> Any:
        """Begin to work; to be extended by subclasses."""
        return outward(self._behaviour().activate())

    def deactivate(self) -> Any:
        """Stop; to be extended by subclasses."""
        return outward(self._behaviour().deactivate())

    def startConsumingChanges(
        self, fileIsImportant: Any = None, change_filter: Any = None, onlyImportant: bool = False
    ) -> Any:
        """Ask for changes: `gotChange` is called with each that passes the filter."""
        self._running().feed.start(
            Interest(
                wanted=wiring.change_filter_of(change_filter, self),
                is_important=wiring.importance_hook(fileIsImportant, self),
                only_important=onlyImportant,
            )
        )
        return settled(None)

    def gotChange(self, change: Any, important: bool) -> Any:
        """React to a change; what kinds do of themselves, or nothing."""
        return outward(self._behaviour().got_change(change.change, important))

    # What is remembered

    def getState(self, name: str, *default: Any) -> Any:
        """Return a Deferred of what `setState` kept. Raises KeyError unless there is a default."""
        return outward(self._state(name, default))

    def setState(self, name: str, value: Any) -> Any:
        """Keep a JSON value; it survives a restart."""
        return outward(self._running().memory.remember(name, value))

    async def _state(self, name: str, default: tuple[Any, ...]) -> Any:
        found = await self._running().memory.get(name, default[0] if default else None)
        if found is None and not default:
            raise KeyError(f"unable to find state value {name!r} for {self.name!r}")
        return found

    # Buildsets

    def addBuildsetForSourceStampsWithDefaults(
        self,
        reason: str,
        sourcestamps: Any = None,
        waited_for: bool = False,
        properties: Any = None,
        builderNames: Any = None,
        priority: Any = None,
        **kw: Any,
    ) -> Any:
        """Submit a buildset; *sourcestamps* are dictionaries, and codebases fill what they lack.

        Returns a Deferred of the buildset's id and a dictionary of request ids by builder id.
        """
        return outward(
            self._with_defaults(
                list(sourcestamps or ()),
                reason=reason,
                waited_for=waited_for,
                properties=properties,
                builderNames=builderNames,
                priority=priority,
                **kw,
            )
        )

    def addBuildsetForChanges(
        self,
        waited_for: bool = False,
        reason: str = "",
        external_idstring: Any = None,
        changeids: Any = None,
        builderNames: Any = None,
        properties: Any = None,
        priority: Any = None,
        **kw: Any,
    ) -> Any:
        """Submit a buildset for changes; codebases without one have their defaults.

        Returns a Deferred like `addBuildsetForSourceStampsWithDefaults`.
        """
        return outward(
            self._for_changes(
                list(changeids or ()),
                waited_for=waited_for,
                reason=reason,
                external_idstring=external_idstring,
                builderNames=builderNames,
                properties=properties,
                priority=priority,
                **kw,
            )
        )

    def addBuildsetForSourceStamps(
        self,
        waited_for: bool = False,
        sourcestamps: Any = None,
        reason: str = "",
        external_idstring: Any = None,
        properties: Any = None,
        builderNames: Any = None,
        priority: Any = None,
        **kw: Any,
    ) -> Any:
        """Submit a buildset with exactly these source stamps (dictionaries or identifiers).

        Returns a Deferred like `addBuildsetForSourceStampsWithDefaults`.
        """
        return outward(
            self._for_stamps(
                list(sourcestamps or ()),
                waited_for=waited_for,
                reason=reason,
                external_idstring=external_idstring,
                properties=properties,
                builderNames=builderNames,
                priority=priority,
                **kw,
            )
        )

    async def _with_defaults(self, given: Sequence[Mapping[str, Any]], **rest: Any) -> Any:
        options = await self._options(**rest)
        buildsets = self._running().buildsets
        stamps = self._default_buildsets.stamps_with_defaults(given)
        return _numbers(await buildsets.for_stamps(options, stamps))

    async def _for_changes(self, change_ids: Sequence[int], **rest: Any) -> Any:
        parts = self._running()
        changes = await parts.services.changes.changes([ChangeId(one) for one in change_ids])
        options = await self._options(**rest)
        stamps = self._default_buildsets.stamps_of(changes)
        return _numbers(await parts.buildsets.for_stamps(options, stamps, changes))

    async def _for_stamps(self, given: Sequence[Any], **rest: Any) -> Any:
        options = await self._options(**rest)
        self._running()
        stamps = wiring.stamps_of(given)
        return _numbers(await self._default_buildsets.for_stamps(options, stamps))

    async def _options(
        self,
        *,
        reason: str,
        waited_for: bool,
        properties: Any,
        builderNames: Any,
        priority: Any,
        external_idstring: str | None = None,
        parent_buildid: int | None = None,
        parent_relationship: str | None = None,
        **unused: Any,
    ) -> BuildsetOptions:
        found = Properties()
        if isinstance(properties, Properties):
            found.updateFromProperties(properties)
        elif properties:
            found.update(properties, SCHEDULER_SOURCE)
        found.master = self.master
        names = await render_value(builderNames, found)
        rendered = {
            name: (await render_value(value, found), source)
            for name, (value, source) in found.properties.items()
        }
        return BuildsetOptions(
            reason=bytes2unicode(reason) or "",
            properties=rendered,
            builder_names=None if names is None else tuple(names),
            priority=None if callable(priority) else priority,
            external_id=external_idstring,
            waited_for=bool(waited_for),
            parent_build_id=None if parent_buildid is None else BuildId(parent_buildid),
            parent_relationship=parent_relationship,
        )

    # The engine's side

    def _running(self) -> Parts:
        if self._parts is None:
            raise RuntimeError(f"{self._what} is not running")
        return self._parts

    def _behaviour(self) -> Behaviour:
        self._running()
        return self._default

    def _common(self) -> Common:
        return Common(
            class_name=type(self).__name__,
            targets=self._targets(),
            extension=UsersScheduler(self),
            waits_for=self._waits_for,
            absolute_source_stamps=bool(getattr(self, "createAbsoluteSourceStamps", False)),
        )

    def _targets(self) -> Targets:
        return Targets(
            builder_names=wiring.constant_names(self.builderNames),
            codebases=wiring.codebases_of(self.codebases),
            properties=self.properties.asDict(),
            priority=self.priority if isinstance(self.priority, int) else 0,
            priority_of=wiring.priority_hook(self.priority, self),
            render=wiring.rendering_hook(self),
        )

    def _settings(self) -> Any:
        return custom.Settings(common=self._common())

    def _said(self) -> dict[str, Any]:
        args, kwargs = self._constructed
        named = {name: getattr(self, name, None) for name in self._compared()}
        return {"class": type(self), "args": args, "kwargs": kwargs, "attributes": named}

    def _as_component(self) -> Component:
        return Component(
            name=str(self.name),
            settings=self._settings(),
            extension=self,
            # Attributes as well: configurations append to lists of schedulers that they have made.
            identity=Identity(self._said(), Equivalence()),
        )


class ReconfigurableBaseScheduler(BaseScheduler):
    """A scheduler whose arguments are checked by `checkConfig` and taken by `reconfigService`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.name = bytes2unicode(kwargs.pop("name", None) or self.name or "")
        if not self.name:
            error(f"{type(self).__name__} needs a name")
        taken = checked(self.checkConfig, type(self), args, kwargs, wiring.finish_now)
        wiring.finish_now(self.reconfigService(*args, **taken))

    def checkConfig(
        self, builderNames: Any, properties: Any = None, codebases: Any = None, priority: Any = None
    ) -> Any:
        """Say what is wrong with the arguments."""
        check_arguments(
            self._what,
            builder_names=builderNames,
            properties=properties,
            codebases=codebases,
            priority=priority,
        )
        return settled(None)

    def reconfigService(
        self, builderNames: Any, properties: Any = None, codebases: Any = None, priority: Any = None
    ) -> Any:
        """Take the arguments; called while the configuration is read."""
        self._take(builderNames, properties, codebases, priority)
        return settled(None)


def _numbers(submitted: SubmittedBuildset | None) -> tuple[int, dict[int, int]] | None:
    return None if submitted is None else submitted.numbers


def _names(names: Any) -> list[Any]:
    """Return names as a list: the same, if it is one of texts, since files append to it later."""
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return names
    return list(map(bytes2unicode, names))
