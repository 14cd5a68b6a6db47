"""Pure rules for buildsets: source stamps, properties, and keys of tree-stable timers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from chargehand.domain.change import Change
from chargehand.domain.identifiers import SourceStampId
from chargehand.domain.properties import Property, merged
from chargehand.domain.source_stamp import Patch, SourceStamp

GivenStamp = Mapping[str, object]
"""A partial source stamp, with the REST API's field names; all fields are optional."""

TimerKey = tuple[str, str, str, str | None]
"""Codebase, project, repository and branch: the key of a tree-stable timer."""


class Codebase(msgspec.Struct, frozen=True, kw_only=True):
    """The default sources of a codebase, for builds without a change."""

    repository: str = ""
    branch: str | None = None
    revision: str | None = None
    project: str = ""


def timer_key(change: Change) -> TimerKey:
    """Return the key of a change's timer, if each branch has its own timer."""
    return (change.codebase, change.project, change.repository, change.branch)


def by_codebase(changes: Sequence[Change]) -> dict[str, list[Change]]:
    """Group *changes* by codebase, keeping their order."""
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.codebase, []).append(change)
    return groups


def stamps_of_changes(
    codebases: Mapping[str, Codebase], changes: Sequence[Change]
) -> tuple[SourceStamp | SourceStampId, ...]:
    """Return one source stamp per codebase: its newest change's, or the default one."""
    newest = {change.codebase: change for change in changes}
    return tuple(
        newest[name].source_stamp_id if name in newest else default_stamp(name, codebases[name])
        for name in sorted(codebases)
    )


def default_stamp(name: str, codebase: Codebase) -> SourceStamp:
    """Return a codebase's default source stamp."""
    return SourceStamp(
        codebase=name,
        repository=codebase.repository,
        branch=codebase.branch,
        revision=codebase.revision,
        project=codebase.project,
    )


def stamps_with_defaults(
    codebases: Mapping[str, Codebase], given: Sequence[GivenStamp]
) -> tuple[SourceStamp, ...]:
    """Return a source stamp per codebase, overridden by *given*; includes unknown codebases.

    A given stamp may lack any field but ``codebase`` and may carry ``patch_body``,
    ``patch_level`` and so on.
    """
    said = {_text(stamp.get("codebase")) or "": stamp for stamp in given}
    names = [*sorted(codebases), *(name for name in said if name not in codebases)]
    return tuple(
        stamp_of(said.get(name, {}), default_stamp(name, codebases.get(name, Codebase())))
        for name in names
    )


def stamp_of(given: GivenStamp, default: SourceStamp | None = None) -> SourceStamp:
    """Return the source stamp for a mapping; missing fields come from *default*."""
    default = default or SourceStamp()
    return SourceStamp(
        codebase=_text(given.get("codebase", default.codebase)) or "",
        repository=_text(given.get("repository", default.repository)) or "",
        branch=_text(given.get("branch", default.branch)),
        revision=_text(given.get("revision", default.revision)),
        project=_text(given.get("project", default.project)) or "",
        patch=_patch_of(given),
    )


def _patch_of(given: GivenStamp) -> Patch | None:
    body = given.get("patch_body")
    if not body:
        return None
    return Patch(
        level=int(_text(given.get("patch_level")) or 0),
        body=body if isinstance(body, bytes) else str(body).encode(),
        subdir=_text(given.get("patch_subdir")) or "",
        author=_text(given.get("patch_author")) or "",
        comment=_text(given.get("patch_comment")) or "",
    )


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def change_properties(changes: Sequence[Change]) -> dict[str, Property]:
    """Return the properties of each codebase's newest change."""
    newest = {change.codebase: change for change in changes}
    return merged(*(change.properties for change in newest.values()))
