"""Collapsing: a newer equivalent request replaces older ones.

Buildbot's default rule (manual, "Collapsing Build Requests"): same codebases with the same
repository, project and branch; no patches; for each codebase, both come from changes or their
revisions are equal; and the same properties of their schedulers (``properties=`` of a scheduler),
but for the scheduler's name: what somebody chose in a form, or a change or a Trigger brought along,
does not count. What is trusted differently stays separate. Requests with equal keys are found by a
dictionary, so that the whole is linear in the number of requests.
"""

from __future__ import annotations

from collections.abc import Hashable

import msgspec

from chargehand.domain.buildset import PendingRequest
from chargehand.domain.identifiers import RequestId, SourceStampId
from chargehand.domain.properties import Property

_COUNTED = "Scheduler"
"""The source of properties that must be equal."""

_NOTHING = b"{}"

_to_json = msgspec.json.Encoder(order="deterministic").encode


def collapse_key(pending: PendingRequest) -> Hashable | None:
    """Return the key that collapsible requests share; None if it is never collapsed."""
    # A build that waits for a request needs its result: skipping it would look like success.
    if pending.has_patch or pending.request.waited_for:
        return None
    exact: tuple[SourceStampId | None, ...] = pending.source_stamp_ids
    if pending.with_changes:
        exact = tuple(None if one in pending.with_changes else one for one in exact)
    return (
        pending.sources,
        exact,
        pending.trust,
        _comparable(pending.properties),
    )


def _comparable(properties: dict[str, Property]) -> bytes:
    counted = {
        name: value
        for name, (value, source) in properties.items()
        if source == _COUNTED and name != "scheduler"
    }
    return _to_json(counted) if counted else _NOTHING


class Collapsible:
    """The waiting requests of one builder, by collapse key."""

    __slots__ = ("_keys", "_newest")

    def __init__(self) -> None:
        self._newest: dict[Hashable, RequestId] = {}
        self._keys: dict[RequestId, Hashable] = {}
        """Cached keys of collapsible requests: computing one encodes all properties."""

    def add(self, pending: PendingRequest) -> RequestId | None:
        """Add a request, and return the older one that it replaces, if any."""
        key = collapse_key(pending)
        if key is None:
            return None
        request_id = pending.request.id
        self._keys[request_id] = key
        replaced = self._newest.get(key)
        if replaced is not None and replaced > request_id:
            return None
        self._newest[key] = request_id
        return replaced if replaced != request_id else None

    def remove(self, request_id: RequestId) -> None:
        """Remove a request that is no longer waiting."""
        key = self._keys.pop(request_id, None)
        if key is not None and self._newest.get(key) == request_id:
            del self._newest[key]
