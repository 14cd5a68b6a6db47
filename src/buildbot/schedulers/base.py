"""What all schedulers have in common; users' schedulers may be subclasses of `BaseScheduler`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from buildbot._border.bridge import inward, outward, settled
from buildbot.config import error
from buildbot.interfaces import IRenderable
from buildbot.process.properties import Properties
from buildbot.process.rendering import render_value
from buildbot.schedulers import wiring
from buildbot.util import bytes2unicode
from buildbot.util.comparison import ComparableMixin
from chargehand.config.equivalence import Equivalence, Identity
from chargehand.config.model import Component
from chargehand.domain.buildset import SubmittedBuildset
from chargehand.domain.change import Change
from chargehand.domain.identifiers import BuildId, ChangeId
from chargehand.scheduling import custom
from chargehand.scheduling.scheduler import Common, Interest, Overrides, Scheduler
from chargehand.scheduling.submitting import SCHEDULER_SOURCE, Stamp, Targets, Wish

BUILDER_NAMES_ERROR = (
    "The builderNames argument to a scheduler must be a list of Builder names or an IRenderable "
    "object that will render to a list of builder names."
)


class BaseScheduler(ComparableMixin):
    """A scheduler. ``self.master`` is there from `activate` on.

    Subclasses override `gotChange` (having called `startConsumingChanges` in `activate`) or what
    submits buildsets; all these methods may be plain, ``async``, or return a Deferred.
    """

    DEFAULT_CODEBASES: ClassVar[dict[str, dict[str, Any]]] = {"": {}}
    compare_attrs: ClassVar[tuple[str, ...]] = ("name", "builderNames", "properties", "codebases")
    name: Any = None
    master: Any = None
    _engine: Any = None
    _constructed: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__new__(cls)
        made._constructed = (args, kwargs)
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
        self._check(builderNames, properties, codebases, priority)
        self._take(builderNames, properties, codebases, priority)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.name}, {self.builderNames!r})>"

    # The configuration

    def _check(self, builder_names: Any, properties: Any, codebases: Any, priority: Any) -> None:
        if not _are_builder_names(builder_names):
            error(BUILDER_NAMES_ERROR)
        if properties is not None and not isinstance(properties, dict | Properties):
            error(f"{self._what}: properties must be a dictionary, not {properties!r}")
        if codebases is not None:
            _check_codebases(codebases)
        if priority is not None and not isinstance(priority, int) and not callable(priority):
            error(
                f"Invalid type for priority: {type(priority)}. "
                "It must either be an integer or a function"
            )

    def _take(self, builder_names: Any, properties: Any, codebases: Any, priority: Any) -> None:
        self.builderNames = (
            list(map(bytes2unicode, builder_names))
            if _are_names(builder_names)
            else (builder_names if _are_builder_names(builder_names) else [])
        )
        self.properties = Properties()
        if isinstance(properties, Properties):
            self.properties.updateFromProperties(properties)
        elif isinstance(properties, dict):
            self.properties.update(properties, SCHEDULER_SOURCE)
        self.properties.setProperty("scheduler", self.name, SCHEDULER_SOURCE)
        self.codebases: Any = _codebases(codebases) or dict(self.DEFAULT_CODEBASES)
        self.priority = priority

    @property
    def _what(self) -> str:
        return f"{type(self).__name__} {self.name!r}"

    def listBuilderNames(self) -> Any:
        """Return the names of the builders."""
        return self.builderNames

    def getCodebaseDict(self, codebase: str) -> Any:
        """Return a Deferred of what the configuration says of a codebase. Raises KeyError."""
        return settled(self.codebases[codebase])

    # Beginning and end

    def activate(self) -> Any:
        """Begin to work; to be extended by subclasses."""
        return outward(self._running().activate_as_usual())

    def deactivate(self) -> Any:
        """Stop; to be extended by subclasses."""
        return outward(self._running().deactivate_as_usual())

    def startConsumingChanges(
        self, fileIsImportant: Any = None, change_filter: Any = None, onlyImportant: bool = False
    ) -> Any:
        """Ask for changes: `gotChange` is called with each that passes the filter."""
        self._running().start_consuming(
            Interest(
                wanted=wiring.change_filter_of(change_filter),
                is_important=wiring.importance_hook(fileIsImportant),
                only_important=onlyImportant,
            )
        )
        return settled(None)

    def gotChange(self, change: Any, important: bool) -> Any:
        """React to a change; what kinds do of themselves, or nothing."""
        return outward(self._running().got_change_as_usual(change.change, important))

    # What is remembered

    def getState(self, name: str, *default: Any) -> Any:
        """Return a Deferred of what `setState` kept. Raises KeyError unless there is a default."""
        return outward(self._state(name, default))

    def setState(self, name: str, value: Any) -> Any:
        """Keep a JSON value; it survives a restart."""
        return outward(self._running().remember(name, value))

    async def _state(self, name: str, default: tuple[Any, ...]) -> Any:
        found = await self._running().remembered(name, default[0] if default else None)
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
        wish = await self._wish(**rest)
        return _numbers(await self._running().for_stamps_with_defaults_as_usual(wish, given))

    async def _for_changes(self, change_ids: Sequence[int], **rest: Any) -> Any:
        changes = await self._running().changes([ChangeId(number) for number in change_ids])
        wish = await self._wish(**rest)
        return _numbers(await self._running().for_changes_as_usual(wish, changes))

    async def _for_stamps(self, given: Sequence[Any], **rest: Any) -> Any:
        wish = await self._wish(**rest)
        stamps = wiring.stamps_of(given)
        return _numbers(await self._running().for_stamps_as_usual(wish, stamps))

    async def _wish(
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
    ) -> Wish:
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
        return Wish(
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

    def _running(self) -> Any:
        if self._engine is None:
            raise RuntimeError(f"{self._what} is not running")
        return self._engine

    def _attach(self, engine: Scheduler) -> None:
        self._engine = engine

    def _common(self) -> Common:
        return Common(
            class_name=type(self).__name__,
            targets=self._targets(),
            overrides=self._overrides(),
            absolute_source_stamps=bool(getattr(self, "createAbsoluteSourceStamps", False)),
        )

    def _targets(self) -> Targets:
        return Targets(
            builder_names=self.builderNames,
            codebases=wiring.codebases_of(self.codebases),
            properties=self.properties.asDict(),
            priority=self.priority if isinstance(self.priority, int) else 0,
            priority_of=wiring.priority_hook(self.priority),
            render=wiring.rendering_hook(self),
        )

    def _overrides(self) -> Overrides:
        hooks = {
            field: hook
            for field, name, hook in self._overridable()
            if wiring.is_overridden(self, name)
        }
        return Overrides(attach=self._attach, **hooks)

    def _overridable(self) -> list[tuple[str, str, Any]]:
        """Return the engine's word, Buildbot's name, and the hook of each method."""
        return [
            ("activate", "activate", self._call_activate),
            ("deactivate", "deactivate", self._call_deactivate),
            ("got_change", "gotChange", self._call_got_change),
            ("for_changes", "addBuildsetForChanges", self._call_for_changes),
            (
                "for_stamps_with_defaults",
                "addBuildsetForSourceStampsWithDefaults",
                self._call_with_defaults,
            ),
            ("for_stamps", "addBuildsetForSourceStamps", self._call_for_stamps),
        ]

    async def _call_activate(self) -> None:
        await inward(self.activate)

    async def _call_deactivate(self) -> None:
        await inward(self.deactivate)

    async def _call_got_change(self, change: Change, important: bool) -> None:
        await inward(self.gotChange, wiring.SchedulerChange(change), important)

    async def _call_for_changes(self, wish: Wish, changes: Sequence[Change]) -> None:
        numbers = [int(change.id) for change in changes]
        await inward(self.addBuildsetForChanges, changeids=numbers, **_keywords(wish))

    async def _call_with_defaults(self, wish: Wish, given: Sequence[Mapping[str, Any]]) -> Any:
        keywords = _keywords(wish)
        return await inward(
            self.addBuildsetForSourceStampsWithDefaults,
            keywords.pop("reason"),
            list(map(dict, given)),
            **keywords,
        )

    async def _call_for_stamps(self, wish: Wish, stamps: Sequence[Stamp]) -> None:
        given = wiring.stamps_for_users(stamps)
        await inward(self.addBuildsetForSourceStamps, sourcestamps=given, **_keywords(wish))

    def _settings(self) -> Any:
        return custom.Settings(common=self._common())

    def _as_component(self) -> Component:
        return Component(
            name=str(self.name),
            settings=self._settings(),
            extension=self,
            # Attributes as well: configurations append to lists of schedulers that they have made.
            identity=Identity((type(self), *self._constructed, self._key()), Equivalence()),
        )


class ReconfigurableBaseScheduler(BaseScheduler):
    """A scheduler whose arguments are checked by `checkConfig` and taken by `reconfigService`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.name = bytes2unicode(kwargs.pop("name", None) or self.name or "")
        if not self.name:
            error(f"{type(self).__name__} needs a name")
        wiring.finish_now(self.checkConfig(*args, **kwargs))
        wiring.finish_now(self.reconfigService(*args, **kwargs))

    def checkConfig(
        self, builderNames: Any, properties: Any = None, codebases: Any = None, priority: Any = None
    ) -> Any:
        """Say what is wrong with the arguments."""
        self._check(builderNames, properties, codebases, priority)
        return settled(None)

    def reconfigService(
        self, builderNames: Any, properties: Any = None, codebases: Any = None, priority: Any = None
    ) -> Any:
        """Take the arguments; called while the configuration is read."""
        self._take(builderNames, properties, codebases, priority)
        return settled(None)


