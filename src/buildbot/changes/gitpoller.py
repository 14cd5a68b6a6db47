"""Polling git repositories: what configurations name, and what users override."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any

from buildbot._border.arguments import bound
from buildbot._border.bridge import answered, outward
from buildbot._border.errors import error
from buildbot._border.old_arguments import say_renamed
from buildbot._border.rendering import render_value
from buildbot.changes.base import ReconfigurablePollingChangeSource
from buildbot.changes.git_commits import GitCommits
from buildbot.process.properties import Properties
from buildbot.util.git import check_credential_arguments
from buildbot.util.git_credential import add_user_password_to_credentials
from buildbot.util.state import StateMixin
from chargehand.config.model import Component, Hook
from chargehand.intake.git_access import Credentials
from chargehand.intake.git_settings import Settings, Watched
from chargehand.intake.polling import Schedule

__all__ = ["GitError", "GitPoller"]

DEFAULT_WORKDIR = "gitpoller-work"

_NOT_GIVEN = -2
_DEFAULTS: dict[str, Any] = {
    "repourl": None,
    "branches": None,
    "branch": None,
    "workdir": None,
    "pollInterval": 10 * 60,
    "gitbin": "git",
    "usetimestamps": True,
    "category": None,
    "project": None,
    "pollinterval": _NOT_GIVEN,
    "fetch_refspec": None,
    "encoding": "utf-8",
    "name": None,
    "pollAtLaunch": False,
    "buildPushesWithNoCommits": False,
    "only_tags": False,
    "sshPrivateKey": None,
    "sshHostKey": None,
    "sshKnownHosts": None,
    "pollRandomDelayMin": 0,
    "pollRandomDelayMax": 0,
    "auth_credentials": None,
    "git_credentials": None,
}
"""The arguments in their order, with what they are when they are not given."""
_TIMES = ("pollInterval", "pollAtLaunch", "pollRandomDelayMin", "pollRandomDelayMax")

_DECLARATIONS = frozenset({"__init__", "checkConfig", "describe"})
"""What a subclass may override without altering how its repository is polled."""


class GitError(Exception):
    """A git command failed."""


class GitPoller(GitCommits, StateMixin, ReconfigurablePollingChangeSource):
    """Polls a git repository for new commits.

    ``branches`` is a list, True (all), or a function of a ref's full name; without it, the
    repository's default branch is followed. The arguments are described in the manual under
    GitPoller. Subclasses may override ``poll`` and the methods of `GitCommits`.

    Args:
        repourl (str): Address of the repository.
        branches (list[str] | bool | Callable[[str], bool] | None): Branches to follow: names, True
            for all, or function(ref) that chooses; None for the default branch.
        branch (str | None): One branch to follow, instead of branches.
        workdir (str | None): Directory of the clone on the master; by default one in its own
            directory.
        gitbin (str): The git program of the master: a path, or a name that is searched in its PATH.
        usetimestamps (bool): Date changes by their commit; otherwise by when they were found.
        category (str | Callable[..., Any] | None, renderable): Category of the changes, or
            function(change) that returns it.
        project (str | Callable[..., Any] | None, renderable): Project of the changes, or
            function(change) that returns it.
        pollinterval (float, seconds): Old name of pollInterval.
        fetch_refspec (Any): Removed from Buildbot: use branches.
        encoding (str): Encoding of names and comments.
        buildPushesWithNoCommits (bool): Report a branch that moved to a commit that is known
            already, too.
        only_tags (bool): Follow tags instead of branches.
        sshPrivateKey (str | None, renderable): Private key for the repository, usually a
            util.Secret.
        sshHostKey (str | None, renderable): Public key of the repository's host.
        sshKnownHosts (str | None, renderable): Content of a known_hosts file, instead of
            sshHostKey.
        auth_credentials (tuple[str, str] | None, renderable): (user, password) for the repository.
        git_credentials (Any): Credentials as util.GitCredentialOptions.
    """

    db_class_name = "GitPoller"
    _set_by_init = "repourl"

    repourl: Any
    branches: Any
    branch: Any
    workdir: str
    gitbin: str
    usetimestamps: Any
    category: Any
    project: Any
    encoding: str
    buildPushesWithNoCommits: Any
    only_tags: Any
    sshPrivateKey: Any
    sshHostKey: Any
    sshKnownHosts: Any
    auth_credentials: Any
    git_credentials: Any

    def __init__(
        self,
        repourl: Any,
        branches: Any = None,
        branch: str | None = None,
        workdir: str | None = None,
        pollInterval: float = 10 * 60,
        gitbin: str = "git",
        usetimestamps: bool = True,
        category: Any = None,
        project: Any = None,
        pollinterval: float = -2,
        fetch_refspec: Any = None,
        encoding: str = "utf-8",
        name: str | None = None,
        pollAtLaunch: bool = False,
        buildPushesWithNoCommits: bool = False,
        only_tags: bool = False,
        sshPrivateKey: Any = None,
        sshHostKey: Any = None,
        sshKnownHosts: Any = None,
        pollRandomDelayMin: float = 0,
        pollRandomDelayMax: float = 0,
        auth_credentials: tuple[Any, Any] | None = None,
        git_credentials: Any = None,
        **kwargs: Any,
    ) -> None:
        if pollinterval != _NOT_GIVEN:
            say_renamed("GitPoller", "pollinterval")
        super().__init__(
            repourl=repourl,
            branches=branches,
            branch=branch,
            workdir=workdir,
            pollInterval=pollInterval if pollinterval == _NOT_GIVEN else pollinterval,
            gitbin=gitbin,
            usetimestamps=usetimestamps,
            category=category,
            project=project,
            fetch_refspec=fetch_refspec,
            encoding=encoding,
            name=name or str(repourl),
            pollAtLaunch=pollAtLaunch,
            buildPushesWithNoCommits=buildPushesWithNoCommits,
            only_tags=only_tags,
            sshPrivateKey=sshPrivateKey,
            sshHostKey=sshHostKey,
            sshKnownHosts=sshKnownHosts,
            pollRandomDelayMin=pollRandomDelayMin,
            pollRandomDelayMax=pollRandomDelayMax,
            auth_credentials=auth_credentials,
            git_credentials=git_credentials,
            **kwargs,
        )

    def checkConfig(self, *args: Any, **kwargs: Any) -> Any:
        """Take the constructor's arguments, and say what is wrong with them."""
        times = self._take(args, kwargs)
        self._check()
        check_credential_arguments(
            "GitPoller",
            self.sshPrivateKey,
            self.sshHostKey,
            self.sshKnownHosts,
            self.auth_credentials,
            self.git_credentials,
        )
        return super().checkConfig(**times)

    def reconfigService(self, *args: Any, **kwargs: Any) -> Any:
        """Take over the constructor's arguments."""
        times = self._take(args, kwargs)
        self._forget_poller()
        return super().reconfigService(**times)

    def _take(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Keep the arguments as attributes; return those that say when to poll."""
        given = {**_DEFAULTS, **bound("GitPoller", tuple(_DEFAULTS), args, kwargs)}
        if given.pop("fetch_refspec") is not None:
            error(
                "GitPoller: fetch_refspec is no longer supported; remove it. "
                "Only the given branches are fetched."
            )
        pollinterval = given.pop("pollinterval")
        if pollinterval != _NOT_GIVEN:
            given["pollInterval"] = pollinterval
        given.pop("name")
        given["workdir"] = given["workdir"] or DEFAULT_WORKDIR
        given["project"] = given["project"] or ""
        for name, value in given.items():
            setattr(self, name, value)
        return {name: given[name] for name in _TIMES}

    def _check(self) -> None:
        if not isinstance(self.repourl, str) or not self.repourl:
            error(f"GitPoller: repourl must be a string, not {self.repourl!r}")
        elif self.repourl.startswith("-"):
            error(f"GitPoller: repourl {self.repourl!r} is not valid: it starts like an option")
        if self.only_tags and (self.branch or self.branches):
            error("GitPoller: set either only_tags or branch/branches, not both")
        if self.branch and self.branches:
            error("GitPoller: set either branch or branches, not both")
        if not _is_choice_of_branches(self.branches):
            error(
                "GitPoller: branches must be a list of names, True, or a function, not "
                f"{self.branches!r}"
            )
        for name in ("workdir", "gitbin"):
            if not isinstance(value := getattr(self, name), str):
                error(f"GitPoller: {name} must be a string, not {value!r}")
        for name in ("category", "project"):
            value = getattr(self, name)
            if not (value is None or isinstance(value, str) or callable(value)):
                error(f"GitPoller: {name} must be a string or a function, not {value!r}")
        try:
            codecs.lookup(self.encoding)
        except (LookupError, TypeError):
            error(f"GitPoller: unknown encoding {self.encoding!r}")

    def describe(self) -> str:
        """Return a sentence for people."""
        return f"GitPoller watching the remote git repository {self.repourl}"

    def poll(self) -> Any:
        """Look for new commits and add changes for them; returns a Deferred."""
        return outward(self._poll_commits())

    def _as_component(self) -> Component:
        if self._is_customised():
            return super()._as_component()
        return Component(name=str(self.name), settings=self._engine_settings(), extension=self)

    def _is_customised(self) -> bool:
        """Return whether a subclass polls in its own way, so that its methods must be called."""
        for cls in type(self).__mro__:
            if cls is GitPoller:
                return False
            own = {name for name, value in vars(cls).items() if callable(value)}
            if own - _DECLARATIONS:
                return True
        return False

    def _engine_settings(self) -> Settings:
        """Return the engine's settings of this poller."""
        return Settings(
            url=str(self.repourl),
            branches=self._watched(),
            schedule=Schedule(
                interval=self.pollInterval or 0,
                at_launch=bool(self.pollAtLaunch),
                random_delay_min=self.pollRandomDelayMin,
                random_delay_max=self.pollRandomDelayMax,
            ),
            directory=self.workdir,
            binary=self.gitbin,
            category=_hook(self.category) if callable(self.category) else self.category,
            project=_hook(self.project) if callable(self.project) else self.project,
            use_timestamps=bool(self.usetimestamps),
            encoding=self.encoding,
            build_pushes_with_no_commits=bool(self.buildPushesWithNoCommits),
            credentials=self._credentials if self._has_credentials() else None,
        )

    def _watched(self) -> tuple[str, ...] | Watched | Hook:
        if self.only_tags:
            return Watched.TAGS
        if self.branch:
            return (self.branch,)
        if self.branches is True:
            return Watched.ALL_BRANCHES
        if callable(self.branches):
            return _hook(self.branches)
        return tuple(self.branches) if self.branches else Watched.DEFAULT_BRANCH

    def _has_credentials(self) -> bool:
        given = (self.sshPrivateKey, self.auth_credentials, self.git_credentials)
        return any(value is not None for value in given)

    async def _credentials(self) -> Credentials:
        """Render the secrets; done for each poll, so that they may be changed at any time."""
        options = self.git_credentials
        if self.auth_credentials is not None:
            options = add_user_password_to_credentials(self.auth_credentials, self.repourl, options)
        properties = Properties()
        properties.master = self.master
        key, host, hosts, described = await render_value(
            [
                self.sshPrivateKey,
                self.sshHostKey,
                self.sshKnownHosts,
                [] if options is None else options.credentials,
            ],
            properties,
        )
        return Credentials(
            ssh_private_key=key,
            ssh_host_key=host,
            ssh_known_hosts=hosts,
            descriptions=tuple(described),
            use_http_path=None if options is None else options.use_http_path,
        )


def _is_choice_of_branches(branches: Any) -> bool:
    if branches is None or isinstance(branches, bool) or callable(branches):
        return True
    return isinstance(branches, list | tuple) and all(isinstance(name, str) for name in branches)


def _hook(function: Callable[..., Any]) -> Hook:
    async def hook(argument: Any) -> Any:
        return await answered("a function of GitPoller", function, argument)

    return hook
