"""An event as clients are told of it: made once for all of them, and only as far as needed."""

from __future__ import annotations

import msgspec

from chargehand.events.messages import Event
from chargehand.kit.passwords import body_without_passwords
from chargehand.resources.announcements import Announcement, Key, resource_of
from chargehand.resources.field import Resource

_encoder = msgspec.json.Encoder()


class Told:
    """The keys of an event and its resource; ``number`` is its position in the stream."""

    __slots__ = ("_body", "_event", "_resource", "keys", "number", "skipped")

    def __init__(
        self,
        number: int,
        keys: tuple[Key, ...],
        *,
        event: Event | None = None,
        resource: Resource | None = None,
        body: bytes | None = None,
        skipped: frozenset[int] = frozenset(),
    ) -> None:
        self.number = number
        self.keys = keys
        self.skipped = skipped
        """Places of keys that the client that missed the event does not get."""
        self._event = event
        self._resource = resource
        self._body = body

    @property
    def resource(self) -> Resource:
        """The whole resource."""
        if self._resource is None:
            if self._event is not None:
                self._resource = resource_of(self._event)
            else:
                assert self._body is not None, "it has an event, a resource or a body"
                self._resource = msgspec.json.decode(self._body)
        return self._resource

    @property
    def body(self) -> bytes:
        """The resource as JSON, without passwords."""
        if (body := self._body) is None:
            body = self._body = body_without_passwords(_encoder.encode(self.resource))
        return body

    @property
    def announcement(self) -> Announcement:
        """What the visibility check looks at."""
        return self.keys, self.resource

    def kept(self) -> Told:
        """Return the same with nothing but the body, to be kept for a while."""
        return Told(self.number, self.keys, body=self.body)

    def masked(self, seen: Announcement) -> Told:
        """Return what is left of it for visitors from whom some is hidden."""
        keys, resource = seen
        # The others keep their places, which are part of positions.
        left = tuple(key if key in keys else () for key in self.keys)
        return Told(self.number, left, resource=resource, skipped=self.skipped)
