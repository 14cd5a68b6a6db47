"""Arguments under names that Buildbot has removed, and what they are called today.

The warnings at reading and ``chargehand upgrade-config`` both go by these tables.
"""

from __future__ import annotations

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
