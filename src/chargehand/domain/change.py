"""A change to the sources."""

from typing import Self

import msgspec

from chargehand.domain.identifiers import ChangeId, SourceStampId, Timestamp
from chargehand.domain.properties import Property
from chargehand.domain.trust import TrustLevel


class NewChange(msgspec.Struct, frozen=True, kw_only=True):
    """A new change, before it is stored.

    Without ``when``, the store uses the time of arrival.
    """

    author: str
    committer: str | None = None
    files: tuple[str, ...] = ()
    comments: str = ""
    revision: str | None = None
    when: Timestamp | None = None
    branch: str | None = None
    category: str | None = None
    revlink: str = ""
    properties: dict[str, Property] = {}
    repository: str = ""
    project: str = ""
    codebase: str = ""
    trust: TrustLevel = TrustLevel.TRUSTED
    trust_reason: str | None = None
    """Why it is not trusted more."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A stored change."""

    id: ChangeId
    source_stamp_id: SourceStampId
    author: str
    committer: str | None
    files: tuple[str, ...]
    comments: str
    revision: str | None
    when: Timestamp
    branch: str | None
    category: str | None
    revlink: str
    properties: dict[str, Property]
    repository: str
    project: str
    codebase: str
    trust: TrustLevel = TrustLevel.TRUSTED
    trust_reason: str | None = None
    parent_ids: tuple[ChangeId, ...] = ()

    @classmethod
    def of(
        cls,
        new: NewChange,
        *,
        change_id: ChangeId,
        source_stamp_id: SourceStampId,
        when: Timestamp,
        parent_ids: tuple[ChangeId, ...] = (),
    ) -> Self:
        """Return a new change as it is stored, with all that it says."""
        fields = msgspec.structs.asdict(new) | {"when": when}
        return cls(id=change_id, source_stamp_id=source_stamp_id, parent_ids=parent_ids, **fields)
