"""What rules are about."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, ClassVar

from buildbot._border.bridge import settled
from buildbot._border.comparison import ComparableMixin
from buildbot._border.making import Placed
from chargehand.resources.endpoints import resolve
from chargehand.resources.patterns import Matching
from chargehand.resources.permissions import Concern, Rule, RuleBook, Rules
from chargehand.resources.policy import Facts

FACTS: ContextVar[Facts | None] = ContextVar("facts", default=None)
"""What is known of the order that is decided about."""

_TYPES = {
    "builders": "Builder",
    "buildrequests": "BuildRequest",
    "builds": "Build",
    "buildsets": "Buildset",
    "changes": "Change",
    "changesources": "ChangeSource",
    "forceschedulers": "ForceScheduler",
    "logs": "Log",
    "masters": "Master",
    "projects": "Project",
    "schedulers": "Scheduler",
    "steps": "Step",
    "workers": "Worker",
}
"""What users' matchers call kinds of things: ``match_BuildEndpoint_stop`` …"""


class Match:
    """What a matcher returns for what it is about.

    Args:
        master (BuildMaster): The master.
        build (dict | None): The build that it is about.
        buildrequest (dict | None): The request.
        buildset (dict | None): The buildset.
    """

    def __init__(
        self,
        master: Any,
        build: Any = None,
        buildrequest: Any = None,
        buildset: Any = None,
        **more: Any,
    ) -> None:
        self.master = master
        self.build = build
        self.buildrequest = buildrequest
        self.buildset = buildset
        facts = FACTS.get()
        self._owners = () if facts is None else facts.owners

    def getOwner(self) -> Any:
        """Return a Deferred of who asked for the build; of None if nobody is known."""
        return settled(self._owners[0] if self._owners else None)


class _EndpointObject:
    """What a user's matcher is given to look at the thing."""

    def __init__(self, master: Any, path: tuple[str, ...]) -> None:
        self._master = master
        self._path = path

    def get(self, resultSpec: Any = None, kwargs: Any = None) -> Any:
        """Return a Deferred of the thing, as a dictionary."""
        return self._master.data.get(self._path)


class EndpointMatcherBase(ComparableMixin, Placed):
    """A rule; subclasses say what it is about.

    They define ``match(self, ep, action, options)``, or methods such as
    ``match_BuildEndpoint_stop(self, epobject, epdict, options)``, that return a `Match` or None.

    Args:
        role (str): A pattern of the roles that may.
        defaultDeny (bool): Whether others may not; otherwise the rules that follow decide.
    """

    compare_attrs: ClassVar[Any] = ("role", "defaultDeny")
    concern: Concern | None = None
    authz: Any = None
    master: Any = None

    def __init__(self, role: str, defaultDeny: bool = True) -> None:
        self.role = role
        self.defaultDeny = defaultDeny
        self.owner = None

    def setAuthz(self, authz: Any) -> None:
        """Take the rules that it belongs to."""
        self.authz = authz
        self.master = authz.master

    def match(self, ep: Any, action: str = "get", options: Any = None) -> Any:
        """Return a `Match` (or a Deferred of one) if the rule is about this *action* on what is at
        the path *ep*; else None."""
        path = tuple(map(str, ep))
        resolved = resolve(path)
        if resolved is None:
            return settled(None)
        name = _TYPES.get(resolved.endpoint.kind, resolved.endpoint.kind.capitalize())
        name += "sEndpoint" if resolved.endpoint.is_collection else "Endpoint"
        for method in (f"match_{name}_{action}", f"match_{name}"):
            if (found := getattr(self, method, None)) is not None:
                target = _EndpointObject(self.master, path)
                return found(target, dict(resolved.scope), dict(options or {}))
        return settled(None)

    def as_rule(self) -> Rule | None:
        """Return the same as a rule that needs no code of a user's; None if that cannot be."""
        return None


class _Known(EndpointMatcherBase):
    """A rule that is about something that the master knows."""

    _named: ClassVar[tuple[str, ...]] = ()

    def match(self, ep: Any, action: str = "get", options: Any = None) -> Any:
        """Return a Deferred of a `Match`, or of None."""
        rule = self.as_rule()
        assert rule is not None
        matching = matching_of(self.authz.match) if self.authz is not None else None
        book = RuleBook(rules=(rule,), roles=(), matching=matching or Matching.FNMATCH)
        is_about = action != "get" and Rules(book).is_about(
            str(ep[0]), action, FACTS.get() or Facts()
        )
        return settled(Match(self.master) if is_about else None)

    def as_rule(self) -> Rule | None:
        """Return the same as a rule."""
        assert self.concern is not None
        patterns = {name: getattr(self, name) for name in self._named}
        shown = [f"{name}={value!r}" for name, value in patterns.items() if value is not None]
        shown.append(f"role={self.role!r}")
        return Rule(
            words=f"{type(self).__name__}({', '.join(shown)})",
            concern=self.concern,
            role=self.role,
            denies=bool(self.defaultDeny),
            **{name: value for name, value in patterns.items() if value is not None},
        )


