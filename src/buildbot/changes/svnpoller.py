"""Polling Subversion repositories: what configurations name, and what users override."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from buildbot._border.arguments import bound, renamed
from buildbot._border.bridge import answered
from buildbot._border.errors import error, warn
from buildbot._border.numbers import POSITIVE, check_number
from buildbot._border.old_arguments import say_renamed
from buildbot._border.rendering import render_value
from buildbot.changes.base import ReconfigurablePollingChangeSource
from buildbot.changes.svn_paths import (
    split_file_alwaystrunk,
    split_file_branches,
    split_file_projects_branches,
)
from buildbot.process.properties import Properties
from chargehand.config.model import Component
from chargehand.intake.polling import Schedule
from chargehand.intake.svn_settings import Login, Settings
from chargehand.kit.regular_files import read_regular

__all__ = [
    "SVNPoller",
    "split_file_alwaystrunk",
    "split_file_branches",
    "split_file_projects_branches",
]

_NOT_GIVEN = -2
_DEFAULTS: dict[str, Any] = {
    "repourl": None,
    "split_file": None,
    "svnuser": None,
    "svnpasswd": None,
    "pollInterval": 10 * 60,
    "histmax": 100,
    "svnbin": "svn",
    "revlinktmpl": "",
    "category": None,
    "project": "",
    "cachepath": None,
    "pollinterval": _NOT_GIVEN,
    "extra_args": None,
    "name": None,
    "pollAtLaunch": False,
    "pollRandomDelayMin": 0,
    "pollRandomDelayMax": 0,
}
"""The arguments in their order, with what they are when they are not given."""
_TIMES = ("pollInterval", "pollAtLaunch", "pollRandomDelayMin", "pollRandomDelayMax")


class SVNPoller(ReconfigurablePollingChangeSource):
    """Polls a Subversion repository for new revisions.

    ``repourl`` is watched with everything below it. ``split_file`` says of each changed file's
    path below it which branch it belongs to: it returns a dictionary with ``path`` (within the
    branch) and, where they are known, ``branch``, ``project``, ``repository`` and ``codebase``; or
    a tuple ``(branch, path)``; or None, for a file that is of no interest. A directory's path ends
    with a slash. Each revision becomes a change for each branch that it touched. The first poll
    only notes the newest revision.

    ``histmax`` is how many revisions are asked for at once; all new ones are read, however many
    there are. ``svnuser`` and ``svnpasswd`` may be secrets. A revision that an earlier master left
    in the file ``cachepath`` is continued from. The other arguments are described in Buildbot's
    manual. Subclasses may override ``poll`` and ``_transform_path``.

    Args:
        repourl (str): Address of the directory to watch, with all that is below it.
        split_file (Callable[[str], Any] | None, default None): function(path) that returns branch
            and path of a changed file; None takes everything as one branch.
        svnuser (str | None, default None, renderable): User of the repository.
        svnpasswd (str | None, default None, renderable): The user's password, usually a
            util.Secret.
        histmax (int, revisions, default 100): How many revisions to ask for at once.
        svnbin (str, default svn): The svn program of the master: a path, or a name that is searched
            in its PATH.
        revlinktmpl (str, default empty): Template of links to revisions, with one `%s`.
        category (str | None, default None): Category of the changes.
        project (str, default empty): Project of the changes, unless split_file says it.
        cachepath (str | None, default None): File in which an earlier master left the last
            revision.
        pollinterval (float, seconds, default -2): Old name of pollInterval.
        extra_args (list[str] | None, default None): Further arguments for svn.
        svnurl (str | None): Old name of repourl.
    """

    _set_by_init = "repourl"
    repourl: Any
    split_file: Any
    svnuser: Any
    svnpasswd: Any
    histmax: Any
    svnbin: str
    revlinktmpl: Any
    category: Any
    project: Any
    cachepath: Any
    extra_args: Any

    def __init__(self, repourl: Any = None, *args: Any, svnurl: Any = None, **kwargs: Any) -> None:
        repourl = renamed("SVNPoller", "svnurl", svnurl, "repourl", repourl)
        given = bound("SVNPoller", tuple(_DEFAULTS), (repourl, *args), kwargs)
        given["name"] = given.get("name") or str(repourl)
        super().__init__(**given)

    def checkConfig(self, *args: Any, **kwargs: Any) -> Any:
        """Take the constructor's arguments, and say what is wrong with them."""
        times = self._take(args, kwargs)
        self._check()
        return super().checkConfig(**times)

    def reconfigService(self, *args: Any, **kwargs: Any) -> Any:
        """Take over the constructor's arguments."""
        return super().reconfigService(**self._take(args, kwargs))

    def _take(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Keep the arguments as attributes; return those that say when to poll."""
        given = {**_DEFAULTS, **bound("SVNPoller", tuple(_DEFAULTS), args, kwargs)}
        pollinterval = given.pop("pollinterval")
        if pollinterval != _NOT_GIVEN:
            say_renamed("SVNPoller", "pollinterval")
            given["pollInterval"] = pollinterval
        given.pop("name")
        if isinstance(given["repourl"], str):
            given["repourl"] = given["repourl"].rstrip("/")
        given["split_file"] = given["split_file"] or split_file_alwaystrunk
        given["project"] = given["project"] or ""
        for name, value in given.items():
            setattr(self, name, value)
        return {name: given[name] for name in _TIMES}

    def _check(self) -> None:
        if not isinstance(self.repourl, str) or not self.repourl:
            error(f"SVNPoller: repourl must be a string, not {self.repourl!r}")
        elif self.repourl.startswith("-"):
            error(f"SVNPoller: repourl {self.repourl!r} is not valid: it starts like an option")
        if not callable(self.split_file):
            error(f"SVNPoller: split_file must be a function, not {self.split_file!r}")
        check_number("SVNPoller", "histmax", self.histmax, POSITIVE)
        more = self.extra_args
        if more is not None and not (
            isinstance(more, list | tuple) and all(isinstance(one, str) for one in more)
        ):
            error(f"SVNPoller: extra_args must be a list of strings, not {more!r}")

    def describe(self) -> str:
        """Return a sentence for people."""
        return f"SVNPoller: watching {self.repourl}"

    def _transform_path(self, path: str) -> Any:
        """Return what ``split_file`` says of a path below ``repourl``."""
        return self.split_file(path)

    def _as_component(self) -> Component:
        if type(self).poll is not ReconfigurablePollingChangeSource.poll:
            return super()._as_component()
        return Component(name=str(self.name), settings=self._engine_settings(), extension=self)

    def _engine_settings(self) -> Settings:
        return Settings(
            url=str(self.repourl),
            split=self._split,
            login=self._login,
            schedule=Schedule(
                interval=self.pollInterval or 0,
                at_launch=bool(self.pollAtLaunch),
                random_delay_min=self.pollRandomDelayMin,
                random_delay_max=self.pollRandomDelayMax,
            ),
            binary=self.svnbin,
            more_arguments=tuple(self.extra_args or ()),
            page=self.histmax,
            revlink_template=str(self.revlinktmpl or ""),
            category=self._category if callable(self.category) else self.category,
            project=str(self.project),
            recalled=_recalled(self.cachepath),
        )

    async def _split(self, path: str) -> Mapping[str, Any] | None:
        """Ask ``split_file``; any of its answers' forms becomes a dictionary."""
        found = await answered("split_file of SVNPoller", self._transform_path, path)
        match found:
            case (branch, file):
                return {"branch": branch, "path": file}
            case _:
                answer: Mapping[str, Any] | None = found
                return answer

    async def _category(self, change: Any) -> Any:
        return await answered("category of SVNPoller", self.category, change)

    async def _login(self) -> Login:
        """Render the secrets; done for each poll, so that they may be changed at any time."""
        properties = Properties()
        properties.master = self.master
        user, password = await render_value([self.svnuser, self.svnpasswd], properties)
        return Login(user=user, password=password)


def _recalled(cachepath: Any) -> int | None:
    """Return the revision in the file that Buildbot's SVNPoller left, None without one."""
    if not cachepath:
        return None
    try:
        text = read_regular(Path(cachepath)).decode().strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        warn(f"SVNPoller: cannot read cachepath {cachepath!r}: {problem}; continuing without it")
        return None
    return int(text) if text.isascii() and text.isdigit() else None
