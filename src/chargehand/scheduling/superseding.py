"""Which build requests a newer one makes superfluous: rules without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from chargehand.domain.identifiers import BuilderId, RequestId, SourceStampId


class Line(NamedTuple):
    """A line of development: a branch, under the name by which revisions are compared."""

    codebase: str
    project: str
    repository: str
    branch: str


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """What an incomplete request builds of each line of development that is followed."""

    request_id: RequestId
    builder_id: BuilderId
    stamps: Mapping[Line, SourceStampId]
    since: int
    """The newest change when the request was submitted."""
    branch: str | None
    """For the sentence about it."""
    trust_rank: int = 0
    """How far its sources are trusted."""


def superseded_by(new: Followed, old: Followed, orders: Mapping[SourceStampId, int | None]) -> bool:
    """Return whether *new* builds newer sources in the place of *old*'s.

    *orders* has the newest change of each source stamp, None for stamps without a change, such as
    those of forced builds: these supersede nothing, but are superseded by later changes. Equal
    sources do not supersede each other, nor do those of an older change, as of a rebuild.
    Nor do sources that are trusted less: a stranger would cancel the builds of others.
    """
    if new.trust_rank < old.trust_rank:
        return False
    if new.builder_id != old.builder_id or new.request_id == old.request_id:
        return False
    is_newer = False
    for line, stamp in new.stamps.items():
        other = old.stamps.get(line)
        order = orders[stamp]
        if other is None or other == stamp or order is None:
            continue
        known = orders[other]
        if order <= (old.since if known is None else known):
            return False
        is_newer = True
    return is_newer
