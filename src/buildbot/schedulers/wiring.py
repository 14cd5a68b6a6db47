"""How schedulers of the configuration become the engine's: hooks for what users wrote."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import CoroutineType
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from buildbot._border.bridge import answered
from buildbot._border.making import Making, placed
from buildbot._border.rendering import is_constant, render_value
from buildbot.process.build_parts import ChangeView
from buildbot.process.properties import Properties
from buildbot.util import NotABranch
from chargehand.domain.change import Change
from chargehand.domain.identifiers import SourceStampId
from chargehand.domain.source_stamp import SourceStamp
from chargehand.kit.values import replace
from chargehand.scheduling.change_feed import Filter, IsImportant
from chargehand.scheduling.change_filter import ChangeFilter, exactly
from chargehand.scheduling.rules import Codebase, stamp_of
from chargehand.scheduling.submitting import Draft, PriorityOf, Rendered, Stamp


class SchedulerChange(ChangeView):
    """A change, for users' functions; as a mapping too it has the REST API's fields."""

    def __init__(self, change: Change) -> None:
        super().__init__(change)
        self.changeid = self.number
        self.when_timestamp = self.when
        self.parent_changeids = list(change.parent_ids)
        self.change = change

    def __getitem__(self, name: str) -> Any:
        return self.asChDict()[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field as the REST API has it."""
        return self.asChDict().get(name, default)


def change_filter_of(given: Any, owner: Any = None) -> Filter | None:
    """Return the engine's filter for what users write as ``change_filter``; errors in it say which
    line made its *owner*."""
    if given is None:
        return None
    rule: Filter | None = (
        given if isinstance(given, ChangeFilter) else getattr(given, "_as_rule", lambda: None)()
    )
    if not isinstance(rule, ChangeFilter):
        return placed(_asked(given) if rule is None else rule, owner)
    functions = tuple((name, placed(function, owner)) for name, function in rule.functions)
    return replace(rule, functions=functions)


def conditions(*, branch: Any, category: Any = None) -> ChangeFilter:
    """Return the filter for the old arguments ``branch`` (or ``branches``) and ``categories``."""
    found = [] if branch is NotABranch else [exactly("branch", branch)]
    if category:
        found.append(exactly("category", category))
    return ChangeFilter(fields=tuple(found))


def _asked(given: Any) -> Filter:
    def passes(change: Change) -> bool:
        return bool(given.filter_change(SchedulerChange(change)))

    return passes


def importance_hook(function: Any, owner: Any) -> IsImportant | None:
    """Return the hook of the ``fileIsImportant`` function of a scheduler."""
    if function is None:
        return None

    async def is_important(change: Change) -> bool:
        with Making(owner):
            return bool(await answered("fileIsImportant", function, SchedulerChange(change)))

    return is_important


def priority_hook(function: Any, owner: Any) -> PriorityOf | None:
    """Return the hook of a scheduler's ``priority`` function, None where it is a number."""
    if not callable(function):
        return None

    async def priority_of(
        builder_names: Sequence[str], changes: Mapping[str, Sequence[Change]]
    ) -> int:
        views = {name: list(map(SchedulerChange, found)) for name, found in changes.items()}
        with Making(owner):
            return int(await answered("priority", function, list(builder_names), views))

    return priority_of


def constant_names(given: Any) -> Sequence[str]:
    """Return the names of builders where they depend on nothing; else `rendering_hook` has them."""
    return tuple(given) if is_constant(given) else ()


def rendering_hook(scheduler: Any) -> Callable[[Draft], Awaitable[Rendered]] | None:
    """Return the hook that renders properties and builders' names, None where all is constant."""
    values = [value for value, _ in scheduler.properties.properties.values()]
    if is_constant(scheduler.builderNames) and is_constant(values):
        return None

    async def render(draft: Draft) -> Rendered:
        with Making(scheduler):
            return await rendered(draft)

    async def rendered(draft: Draft) -> Rendered:
        properties = Properties.fromDict(draft.properties)
        properties.master = scheduler.master
        properties.changes = [SchedulerChange(change).asChDict() for change in draft.changes]
        properties.sourcestamps = _stamps_for_users(draft.stamps, draft.changes)
        own = draft.builder_names is None
        names = scheduler.builderNames if own else draft.builder_names
        names = await render_value(names, properties)
        values = {
            name: (await render_value(value, properties), source)
            for name, (value, source) in draft.properties.items()
        }
        return Rendered(properties=values, builder_names=names)

    return render


def _stamps_for_users(stamps: Sequence[Stamp], changes: Sequence[Change]) -> list[dict[str, Any]]:
    by_id = {change.source_stamp_id: change for change in changes}
    found: list[Any] = []
    for stamp in stamps:
        source = stamp if isinstance(stamp, SourceStamp) else by_id.get(stamp)
        if source is not None:
            found.append(source)
    return [
        {
            "branch": source.branch,
            "revision": source.revision,
            "repository": source.repository,
            "project": source.project,
            "codebase": source.codebase,
        }
        for source in found
    ]


def codebases_of(given: Any) -> dict[str, Codebase]:
    """Return the engine's form of a checked ``codebases`` argument."""
    return {
        name: Codebase(
            repository=said.get("repository") or "",
            branch=said.get("branch"),
            revision=said.get("revision"),
            project=said.get("project") or "",
        )
        for name, said in given.items()
    }


def stamps_of(given: Sequence[Any]) -> list[Stamp]:
    """Return source stamps that users' code gave as dictionaries or identifiers."""
    return [
        stamp_of(stamp) if isinstance(stamp, Mapping) else SourceStampId(int(stamp))
        for stamp in given
    ]


def stamps_for_users(stamps: Sequence[Stamp]) -> list[Any]:
    """Return source stamps as users' code gets them: dictionaries or identifiers."""
    return [_stamp_for_users(stamp) for stamp in stamps]


def _stamp_for_users(stamp: Stamp) -> Any:
    if not isinstance(stamp, SourceStamp):
        return int(stamp)
    found: dict[str, Any] = {
        "codebase": stamp.codebase,
        "repository": stamp.repository,
        "branch": stamp.branch,
        "revision": stamp.revision,
        "project": stamp.project,
    }
    if (patch := stamp.patch) is not None:
        found |= {
            "patch_body": patch.body,
            "patch_level": patch.level,
            "patch_subdir": patch.subdir,
            "patch_author": patch.author,
            "patch_comment": patch.comment,
        }
    return found


def finish_now(outcome: Any) -> None:
    """Drive what a user's ``reconfigService`` returned; it must not wait for anything yet."""
    if isinstance(outcome, Deferred):
        results: list[Any] = []
        outcome.addBoth(results.append)
        if results and isinstance(results[0], Failure):
            results[0].raiseException()
    elif isinstance(outcome, CoroutineType):
        try:
            outcome.send(None)
        except StopIteration:
            return
        outcome.close()
        raise TypeError("reconfigService must not wait for anything before the master is up")
