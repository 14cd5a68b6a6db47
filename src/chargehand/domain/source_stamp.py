"""A source stamp: the sources of a build."""

import msgspec

from chargehand.domain.identifiers import SourceStampId, Timestamp


class Patch(msgspec.Struct, frozen=True, kw_only=True):
    """A patch to apply to the sources, as sent by `try`."""

    level: int
    body: bytes
    subdir: str = ""
    author: str = ""
    comment: str = ""
    id: int | None = None


class SourceStamp(msgspec.Struct, frozen=True, kw_only=True):
    """Sources of a build; equal ones are stored once. ``revision`` None means the newest."""

    branch: str | None = None
    revision: str | None = None
    repository: str = ""
    project: str = ""
    codebase: str = ""
    patch: Patch | None = None


class StoredSourceStamp(msgspec.Struct, frozen=True, kw_only=True):
    """A stored source stamp."""

    id: SourceStampId
    created_at: Timestamp
    stamp: SourceStamp
