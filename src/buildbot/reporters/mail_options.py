"""Arguments that `MailNotifier` had before there were report generators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buildbot.reporters.generators.build import BuildStatusGenerator
from buildbot.reporters.generators.buildset import BuildSetStatusGenerator
from buildbot.reporters.generators.worker import WorkerMissingGenerator

OLD = {
    "mode": "mode=",
    "tags": "tags=",
    "categories": "tags=",
    "builders": "builders=",
    "schedulers": "schedulers=",
    "branches": "branches=",
    "subject": "message_formatter=reporters.MessageFormatter(subject=...)",
    "addLogs": "message_formatter=reporters.MessageFormatter(want_logs_content=True)",
    "addPatch": "add_patch=",
    "messageFormatter": "message_formatter=",
    "customMesg": "message_formatter=",
    "previousBuildGetter": "mode=",
    "buildSetSummary": "reporters.BuildSetStatusGenerator(...) in place of it",
    "watchedWorkers": "an additional reporters.WorkerMissingGenerator(workers=...)",
    "messageFormatterMissingWorker": "reporters.WorkerMissingGenerator(message_formatter=...)",
}
"""The old arguments, each with what does the same today."""

_RENAMED = {
    "categories": "tags",
    "addLogs": "add_logs",
    "addPatch": "add_patch",
    "messageFormatter": "message_formatter",
}
_NOT_OF_BUILDS = frozenset({"buildSetSummary", "customMesg", "previousBuildGetter"})
_OF_WORKERS = {"watchedWorkers": "workers", "messageFormatterMissingWorker": "message_formatter"}


def generators_of_old(given: Mapping[str, Any]) -> list[Any]:
    """Return generators that do what old arguments say."""
    choice = {
        _RENAMED.get(name, name): value
        for name, value in given.items()
        if name not in _NOT_OF_BUILDS and name not in _OF_WORKERS and value is not None
    }
    if not hasattr(choice.get("message_formatter"), "format_message_for_build"):
        # A function of Buildbot 0.8 takes what there is no more.
        choice.pop("message_formatter", None)
    if choice.get("add_logs") is False:
        del choice["add_logs"]
    kind = BuildSetStatusGenerator if given.get("buildSetSummary") else BuildStatusGenerator
    of_workers = {_OF_WORKERS[name]: value for name, value in given.items() if name in _OF_WORKERS}
    return [kind(**choice), WorkerMissingGenerator(**of_workers)]