class AnyEndpointMatcher(_Known):
    """A rule about everything: all orders, and reading what no `ViewBuildsEndpointMatcher` before
    it lets somebody see.

    Args:
        role (str): A pattern of the roles that may.
        defaultDeny (bool): Whether others may not; otherwise the rules that follow decide.
    """

    concern = Concern.EVERYTHING


class AnyControlEndpointMatcher(_Known):
    """A rule about all orders.

    Args:
        role (str): A pattern of the roles that may.
        defaultDeny (bool): Whether others may not; otherwise the rules that follow decide.
    """

    concern = Concern.ORDERS


class _OfBuilders(_Known):
    compare_attrs: ClassVar[Any] = ("builder",)
    _named = ("builder",)

    def __init__(self, builder: str | None = None, *, role: str, defaultDeny: bool = True) -> None:
        super().__init__(role, defaultDeny)
        self.builder = builder


class ForceBuildEndpointMatcher(_OfBuilders):
    """A rule about forcing builds.

    Args:
        builder (str | None): A pattern of the builders; None: all.
        role (str): A pattern of the roles that may.
        defaultDeny (bool): Whether others may not; otherwise the rules that follow decide.
    """

    concern = Concern.FORCE


class StopBuildEndpointMatcher(_OfBuilders):
    """A rule about stopping builds, and cancelling requests.

    Args:
        builder (str | None): A pattern of the builders; None: all.
        role (str): A pattern of the roles that may.
        defaultDeny (bool): Whether others may not; otherwise the rules that follow decide.
    """

    concern = Concern.STOP


class RebuildBuildEndpointMatcher(_OfBuilders):
    """A rule about building something again.

    Args:
        builder (str | None): A pattern of the builders; None: all.
        role (str): A pattern of the roles that may.
        defaultDeny (bool): Whether others may not; otherwise the rules that follow decide.
    """

    concern = Concern.REBUILD


class EnableSchedulerEndpointMatcher(_Known):
    """A rule about enabling and disabling schedulers.

    Args:
        role (str): A pattern of the roles that may.
        defaultDeny (bool): Whether others may not; otherwise the rules that follow decide.
    """

    concern = Concern.ENABLE


class BranchEndpointMatcher(_Known):
    """A rule about orders for builds and requests of branches.

    Args:
        branch (str): A pattern of the branches.
        role (str): A pattern of the roles that may.
        defaultDeny (bool): Whether others may not; otherwise the rules that follow decide.
    """

    concern = Concern.BRANCH
    compare_attrs: ClassVar[Any] = ("branch",)
    _named = ("branch",)

    def __init__(self, branch: str, role: str, defaultDeny: bool = True) -> None:
        super().__init__(role, defaultDeny)
        self.branch = branch


class ViewBuildsEndpointMatcher(_Known):
    """A rule about reading: others see neither these builders and workers nor their builds, logs
    and events. Without patterns it is about all builders and workers.

    Args:
        branch (str | None): Not looked at: what is hidden are builders.
        project (str | None): A pattern of the projects of builders.
        builder (str | None): A pattern of the names of builders.
        tag (str | None): A pattern of the tags of builders.
        worker (str | None): A pattern of the names of workers.
        role (str): A pattern of the roles that may.
        defaultDeny (bool): Whether others may not; otherwise the rules that follow decide.
    """

    concern = Concern.VIEW
    compare_attrs: ClassVar[Any] = ("branch", "project", "builder", "tag", "worker")
    _named = ("project", "builder", "tag", "worker")

    def __init__(
        self,
        branch: str | None = None,
        project: str | None = None,
        builder: str | None = None,
        tag: str | None = None,
        worker: str | None = None,
        *,
        role: str,
        defaultDeny: bool = True,
    ) -> None:
        super().__init__(role, defaultDeny)
        self.branch = branch
        self.project = project
        self.builder = builder
        self.tag = tag
        self.worker = worker


def matching_of(matcher: Any) -> Matching | None:
    """Return which comparison a ``stringsMatcher`` is; None for a user's own."""
    name = getattr(matcher, "__name__", "")
    if not getattr(matcher, "__module__", "").startswith("buildbot.www.authz"):
        return None
    return {"fnmatchStrMatcher": Matching.FNMATCH, "reStrMatcher": Matching.REGEX}.get(name)


def is_unchanged(rule: EndpointMatcherBase) -> bool:
    """Return whether a rule is one of the master's own kinds, without code of a user's."""
    return isinstance(rule, _Known) and type(rule).__module__ == __name__
