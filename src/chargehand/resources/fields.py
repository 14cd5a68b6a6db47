"""The kinds of resources that the REST API has, their fields, and the fields' types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_COMPOSITES = {
    "master_id": "masterid: integer",
    "master_builder": "masterid: integer, builderid: integer",
    "Url": "name: string, url: string",
    "patch": (
        "patchid: integer, body: binary, level: integer, subdir: string, author: string, "
        "comment: string"
    ),
    "master": "masterid: integer, name: string, active: boolean, last_active: datetime",
    "sourcestamp": (
        "ssid: integer, revision: string?, branch: string?, repository: string, project: string, "
        "codebase: string, patch: patch?, created_at: datetime"
    ),
}

_KINDS = {
    "_properties": ("_property", "name: string, source: string, value: jsonobject"),
    "branches": (
        "branch",
        "branchid: integer, codebaseid: integer, name: string, commitid: integer, "
        "last_timestamp: integer",
    ),
    "build_data": (
        "build_data",
        "buildid: integer, name: string, length: integer, value: binary?, source: string",
    ),
    "builders": (
        "builder",
        "builderid: integer, name: string, masterids: list of integer, description: string?, "
        "description_format: string?, description_html: string?, projectid: integer?, "
        "tags: list of string",
    ),
    "buildrequests": (
        "buildrequest",
        "buildrequestid: integer, buildsetid: integer, builderid: integer, priority: integer, "
        "claimed: boolean, claimed_at: datetime?, claimed_by_masterid: integer?, "
        "complete: boolean, results: integer?, submitted_at: datetime, complete_at: datetime?, "
        "waited_for: boolean, properties: sourcedproperties?",
    ),
    "builds": (
        "build",
        "buildid: integer, number: integer, builderid: integer, buildrequestid: integer, "
        "workerid: integer, masterid: integer, started_at: datetime, complete: boolean, "
        "complete_at: datetime?, locks_duration_s: integer, results: integer?, "
        "state_string: string, properties: sourcedproperties?",
    ),
    "buildsets": (
        "buildset",
        "bsid: integer, external_idstring: string?, reason: string, rebuilt_buildid: integer?, "
        "submitted_at: integer, complete: boolean, complete_at: integer?, results: integer?, "
        "sourcestamps: list of sourcestamp, parent_buildid: integer?, "
        "parent_relationship: string?",
    ),
    "changes": (
        "change",
        "changeid: integer, parent_changeids: list of integer, author: string, "
        "committer: string, files: list of string, comments: string, revision: string?, "
        "when_timestamp: integer, branch: string?, category: string?, revlink: string?, "
        "properties: sourcedproperties, repository: string, project: string, codebase: string, "
        "sourcestamp: sourcestamp",
    ),
    "changesources": ("changesource", "changesourceid: integer, name: string, master: master?"),
    "codebases": (
        "codebase",
        "codebaseid: integer, projectid: integer, name: identifier, slug: identifier",
    ),
    "commit_graphs": (
        "commit_graph",
        "common: integer, to1: list of integer, to2: list of integer",
    ),
    "commits": (
        "commit",
        "commitid: integer, codebaseid: integer, author: string, committer: string?, "
        "comments: string, when_timestamp: integer, revision: string, parent_commitid: integer?",
    ),
    "forceschedulers": (
        "forcescheduler",
        "name: identifier, button_name: string, label: string, "
        "builder_names: list of identifier, enabled: boolean, all_fields: list of jsonobject",
    ),
    "logchunks": ("logchunk", "logid: integer, firstline: integer, content: string"),
    "logs": (
        "log",
        "logid: integer, name: string, slug: identifier, stepid: integer, complete: boolean, "
        "num_lines: integer, type: identifier",
    ),
    "masters": ("master", _COMPOSITES["master"]),
    "projects": (
        "project",
        "projectid: integer, name: identifier, slug: identifier, active: boolean?, "
        "description: string?, description_format: string?, description_html: string?",
    ),
    "properties": ("sourcedproperties", ""),
    "rootlinks": ("rootlink", "name: string"),
    "schedulers": (
        "scheduler",
        "schedulerid: integer, name: string, enabled: boolean, master: master?",
    ),
    "sourcestamps": ("sourcestamp", _COMPOSITES["sourcestamp"]),
    "specs": ("spec", "path: string, type: string, plural: string, type_spec: jsonobject"),
    "steps": (
        "step",
        "stepid: integer, number: integer, name: identifier, buildid: integer, "
        "started_at: datetime?, locks_acquired_at: datetime?, complete: boolean, "
        "complete_at: datetime?, results: integer?, state_string: string, urls: list of Url, "
        "hidden: boolean",
    ),
    "test_result_sets": (
        "test_result_set",
        "test_result_setid: integer, builderid: integer, buildid: integer, stepid: integer, "
        "description: string?, category: string, value_unit: string, tests_passed: integer?, "
        "tests_failed: integer?, complete: boolean",
    ),
    "test_results": (
        "test_result",
        "test_resultid: integer, builderid: integer, test_result_setid: integer, "
        "test_name: string?, test_code_path: string?, line: integer?, duration_ns: integer?, "
        "value: string",
    ),
    "why": ("why", "kind: string, sentence: string, details: jsonobject"),
    "workers": (
        "worker",
        "workerid: integer, name: string, connected_to: list of master_id, "
        "configured_on: list of master_builder, workerinfo: jsonobject, paused: boolean, "
        "pause_reason: string?, graceful: boolean",
    ),
}


@dataclass(frozen=True, slots=True)
class FieldType:
    """The type of a field: a word, whether it may be null, and whether it is a list of such."""

    word: str
    nullable: bool = False
    is_list: bool = False

    def specification(self) -> dict[str, Any]:
        """Return the type as ``application.spec`` describes it."""
        inner = _composite(self.word) if self.word in _COMPOSITES else {"name": self.word}
        if self.is_list:
            return {"type": "list", "of": inner}
        return inner | {"can_be_null": True} if self.nullable else inner

    @property
    def words(self) -> str:
        """How ``application.spec`` names the type in one phrase."""
        if self.is_list:
            return "list"
        return f"{self.word} or None" if self.nullable else self.word


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource: its plural, its singular, and its fields."""

    plural: str
    singular: str
    fields: dict[str, FieldType]

    def specification(self) -> dict[str, Any]:
        """Return the kind as ``application.spec`` describes it."""
        if not self.fields:
            return {"name": self.singular}
        return {"type": self.singular, "fields": _field_specifications(self.fields)}


def _field_type(text: str) -> FieldType:
    bare = text.removesuffix("?")
    return FieldType(
        bare.removeprefix("list of "),
        nullable=bare != text,
        is_list=bare.startswith("list of "),
    )


def _parsed(text: str) -> dict[str, FieldType]:
    pairs = (entry.split(": ") for entry in text.split(", ") if entry)
    return {name: _field_type(type_text) for name, type_text in pairs}


def _field_specifications(fields: dict[str, FieldType]) -> list[dict[str, Any]]:
    return [
        {"name": name, "type": field.words, "type_spec": field.specification()}
        for name, field in fields.items()
    ]


def _composite(word: str) -> dict[str, Any]:
    return {"type": word, "fields": _field_specifications(_parsed(_COMPOSITES[word]))}


KINDS: dict[str, Kind] = {
    plural: Kind(plural, singular, _parsed(text)) for plural, (singular, text) in _KINDS.items()
}
"""Every kind by its plural."""
