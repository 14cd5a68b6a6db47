"""A source stamp: which sources a build shall use."""

import msgspec

from chargehand.domain.identifiers import SourceStampId, Timestamp


class Patch(msgspec.Struct, frozen=True, kw_only=True):
    """A difference to be applied to the sources, as `try` sends it."""

    level: int
    body: bytes
    subdir: str = ""
    author: str = ""
    comment: str = ""
    id: int | None = None


class SourceStamp(msgspec.Struct, frozen=True, kw_only=True):
    """Equal source stamps are stored once; ``revision`` None means the newest there is."""

    branch: str | None = None
    revision: str | None = None
    repository: str = ""
    project: str = ""
    codebase: str = ""
    patch: Patch | None = None


class StoredSourceStamp(msgspec.Struct, frozen=True, kw_only=True):
    """A source stamp with its identifier."""

    id: SourceStampId
    created_at: Timestamp
    stamp: SourceStamp