def _keywords(wish: Wish) -> dict[str, Any]:
    """Return what is not usual of a wish, under Buildbot's names."""
    found: dict[str, Any] = {"reason": wish.reason}
    if wish.properties:
        found["properties"] = Properties.fromDict(wish.properties)
    optional = {
        "builderNames": None if wish.builder_names is None else list(wish.builder_names),
        "priority": wish.priority,
        "external_idstring": wish.external_id,
        "waited_for": wish.waited_for or None,
        "parent_buildid": wish.parent_build_id,
        "parent_relationship": wish.parent_relationship,
    }
    return found | {name: value for name, value in optional.items() if value is not None}


def _numbers(submitted: Any) -> Any:
    if not isinstance(submitted, SubmittedBuildset):
        return submitted
    requests = (pending.request for pending in submitted.requests)
    return submitted.buildset.id, {request.builder_id: request.id for request in requests}


def _are_names(names: Any) -> bool:
    return isinstance(names, list | tuple) and all(isinstance(name, str | bytes) for name in names)


def _are_builder_names(names: Any) -> bool:
    if isinstance(names, str | bytes):
        return False
    if isinstance(names, list | tuple):
        return all(isinstance(n, str | bytes) or IRenderable.providedBy(n) for n in names)
    return bool(IRenderable.providedBy(names))


def _check_codebases(codebases: Any) -> None:
    if not isinstance(codebases, dict | list | tuple):
        error("Codebases must be a dict of dicts, or list of strings")
    elif isinstance(codebases, dict) and not all(isinstance(v, dict) for v in codebases.values()):
        error("Codebases must be a dict of dicts")
    elif isinstance(codebases, list | tuple) and not all(isinstance(n, str) for n in codebases):
        error("Codebases must be a list of strings")


def _codebases(codebases: Any) -> dict[str, dict[str, Any]]:
    if isinstance(codebases, dict):
        return {name: value for name, value in codebases.items() if isinstance(value, dict)}
    return {name: {} for name in codebases or () if isinstance(name, str)}
