"""Schedulers that build changes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from buildbot._border.arguments import no_argument, own_arguments
from buildbot._border.bridge import settled
from buildbot._border.numbers import SECONDS_OR_NONE, check_number
from buildbot.config import error
from buildbot.schedulers import wiring
from buildbot.schedulers.arguments import Arguments, check_change_arguments, named
from buildbot.schedulers.base import ReconfigurableBaseScheduler
from buildbot.schedulers.dependent import Dependent
from buildbot.util import NotABranch
from chargehand.scheduling import on_change

__all__ = [
    "AnyBranchScheduler",
    "BaseBasicScheduler",
    "Dependent",
    "Scheduler",
    "SingleBranchScheduler",
]


@dataclass(slots=True, kw_only=True)
class BasicArguments(Arguments):
    """Arguments of schedulers that build changes."""

    treeStableTimer: Any = None
    branch: Any = NotABranch
    branches: Any = NotABranch
    fileIsImportant: Any = None
    categories: Any = None
    reason: Any = "The %(classname)s scheduler named '%(name)s' triggered this build"
    change_filter: Any = None
    onlyImportant: bool = False


class BaseBasicScheduler(ReconfigurableBaseScheduler):
    """Builds changes, at once or when the tree has been stable for ``treeStableTimer`` seconds.

    Args:
        treeStableTimer (float | None, seconds): Wait until there was no change for so long; None
            builds each change at once.
        branch (str | list[str] | None, default any): Branch to build; None is the default branch.
        branches (list[str | None] | None, default any): Branches to build; None in the list is the
            default branch.
        fileIsImportant (Callable[[Any], Any] | None): function(change) that returns whether a
            change is important: others only go along.
        categories (list[str] | None): Categories of changes to build; use change_filter.
        reason (str): Reason of the builds; may contain `%(name)s` and `%(classname)s`.
        change_filter (Any): util.ChangeFilter that says which changes to build.
        onlyImportant (bool): Ignore changes that are not important.
        shouldntBeSet (Any): Not an argument: it catches arguments that were given by position.
    """

    class NotSet:
        """Stands for an argument that was not given."""

    compare_attrs = (
        "treeStableTimer",
        "change_filter",
        "fileIsImportant",
        "onlyImportant",
        "reason",
    )
    fileIsImportant: Any = None
    reason = ""
    _waits_for = "changes"
    _timer_per_branch = False
    _positions: tuple[str, ...] = ("branch", "treeStableTimer", "builderNames")
    """What Buildbot 0.8.0 took by position: all of it, or nothing."""

    def __init__(self, name: Any, *by_position: Any, **kwargs: Any) -> None:
        if by_position and len(by_position) != len(self._positions):
            raise TypeError(
                f"{type(self).__name__} takes only its name by position; write the others with "
                f"their names: {self._positions[0]}=…, treeStableTimer=…, builderNames=…"
            )
        older = named(type(self).__name__, self._positions, by_position)
        super().__init__(name=name, **older, **kwargs)

    @own_arguments
    def checkConfig(
        self, shouldntBeSet: Any = NotSet, builderNames: Any = None, **kwargs: Any
    ) -> Any:
        """Say what is wrong with the arguments."""
        if shouldntBeSet is not self.NotSet:
            error(
                f"{self._what}: pass arguments by keyword; the name is the only positional argument"
            )
        arguments = BasicArguments.taken_from(kwargs)
        check_change_arguments(
            self._what,
            is_important=arguments.fileIsImportant,
            change_filter=arguments.change_filter,
        )
        check_number(self._what, "treeStableTimer", arguments.treeStableTimer, SECONDS_OR_NONE)
        _refuse_unknown(self._what, kwargs)
        return super().checkConfig(builderNames=builderNames, **_known(kwargs))

    @own_arguments
    def reconfigService(
        self, shouldntBeSet: Any = NotSet, builderNames: Any = None, **kwargs: Any
    ) -> Any:
        """Take the arguments."""
        arguments = BasicArguments.taken_from(kwargs)
        super().reconfigService(builderNames=builderNames, **_known(kwargs))
        self.treeStableTimer = arguments.treeStableTimer
        if arguments.fileIsImportant is not None:
            self.fileIsImportant = arguments.fileIsImportant
        self.onlyImportant = arguments.onlyImportant
        self.change_filter = arguments.change_filter
        self._wanted = self.getChangeFilter(
            branch=arguments.branch,
            branches=arguments.branches,
            change_filter=arguments.change_filter,
            categories=arguments.categories,
        )
        self.reason = arguments.reason % {"name": self.name, "classname": type(self).__name__}
        return settled(None)

    def getChangeFilter(
        self, branch: Any, branches: Any, change_filter: Any, categories: Any
    ) -> Any:
        """Return what says which changes are wanted."""
        raise NotImplementedError

    def _settings(self) -> Any:
        return on_change.Settings(
            common=self._common(),
            reason=self.reason,
            stable_seconds=self.treeStableTimer,
            timer_per_branch=self._timer_per_branch,
            wanted=wiring.change_filter_of(self._wanted, self),
            is_important=wiring.importance_hook(self.fileIsImportant, self),
            only_important=self.onlyImportant,
        )


class SingleBranchScheduler(BaseBasicScheduler):
    """Builds changes that pass the filter, all with one timer.

    Args:
        createAbsoluteSourceStamps (bool): For codebases without a change, build the last known
            revision, not the newest.
    """

    createAbsoluteSourceStamps: Any = None

    @own_arguments
    def checkConfig(self, createAbsoluteSourceStamps: bool = False, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments."""
        if kwargs.get("change_filter") is None and kwargs.get("branch", NotABranch) is NotABranch:
            error(
                "the 'branch' argument to SingleBranchScheduler is mandatory unless change_filter "
                "is provided"
            )
        return super().checkConfig(**kwargs)

    @own_arguments
    def reconfigService(self, createAbsoluteSourceStamps: bool = False, **kwargs: Any) -> Any:
        """Take the arguments."""
        self.createAbsoluteSourceStamps = createAbsoluteSourceStamps
        return super().reconfigService(**kwargs)

    def getChangeFilter(
        self, branch: Any, branches: Any, change_filter: Any, categories: Any
    ) -> Any:
        """Return the filter; without one ``branch`` says which branch is built."""
        if change_filter is not None or branch is NotABranch:
            return change_filter
        return wiring.conditions(branch=branch, category=categories)


class Scheduler(SingleBranchScheduler):
    """An old name of SingleBranchScheduler."""


class AnyBranchScheduler(BaseBasicScheduler):
    """Builds changes that pass the filter, each branch with its own timer."""

    _timer_per_branch = True
    _positions = ("branches", "treeStableTimer", "builderNames")

    def getChangeFilter(
        self, branch: Any, branches: Any, change_filter: Any, categories: Any
    ) -> Any:
        """Return the filter; without one ``branches`` says which branches are built."""
        if change_filter is not None:
            return change_filter
        return wiring.conditions(branch=branches or NotABranch, category=categories)


_ARGUMENTS = ("properties", "codebases", "priority")
_KNOWN = (*_ARGUMENTS, *(field.name for field in fields(BasicArguments)), "builderNames", "reason")


def _refuse_unknown(what: str, arguments: dict[str, Any]) -> None:
    for name in arguments:
        if name not in _ARGUMENTS:
            error(no_argument(what, name, _KNOWN))


def _known(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name in _ARGUMENTS}
