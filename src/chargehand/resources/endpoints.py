"""Which paths the REST API has, and what each of them names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_BUILDS = (
    "builders/n:builderid/builds/n:build_number",
    "builders/s:buildername/builds/n:build_number",
    "builds/n:buildid",
)
_STEPS = tuple(
    f"{build}/steps/{step}" for build in _BUILDS for step in ("i:step_name", "n:step_number")
)
_LOGS = (*(f"{step}/logs/i:log_slug" for step in (*_STEPS, "steps/n:stepid")), "logs/n:logid")
_RANGE = "codebases/n:codebaseid/commit_range/n:commitid1/n:commitid2"
_CONFIGURED_WORKERS = (
    "builders/n:builderid/workers",
    "masters/n:masterid/builders/n:builderid/workers",
    "masters/n:masterid/workers",
    "workers",
)

_COLLECTIONS: dict[str, tuple[str, ...]] = {
    "_properties": (
        "builds/n:buildid/property_list",
        "buildsets/n:bsid/properties_list",
        "changes/n:changeid/properties_list",
    ),
    "branches": ("codebases/n:codebaseid/branches",),
    "build_data": tuple(f"{build}/data" for build in _BUILDS),
    "builders": (
        "builders",
        "masters/n:masterid/builders",
        "projects/n:projectid/builders",
        "workers/n:workerid/builders",
    ),
    "buildrequests": ("builders/n:builderid/buildrequests", "buildrequests"),
    "builds": (
        "builders/n:builderid/builds",
        "builders/s:buildername/builds",
        "buildrequests/n:buildrequestid/builds",
        "builds",
        "changes/n:changeid/builds",
        "workers/n:workerid/builds",
    ),
    "triggered_builds": ("builds/n:buildid/triggered_builds",),
    "buildsets": ("buildsets",),
    "changes": (
        *(f"{build}/changes" for build in _BUILDS),
        "changes",
        "sourcestamps/n:ssid/changes",
    ),
    "changesources": ("changesources", "masters/n:masterid/changesources"),
    "codebases": ("codebases", "projects/n:projectid/codebases"),
    "commits": ("codebases/n:codebaseid/commits",),
    "forceschedulers": (
        "builders/n:builderid/forceschedulers",
        "builders/s:buildername/forceschedulers",
        "forceschedulers",
    ),
    "logs": tuple(f"{step}/logs" for step in (*_STEPS, "steps/n:stepid")),
    "masters": ("builders/n:builderid/masters", "masters"),
    "projects": ("projects",),
    "rootlinks": ("",),
    "schedulers": ("masters/n:masterid/schedulers", "schedulers"),
    "sourcestamps": ("buildsets/n:buildsetid/sourcestamps", "sourcestamps"),
    "specs": ("application.spec",),
    "steps": tuple(f"{build}/steps" for build in _BUILDS),
    "test_result_sets": (
        "builders/n:builderid/test_result_sets",
        "builders/s:buildername/test_result_sets",
        "builds/n:buildid/test_result_sets",
        f"{_RANGE}/test_result_sets",
        "steps/n:stepid/test_result_sets",
        "test_result_sets",
    ),
    "test_results": ("test_result_sets/n:test_result_setid/results",),
    "why": ("buildrequests/n:buildrequestid/why",),
    "workers": _CONFIGURED_WORKERS,
}

_SINGLES: dict[str, tuple[str, ...]] = {
    "branches": ("branches/n:branchid",),
    "build_data": (
        *(f"{build}/data/i:name" for build in _BUILDS),
        *(f"{build}/data/i:name/value" for build in _BUILDS),
    ),
    "builders": (
        "builders/n:builderid",
        "builders/s:buildername",
        "masters/n:masterid/builders/n:builderid",
    ),
    "buildrequests": ("buildrequests/n:buildrequestid",),
    "builds": _BUILDS,
    "buildsets": ("buildsets/n:bsid",),
    "changes": ("changes/n:changeid",),
    "changesources": (
        "changesources/n:changesourceid",
        "masters/n:masterid/changesources/n:changesourceid",
    ),
    "codebases": (
        "codebases/n:codebaseid",
        "projects/n:projectid/codebases/i:codebasename",
    ),
    "commit_graphs": (f"{_RANGE}/commits_common_parent",),
    "commits": (
        "codebases/n:codebaseid/commits_by_revision/s:revision",
        "commits/n:commitid",
    ),
    "forceschedulers": ("forceschedulers/i:schedulername",),
    "logchunks": (
        *(f"{log}/{form}" for log in _LOGS for form in ("contents", "raw", "raw_inline")),
        "logchunks",
    ),
    "logs": _LOGS,
    "masters": ("builders/n:builderid/masters/n:masterid", "masters/n:masterid"),
    "projects": ("projects/i:projectname", "projects/n:projectid"),
    "properties": (
        *(f"{build}/properties" for build in _BUILDS),
        "buildsets/n:bsid/properties",
    ),
    "schedulers": (
        "masters/n:masterid/schedulers/n:schedulerid",
        "schedulers/n:schedulerid",
    ),
    "sourcestamps": ("sourcestamps/n:ssid",),
    "steps": (*_STEPS, "steps/n:stepid"),
    "test_result_sets": ("test_result_sets/n:test_result_setid",),
    "workers": (
        *(f"{workers}/i:name" for workers in _CONFIGURED_WORKERS),
        *(f"{workers}/n:workerid" for workers in _CONFIGURED_WORKERS),
    ),
}

_PLURALS = {"triggered_builds": "builds"}
_IDENTIFIER = re.compile(r"[A-Za-z\u00a0-\U0010ffff_-][A-Za-z0-9\u00a0-\U0010ffff_-]*\Z")
_NUMBER = re.compile(r"-?[0-9]{1,18}\Z")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path with placeholders; ``kind`` is what the store is asked for."""

    path: str
    kind: str
    is_collection: bool

    @property
    def plural(self) -> str:
        """The key under which the answer has its rows."""
        return _PLURALS.get(self.kind, self.kind)

    @property
    def form(self) -> str:
        """The last segment: ``raw``, ``value`` … tell one form of a thing from others."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Resolved:
    """An endpoint, with the values that a path gave to its placeholders."""

    endpoint: Endpoint
    scope: dict[str, Any]


@dataclass(slots=True)
class _Node:
    endpoint: Endpoint | None = None
    literals: dict[str, _Node] = field(default_factory=dict)
    placeholders: dict[str, _Node] = field(default_factory=dict)


def _compiled() -> tuple[_Node, tuple[Endpoint, ...]]:
    root = _Node()
    endpoints = []
    for table, is_collection in ((_COLLECTIONS, True), (_SINGLES, False)):
        for kind, paths in table.items():
            for path in paths:
                node = root
                for segment in path.split("/") if path else ():
                    nodes = node.placeholders if ":" in segment else node.literals
                    node = nodes.setdefault(segment, _Node())
                node.endpoint = Endpoint(path, kind, is_collection)
                endpoints.append(node.endpoint)
    _sort_placeholders(root)
    return root, tuple(sorted(endpoints, key=lambda endpoint: endpoint.path))


def _sort_placeholders(node: _Node) -> None:
    # Numbers are tried first, then identifiers, then any string.
    node.placeholders = dict(
        sorted(node.placeholders.items(), key=lambda item: "nis".index(item[0][0]))
    )
    for child in (*node.literals.values(), *node.placeholders.values()):
        _sort_placeholders(child)


_ROOT, ENDPOINTS = _compiled()

ROOT_LINKS = (
    "builders",
    "builds",
    "buildrequests",
    "codebases",
    "workers",
    "logchunks",
    "buildsets",
    "changes",
    "changesources",
    "masters",
    "sourcestamps",
    "schedulers",
    "forceschedulers",
    "projects",
)
"""What the API's root lists."""


def resolve(path: tuple[str | int, ...]) -> Resolved | None:
    """Return what *path* names (its segments, decoded), None when there is no such endpoint."""
    return _walk(_ROOT, tuple(map(str, path)), 0, {})


def _walk(node: _Node, path: tuple[str, ...], index: int, scope: dict[str, Any]) -> Resolved | None:
    if index == len(path):
        return Resolved(node.endpoint, scope) if node.endpoint else None
    segment = path[index]
    if (child := node.literals.get(segment)) and (
        found := _walk(child, path, index + 1, scope)
    ) is not None:
        return found
    for placeholder, child in node.placeholders.items():
        letter, _, name = placeholder.partition(":")
        if _fits(letter, segment):
            value: Any = int(segment) if letter == "n" else segment
            found = _walk(child, path, index + 1, scope | {name: value})
            if found is not None:
                return found
    return None


def _fits(letter: str, segment: str) -> bool:
    match letter:
        case "n":
            return bool(_NUMBER.match(segment))
        case "i":
            return bool(_IDENTIFIER.match(segment))
        case _:
            return bool(segment)
