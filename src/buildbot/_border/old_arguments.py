"""Arguments under names that Buildbot has removed, and what they are called today.

The warnings at reading and ``chargehand upgrade-config`` both go by these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buildbot._border.errors import warn

_POLLER = {"pollinterval": "pollInterval"}
_DOWNLOAD = {"slavedest": "workerdest"}
_UPLOAD = {"slavesrc": "workersrc"}

RENAMED_ARGUMENTS: dict[str, dict[str, str]] = {
    "BuilderConfig": {
        "slavename": "workername",
        "slavenames": "workernames",
        "slavebuilddir": "workerbuilddir",
        "nextSlave": "nextWorker",
    },
    "DirectoryUpload": _UPLOAD,
    "FileDownload": _DOWNLOAD,
    "FileUpload": _UPLOAD,
    "GitPoller": _POLLER,
    "HgPoller": _POLLER,
    "JSONPropertiesDownload": _DOWNLOAD,
    "JSONStringDownload": _DOWNLOAD,
    "MultipleFileUpload": {"slavesrcs": "workersrcs"},
    "P4Source": _POLLER,
    "SVN": {"svnurl": "repourl"},
    "SVNPoller": {"svnurl": "repourl", **_POLLER},
    "ShellArg": {"logfile": "logname"},
    "StringDownload": _DOWNLOAD,
    "WorkerLock": {"maxCountForSlave": "maxCountForWorker"},
}
"""By class: old arguments, and those of today that take the same value."""

SOURCE_STEPS = frozenset({"Bzr", "CVS", "Darcs", "Git", "Mercurial", "Monotone", "P4", "SVN"})
"""The steps whose ``mode`` was one of `SOURCE_MODES`."""

SOURCE_MODES: dict[str, dict[str, str]] = {
    "update": {"mode": "incremental"},
    "clobber": {"mode": "full", "method": "clobber"},
    "copy": {"mode": "full", "method": "copy"},
    "export": {"mode": "full", "method": "export"},
}
"""The modes of source steps before Buildbot 0.8.4, and the arguments that mean them today."""

IGNORED_SOURCE_ARGUMENTS: dict[str, str] = {
    "checkoutDelay": "the sources are fetched at once; use treeStableTimer of the scheduler",
    "forceSharedRepo": "it is no longer needed",
    "lazylogfiles": "the step has no further log files",
    "ignore_ignores": "use mode='full' and its methods",
    "always_purge": "use mode='full', method='fresh'",
}
"""Old arguments of source steps that do nothing, and what to use instead."""


_RIGHTS = (
    "auth default_action useHttpHeader httpLoginUrl view gracefulShutdown forceBuild "
    "forceAllBuilds pingBuilder stopBuild stopAllBuilds stopChange cancelPendingBuild "
    "cancelAllPendingBuilds pauseSlave showUsersPage"
)
REMOVED_ARGUMENTS: dict[str, tuple[frozenset[str], str]] = {
    "GitHubStatusPush": (
        frozenset(("repoOwner", "repoName", "sha")),
        "the source stamps of a build say which repository and commit it is",
    ),
    "Authz": (frozenset(_RIGHTS.split()), "it gives no rights; use allowRules and roleMatchers"),
}
"""By class: old arguments that nothing of today takes, and what to use instead."""


def without_removed(owner: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments without those that were removed, with a warning for each."""
    removed, advice = REMOVED_ARGUMENTS.get(owner, (frozenset(), ""))
    for name in removed & arguments.keys():
        warn(f'{owner}: argument "{name}" was removed from Buildbot: {advice}')
    return {name: value for name, value in arguments.items() if name not in removed}


def say_renamed(owner: str, old: str) -> None:
    """Warn that an argument is given under its old name."""
    warn(f"{owner}: argument {old!r} is now called {RENAMED_ARGUMENTS[owner][old]!r}")


def of_old_mode(step: str, mode: Any, method: Any) -> tuple[Any, Any]:
    """Return mode and method of a source step, for those of before Buildbot 0.8.4 as well."""
    new = SOURCE_MODES.get(mode) if isinstance(mode, str) else None
    if new is None:
        return mode, method
    written = ", ".join(f"{name}={value!r}" for name, value in new.items())
    warn(f"{step}: mode={mode!r} was removed from Buildbot; use {written}")
    return new["mode"], new.get("method", method)


def without_ignored(step: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a source step without old ones that do nothing."""
    for name in arguments:
        if name in IGNORED_SOURCE_ARGUMENTS:
            advice = IGNORED_SOURCE_ARGUMENTS[name]
            warn(f'{step}: argument "{name}" was removed from Buildbot: {advice}')
    return {name: one for name, one in arguments.items() if name not in IGNORED_SOURCE_ARGUMENTS}
