"""Pictures of people: who is asked for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec


class Picture(msgspec.Struct, frozen=True):
    """A picture: its media type, and its bytes."""

    media_type: str
    body: bytes


class Elsewhere(msgspec.Struct, frozen=True):
    """A picture at an address, from which the master fetches it."""

    url: str


Portrait = Picture | Elsewhere


class AvatarMethod(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may have pictures: ``find(email, user name, size in pixels)`` returns one, or
    None. Email or name may be empty. It may raise any Exception."""

    name: str
    find: Callable[[str, str, int], Awaitable[Portrait | None]]
