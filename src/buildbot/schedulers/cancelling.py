"""What services that cancel builds have in common: their filters, and cancelling."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from buildbot._border.errors import error
from buildbot.util.ssfilter import SourceStampFilter
from chargehand.domain.identifiers import RequestId
from chargehand.domain.source_stamp import StoredSourceStamp
from chargehand.domain.user import User
from chargehand.kit.guard import guarded

_log = logging.getLogger(__name__)


def names_of(given: Any) -> list[str]:
    """Return builders' names, given as a list or as one string."""
    return [given] if isinstance(given, str) else list(given)


def are_names(given: Any) -> bool:
    """Return whether these are builders' names."""
    return isinstance(given, str) or (
        isinstance(given, list | tuple) and all(isinstance(name, str) for name in given)
    )


def check_filters(owner: str, filters: Any, *, shape: str, count: int) -> bool:
    """Report what is not a list of tuples of *count* elements that end with a source stamp filter;
    return whether nothing is wrong."""
    if not isinstance(filters, list | tuple):
        error(f"{owner}: filters must be a list of tuples {shape}, not {filters!r}")
        return False
    for one in filters:
        if not isinstance(one, list | tuple) or len(one) != count:
            error(f"{owner}: each of filters must be a tuple {shape}, not {one!r}")
        elif not are_names(one[0]):
            error(f"{owner}: the first element of a filter must be a list of builders' names")
        elif not isinstance(one[-1], SourceStampFilter):
            error(
                f"{owner}: the last element of a filter must be a util.SourceStampFilter, "
                f"not {one[-1]!r}"
            )
        else:
            continue
        return False
    return True


def as_dictionary(stored: StoredSourceStamp) -> dict[str, Any]:
    """Return what users' functions see of a source stamp."""
    stamp = stored.stamp
    return {
        "ssid": stored.id,
        "branch": stamp.branch,
        "revision": stamp.revision,
        "repository": stamp.repository,
        "project": stamp.project,
        "codebase": stamp.codebase,
        "patch": None if stamp.patch is None else stamp.patch.body,
        "created_at": stored.created_at,
    }


def passes(owner: str, wanted: SourceStampFilter, stamp: Mapping[str, Any]) -> bool:
    """Return whether a source stamp passes; False, and logged, where the user's function fails."""
    with guarded(_log, "%s: a filter failed; builds of this source stamp are not cancelled", owner):
        return bool(wanted.is_matched(stamp))
    return False


async def cancel(service: Any, request_ids: Iterable[RequestId], reason: str) -> None:
    """Cancel requests, waiting or running, in the name of the service."""
    by = User(name=f'{type(service).__name__} "{service.name}"')
    for request_id in request_ids:
        with guarded(_log, "%s: cannot cancel request %d", by.name, request_id):
            await service.master.access.engine.orders.cancel_request(request_id, reason, by)
