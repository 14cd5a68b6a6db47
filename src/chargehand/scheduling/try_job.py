"""Jobs that developers send to try a patch: files in the format of `buildbot try`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from chargehand.domain.source_stamp import Patch, SourceStamp
from chargehand.kit.expected import Expected

_NEWEST = 6
_FIELDS = ("jobid", "branch", "baserev", "patch_level", "patch_body")
_ADDED = {1: (), 2: ("repository", "project"), 3: ("repository", "project", "who")}
_ADDED[4] = (*_ADDED[3], "comment")
"""What versions that are no JSON have between the patch and the names of builders."""


class BadJob(Expected):
    """What was sent is no job; the text says why."""


class TryJob(msgspec.Struct, frozen=True, kw_only=True):
    """A patch to build. ``builder_names`` is empty for all builders of the scheduler."""

    id: str
    stamp: SourceStamp
    who: str
    builder_names: Sequence[str]
    properties: Mapping[str, object]

    @property
    def reason(self) -> str:
        """The reason of the builds."""
        return f"'try' job by user {self.who}" if self.who else "'try' job"


class _Fields(msgspec.Struct, frozen=True, kw_only=True):
    jobid: str
    branch: str | None = None
    baserev: str | None = None
    patch_level: int | str = 0
    patch_body: object = None
    patch_body_base64: str | None = None
    repository: str | None = None
    project: str | None = None
    who: str | None = None
    comment: str | None = None
    builder_names: list[str] | None = msgspec.field(default=None, name="builderNames")
    properties: dict[str, object] | None = None


def read_job(content: bytes) -> TryJob:
    """Return the job that a file of the versions 1 to 6 has. Raises BadJob."""
    parts = list(_netstrings(content))
    if not parts:
        raise BadJob("it is empty; `buildbot try` writes at least a version and a job")
    version = parts[0].decode("ascii", "replace")
    if not (version.isascii() and version.isdigit() and 1 <= int(version) <= _NEWEST):
        raise BadJob(f"its version is {version!r}; known are 1 to {_NEWEST}")
    try:
        return _job(_fields(int(version), parts[1:]))
    except (msgspec.DecodeError, ValueError) as error:
        raise BadJob(f"it makes no sense: {error}") from None


def _netstrings(content: bytes) -> Iterator[bytes]:
    while content:
        length, colon, rest = content.partition(b":")
        if not (colon and length.isdigit() and len(length) < 12):
            raise BadJob(f"it is no list of netstrings: {content[:20]!r} has no length")
        size = int(length)
        if rest[size : size + 1] != b",":
            raise BadJob("it is cut off, or has a netstring of a wrong length")
        yield rest[:size]
        content = rest[size + 1 :]


def _fields(version: int, parts: Sequence[bytes]) -> _Fields:
    if version not in _ADDED:
        if len(parts) != 1:
            raise ValueError(f"version {version} has one part after the version, not {len(parts)}")
        return msgspec.json.decode(parts[0], type=_Fields)
    names = _FIELDS + _ADDED[version]
    if len(parts) < len(names):
        raise ValueError(f"version {version} has {len(names)} parts or more, not {len(parts)}")
    given: dict[str, object] = {
        name: part if name == "patch_body" else part.decode()
        for name, part in zip(names, parts, strict=False)
    }
    given["builderNames"] = [part.decode() for part in parts[len(names) :]]
    return msgspec.convert(given, _Fields)


def _job(fields: _Fields) -> TryJob:
    body = fields.patch_body
    if fields.patch_body_base64 is not None:
        try:
            body = base64.b64decode(fields.patch_body_base64, validate=True)
        except binascii.Error as error:
            raise ValueError(f"patch_body_base64: {error}") from None
    if not isinstance(body, str | bytes | None):
        raise ValueError(f"patch_body is {body!r}")
    who = fields.who or ""
    patch = None
    if body:
        patch = Patch(
            level=int(fields.patch_level or 0),
            body=body.encode() if isinstance(body, str) else body,
            author=who,
            comment=fields.comment or "",
        )
    return TryJob(
        id=fields.jobid,
        stamp=SourceStamp(
            branch=fields.branch or None,
            revision=fields.baserev or None,
            repository=fields.repository or "",
            project=fields.project or "",
            patch=patch,
        ),
        who=who,
        builder_names=fields.builder_names or (),
        properties=fields.properties or {},
    )
